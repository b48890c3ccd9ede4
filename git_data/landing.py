"""Objects on their way out of a store, straight to the files that are wanted: no second copy.

It stands where a fetch has its cache, but keeps nothing: each object, once its bytes are verified,
is moved to its place. What was begun lies in one folder beside, which goes when all is done.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import BinaryIO

from .cache import Cache
from .errors import Conflict, DataError
from .files import (
    Bytes,
    PathLike,
    copy_open,
    failure,
    open_temporary,
    remove_quietly,
    remove_stale,
    write_all,
)
from .listing import Entry
from .oid import ObjectId
from .treewriter import Tree

SCRATCH = ".git-data-get"
HOW_TO_REPLACE = "replace what differs with: --force"
EXECUTABLE = "100755"


class Landing(Cache):
    """Places files below `top`. `wanted`: where each object goes, paths from there."""

    def __init__(self, top: str, wanted: Mapping[bytes, Sequence[Entry]], replace: bool) -> None:
        super().__init__(_make_scratch(top))
        self.done: list[str] = []  # paths
        self.failed: list[tuple[str, DataError]] = []
        self._top = top
        self._wanted = wanted
        self._replace = replace
        self._one = Lock()
        self._tree = Tree(top)

    def __enter__(self) -> Landing:
        return self

    def __exit__(self, *_: object) -> None:
        self._tree.__exit__()
        remove_stale(self.root)
        try:
            os.rmdir(self.root)
        except OSError:
            pass  # somebody else fetches to the same place

    # What a fetch asks of a cache

    def has(self, oid: ObjectId, size: int) -> bool:
        return False

    def temporary(self) -> tuple[int, str]:
        try:
            return open_temporary(self.root)
        except OSError as error:
            raise failure(error, "write in", self._top) from error

    def keep(self, objects: Iterable[tuple[ObjectId, Bytes]]) -> None:
        for oid, data in objects:
            self.land([data], self._wanted[oid])

    def adopt(self, temporary: PathLike, oid: ObjectId, size: int) -> None:
        self._place(os.fspath(temporary), self._wanted[oid])

    # Anything else

    def land(self, pieces: Iterable[Bytes], entries: Sequence[Entry]) -> None:
        """The content of some files, verified by the caller."""
        fd, path = self.temporary()
        try:
            for piece in pieces:
                write_all(fd, piece)
        except OSError as error:
            remove_quietly(path)
            raise failure(error, "write", entries[0].path) from error
        except BaseException:
            remove_quietly(path)
            raise
        finally:
            os.close(fd)
        self._place(path, entries)

    def copy(self, source: BinaryIO, entries: Sequence[Entry]) -> None:
        """As `land`, of an open file; it shares the blocks where the disk can."""
        fd, path = self.temporary()
        try:
            copy_open(source, fd)
        except OSError as error:
            remove_quietly(path)
            raise failure(error, "write", entries[0].path) from error
        finally:
            os.close(fd)
        self._place(path, entries)

    def link(self, target: str, entry: Entry) -> None:
        """A symbolic link, made beside, which then takes its place."""
        path = os.path.join(self.root, f"link-{os.urandom(8).hex()}")
        with _told(self, entry):
            os.symlink(target, path)
            self._move(path, entry)

    def _place(self, path: str, entries: Sequence[Entry]) -> None:
        """One file goes to its place; those with the same content get copies of it first."""
        try:
            for entry in entries[1:]:
                with _told(self, entry):
                    self._move(self._copy_of(path), entry)
            with _told(self, entries[0]):
                self._move(path, entries[0])
        finally:
            remove_quietly(path)

    def _copy_of(self, path: str) -> str:
        fd, copy = open_temporary(self.root)
        try:
            with open(path, "rb") as source:
                copy_open(source, fd)
        finally:
            os.close(fd)
        return copy

    def _move(self, path: str, entry: Entry) -> None:
        if entry.mode == EXECUTABLE:
            mode = os.stat(path).st_mode
            os.chmod(path, mode | (mode & 0o444) >> 2)
        with self._one:  # the folders that are open are not for several threads
            self._tree.move_in(path, os.fsencode(entry.path), self._replace)


class _told:
    """A file that cannot be placed fails alone."""

    def __init__(self, landing: Landing, entry: Entry) -> None:
        self._landing = landing
        self._path = entry.path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None:
            self._landing.done.append(self._path)
        elif isinstance(error, FileExistsError):
            self._fail(Conflict(f"{self._path} is there already, and differs", HOW_TO_REPLACE))
        elif isinstance(error, OSError):
            self._fail(failure(error, "write", self._path))
        elif isinstance(error, DataError):
            self._fail(error)
        else:
            return False
        return True

    def _fail(self, error: DataError) -> None:
        self._landing.failed.append((self._path, error))


def _make_scratch(top: str) -> str:
    path = os.path.join(top, SCRATCH)
    try:
        os.makedirs(top, exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            if os.path.islink(path) or os.lstat(path).st_uid != os.geteuid():
                path += "-" + os.urandom(6).hex()
                os.mkdir(path, 0o700)
    except OSError as error:
        raise failure(error, "write in", top) from error
    remove_stale(path)
    return path
