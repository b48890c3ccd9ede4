"""History in a store, safely moved: one manifest by compare-and-swap, bundles that never change.

`Registry` is the face of it. A push is: bundle, confirmed; then the manifest. Who loses the race
reads the newer manifest and decides again; an answer that was lost is settled by one's own
transaction id. What bundles hold only grows: a bundle is merged with others, never left out. So
what a pusher built on is still there when he has to try again.

A fetch looks from the newest bundle back, for those that hold what is wanted and is not complete
here, and for what these build on. What is here is asked of Git, never remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from . import bundles as library
from . import gitmanifest as manifests
from .bundles import Taking
from .errors import SAFE, Conflict, Damaged, GitError, NotFound, Unreachable
from .gitmanifest import BundleRef, GitManifest
from .history import History
from .progress import SILENT, Progress
from .stores.base import Store

ATTEMPTS = 100  # each means that somebody else got through
LOST_ANSWERS = 5

Change = Callable[[GitManifest], GitManifest | None]


class Registry:
    """The history in one store. `single_writer`: the user says that nobody else writes to it."""

    def __init__(self, store: Store, single_writer: bool = False) -> None:
        self.store = store
        self._single_writer = single_writer
        self.manifest: GitManifest | None = None  # as it was read last
        self._version: str | None = None
        self._ours: set[str] = set()  # the transaction ids that were written

    @property
    def name(self) -> str:
        return f"{self.store.url}/{manifests.NAME}"

    def read(self) -> GitManifest | None:
        """The manifest in force; None where there is no history."""
        found = self.store.read_small(manifests.NAME, manifests.MAX_BYTES)
        self._version = found.version if found else None
        self.manifest = manifests.parse(found.data, self.name) if found else None
        return self.manifest

    def need(self) -> GitManifest:
        """The manifest in force; NotFound where there is none, as at a mistyped address."""
        found = self.read()
        if found is None:
            raise NotFound(
                f"there is no registry at {self.store.url}",
                "check the address; a first git push to it makes one",
            )
        return found

    def create(self, first: GitManifest) -> GitManifest:
        """Make an empty registry, if there is none yet; whoever comes second takes the first's."""
        for attempt in range(LOST_ANSWERS):
            try:
                self._version = self.store.replace_if(manifests.NAME, first.encode(), None)
                self.manifest = first
                return first
            except Conflict:
                return self.need()
            except Unreachable:  # done or not? the manifest will say
                if self.read() is not None or attempt == LOST_ANSWERS - 1:
                    return self.need()
        raise AssertionError

    def check_writable(self, manifest: GitManifest) -> None:
        """As `GitManifest.check_writable`, by what the user says of this store."""
        manifest.check_writable(self.name, self._single_writer)

    def change(self, build: Change) -> bool:
        """Put the manifest in force that `build` makes of the one that is, with our transaction
        id in it; again with the newer one when somebody else was faster. False: it gave None."""
        lost = 0
        for attempt in range(ATTEMPTS):
            current = self.manifest if attempt == 0 and self.manifest else self._again(lost)
            if lost and self._is_ours(current):
                return True
            self.check_writable(current)
            new = build(current)
            if new is None:
                return False
            try:
                self._swap(new)
                return True
            except Conflict:
                continue
            except Unreachable as error:  # done or not? the manifest will say
                lost += 1
                if lost > LOST_ANSWERS:
                    raise self._unknown(error) from error
        raise Conflict(
            f"{self.name} was changed by others {ATTEMPTS} times while this push tried to",
            "push again",
        )

    def _again(self, lost: int) -> GitManifest:
        try:
            return self.need()
        except Unreachable as error:
            raise (self._unknown(error) if lost else error) from error

    def _swap(self, new: GitManifest) -> None:
        data = new.encode()
        if len(data) > manifests.MAX_BYTES:
            raise Damaged(
                f"{self.name} would have more than {manifests.MAX_BYTES} bytes: too many refs",
                "delete refs that nobody needs",
            )
        self._ours.add(new.transactions[-1])
        self._version = self.store.replace_if(manifests.NAME, data, self._version)
        self.manifest = new

    def _is_ours(self, current: GitManifest) -> bool:
        return not self._ours.isdisjoint(current.transactions)

    def _unknown(self, error: Unreachable) -> Unreachable:
        return Unreachable(
            f"{self.name} does not answer: the push may have been done or not ({error.message})",
            SAFE,
        )


