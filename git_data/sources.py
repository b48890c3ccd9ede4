"""A repository that data comes from, opened at an address: what it has, and where its data lies.

It is a `Repo` like one's own, so what asks for objects works on it; but it is a bare partial clone
in the user's cache folder (keeping.py), and of what it says only names of stores are used, as of
any `.gitdata`: they choose no command and no credential.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from . import project
from .addresses import Kind, git_folder, place_of_url
from .asking import Missing
from .config import settings, sources_folder
from .errors import DataError, Unreachable
from .git import Git, Location, is_full_id
from .keeping import Kept, check_revision
from .oid import hash_bytes
from .origin import Origin, find, own_store
from .project import Project
from .repo import Address, Repo, named
from .stores import is_network

FEW = 64  # objects: for so few, the whole index of a store is not fetched
HEAD = "HEAD"


class Source(Repo):
    """Somebody's repository, as far as it is here. Only `commits` and `bring_blobs` fetch."""

    def __init__(self, kept: Kept, base: str, asking: Git) -> None:
        """After the first fetch. `base`: where relative addresses of the user's start."""
        where = kept.folder
        object_format = kept.git.line("rev-parse", "--show-object-format") or "sha1"
        super().__init__(kept.git, Location(where, where, None, object_format), settings(kept.git))
        self.origin = kept.origin
        self.folder = os.path.dirname(where)  # copies of indexes serve all sources
        self._kept = kept
        self._base = base
        self._asking = asking

    # Fetching

    def commits(self, revisions: Sequence[str]) -> list[str]:
        """The commits that some names stand for now, by one fetch; by none when all are ids of
        commits that are here. Missing when there is no such revision."""
        return _commits(self._kept, revisions)

    def bring_blobs(self, oids: Iterable[str]) -> None:
        """Plain files of Git's that are too large to have come with their commit."""
        self._kept.bring_blobs(oids)

    # Where its data lies

    def project_at(self, revision: str) -> Project:
        if revision not in self._projects:
            if found := project.in_tree(self.git, revision):
                self.bring_blobs([found[1]])  # larger ones do not come by themselves
            self._projects[revision] = super().project_at(revision)
        return self._projects[revision]

    def _candidates(self, treeish: str | None) -> Iterator[Address]:
        if self.settings.store:
            yield Address(self._absolute(self.settings.store, self._base), "data.store")
        for address in named(self.project_at(treeish or HEAD)):
            if meant := self._meant(address):
                yield meant
        if itself := own_store(self.origin):
            yield itself
        yield from self._its_remotes()

    def _meant(self, address: Address) -> Address | None:
        """An address in its `.gitdata`, as it is meant there: a relative folder starts at its top,
        and means nothing where it is not on this machine."""
        mirrors = tuple(url for url in map(self._meant_url, address.mirrors) if url)
        if url := self._meant_url(address.url):
            named_by = f"{address.named_by} of {self.origin.shown}"
            return address._replace(url=url, named_by=named_by, mirrors=mirrors)
        return None

    def _meant_url(self, url: str) -> str | None:
        if is_network(url) or os.path.isabs(os.path.expanduser(url)):
            return url
        top = self._its_top()
        return self._absolute(url, top) if top else None

    @staticmethod
    def _absolute(url: str, base: str) -> str:
        if is_network(url) or "://" in url:
            return url
        return os.path.normpath(os.path.join(base, os.path.expanduser(url)))

    def _its_top(self) -> str | None:
        there = self._there()
        return there.top if there else None

    def _its_remotes(self) -> Iterator[Address]:
        """A working repository's data may lie only where it pushes to, or was cloned from. Only
        folders and stores count: nothing is asked by that repository's own configuration, which
        may name programs."""
        there = self._there()
        for remote in there.remotes() if there else ():
            assert there is not None
            place = place_of_url(there.git.remote_url(remote) or "", there.top)
            named_by = f"remote {remote} of {self.origin.shown}"
            if place.kind is Kind.STORE:
                yield Address(place.url, named_by)
            elif place.kind is Kind.PATH:
                folder = git_folder(self._asking, place.url, there.top)
                if folder:
                    yield Address(folder, named_by, git_dir=folder)

    def _there(self) -> Repo | None:
        """The repository itself, where it is on this machine and Git trusts it."""
        if self.origin.folder is None:
            return None
        try:
            elsewhere = self._asking.elsewhere(self._base)
            folder = self.origin.url if os.path.isdir(self.origin.url) else self.origin.folder
            return Repo.open(folder, elsewhere.environ)
        except DataError:
            return None


def fetch(url: str, revisions: Sequence[str], base: str, asking: Git) -> tuple[Source, list[str]]:
    """The repository at an address, and the commits that some of its revisions stand for ("HEAD":
    its default branch). One fetch, none when all are ids of commits that are here.

    `base`: where a relative folder starts. `asking`: the user's own Git, for his settings.
    """
    kept = keep(url, base, asking)
    commits = _commits(kept, revisions)
    return Source(kept, base, asking), commits


def keep(url: str, base: str, asking: Git) -> Kept:
    """Where the repository at an address is kept, or will be; nobody is asked."""
    origin = find(url, base, asking)
    return Kept(asking, os.path.join(sources_folder(asking), _name_of(origin)), origin)


def _name_of(origin: Origin) -> str:
    return hash_bytes(os.fsencode(origin.url)).hex()[:32]


def _commits(kept: Kept, revisions: Sequence[str]) -> list[str]:
    names = [check_revision(revision) for revision in revisions]
    left = (name for name in names if not (is_full_id(name) and kept.has(name)))
    wanted = [*dict.fromkeys(left)]
    found = dict(zip(wanted, _fetch(kept, wanted), strict=True)) if wanted else {}
    return [found.get(name, name) for name in names]


def _fetch(kept: Kept, names: Sequence[str]) -> list[str]:
    try:
        return kept.fetch(names)
    except Missing as error:
        short = error.revision
        full = kept.history.full_id(short) if _is_short_id(short) else None
        if full is None:
            raise
        return _fetch(kept, [full if name == short else name for name in names])
    except Unreachable as error:
        raise _with_last_seen(error, kept, names) from error


def _is_short_id(name: str) -> bool:
    return 4 <= len(name) < 40 and all(letter in "0123456789abcdef" for letter in name)


def _with_last_seen(error: Unreachable, kept: Kept, names: Sequence[str]) -> Unreachable:
    """Whoever is offline can go on with what he has."""
    for name in names:
        if (commit := kept.last_seen(name)) is not None:
            what = "its default branch" if name == HEAD else name
            return Unreachable(
                error.message, f"as last seen, {what} is kept here: --rev {commit} asks nobody"
            )
    return error
