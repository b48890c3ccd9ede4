"""Files of any repository, at any revision, straight to where somebody wants them: `git data get`.

What is there already and is the same is kept, so that the same call again does only the rest. What
is there and differs is left alone, unless it is to be replaced.
"""

from __future__ import annotations

import copy
import io
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from . import blobs, listing, listings, names
from .bringing import bring
from .errors import Conflict, DataError, Denied
from .files import failure
from .landing import HOW_TO_REPLACE, Landing
from .listing import LINK, SUBMODULE, Entry
from .oid import hash_stream
from .progress import SILENT, Progress
from .repo import Repo
from .sources import FEW, Source
from .transfer import HELD_BYTES, Wanted
from .treewriter import Tree

SAME, ABSENT, OTHER = "same", "absent", "other"


class Goal(NamedTuple):
    """Files of one commit, and where they go."""

    top: str  # the folder that all of it is below
    entries: list[Entry]  # their paths start at `top`
    left_out: list[str]  # submodules: they are no files


class Got(NamedTuple):
    """What became of the files; paths start at the goal's top."""

    done: list[str]
    kept: list[str]  # were there, and the same
    failed: list[tuple[str, DataError]]


def aim(repo: Repo, found: Entry, out: str, where: str) -> Goal:
    """Where the files of `found`, a file or a folder, go. Denied for a tree with names that no disk
    should see; `where` it comes from is shown."""
    if found.is_folder:
        entries = _files(repo, found)
        start = len(found.path) + 1 if found.path else 0
        top, entries = out, [entry._replace(path=entry.path[start:]) for entry in entries]
    elif out.endswith("/") or os.path.isdir(out):
        top, entries = out, [found._replace(path=found.path.rpartition("/")[2])]
    else:
        top, name = os.path.split(out)
        entries = [found._replace(path=name)]
    names.check([entry.path for entry in entries], where)
    modules = [entry.path for entry in entries if entry.mode == SUBMODULE]
    return Goal(top or ".", [e for e in entries if e.mode != SUBMODULE], modules)


def _files(repo: Repo, found: Entry) -> list[Entry]:
    if isinstance(repo, Source):
        return listings.files(repo, found)
    return listing.files(repo.git, found)


def look(goal: Goal, object_format: str) -> dict[str, str]:
    """For each file SAME, OTHER or ABSENT: what is in its place."""
    if not os.path.isdir(goal.top):
        return dict.fromkeys((entry.path for entry in goal.entries), ABSENT)
    with Tree(goal.top) as tree:
        return {entry.path: _state(tree, entry, object_format) for entry in goal.entries}


def _state(tree: Tree, entry: Entry, object_format: str) -> str:
    path = os.fsencode(entry.path)
    try:
        found = tree.look(path)
        if found is None:
            return ABSENT
        if stat.S_ISLNK(found.st_mode) is not (entry.mode == LINK):
            return OTHER
        if entry.mode == LINK:
            target = io.BytesIO(tree.read_link(path))
            same = blobs.id_of(target, found.st_size, object_format) == entry.blob
        elif not stat.S_ISREG(found.st_mode) or entry.size not in (None, found.st_size):
            same = False
        else:
            same = _is_same(tree, path, found.st_size, entry, object_format)
    except OSError as error:
        raise failure(error, "read", entry.path) from error
    return SAME if same else OTHER


def _is_same(tree: Tree, path: bytes, size: int, entry: Entry, object_format: str) -> bool:
    fd = tree.open(path)
    if fd is None:
        return False
    with open(fd, "rb") as file:
        if entry.pointer:
            return hash_stream(file)[0] == entry.pointer.oid
        return blobs.id_of(file, size, object_format) == entry.blob


def get(
    repo: Repo, commit: str, goal: Goal, *, replace: bool = False, progress: Progress = SILENT
) -> Got:
    """Write the files of a goal. A file that cannot be had fails alone."""
    state = look(goal, repo.location.object_format)
    kept = [path for path, one in state.items() if one == SAME]
    failed = []
    if not replace:
        taken = (path for path, one in state.items() if one == OTHER)
        failed = [(path, _is_other(path)) for path in taken]
    rest = {*kept, *(path for path, _ in failed)}
    todo = [entry for entry in goal.entries if entry.path not in rest]
    data = _group(entry for entry in todo if entry.pointer)
    if not todo:
        return Got([], kept, failed)
    with Landing(goal.top, data, replace) as landing:
        _write_plain(repo, [e for e in todo if not e.pointer], landing, progress)
        failed += _write_data(repo, commit, data, landing, progress)
        return Got(landing.done, kept, failed + landing.failed)


def _is_other(path: str) -> DataError:
    return Conflict(f"{path} is there already, and differs", HOW_TO_REPLACE)


def _group(entries: Iterable[Entry]) -> dict[bytes, list[Entry]]:
    """Files with the same content are fetched once."""
    groups: dict[bytes, list[Entry]] = {}
    for entry in entries:
        if entry.pointer:
            groups.setdefault(entry.pointer.oid, []).append(entry)
    return groups


# Plain files of Git's, and links


def _write_plain(
    repo: Repo, entries: Sequence[Entry], landing: Landing, progress: Progress
) -> None:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.blob, []).append(entry)
    if not groups:
        return
    if isinstance(repo, Source):
        repo.bring_blobs(groups)
    progress.start("Writing", len(entries), 0)
    try:
        for blob, _, pieces in blobs.stream(repo.git, [*groups]):
            links = [entry for entry in groups[blob] if entry.mode == LINK]
            files = [entry for entry in groups[blob] if entry.mode != LINK]
            content = [b"".join(pieces)] if links else pieces
            for entry in links:
                _write_link(entry, os.fsdecode(b"".join(content)), landing)
            if files:
                landing.land(content, files)
            progress.advance(len(groups[blob]), 0)
    finally:
        progress.finish()


def _write_link(entry: Entry, target: str, landing: Landing) -> None:
    if names.leads_out(entry.path, target):
        what = f"{entry.path} is a link to {target[:200]!r}, out of the folder: not written"
        landing.failed.append((entry.path, Denied(what)))
    else:
        landing.link(target, entry)


# Data


def _write_data(
    repo: Repo,
    commit: str,
    groups: Mapping[bytes, Sequence[Entry]],
    landing: Landing,
    progress: Progress,
) -> list[tuple[str, DataError]]:
    """From the repository's own cache, where it has one, else from its stores."""
    wanted = [_wanted(entries[0]) for entries in groups.values()]
    if isinstance(repo, Source):
        # For few objects only those parts of an index are read that they need.
        repo.held_bytes = 0 if len(wanted) <= FEW else HELD_BYTES
    else:
        wanted = _copy_cached(repo, wanted, groups, landing)
    there = copy.copy(repo)
    there.cache = landing
    failures = bring(there, wanted, commit, progress) if wanted else []
    return [(entry.path, error) for w, error in failures for entry in groups[w.oid]]


def _wanted(entry: Entry) -> Wanted:
    assert entry.pointer is not None
    return Wanted(entry.pointer.oid, entry.pointer.size, entry.path)


def _copy_cached(
    repo: Repo,
    wanted: Sequence[Wanted],
    groups: Mapping[bytes, Sequence[Entry]],
    landing: Landing,
) -> list[Wanted]:
    left = []
    for w in wanted:
        try:
            with repo.cache.open(w.oid, w.size) as file:
                landing.copy(file, groups[w.oid])
        except DataError:
            left.append(w)  # not here, or damaged: a store may have it
    return left
