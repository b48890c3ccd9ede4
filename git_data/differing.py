"""What differs between two versions of some files: added, changed, removed, with sizes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import listing, scan
from .inventory import all_files_at, default_revision
from .listing import Entry
from .repo import Repo

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
_UNKNOWN = "0" * 40


class Difference(NamedTuple):
    """One file that differs."""

    path: str
    old: Entry | None
    new: Entry | None

    @property
    def kind(self) -> str:
        if self.old is None:
            return ADDED
        return REMOVED if self.new is None else CHANGED

    @property
    def is_data(self) -> bool:
        return any(entry is not None and entry.pointer is not None for entry in self[1:])


class Totals(NamedTuple):
    """Files of a kind, and the bytes they had and have."""

    files: int
    old_size: int
    new_size: int


def compare(old: Iterable[Entry], new: Iterable[Entry]) -> list[Difference]:
    """What differs, sorted by path. Content and mode count."""
    before = {entry.path: entry for entry in old}
    after = {entry.path: entry for entry in new}
    paths = sorted(before.keys() | after.keys())
    pairs = (Difference(path, before.get(path), after.get(path)) for path in paths)
    return [pair for pair in pairs if _identity(pair.old) != _identity(pair.new)]


def _identity(entry: Entry | None) -> tuple[str, str] | None:
    return (entry.mode, entry.blob) if entry else None


def totals(differences: Iterable[Difference]) -> dict[str, Totals]:
    found = {kind: Totals(0, 0, 0) for kind in (ADDED, CHANGED, REMOVED)}
    for one in differences:
        files, old, new = found[one.kind]
        found[one.kind] = Totals(files + 1, old + _size(one.old), new + _size(one.new))
    return found


def _size(entry: Entry | None) -> int:
    return (entry.size or 0) if entry else 0


# Of one's own repository


def between(repo: Repo, old: str | None, new: str | None, paths: Sequence[str]) -> list[Difference]:
    """From one revision to another; None: to the work tree as it is."""
    before = all_files_at(repo, old or "HEAD" if _has_commits(repo) else None, paths)
    if new is not None or repo.location.work_tree is None:
        return compare(before, all_files_at(repo, new or default_revision(repo), paths))
    return compare(before if _has_commits(repo) else [], _work_tree(repo, paths))


def _has_commits(repo: Repo) -> bool:
    return repo.git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is not None


def _work_tree(repo: Repo, paths: Sequence[str]) -> list[Entry]:
    """The files of the index, as the work tree has them: what is not added is not asked about."""
    entries = {entry.path: entry for entry in listing.staged(repo.git)}
    words = ("diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules")
    fields = os.fsdecode(repo.git.run(*words, "--abbrev=40")).split("\0")[:-1]
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        _, mode, _, _, kind = head.split(" ")
        if kind == "D":
            entries.pop(path, None)
        elif path in entries:
            entries[path] = _changed_here(repo, entries[path], mode)
    return [entry for entry in entries.values() if scan.lies_below(entry.path, paths)]


def _changed_here(repo: Repo, entry: Entry, mode: str) -> Entry:
    """Its content has no name in Git yet; its size is known."""
    try:
        size = os.lstat(os.path.join(repo.top, entry.path)).st_size
    except OSError:
        size = 0
    is_same = mode != entry.mode and size == entry.size
    return entry._replace(mode=mode, size=size, blob=entry.blob if is_same else _UNKNOWN)
