"""What Git may ask of a registry that lies in a store: list, fetch, push."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .bundles import Taking
from .config import Settings
from .deepening import deepen, is_asked
from .errors import DataError, GitError, UsageError
from .git import Git, Location
from .history import History
from .progress import Progress
from .pushing import Plan, Pusher
from .refnames import is_branch
from .refs import Fetcher, Registry, Wish
from .remote import Listing, Options, Taken
from .stores import is_network
from .updates import Answer, Request
from .which import Opened

SendData = Callable[[Sequence[str]], None]
Prove = Callable[[], tuple[str, ...]]
Show = Callable[[Options], Progress]


NOT_DONE = "see the message above"


class Here(NamedTuple):
    """The repository that Git works in, as far as there is one."""

    git: Git
    location: Location | None  # None: `git ls-remote` outside of any
    settings: Settings
    remote: str | None  # the name of the configured remote; None: an address was typed


class Work(NamedTuple):
    send_data: SendData  # sends what some new commits need, before their refs move
    prove: Prove  # of a store that is to hold a registry: what its writers must know
    progress: Show  # as Git wants it shown


class RegistryService:
    """`address`: of the store. `work`: what it takes of the rest of the program."""

    def __init__(self, opened: Opened, here: Here, address: str, work: Work) -> None:
        self.registry = Registry(opened.store, opened.access.single_writer)
        self.here = here
        self.address = address
        self.send_data, self._prove, self.progress = work

    def refs(self, for_push: bool) -> Listing:
        manifest = self.registry.read() if for_push else self.registry.need()
        if manifest is None:
            self._may_create()
            return Listing(self._location.object_format, [])
        listed = [
            (name, oid) for name, oid in manifest.listed() if not for_push or name in manifest.refs
        ]
        head = manifest.head if manifest.head in manifest.refs and not for_push else None
        return Listing(manifest.object_format, listed, head)

    def fetch(self, wanted: Sequence[tuple[str, str]], options: Options) -> Taken:
        manifest = self.registry.manifest or self.registry.need()
        # `git clone` has settled the object format only now.
        history = History(self.here.git, self.here.git.locate())
        if options.text("filter") and options.has("cloning") and options.verbosity > 0:
            self.progress(options).note(
                "git-data: a registry in a store has no filters: all is fetched"
            )
        how = self._taking(options)
        progress = self.progress(options)
        fetcher = Fetcher(self.registry.store, manifest, history, self._folder, progress)
        if is_asked(options):
            deepen(fetcher, wanted, options, how)
            return Taken()
        oids = tuple(dict.fromkeys(oid for _, oid in wanted))
        done = fetcher.fetch(Wish(oids, options.has("cloning"), options.has("refetch")), how)
        return Taken(done.lock, done.connected)

    def push(self, requests: Sequence[Request], options: Options) -> list[Answer]:
        history = History(self.here.git, self._location)
        plan = Plan(
            atomic=options.has("atomic"),
            dry_run=options.has("dry-run"),
            head=_wished_head(options),
            first_heads=self._first_heads(),
            shown=_shown(options),
        )
        if self.registry.manifest is None and not plan.dry_run:
            plan = plan._replace(features=self._prove())
        pusher = Pusher(self.registry, history, self._folder, self.send_data, plan)
        try:
            return pusher.push(requests)
        except DataError as error:
            self.progress(options).note(f"git-data: {error}")
            return [Answer(request.ref, NOT_DONE) for request in requests]

    # Making a registry

    def _may_create(self) -> None:
        """A first push makes a registry; but not where one should be, and cannot be seen now."""
        if self.here.remote and self._was_seen(self.here.remote):
            raise DataError(
                f"there is no registry at {self.registry.store.url}, although there was one before:"
                " nothing was pushed",
                "mount it if it is a disk; if it is to be made anew: "
                f"git remote rename {self.here.remote} old, and add the remote again",
            )
        if not is_network(self.address):
            check_folder(self.registry.store.url)

    def _was_seen(self, remote: str) -> bool:
        tracked = f"refs/remotes/{remote}/"
        return bool(self.here.git.run("for-each-ref", "--count=1", tracked))

    # Around it

    @property
    def _location(self) -> Location:
        if self.here.location is None:
            raise GitError("there is no repository here", "run this inside one, or git init")
        return self.here.location

    @property
    def _folder(self) -> str:
        return os.path.join(self._location.common_dir, "git-data", "tmp")

    def _taking(self, options: Options) -> Taking:
        return Taking.of(self.here.settings.values, shown=_shown(options))

    def _first_heads(self) -> tuple[str, ...]:
        configured = self.here.settings.values.get("init.defaultbranch", ())
        current = self.here.git.line("symbolic-ref", "--quiet", "HEAD")
        names = [*(f"refs/heads/{name}" for name in configured[-1:]), current or ""]
        return (*filter(is_branch, names), "refs/heads/main", "refs/heads/master")


def _shown(options: Options) -> bool:
    return options.has("progress") and options.verbosity > 0


def _wished_head(options: Options) -> str | None:
    """`git push -o head=trunk …`: the branch that HEAD shall name from now on."""
    wishes = [text for text in options.all("push-option") if text.startswith("head=")]
    if not wishes:
        return None
    name = wishes[-1].removeprefix("head=")
    full = name if name.startswith("refs/") else f"refs/heads/{name}"
    if not is_branch(full):
        raise UsageError(f"no branch: {name[:80]!r}; nothing was pushed")
    return full


def check_folder(path: str) -> None:
    """A new registry takes a new folder, an empty one, or one that is a store already. That
    its parent is missing looks like a typing error."""
    parent = os.path.dirname(path)
    if not os.path.isdir(path):
        if os.path.lexists(path) or not os.path.isdir(parent):
            what = path if os.path.lexists(path) else parent
            raise DataError(
                f"no registry can be made at {path}: {what} is no folder; nothing was pushed",
                "check the address, or make the folder: mkdir -p",
            )
        return
    if not _may_hold_a_registry(path):
        raise DataError(
            f"{path} is no registry, and holds other files: nothing was pushed",
            "name an empty folder, or one that is not there yet",
        )


_OURS = {
    "": {"data", "git", "tmp"},
    "git": {"bundles", "manifest", "manifest.lock"},
    "data": {"index", "packs", "manifest", "manifest.lock"},
}


def _may_hold_a_registry(path: str) -> bool:
    """True where there is nothing, or nothing but a store of data, what a killed push left, or a
    registry that somebody else has made since we looked."""
    for folder, names in _OURS.items():
        try:
            found = set(os.listdir(os.path.join(path, folder)))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"cannot read {path}/{folder}: {error.strerror}") from error
        if not found <= names:
            return False
    return True
