"""What data a repository has: which files, how large, and where their content is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import listing, scan
from .cache import Cache
from .errors import DataError, NotFound
from .listing import Entry
from .oid import ObjectId
from .pointer import Pointer, parse_any_eol
from .repo import Address, Repo
from .scan import Found
from .transfer import Wanted

HERE, STORE, NOWHERE, UNKNOWN = "here", "store", "missing", "unknown"
RECENT_DAYS = 7
_LONGEST_POINTER = 206  # with CRLF


class Item(NamedTuple):
    """A data file."""

    path: str  # from the top
    pointer: Pointer
    blob: str  # of the pointer, in Git

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.pointer.oid, self.pointer.size, self.path)


File = Item | Entry


class Folder(NamedTuple):
    """A folder with files somewhere below it."""

    path: str  # from the top, with a slash at its end
    items: list[File]


class Change(NamedTuple):
    """A data file that differs from the last commit. Letters as in `git status --short`."""

    path: str
    staged: str  # from HEAD to the index
    unstaged: str  # from the index to the work tree


# Which files


def items_at(repo: Repo, revision: str | None, paths: Sequence[str] = ()) -> list[Item]:
    """The data files of a revision, or with None of the index, below some paths, sorted by path."""
    if revision is None:
        found = scan.pointers_in_index(repo.git, paths)
    else:
        found = scan.pointers_in_commit(repo.git, commit_of(repo, revision), paths)
    return sorted(map(_item, found))


def _item(found: Found) -> Item:
    return Item(os.fsdecode(found.path), found.pointer, found.blob)


def all_files_at(repo: Repo, revision: str | None, paths: Sequence[str] = ()) -> list[Entry]:
    """As `items_at`, with the plain files of Git's too."""
    if revision is None:
        found = listing.staged(repo.git)
    else:
        commit = commit_of(repo, revision)
        found = listing.files(repo.git, listing.find(repo.git, commit, "", repo.top))
    return sorted(entry for entry in found if scan.lies_below(entry.path, paths))


def need_some(items: Sequence[File], paths: Sequence[str]) -> None:
    """NotFound when a user named paths, and there is nothing of ours below them."""
    if paths and not items:
        what = " ".join(path or "." for path in paths)
        raise NotFound(f"{what}: no data files there", "see what there is: git data list -R")


def commit_of(repo: Repo, revision: str) -> str:
    """The id of a commit; NotFound when there is no such revision."""
    line = repo.git.line(
        "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"
    )
    if not line:
        raise NotFound(f"there is no commit {revision!r} in {repo.top}", "see: git log --all")
    return line.splitlines()[-1]


def default_revision(repo: Repo) -> str | None:
    """Where to look without being told: the index, or HEAD where there is no work tree."""
    return None if repo.location.work_tree else "HEAD"


def one_level(items: Iterable[File], folders: Sequence[str]) -> list[File | Folder]:
    """As `ls` shows it: what lies directly in these folders ("" is the top), and folders below."""
    entries: list[File | Folder] = []
    below: dict[str, Folder] = {}
    for item in items:
        folder = max((f for f in folders if _lies_in(item.path, f)), key=len, default=None)
        start = len(folder) + 1 if folder else 0
        name, slash, _ = item.path[start:].partition("/")
        if folder is None or not slash:
            entries.append(item)
            continue
        path = item.path[:start] + name + "/"
        if path not in below:
            below[path] = Folder(path, [])
            entries.append(below[path])
        below[path].items.append(item)
    return entries


def _lies_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(folder + "/")


# Where their content is


def whereabouts(
    repo: Repo, items: Iterable[Item], revision: str | None = None
) -> dict[ObjectId, str]:
    """For each object HERE, else STORE, NOWHERE, or UNKNOWN when some store does not answer."""
    wanted = {item.pointer.oid: item.pointer.size for item in items}
    found = {oid: HERE for oid, size in wanted.items() if repo.cache.has(oid, size)}
    left = wanted.keys() - found.keys()
    lost = NOWHERE
    try:
        for address in repo.reading_addresses(revision):
            if not left:
                break
            held = _held(repo, address, {oid: wanted[oid] for oid in left})
            if held is None:
                lost = UNKNOWN
                continue
            found.update(dict.fromkeys(held, STORE))
            left -= held
    except DataError:  # a .gitdata that cannot be read names no store
        lost = UNKNOWN
    return {**found, **dict.fromkeys(left, lost)}


def _held(repo: Repo, address: Address, sizes: dict[ObjectId, int]) -> set[ObjectId] | None:
    """Those of the objects that are at an address; None when it does not answer."""
    held: set[ObjectId] = set()
    if address.git_dir:
        cache = Cache(os.path.join(address.git_dir, "git-data"), read_only=True)
        held = {oid for oid, size in sizes.items() if cache.has(oid, size)}
    try:
        store = repo.store(address._replace(create=False))
        return held | (sizes.keys() - store.missing(sizes.keys() - held))
    except NotFound:
        return held if address.git_dir else None
    except DataError:
        return None


# What to fetch


