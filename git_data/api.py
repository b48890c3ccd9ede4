"""Data of repositories, from Python.

    import git_data

    registry = "https://github.com/example/registry.git"
    with git_data.open("music/songs/1.flac", repo=registry) as file:
        header = file.read(4096)

`repo` is a URL, a `data::` address, the folder of a repository, or "." for the repository that the
current folder is in; `rev` is a branch, a tag or a commit. Without `rev` it is what is staged in
"." (its last commit, where it is bare), and the default branch of any other repository.

A branch or tag of another repository is looked up once in a process; `forget()` makes it look
again. A commit is looked up once for good. Everything here may be called from several threads and
processes.

Every failure is one of `git_data.errors`, all of them `DataError`: NotFound for a repository, a
revision, a path or an object that is not there, Unreachable and Denied for a store or server that
does not answer or does not let us, Damaged for bytes that are not what their name says. Each has
`.message` (what, where, whether anything was lost) and `.hint` (what to do).
"""

from __future__ import annotations

import atexit
import builtins
import io
import os
from collections.abc import Iterable, Sequence
from threading import RLock
from typing import IO, Any, NamedTuple
from weakref import WeakSet

from dulwich.errors import ObjectFormatException
from dulwich.object_format import OBJECT_FORMATS
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID, parse_tree

from . import differing, getting, importing, listing, sources, standing, updating
from .config import environment
from .differing import Difference
from .errors import Damaged, DataError, Incomplete, UsageError
from .git import Git, is_full_id
from .inventory import commit_of, default_revision
from .listing import Entry
from .project import Import
from .repo import Repo
from .views import View

__all__ = ["File", "diff", "forget", "get", "import_", "list", "open", "read", "update", "view"]


class File(NamedTuple):
    """A file of a repository."""

    path: str  # from the top, with slashes
    size: int | None  # bytes; None for a large plain Git file that has not been fetched
    oid: str | None  # "blake3:" and 64 hex digits for a data file; None for a plain Git file
    mode: str  # as Git has it: "100644", "100755", "120000" a link, "160000" a submodule


# Reading


def open(
    path: str, repo: str = ".", rev: str | None = None, mode: str = "rb", encoding: str = "utf-8"
) -> IO[Any]:
    """A file of a repository, open for reading.

    With mode "rb" a seekable binary stream, with "r" or "rt" text in `encoding`. Only the parts
    that are read are fetched, in chunks of some 128 KiB, each verified; a file that is here already
    is read from here. Links within the repository are followed. ValueError for a mode that writes.
    """
    if mode not in ("rb", "r", "rt"):
        raise ValueError(f"mode is {mode!r}: a repository is read, as 'rb' or 'r'")
    there = view(repo, rev)
    file = there.open(there.find(path))
    return file if mode == "rb" else io.TextIOWrapper(file, encoding=encoding)


def read(path: str, repo: str = ".", rev: str | None = None) -> bytes:
    """The whole content of a file; all of it is in memory."""
    with open(path, repo, rev) as file:
        content: bytes = file.read()
    return content


def list(repo: str = ".", path: str = "", rev: str | None = None) -> builtins.list[File]:
    """Every file at or below a path, data and plain Git files, in Git's order.

    [File(path="music/songs/1.flac", size=70000, oid="blake3:…", mode="100644"), …]
    """
    there = view(repo, rev)
    return [_file(entry) for entry in there.files(there.find(path, follow=False))]


def _file(entry: Entry) -> File:
    oid = str(entry.pointer.oid) if entry.pointer else None
    return File(entry.path, entry.size, oid, entry.mode)


