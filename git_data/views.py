"""The files of a repository as they are at one revision, for reading: what the Python face shows.

A view never changes once it is made, so it may be kept; only that of an index has to be made anew
when the index changes. Everything here may be called from several threads.
"""

from __future__ import annotations

import io
import os
import posixpath
from collections.abc import Iterable, Sequence
from functools import cached_property
from threading import Lock
from typing import BinaryIO, Protocol

from . import blobs, listing, listings, names
from .cache import Cache
from .errors import Damaged, DataError, Denied, FormatError, NotFound, StoreError, Unreachable
from .inplace import ObjectReader
from .listing import LINK, SUBMODULE, TREE, Entry
from .pointer import Pointer
from .repo import Address, Repo
from .sources import Source
from .streams import ChunkMemory, ObjectStream

_MOST_LINKS = 40  # followed one after the other
_BUFFER_BYTES = 8192
_FILES_KEPT = 8  # of which chunks are kept in memory


class Objects(Protocol):
    """Git's objects, read in this process."""

    def blob(self, oid: str) -> bytes | None:
        """The content; None when it is not here."""

    def tree(self, oid: str) -> dict[str, Entry] | None:
        """What lies in a folder, by name: mode and id; None when there is no such tree."""


class View:
    def __init__(self, repo: Repo, commit: str | None, objects: Objects) -> None:
        """`commit`: None is the index, as it is now."""
        self.repo = repo
        self.commit = commit
        self.where = repo.origin.shown if isinstance(repo, Source) else repo.top
        self._objects = objects
        self._lock = Lock()
        self._memories: dict[bytes, ChunkMemory] = {}
        self._top = self._root()

    def _root(self) -> dict[str, Entry] | str:
        """The index's files by path, or the id of the commit's tree."""
        if self.commit is None:
            return {entry.path: entry for entry in listing.staged(self.repo.git)}
        return listing.find(self.repo.git, self.commit, "", self.where).blob

    # Looking

    def find(self, path: str, follow: bool = True) -> Entry:
        """A file, or a folder as an entry with mode TREE. NotFound names what is near.

        `follow`: a link within the repository stands for what it leads to.
        """
        path = listing.clean(path)
        for _ in range(_MOST_LINKS):
            found, rest = self._walk(path, follow)
            if found is None:
                raise self._absent(path)
            if found.mode != LINK or not (follow or rest):
                return found
            path = self._target(found, rest)
        raise NotFound(f"{path} in {self.where} is a link that leads in a circle")

    def _absent(self, path: str) -> NotFound:
        if self.commit is None:
            return NotFound(f"there is no {path!r} in {self.where}", "see: git data list -aR")
        try:
            listing.find(self.repo.git, self.commit, path, self.where)
        except NotFound as error:
            return error
        return NotFound(f"there is no {path!r} in {self.where}")

    def _walk(self, path: str, follow: bool) -> tuple[Entry | None, str]:
        """What lies at a path; or the first link on the way, and the path behind it."""
        if isinstance(self._top, dict):
            return self._walk_index(self._top, path)
        here = Entry("", TREE, self._top)
        parts = path.split("/") if path else []
        for at, part in enumerate(parts):
            inside = self._objects.tree(here.blob) if here.is_folder else None
            if inside is None or part not in inside:
                return None, ""
            here = inside[part]._replace(path="/".join(parts[: at + 1]))
            if here.mode == LINK and at + 1 < len(parts):
                return here, "/".join(parts[at + 1 :])
        return (self._with_size(here) if here.mode != TREE else here), ""

    def _walk_index(self, files: dict[str, Entry], path: str) -> tuple[Entry | None, str]:
        if path in files:
            return files[path], ""
        folder = path + "/" if path else ""
        if any(name.startswith(folder) for name in files):
            return Entry(path, TREE, ""), ""
        above = posixpath.dirname(path)
        while above:
            if above in files and files[above].mode == LINK:
                return files[above], path[len(above) + 1 :]
            above = posixpath.dirname(above)
        return (Entry("", TREE, ""), "") if not path else (None, "")

    def _with_size(self, entry: Entry) -> Entry:
        if entry.mode == SUBMODULE:
            return entry
        text = self._objects.blob(entry.blob)
        return entry if text is None else listing.described(entry, text)

    def _target(self, link: Entry, rest: str) -> str:
        target = os.fsdecode(self._blob(link))
        path = posixpath.join(posixpath.dirname(link.path), target, rest)
        path = posixpath.normpath(path)
        if path.startswith(("/", "../")) or path == "..":
            raise NotFound(f"{link.path} in {self.where} is a link out of the repository")
        return "" if path == "." else path

    def level(self, folder: Entry) -> list[Entry]:
        """What lies directly in a folder; links as links. Sizes of large plain files are not known
        before they were fetched: None."""
        if not isinstance(self._top, dict):
            listed = listing.level(self.repo.git, folder)
            if isinstance(self.repo, Source):
                names.check_form((entry.path for entry in listed), self.where)
            return listed
        start = len(folder.path) + 1 if folder.path else 0
        found: dict[str, Entry] = {}
        for path, entry in self._top.items():
            if not folder.path or path.startswith(folder.path + "/"):
                name, slash, _ = path[start:].partition("/")
                found[name] = Entry(path[:start] + name, TREE, "") if slash else entry
        return [*found.values()]

    def files(self, folder: Entry) -> list[Entry]:
        """Every file below a folder, or the one file itself."""
        if not folder.is_folder:
            return [folder]
        if isinstance(self._top, dict):
            inside = folder.path + "/" if folder.path else ""
            return [entry for path, entry in self._top.items() if path.startswith(inside)]
        if isinstance(self.repo, Source):
            return listings.files(self.repo, folder)
        return listing.files(self.repo.git, folder)

    def check_names(self, paths: Iterable[str]) -> None:
        """Of files, and folders that they are in, before they are written somewhere."""
        found = {*paths, ""}
        folders = {posixpath.dirname(path) for path in found}
        names.check(sorted(found - folders), self.where)

    # Reading

    def open(self, entry: Entry) -> BinaryIO:
        """The content of a file, for reading; seekable."""
        if entry.is_folder or entry.mode == SUBMODULE:
            raise IsADirectoryError(f"{entry.path or '.'} in {self.where} is a folder")
        if entry.pointer is None:
            return io.BytesIO(self._blob(entry))
        cached = self._open_cached(entry.pointer)
        if cached is not None:
            return cached
        return io.BufferedReader(ObjectStream(self.memory(entry), entry.path), _BUFFER_BYTES)

    def read_ranges(self, entry: Entry, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of several ranges (start, end) of one file, by as few reads as it takes."""
        if entry.pointer is None or entry.pointer.oid not in self._memories:
            with self.open(entry) as file:
                if not isinstance(file, io.BufferedReader) or not _is_stream(file):
                    return [_read_range(file, *one) for one in ranges]
        return self.memory(entry).read([*ranges])

    def _blob(self, entry: Entry) -> bytes:
        text = self._objects.blob(entry.blob)
        if text is None and isinstance(self.repo, Source):
            self.repo.bring_blobs([entry.blob])
            text = self._objects.blob(entry.blob)
        if text is None:  # a partial clone of one's own: Git fetches it
            text = next(b"".join(p) for _, _, p in blobs.stream(self.repo.git, [entry.blob]))
        return text

    def sized(self, entries: Iterable[Entry]) -> list[Entry]:
        """The same entries, each with its size: plain files that were left out are fetched."""
        found = [*entries]
        unknown = [e for e in found if e.size is None and e.mode not in (TREE, SUBMODULE)]
        if unknown and isinstance(self.repo, Source):
            self.repo.bring_blobs(entry.blob for entry in unknown)
        known = dict(zip(unknown, listing.complete(self.repo.git, unknown), strict=True))
        return [known.get(entry, entry) for entry in found]

    def _open_cached(self, pointer: Pointer) -> BinaryIO | None:
        """From the cache here, or that of a repository on this machine."""
        for cache in self._caches:
            try:
                return cache.open(pointer.oid, pointer.size)
            except DataError:
                continue
        return None

    @cached_property
    def _addresses(self) -> list[Address]:
        return [a._replace(create=False) for a in self.repo.reading_addresses(self.commit)]

    @cached_property
    def _caches(self) -> list[Cache]:
        folders = [address.git_dir for address in self._addresses if address.git_dir]
        others = [Cache(os.path.join(path, "git-data"), read_only=True) for path in folders]
        return others if isinstance(self.repo, Source) else [self.repo.cache, *others]

    def memory(self, entry: Entry) -> ChunkMemory:
        """A data file in the store that has it, with the chunks that were read lately."""
        assert entry.pointer is not None
        oid = entry.pointer.oid
        with self._lock:
            if oid not in self._memories:
                made = ChunkMemory(self._reader(entry.path, entry.pointer))
                if len(self._memories) >= _FILES_KEPT:
                    self._memories.pop(next(iter(self._memories)))
                self._memories[oid] = made
            return self._memories[oid]

    def _reader(self, path: str, pointer: Pointer) -> ObjectReader:
        reason: DataError | None = None
        for address in self._addresses:
            try:
                found = self.repo.store(address).reader(pointer.oid)
                if found.size == pointer.size:
                    return found
                reason = Damaged(f"{address.url} has {found.size} bytes, not {pointer.size}")
            except DataError as error:
                if reason is None or not isinstance(error, NotFound):
                    reason = error
        what = f"{path}: {pointer.oid} is in no store that {self.where} names"
        if reason is None:
            raise NotFound(what)
        kinds = (Denied, Unreachable, Damaged, FormatError, StoreError)
        kind = next((kind for kind in kinds if isinstance(reason, kind)), NotFound)
        raise kind(f"{what} ({reason.message})", reason.hint) from reason


def _is_stream(file: io.BufferedReader) -> bool:
    return isinstance(file.raw, ObjectStream)


def _read_range(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(max(end - start, 0))