def to_fetch(
    repo: Repo, revisions: Sequence[str], paths: Sequence[str], everything: bool
) -> list[Wanted]:
    """What these revisions need and the cache lacks, once each, in the order of their paths.

    `everything`: their whole history. No revision is the index, or HEAD. Files that the user does
    not want here (`data.fetchExclude`) are left out, unless he names paths. NotFound when these
    paths hold no data files at all.
    """
    selection = repo.selection(revisions[0] if revisions else default_revision(repo))
    wanted: dict[ObjectId, Wanted] = {}
    items = sorted(_needed(repo, revisions, paths, everything))
    need_some(items, paths)
    for item in items:
        if (paths or selection.includes(item.path)) and item.pointer.oid not in wanted:
            wanted[item.pointer.oid] = item.wanted
    return [w for w in wanted.values() if not repo.cache.has(w.oid, w.size)]


def _needed(
    repo: Repo, revisions: Sequence[str], paths: Sequence[str], everything: bool
) -> Iterable[Item]:
    if everything:
        tips = [commit_of(repo, revision) for revision in revisions] or all_tips(repo)
        history = map(_item, scan.pointers_in_history(repo.git, tips))
        yield from (item for item in history if scan.lies_below(item.path, paths))
        return
    where: list[str | None] = [*revisions] or [default_revision(repo)]
    for revision in where:
        yield from items_at(repo, revision, paths)


def all_tips(repo: Repo) -> list[str]:
    """The commits of HEAD and of every ref."""
    listed = repo.git.run("for-each-ref", "--format=%(objectname)").decode().split()
    return scan.commits_here(repo.git, ["HEAD", *listed])


def recent_tips(repo: Repo, now: float | None = None) -> list[str]:
    """HEAD, and the branches and tags whose commit is at most RECENT_DAYS old."""
    oldest = (time.time() if now is None else now) - RECENT_DAYS * 86400
    listed = repo.git.run("for-each-ref", "--format=%(objectname) %(creatordate:unix)").decode()
    recent = [
        name
        for name, _, date in (line.partition(" ") for line in listed.splitlines())
        if date.isdigit() and int(date) >= oldest
    ]
    return [*dict.fromkeys(scan.commits_here(repo.git, ["HEAD", *recent]))]


# How the work tree stands


def changes(repo: Repo) -> list[Change]:
    """The data files that differ from the last commit, or that `git add` would make data."""
    listed = repo.git.run(
        "--no-optional-locks",
        *("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"),
    )
    found = [
        Change(os.fsdecode(entry[3:]), chr(entry[0]), chr(entry[1]))
        for entry in listed.split(b"\0")[:-1]
    ]
    data = _data_among(repo, found)
    return sorted(change for change in found if change.path in data)


def _data_among(repo: Repo, found: Sequence[Change]) -> set[str]:
    pointers = {item.path for item in items_at(repo, None)} if found else set()
    if any(change.staged == "D" for change in found):
        pointers |= {item.path for item in items_at(repo, "HEAD")}
    paths = [change.path for change in found if change.path not in pointers]
    values = repo.git.attributes(map(os.fsencode, paths), "filter", "diff") if paths else {}
    limit = repo.project_to_clean.above or 0
    for path in paths:
        of = values.get(os.fsencode(path), {})
        large = of.get("diff") == "data" or _size(repo, path) >= max(limit, 1)
        if of.get("filter") == "data" and large:
            pointers.add(path)
    return pointers


def _size(repo: Repo, path: str) -> int:
    try:
        return os.lstat(os.path.join(repo.top, path)).st_size
    except OSError:
        return 0


class Left(NamedTuple):
    """A file of the work tree that is still its pointer."""

    item: Item  # its pointer and blob are those of the index
    text: bytes  # what the file holds: a pointer, not always that of the index
    pointer: Pointer  # what it stands for

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.pointer.oid, self.pointer.size, self.item.path)

    @property
    def blob(self) -> str:
        """That of the index entry, if the file is the same pointer; else its entry is not its."""
        return self.item.blob if self.pointer == self.item.pointer else ""


def left_as_pointers(repo: Repo, paths: Sequence[str] = ()) -> list[Left]:
    """The data files that are pointers in the work tree; those not wanted here are left out,
    unless paths name them."""
    selection = repo.selection(None)
    found = []
    items = items_at(repo, None, paths)
    need_some(items, paths)
    for item in items:
        if not paths and not selection.includes(item.path):
            continue
        text = _read_small(os.path.join(repo.top, item.path))
        pointer = parse_any_eol(text) if text else None
        if text and pointer:
            found.append(Left(item, text, pointer))
    tracked = repo.tracked_paths([left.item.path for left in found]) if found else set()
    return [left for left in found if left.item.path in tracked]


def _read_small(path: str) -> bytes | None:
    """The content of a regular file that may be a pointer."""
    flags = os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
    try:
        fd = os.open(path, flags)
    except OSError:
        return None
    with open(fd, "rb") as file:
        return file.read() if os.fstat(fd).st_size <= _LONGEST_POINTER else None
