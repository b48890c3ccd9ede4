"""A registry in a store beside a plain bare repository: what is done to one is done to the other,
and both must come to the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from git_data import gitmanifest
from git_data.gitmanifest import GitManifest

from .world import Checkout, Done, World


@dataclass
class Twins:
    world: World
    root: Path  # of the registry
    plain: Checkout

    @classmethod
    def make(cls, world: World, *options: str) -> Twins:
        return cls(world, world.root / "registry", world.bare("plain.git", *options))

    @property
    def address(self) -> str:
        return f"data::file://{self.root}"

    def repo(self, name: str = "work", *options: str) -> Checkout:
        """A repository with both as its remotes: `origin` is the registry."""
        repo = self.world.repo(name, *options)
        repo.git("remote", "add", "origin", self.address)
        repo.git("remote", "add", "plain", str(self.plain.path))
        return repo

    def push(self, repo: Checkout, *words: str, code: int = 0, **how: object) -> tuple[Done, Done]:
        """The same push to both, which must tell the same."""
        done = [
            repo.git("push", "--porcelain", remote, *words, code=code, **how)
            for remote in ("origin", "plain")
        ]
        assert table(done[0]) == table(done[1])
        return done[0], done[1]

    @property
    def manifest(self) -> GitManifest:
        return gitmanifest.parse((self.root / "git/manifest").read_bytes(), "it")

    def check(self) -> None:
        """Both have the same refs, and the same objects behind them."""
        listed = [self.world.git("ls-remote", where).out for where in self._both]
        assert listed[0] == listed[1]
        objects = [self._objects(where, f"check{at}") for at, where in enumerate(self._both)]
        assert objects[0] == objects[1]

    @property
    def _both(self) -> tuple[str, str]:
        return self.address, str(self.plain.path)

    def _objects(self, where: str, name: str) -> list[str]:
        path = self.world.root / "checks" / name
        self.world.run("rm", "-rf", path)
        self.world.git("clone", "-q", "--mirror", where, path)
        clone = Checkout(self.world, path)
        assert clone.git("fsck", "--full", "--strict").err == ""
        return sorted(clone.git("rev-list", "--all", "--objects").lines)


def table(done: Done) -> list[str]:
    """What `git push --porcelain` tells of each ref."""
    return sorted(line for line in done.lines if "\t" in line)