class Wish(NamedTuple):
    """What a fetch asks for."""

    oids: tuple[str, ...]
    empty: bool = False  # the repository has nothing yet: a clone
    again: bool = False  # bring it whether it is here or not


class Fetched(NamedTuple):
    lock: str | None = None  # a pack that is to be kept until refs are set
    connected: bool = False  # everything that can be reached is known to be here


class Fetcher:
    """Brings what is wanted of a registry into the local repository."""

    def __init__(
        self,
        store: Store,
        manifest: GitManifest,
        history: History,
        folder: str,
        progress: Progress = SILENT,
    ) -> None:
        """`folder`: for temporary files."""
        self.store = store
        self.manifest = manifest
        self.history = history
        self.folder = folder
        self.progress = progress

    def fetch(self, wish: Wish, how: Taking) -> Fetched:
        """Raises Damaged, GitError, StoreError; then nothing but unreferenced objects is here."""
        shallow = bool(self.history.shallow_commits())
        how = how._replace(linked=wish.empty or shallow, quiet=shallow)
        chosen = [*self.manifest.bundles] if wish.again else self.lacking(wish.oids)
        try:
            lock = self.take(chosen, how)
            self._check(wish)
        except (GitError, Damaged):
            # History that was cut off may lack objects that a bundle relies on: then all of it.
            if not shallow or len(chosen) == len(self.manifest.bundles):
                raise
            lock = self.take(self.manifest.bundles, how._replace(quiet=False))
            self._check(wish)
        return Fetched(lock, wish.empty)

    def _check(self, wish: Wish) -> None:
        if missing := sorted(set(wish.oids) - self.history.existing(wish.oids)):
            raise Damaged(
                f"the registry at {self.store.url} is damaged: it has refs to {missing[0]}, "
                "which none of its bundles holds"
            )

    def lacking(self, oids: Iterable[str]) -> list[BundleRef]:
        """The bundles that hold what of these is not complete here, in their order."""
        bundles = self.manifest.bundles
        first = _first_places(bundles)
        wanted, chosen = self._incomplete(oids), list[BundleRef]()
        for at in range(len(bundles) - 1, -1, -1):
            if not wanted:
                break
            bundle = bundles[at]
            if wanted.intersection(bundle.tips):
                needed = True
            else:  # what is no tip, as a branch from an older commit, may be in any of those left
                hidden = any(first.get(oid, len(bundles)) > at for oid in wanted)
                needed = hidden and bool(self._incomplete(bundle.tips))
            if needed:
                chosen.append(bundle)
                wanted.difference_update(bundle.tips)
                wanted |= self._incomplete(bundle.prerequisites)
        return chosen[::-1]

    def _incomplete(self, oids: Iterable[str]) -> set[str]:
        wanted = set(oids)
        return wanted - self.history.complete(wanted)

    def take(self, chosen: Sequence[BundleRef], how: Taking) -> str | None:
        """The `.keep` file of the largest pack."""
        locks: list[tuple[int, str]] = []
        for ref, path in library.bring(self.store, chosen, self.folder, self.progress):
            if lock := library.take(self.history, ref, path, how):
                locks.append((ref.size, lock))
        for _, other in sorted(locks)[:-1]:  # Git takes note of one
            library.unlock(other)
        return max(locks)[1] if locks else None


def _first_places(bundles: Sequence[BundleRef]) -> dict[str, int]:
    """For each tip the place of the first bundle that has it."""
    places: dict[str, int] = {}
    for at, bundle in enumerate(bundles):
        for tip in bundle.tips:
            places.setdefault(tip, at)
    return places
