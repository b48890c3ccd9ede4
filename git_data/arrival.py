"""A large object on its way from a store into the cache."""

from __future__ import annotations

import os
from collections.abc import Iterable
from threading import Lock

from . import pack
from .cache import Cache
from .errors import DataError
from .files import failure, remove_quietly
from .lookup import Found
from .oid import hash_stream, hasher
from .packing import Wanted


class Arrival:
    """Its temporary file, and its hash so far. `error` is the first thing that went wrong.

    Threads of a pool write; everything else is for the one that waits for them. A thread that comes
    late finds it closed, and writes nothing: the file's number may be another file's by then.
    """

    def __init__(self, wanted: Wanted, found: Found, cache: Cache) -> None:
        self.wanted = wanted
        self.found = found
        self.error: DataError | None = None
        self._state = hasher()
        self._size = 0
        self._lock = Lock()
        self._fd, self._path = cache.temporary()
        self.is_open = True

    def write(self, chunks: Iterable[pack.Data], position: int) -> None:
        try:
            with self._lock:
                for chunk in chunks if self.is_open else ():
                    view = memoryview(chunk)
                    while view:
                        count = os.pwrite(self._fd, view, position)
                        view, position = view[count:], position + count
        except OSError as error:
            raise failure(error, "write", self._path) from error

    def read(self, position: int, length: int) -> bytes:
        """What was written there."""
        try:
            return os.pread(self._fd, length, position)
        except OSError as error:
            raise failure(error, "read", self._path) from error

    def hash(self, chunks: Iterable[pack.Data]) -> int:
        """Take the next chunks, in order; their size in bytes."""
        before = self._size
        for chunk in chunks:
            self._state.update(chunk)
            self._size += len(chunk)
        return self._size - before

    def is_right(self) -> bool:
        return self._size == self.wanted.size and self._state.digest() == self.wanted.oid

    def is_right_now(self) -> bool:
        """As `is_right`, of the file as it is."""
        try:
            with open(self._path, "rb") as file:
                return hash_stream(file) == (self.wanted.oid, self.wanted.size)
        except OSError as error:
            raise failure(error, "read", self._path) from error

    def keep(self, cache: Cache) -> None:
        self._close()
        cache.adopt(self._path, self.wanted.oid, self.wanted.size)

    def drop(self) -> None:
        if self.is_open:
            self._close()
        remove_quietly(self._path)

    def _close(self) -> None:
        with self._lock:
            self.is_open = False
            os.close(self._fd)
