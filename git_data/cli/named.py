"""The repository that a command names: a URL, a `data::` address, a folder, or the one here."""

from __future__ import annotations

from typing import NamedTuple

from .. import listing, sources
from ..config import environment
from ..git import Git
from ..inventory import commit_of
from ..listing import Entry
from ..origin import is_own
from ..repo import Repo
from .options import Here
from .terminal import Screen, printable


class Named(NamedTuple):
    repo: Repo
    commit: str
    where: str  # for people

    def find(self, word: str) -> Entry:
        """The file or folder that a user's word means; NotFound names what is near."""
        if isinstance(self.repo, sources.Source):
            return listing.find(self.repo.git, self.commit, listing.clean(word), self.where)
        path = Here.of(self.repo).to_top(word) if word else ""
        return listing.find(self.repo.git, self.commit, path, self.where)


def open_named(url: str, revision: str | None, screen: Screen) -> Named:
    """Asks another repository once, the one that the user is in not at all."""
    git = Git(".", environment())
    if is_own(url, git):
        repo = Repo.open()
        return Named(repo, commit_of(repo, revision or sources.HEAD), repo.top)
    screen.start(f"Asking {printable(url)}", 0, 0)
    source, (commit,) = sources.fetch(url, [revision or sources.HEAD], ".", git)
    screen.finish()
    return Named(source, commit, source.origin.shown)
