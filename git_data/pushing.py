"""A push to a registry: data first, then one bundle of what is new, then the refs.

Nothing is answered with "done" before the manifest is in force. Who loses the race decides again,
ref by ref, with what is in force then: only refs that really conflict are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import bundles as library
from . import gitmanifest as manifests
from .bundles import Maker
from .errors import Conflict, GitError
from .gitmanifest import GitManifest
from .history import History, Thing
from .manifest import new_token
from .merge import MERGE_BYTES, Merge, Merger
from .refs import Registry
from .updates import Answer, Judge, Request, Update, apply, decide

SHALLOW = "shallow update not allowed"
NO_HEAD = "the branch that was named to be HEAD is not there"

SendData = Callable[[Sequence[str]], None]


class Plan(NamedTuple):
    """How a push is to be done."""

    atomic: bool = False
    dry_run: bool = False
    head: str | None = None  # the branch that HEAD shall name from now on
    first_heads: tuple[str, ...] = ("refs/heads/master",)  # if it names none yet: the best first
    shown: bool = False  # Git shows its progress
    features: tuple[str, ...] = ()  # what writers to a new registry must know
    merge_bytes: int = MERGE_BYTES  # bundles above this are left as they are


class Pusher:
    """One batch of `push` lines. `folder`: for temporary files."""

    def __init__(
        self, registry: Registry, history: History, folder: str, send_data: SendData, plan: Plan
    ) -> None:
        self.registry = registry
        self.history = history
        self.folder = folder
        self.send_data = send_data
        self.plan = plan
        self._updates: list[Update] = []
        self._reasons: dict[str, str] = {}
        self._cut: set[str] = set()  # refs whose history is not whole here

    def push(self, requests: Sequence[Request]) -> list[Answer]:
        """The answer for each request. DataError: nothing was pushed, or nobody can tell."""
        sources = [request.source for request in requests if request.source]
        found = dict(zip(sources, self.history.find(sources), strict=True))
        self._updates = [Update(r, found[r.source] if r.source else None) for r in requests]
        current = self.registry.manifest or self._first()
        self._check(current)
        self._decide(current)
        if self._accepted and not self.plan.dry_run:
            self._push()
        return [Answer(ref, reason) for ref, reason in self._reasons.items()]

    def _first(self) -> GitManifest:
        object_format = self.history.location.object_format
        return manifests.create(object_format, self.plan.first_heads[0], self.plan.features)

    def _check(self, current: GitManifest) -> None:
        ours = self.history.location.object_format
        if current.object_format != ours:
            raise GitError(
                f"{self.registry.name} has {current.object_format} objects, "
                f"this repository {ours}: nothing was pushed"
            )
        self.registry.check_writable(current)

    # Deciding

    @property
    def _accepted(self) -> list[Update]:
        return [update for update in self._updates if not self._reasons[update.ref]]

    def _decide(self, current: GitManifest) -> None:
        judge = Judge(current.refs, self.plan.head or current.head, self.history)
        reasons = decide(self._updates, judge, current.refs, self.plan.atomic)
        refused = dict.fromkeys(self._cut, SHALLOW)
        left = [u for u in self._updates if not reasons[u.ref] and u.ref not in refused]
        if self.plan.head and self.plan.head not in apply(current.refs, left):
            refused = {update.ref: NO_HEAD for update in self._updates}
        elif refused and self.plan.atomic:
            refused = {update.ref: SHALLOW for update in self._updates}
        self._reasons = reasons | {ref: reasons[ref] or why for ref, why in refused.items()}

    def _new(self) -> list[Thing]:
        return [update.new for update in self._accepted if update.new]

    # Doing

    def _push(self) -> None:
        base = self.registry.manifest
        if base is None:
            base = self.registry.create(self._first())
            self._check(base)
            self._decide(base)
        self._refuse_cut(base)
        if not self._accepted:
            return
        self.send_data([thing.oid for thing in self._new()])
        merge = self._bundle(base)
        try:
            if merge:
                library.put(self.registry.store, merge.draft)
            self.registry.change(lambda current: self._next(current, base, merge))
        finally:
            if merge:
                merge.draft.close()

    def _refuse_cut(self, base: GitManifest) -> None:
        """What a shallow repository lacks, the registry would lack."""
        if not self.history.shallow_commits():
            return
        known = self.history.existing(base.held())
        for update in self._accepted:
            if update.new and self.history.news([update.new], known).cut:
                self._cut.add(update.ref)
        self._decide(base)

    def _bundle(self, base: GitManifest) -> Merge | None:
        """A bundle of what is new, merged with small ones before it; None: nothing is new."""
        known = self.history.existing(base.held())
        news = self.history.news(self._new(), known)
        if not news.tips:
            return None
        refs = apply(base.refs, self._accepted)
        maker = Maker(self.history, self.folder, refs, self.plan.shown)
        merger = Merger(self.registry.store, base, maker, self.plan.merge_bytes)
        return merger.merge(maker.make(news, known))

    def _next(
        self, current: GitManifest, base: GitManifest, merge: Merge | None
    ) -> GitManifest | None:
        if current.registry != base.registry:
            raise Conflict(f"{self.registry.name} was replaced by another registry", "push again")
        self._decide(current)
        if not self._accepted:
            return None
        refs = apply(current.refs, self._accepted)
        tags = {u.ref: u.new.peeled if u.new else "" for u in self._accepted}
        peeled = {name: oid for name, oid in {**current.peeled, **tags}.items() if oid}
        return current.next(
            new_token(),
            head=self._head(current, refs),
            refs=refs,
            peeled=peeled,
            bundles=merge.place(current.bundles) if merge else current.bundles,
        )

    def _head(self, current: GitManifest, refs: dict[str, str]) -> str:
        """The branch that HEAD names: as it was, unless there is none of that name."""
        if self.plan.head or current.head in refs:
            return self.plan.head or current.head
        pushed = [u.ref for u in self._accepted if u.new and u.ref.startswith("refs/heads/")]
        wishes = [name for name in self.plan.first_heads if name in pushed]
        return next(iter([*wishes, *pushed]), current.head)
