"""`gitdata://` for fsspec: pandas, Arrow, Dask and others read a registry in place.

    fsspec.open("gitdata://music/songs/1.flac", repo="https://github.com/example/registry.git")
    pandas.read_parquet("gitdata://table.parquet", storage_options={"repo": URL, "rev": "v1.2"})

Read only, in ranges: what is asked for comes from the store, in chunks that are verified. A file
system is of one commit: pickled and sent to other processes or machines, it is of that same commit.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from typing import Any

from fsspec.spec import AbstractFileSystem

from . import api
from .errors import DataError, NotFound
from .listing import LINK, SUBMODULE, TREE, Entry
from .threads import thread_pool
from .views import View


class GitDataFileSystem(AbstractFileSystem):
    """`repo`: a URL, a `data::` address, a folder, or "." for the repository that the current
    folder is in. `rev`: a branch, tag or commit; else what is staged in ".", the default branch
    elsewhere.

    `info` and `ls` give, besides fsspec's "name", "size" (bytes; None for a large plain Git file
    not fetched yet, which `info` fetches) and "type" ("file", "directory"; "link" for a link that
    leads to a folder or nowhere, "other" for a submodule): "mode" as Git has it, "oid" ("blake3:…",
    None for a plain file), "sha" (Git's id), "islink" and "destination".

    Failures are FileNotFoundError where a path, revision or repository is not there, else OSError;
    their cause is the DataError with all that is known.
    """

    protocol = "gitdata"
    root_marker = ""
    cachable = True

    def __init__(self, repo: str = ".", rev: str | None = None, **options: Any) -> None:
        super().__init__(repo=repo, rev=rev, **options)
        self.repo = repo
        self.rev = rev
        self._options = options
        self._held: tuple[int, View] | None = None  # by process: a fork has none

    @property
    def view(self) -> View:
        """The files of its commit; of the index, as it is now."""
        if self._held is None or self._held[0] != os.getpid():
            with _translated(self.repo):
                found = api.view(self.repo, self.rev)
            if found.commit is None:
                return found
            self._held = (os.getpid(), found)
        return self._held[1]

    @property
    def fsid(self) -> str:
        return f"gitdata-{self.repo}-{self.view.commit}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pinned: whoever gets it sees the same commit. A folder is named from the root; only what
        is staged in "." stays what is staged in the current folder of whoever gets it."""
        there = self.view
        repo = self.repo
        if there.commit is not None and (repo == "." or os.path.isdir(os.path.expanduser(repo))):
            repo = there.repo.top if repo == "." else os.path.abspath(os.path.expanduser(repo))
        return _make, (type(self), repo, there.commit, self._options)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        found = super()._strip_protocol(path)
        return [one.lstrip("/") for one in found] if isinstance(found, list) else found.lstrip("/")

    # What is there

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        name = self._strip_protocol(path)
        with _translated(name):
            there = self.view
            found = there.find(name, follow=False)
            (target,) = there.sized([there.find(name) if found.mode == LINK else found])
            return _info(found, target)

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        name = self._strip_protocol(path)
        with _translated(name):
            there = self.view
            found = there.find(name)
            if not found.is_folder:
                infos = [self.info(name)]
            else:
                infos = [self._told(there, entry) for entry in there.level(found)]
        if found.is_folder and found.path != name:  # it was reached through a link
            infos = [{**info, "name": _join(name, info["name"])} for info in infos]
        return infos if detail else [info["name"] for info in infos]

    def _told(self, there: View, entry: Entry) -> dict[str, Any]:
        if entry.mode != LINK:
            return _info(entry, entry)
        try:
            return _info(entry, there.find(entry.path))
        except DataError:
            return _info(entry, entry)  # it leads nowhere

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **options: Any,
    ) -> Any:
        """All files below a path: one listing, however many folders there are."""
        name = self._strip_protocol(path)
        try:
            with _translated(name):
                there = self.view
                found = there.find(name)
                infos = [self._told(there, entry) for entry in there.files(found)]
        except FileNotFoundError:
            return {} if detail else []
        start = len(found.path) + (found.is_folder and found.path != "")
        if withdirs and found.is_folder:
            folders = {one for info in infos for one in _folders(info["name"], start)}
            infos += [_info(Entry(one, TREE, ""), Entry(one, TREE, "")) for one in folders]
            infos += [_info(found, found)] if found.path else []
        deep = maxdepth or len(name) + 1_000_000
        kept = {info["name"]: info for info in infos if info["name"][start:].count("/") < deep}
        kept = {one: kept[one] for one in sorted(kept)}
        return kept if detail else [*kept]

    def created(self, path: str) -> Any:
        raise NotImplementedError("Git keeps no times of files")

    modified = created

    def ukey(self, path: str) -> str:
        """Changes when the content does."""
        return str(self.info(path)["sha"])

    def checksum(self, path: str) -> int:
        return int(self.ukey(path)[:15], 16)

    # Reading

    def get(self, rpath: Any, lpath: Any, recursive: bool = False, **options: Any) -> Any:
        """As fsspec has it, once no name is one that some disk would read differently."""
        if isinstance(lpath, str):  # a list names each place itself
            depth = options.get("maxdepth")
            paths = self.expand_path(rpath, recursive=recursive, maxdepth=depth)
            with _translated(rpath):
                self.view.check_names(path.rstrip("/") for path in paths)
        return super().get(rpath, lpath, recursive=recursive, **options)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            raise OSError(f"{path}: gitdata:// can only be read, not opened with mode {mode!r}")
        name = self._strip_protocol(path)
        with _translated(name):
            there = self.view
            return there.open(there.find(name))

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **options: Any
    ) -> bytes:
        name = self._strip_protocol(path)
        with _translated(name):
            there = self.view
            found = there.find(name)
            if start is None and end is None:
                with there.open(found) as file:
                    return file.read()
            (found,) = there.sized([found])
            return there.read_ranges(found, [_range(start, end, found.size or 0)])[0]

    def cat_ranges(
        self,
        paths: list[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **options: Any,
    ) -> list[Any]:
        """Many ranges at once: those of one file are read together, each chunk once."""
        starts = starts if isinstance(starts, list) else [starts] * len(paths)
        ends = ends if isinstance(ends, list) else [ends] * len(paths)
        if not len(paths) == len(starts) == len(ends):
            raise ValueError("paths, starts and ends are not of one length")
        wanted: dict[str, list[int]] = {}
        for at, path in enumerate(paths):
            wanted.setdefault(self._strip_protocol(path), []).append(at)
        answers: list[Any] = [None] * len(paths)

        def one(name: str) -> list[Any]:
            ranges = [(starts[at], ends[at]) for at in wanted[name]]
            return self._ranges(name, ranges, on_error)

        with thread_pool() as pool:
            for places, found in zip(wanted.values(), pool.map(one, wanted), strict=True):
                for at, answer in zip(places, found, strict=True):
                    answers[at] = answer
        return answers

    def _ranges(
        self, name: str, ranges: Sequence[tuple[int | None, int | None]], on_error: str
    ) -> list[Any]:
        try:
            with _translated(name):
                there = self.view
                (found,) = there.sized([there.find(name)])
                whole = [_range(start, end, found.size or 0) for start, end in ranges]
                return [*there.read_ranges(found, whole)]
        except OSError as error:
            if on_error == "raise":
                raise
            return [error] * len(ranges)

    # Writing: there is none

    def mkdir(self, path: str, *given: Any, **options: Any) -> Any:
        raise OSError(errno.EROFS, "gitdata:// can only be read", path)

    makedirs = rmdir = rm = rm_file = _rm = cp_file = mv = touch = pipe_file = mkdir


def _range(start: int | None, end: int | None, size: int) -> tuple[int, int]:
    """As a slice has it: negative numbers count from the end."""
    first, last, _ = slice(start, end).indices(size)
    return first, max(first, last)


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name.rpartition('/')[2]}"


def _folders(path: str, start: int) -> Iterator[str]:
    """The folders above a path that lie below its first `start` letters."""
    at = path.find("/", start)
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _info(entry: Entry, target: Entry) -> dict[str, Any]:
    kind = "directory" if target.mode == TREE else "file"
    if entry.mode == LINK and target.mode in (TREE, LINK, SUBMODULE):
        kind = "link"
    elif entry.mode == SUBMODULE:
        kind = "other"
    found: dict[str, Any] = {
        "name": entry.path,
        "size": target.size if kind == "file" else 0,
        "type": kind,
        "mode": entry.mode,
        "oid": str(target.pointer.oid) if target.pointer else None,
        "sha": target.blob,
        "islink": entry.mode == LINK,
    }
    if entry.mode == LINK:
        found["destination"] = target.path
    return found


def _make(
    kind: type[GitDataFileSystem], repo: str, rev: str | None, options: dict[str, Any]
) -> GitDataFileSystem:
    return kind(repo=repo, rev=rev, **options)


class _translated:
    """Our failures as those that users of files expect; ours is the cause."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NotFound):
            raise FileNotFoundError(str(error)) from error
        if isinstance(error, DataError):
            raise OSError(str(error)) from error
