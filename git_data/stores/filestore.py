"""A store over anything that keeps files by path, and cannot compare and swap.

How to think about it: `Files` is what a library offers, in five verbs, with its own exceptions;
`FileStore` makes a store of it: names, ranges, errors. The manifests are replaced only by who
writes there alone, by the user's word (`data.<url>.singleWriter`): read, compared, put.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple, Protocol

from ..errors import Conflict, Damaged, DataError, Denied, NotFound, StoreError
from ..oid import hash_bytes
from .base import Part, Versioned, check_name, check_prefix, check_range

_DEPTH = 8  # folders in each other
_LIST_ENTRIES = 1_000_000  # of one folder
_MANIFEST_BYTES = 16 << 20
_TMP = "tmp"
_LOCK = ".lock"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AWAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENOTCONN, errno.EPIPE)


class Found(NamedTuple):
    name: str  # the last part of its path
    is_folder: bool
    size: int


class Files(Protocol):
    """Paths are those of a store: relative, with slashes. Safe in threads."""

    @property
    def url(self) -> str:
        """For people; no secrets in it."""

    def read(self, path: str, start: int, length: int) -> bytes:
        """Fewer bytes only where the file ends. FileNotFoundError when there is none."""

    def look(self, path: str) -> Found | None:
        """A file or a folder."""

    def list(self, path: str) -> Iterator[Found]:
        """What is in a folder; nothing when there is none."""

    def put(self, path: str, parts: Sequence[Part]) -> None:
        """A whole file, or none; it replaces what is there. Folders are made."""

    def delete(self, path: str) -> None:
        """A file. FileNotFoundError when there is none."""

    def explain(self, error: Exception, doing: str, address: str) -> DataError:
        """The error to tell for one that the library has raised."""


class FileStore:
    def __init__(self, files: Files, single_writer: bool) -> None:
        self._files = files
        self._single_writer = single_writer
        self._swaps = Lock()

    @property
    def url(self) -> str:
        return self._files.url

    def _shown(self, name: str) -> str:
        return f"{self.url}/{name}"

    @contextmanager
    def _asking(self, doing: str, name: str) -> Iterator[None]:
        """What the library raises becomes an error of ours. They raise whatever they like."""
        try:
            yield
        except DataError:
            raise
        except FileNotFoundError:
            raise NotFound(f"{self._shown(name)} is not in the store") from None
        except Exception as error:
            raise self._files.explain(error, doing, self._shown(name)) from None

    # Reading

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        check_range(name, start, length)
        with self._asking("read", check_name(name)):
            if not length:
                size = self._file(name).size
                if length == 0:
                    return b""
                length = size - start
                check_range(name, start, max(length, 0))
            data = self._files.read(name, start, length) if length > 0 else b""
        if len(data) != length:
            end = start + max(length, 0)
            raise Damaged(f"{self._shown(name)} is damaged: it ends before {end} bytes")
        return data

    def _file(self, name: str) -> Found:
        found = self._files.look(name)
        if found is None:
            raise NotFound(f"{self._shown(name)} is not in the store")
        if found.is_folder:
            raise StoreError(f"{self._shown(name)} is a folder, not a file")
        return found

    def read_small(self, name: str, limit: int) -> Versioned | None:
        with self._asking("read", check_name(name)):
            try:
                data = self._files.read(name, 0, limit + 1)
            except FileNotFoundError:
                return None
        if len(data) > limit:
            raise Damaged(f"{self._shown(name)} is damaged: it has more than {limit} bytes")
        return Versioned(data, hash_bytes(data).hex())

    def size(self, name: str) -> int | None:
        with self._asking("look at", check_name(name)):
            found = self._files.look(name)
        return found.size if found and not found.is_folder else None

    def _walk(self, folder: str, depth: int) -> Iterator[tuple[str, int]]:
        if depth > _DEPTH:
            raise StoreError(f"{self._shown(folder)}: too many folders in each other")
        for found in self._entries(folder):
            name = f"{folder}/{found.name}" if folder else found.name
            if "/" in found.name or name == _TMP or not _is_name(name):
                continue
            if found.is_folder:
                yield from self._walk(name, depth + 1)
            elif not name.endswith(_LOCK):
                yield name, found.size

    def _entries(self, folder: str) -> Sequence[Found]:
        entries = []
        with self._asking("list", folder):
            for found in self._files.list(folder):
                entries.append(found)
                if len(entries) > _LIST_ENTRIES:
                    raise StoreError(f"{self._shown(folder)} has too many files")
        return entries

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        yield from self._walk(check_prefix(prefix), 0)

    # Writing

    def write(self, name: str, parts: Sequence[Part]) -> None:
        size = sum(memoryview(part).nbytes for part in parts)
        with self._asking("write", check_name(name)):
            found = self._files.look(name)
            if found is None or found.size != size or found.is_folder:
                self._put(name, parts, found)

    def _put(self, name: str, parts: Sequence[Part], found: Found | None) -> None:
        if found and found.is_folder:
            raise StoreError(f"{self._shown(name)} is a folder, not a file")
        self._files.put(name, parts)

    def delete(self, name: str) -> None:
        with self._asking("delete", check_name(name)):
            found = self._files.look(name)
            if found and found.is_folder:
                raise StoreError(f"{self._shown(name)} is a folder, not a file")
            if found:
                try:
                    self._files.delete(name)
                except FileNotFoundError:
                    pass

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        check_name(name)
        if not self._single_writer:
            raise Denied(
                f"{self.url}: files there cannot be compared and swapped: "
                "two who push at once would lose data"
            )
        with self._swaps:
            found = self.read_small(name, _MANIFEST_BYTES)
            if (found.version if found else None) != version:
                raise Conflict(f"{self._shown(name)} was changed by somebody else")
            with self._asking("write", name):
                self._files.put(name, [data])
        return hash_bytes(data).hex()


def _is_name(name: str) -> bool:
    try:
        return bool(check_name(name))
    except StoreError:
        return False


# What libraries raise


def is_away(error: BaseException) -> bool:
    """True for an error of the network, not of a file."""
    kinds = (ConnectionError, TimeoutError, socket.gaierror, socket.herror)
    if isinstance(error, kinds) or getattr(error, "errno", None) in _AWAY:
        return True
    return isinstance(error, OSError) and error.errno is None and "closed" in str(error)


def explain_os_error(error: Exception, doing: str, address: str) -> DataError:
    """For an error of a file. Its own text is not shown: what may be in it, nobody knows."""
    if isinstance(error, PermissionError):
        return Denied(f"cannot {doing} {address}: you may not")
    if isinstance(error, (IsADirectoryError, NotADirectoryError, FileExistsError)):
        return StoreError(f"cannot {doing} {address}: a folder is not a file")
    number = getattr(error, "errno", None)
    known = os.strerror(number) if isinstance(number, int) else ""
    if number in _FULL:
        return StoreError(f"cannot {doing} {address}: {known}", "make room there, then push again")
    told = known or f"the server says no more than that it failed ({type(error).__name__})"
    return StoreError(f"cannot {doing} {address}: {told}")
