"""A repository and a registry, as the engine sees them: no remote helper, no conversation."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from git_data.bundles import Taking
from git_data.git import Git
from git_data.history import History
from git_data.pushing import Plan, Pusher
from git_data.refs import Fetched, Fetcher, Registry, Wish
from git_data.stores.base import Store
from git_data.updates import parse_push

from .world import Checkout

PLAIN = Plan(first_heads=("refs/heads/main",))


MAIN = "push refs/heads/main:refs/heads/main"


class Side:
    """`store`: of the registry, as this repository reaches it."""

    def __init__(self, repo: Checkout, store: Store) -> None:
        self.repo = repo
        self.store = store
        git = Git(str(repo.path), repo.world.env)
        self.history = History(git, git.locate())
        self.sent: list[str] = []
        self.before_bundle: Callable[[], object] = lambda: None

    @property
    def folder(self) -> str:
        return os.path.join(self.history.location.common_dir, "git-data", "tmp")

    def send_data(self, oids: Sequence[str]) -> None:
        self.sent += oids
        self.before_bundle()

    def push(
        self, *lines: str, plan: Plan = PLAIN, leases: dict[str, str] | None = None
    ) -> list[str]:
        """The reasons, in order; empty ones are done."""
        registry = Registry(self.store)
        registry.read()
        pusher = Pusher(registry, self.history, self.folder, self.send_data, plan)
        requests = [parse_push(line, leases) for line in lines]
        return [answer.reason for answer in pusher.push(requests)]

    def fetch(self, *names: str, how: Taking | None = None, **wish: bool) -> Fetched:
        """Bring refs of the registry (all of them if none is named), and set them here."""
        manifest = Registry(self.store).need()
        wanted = {name: manifest.refs[name] for name in names or manifest.refs}
        fetcher = Fetcher(self.store, manifest, self.history, self.folder)
        oids = tuple(dict.fromkeys(wanted.values()))
        done = fetcher.fetch(Wish(oids, **wish), how or Taking())
        for name, oid in wanted.items():
            self.repo.git("update-ref", name.replace("refs/heads/", "refs/remotes/origin/"), oid)
        return done

    def check(self) -> None:
        """Everything here is whole."""
        assert self.repo.git("fsck", "--full", "--strict", "--no-dangling").out == ""

    def bundles(self) -> list[str]:
        return [bundle.id.hex() for bundle in Registry(self.store).need().bundles]


def files_in(root: Path) -> set[str]:
    """The files of a registry, but locks."""
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return {name for name in found if not name.endswith(".lock")}
