"""A large object on its way from a store into the cache."""

from __future__ import annotations

import os
from collections.abc import Iterable

from . import pack
from .cache import Cache
from .errors import DataError
from .files import failure, remove_quietly
from .lookup import Found
from .oid import hasher
from .packing import Wanted


class Arrival:
    """Its temporary file, and its hash so far. `error` is the first thing that went wrong."""

    def __init__(self, wanted: Wanted, found: Found, cache: Cache) -> None:
        self.wanted = wanted
        self.found = found
        self.error: DataError | None = None
        self._state = hasher()
        self._size = 0
        self._fd, self._path = cache.temporary()
        self.is_open = True

    def write(self, chunks: Iterable[pack.Data], position: int) -> None:
        try:
            for chunk in chunks:
                view = memoryview(chunk)
                while view:
                    count = os.pwrite(self._fd, view, position)
                    view, position = view[count:], position + count
        except OSError as error:
            raise failure(error, "write", self._path) from error

    def hash(self, chunks: Iterable[pack.Data]) -> int:
        """Take the next chunks, in order; their size in bytes."""
        before = self._size
        for chunk in chunks:
            self._state.update(chunk)
            self._size += len(chunk)
        return self._size - before

    def is_right(self) -> bool:
        return self._size == self.wanted.size and self._state.digest() == self.wanted.oid

    def keep(self, cache: Cache) -> None:
        self._close()
        cache.adopt(self._path, self.wanted.oid, self.wanted.size)

    def drop(self) -> None:
        if self.is_open:
            self._close()
        remove_quietly(self._path)

    def _close(self) -> None:
        self.is_open = False
        os.close(self._fd)