def get(
    path: str = "",
    repo: str = ".",
    rev: str | None = None,
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
) -> builtins.list[str]:
    """Write a file or a folder of a repository to `out`; without, to its own name here.

    Gives the paths of the files that were written. Those that were there already and are the same
    are kept; those that differ are replaced with `force`. Incomplete when some could not be
    written: the others are done, and `.failed` has (path, DataError) of each.
    """
    there = view(repo, rev)
    found = there.find(path)
    commit = there.commit or commit_of(there.repo, sources.HEAD)
    target = os.fspath(out) if out is not None else os.path.basename(found.path) or "data"
    goal = getting.aim(there.repo, found, target, there.where)
    got = getting.get(there.repo, commit, goal, replace=force)
    _raise_failed(got.failed, len(goal.entries))
    return sorted(os.path.join(goal.top, name) for name in got.done)


def _raise_failed(failed: Sequence[tuple[str, DataError]], total: int) -> None:
    if failed:
        path, error = failed[0]
        raise Partly(f"{len(failed)} of {total} files failed, such as {path}: {error}", failed)


class Partly(Incomplete):
    """Some files failed, the others are done. `failed`: (path, DataError) of each."""

    def __init__(self, message: str, failed: Sequence[tuple[str, DataError]] | str = ()) -> None:
        super().__init__(message)
        self.failed = [*failed] if not isinstance(failed, str) else []


# Imports


def import_(  # noqa: PLR0913
    url: str,
    path: str = "",
    out: str | None = None,
    rev: str | None = None,
    *,
    download: bool = True,
    copy: bool = False,
    into: str = ".",
) -> Import:
    """Take a path of another repository into the one at `into`, as `git data import` does: its
    files, `.gitattributes`, and a section of `.gitdata` locked to one commit, all staged.

    `out` is where it shall lie, from the top of that repository; without, its own name. With
    `download=False` only pointers come; with `copy` our own store gets the data too at `git push`.
    Gives what was recorded. Conflict where something is in the way: then nothing was changed.
    """
    repo = Repo.open(into)
    source, (commit,) = sources.fetch(url, [rev or sources.HEAD], into, repo.git)
    path = listing.clean(path)
    item = Import(
        name=listing.clean(out or os.path.basename(path or url.rstrip("/").removesuffix(".git"))),
        url=source.origin.recorded(repo.top),
        path=path,
        rev=importing.followed(rev or "", commit),
        copy=copy,
    )
    done = importing.bring(repo, source, commit, item, pointers=not download)
    forget()
    _raise_failed(done.failed, done.files)
    return done.item


def update(
    *paths: str, rev: str | None = None, dry_run: bool = False, force: bool = False, into: str = "."
) -> builtins.list[Difference]:
    """Bring imports of the repository at `into` to what their sources have now, as `git data
    update` does; without paths all of them. Gives the files that differ, paths from the top.

    With `dry_run` nothing is changed. DataError names the first import that could not be updated;
    the others are.
    """
    repo = Repo.open(into)
    items = standing.chosen(standing.imports(repo), [listing.clean(path) for path in paths])
    steps = updating.plan(repo, items, rev or "", force)
    failed: Sequence[tuple[str, DataError]] = ()
    if not dry_run:
        steps, failed = updating.carry_out(repo, steps)
        forget()
    for step in steps:
        if step.problem:
            raise step.problem
    found = [_below(step.item.name, one) for step in steps for one in step.differences]
    _raise_failed(failed, len(found))
    return found


def _below(name: str, one: Difference) -> Difference:
    return one._replace(path=f"{name}/{one.path}" if one.path else name)


def diff(
    old: str | None = None,
    new: str | None = None,
    paths: Iterable[str] = (),
    repo: str = ".",
) -> builtins.list[Difference]:
    """The data and plain files that differ between two revisions, sorted by path.

    Each has `.path`, `.kind` ("added", "changed", "removed"), and `.old` and `.new`, entries with
    `.size` in bytes and `.pointer`, None for a side that has no such file. In "." `old` is the last
    commit unless given, `new` the work tree; elsewhere `new` is the default branch.
    """
    names = [listing.clean(path) for path in paths]
    if repo == ".":
        return differing.between(Repo.open(), old, new, names)
    if old is None:
        raise UsageError("of another repository two revisions are compared", "name the older one")
    sides = [view(repo, rev) for rev in (old, new)]
    before, after = ([e for n in names or [""] for e in _files_at(side, n)] for side in sides)
    return differing.compare(before, after)


def _files_at(there: View, path: str) -> builtins.list[Entry]:
    try:
        return there.files(there.find(path, follow=False))
    except DataError:
        return []


# Views


_open: WeakSet[_Objects] = WeakSet()


@atexit.register
def _close() -> None:
    """While the interpreter can still do it; later dulwich would complain."""
    for objects in [*_open]:
        objects.close()


class _Objects:
    """Git's objects through dulwich: in this process, in any order."""

    def __init__(self, repo: Repo) -> None:
        folder = os.path.join(repo.location.common_dir, "objects")
        self._format = OBJECT_FORMATS[repo.location.object_format]
        self._store = DiskObjectStore(folder, object_format=self._format)
        self._lock = RLock()  # its packs are opened lazily
        _open.add(self)

    def close(self) -> None:
        self._store.close()

    def blob(self, oid: str) -> bytes | None:
        return self._get(oid)

    def tree(self, oid: str) -> dict[str, Entry] | None:
        text = self._get(oid)
        if text is None:
            return None
        try:
            entries = [*parse_tree(text, sha_len=self._format.oid_length)]
        except ObjectFormatException as error:
            raise Damaged(f"the tree {oid} is damaged: {error}", "try: git fsck") from error
        return {os.fsdecode(e[0]): _entry(os.fsdecode(e[0]), e[1], e[2]) for e in entries}

    def _get(self, oid: str) -> bytes | None:
        with self._lock:
            try:
                return self._store.get_raw(ObjectID(oid.encode()))[1]
            except KeyError:
                return None


def _entry(name: str, mode: int, oid: bytes) -> Entry:
    return Entry(name, listing.canonical_mode(f"{mode:06o}"), oid.decode())


_views: dict[tuple[int, str, str | None], View] = {}  # by process
_stamps: dict[tuple[int, str, str | None], tuple[int, ...]] = {}
_lock = RLock()


def view(repo: str = ".", rev: str | None = None) -> View:
    """A repository at one revision, made once in a process."""
    if repo == ".":
        return _own(rev)
    key = (os.getpid(), repo, rev)
    with _lock:
        if key not in _views:
            asking = Git(".", environment())
            source, (commit,) = sources.fetch(repo, [rev or sources.HEAD], ".", asking)
            source.held_bytes = 0  # only those parts of an index are read that are needed
            _views[key] = View(source, commit, _Objects(source))
        return _views[key]


def _own(rev: str | None) -> View:
    """The repository that the current folder is in; the index's view lives as long as the index."""
    here = os.getcwd()
    key = (os.getpid(), here, rev)
    with _lock:
        found = _views.get(key)
        if found is not None and _stamps[key] == _stamp(found.repo, rev):
            return found
        repo = Repo.open(here)
        name = rev or default_revision(repo)
        stamp = _stamp(repo, rev)
        _views[key] = View(repo, commit_of(repo, name) if name else None, _Objects(repo))
        _stamps[key] = stamp
        return _views[key]


def _stamp(repo: Repo, rev: str | None) -> tuple[int, ...]:
    """What changes when the index does, or a branch may have moved."""
    if rev and is_full_id(rev):
        return ()
    if rev or repo.location.work_tree is None:
        return (int(commit_of(repo, rev or sources.HEAD), 16),)
    try:
        found = os.stat(repo.git.index_file(repo.location))
    except FileNotFoundError:
        return (0,)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def forget() -> None:
    """Look every branch and tag of other repositories up again, when it is next asked for."""
    with _lock:
        _views.clear()
        _stamps.clear()
