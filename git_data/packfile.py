"""One pack of a cache as a file: open for reading, growing in another process, or being written.

Everything here raises OSError.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from . import cachepack
from .cachepack import Row, Table
from .disk import lock_file, start_writeback, sync_file, sync_folder
from .files import WRITEBACK, Bytes, allow, remove_quietly
from .seal import BOOT, LASTING, set_seal

PACK_BYTES = 512 << 20  # where a pack ends and another begins
PACK_OBJECTS = 1 << 17
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Pack:
    """A pack that is there, open. `is_sure`: its seal is ours to break and to set, so its table can
    be believed; else each object is hashed to say whether it is there."""

    def __init__(self, path: str, fd: int, table: Table, seal: int, is_sure: bool = True) -> None:
        self.path = path
        self.fd = fd
        self.table = table
        self.seal = seal
        self.is_sure = is_sure
        self.bad: set[bytes] = set()  # objects that turned out to be damaged

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    def find(self, oid: bytes) -> Row | None:
        row = None if oid in self.bad else self.table.find(oid)
        if row and not self.is_sure and cachepack.read(self.fd, row) is None:
            return None
        return row

    def rows(self) -> Iterator[Row]:
        return (row for row in self.table if row.oid not in self.bad)


class Growing(Pack):
    """A pack that another process still writes: what it holds so far."""

    def __init__(self, path: str, fd: int, rows: list[Row]) -> None:
        super().__init__(path, fd, Table.of(()), BOOT)
        self._rows = {row.oid: row for row in rows}
        self._end = cachepack.end_of(rows)
        self._size = 0

    def grow(self) -> bool:
        """Take up what was written since; True if there was something."""
        size, count = os.fstat(self.fd).st_size, len(self._rows)
        if size != self._size:
            for row in cachepack.scan(self.fd, self._end):
                self._rows[row.oid] = row
                self._end = row.offset + row.size
            self._size = size
        return len(self._rows) > count

    def find(self, oid: bytes) -> Row | None:
        return None if oid in self.bad else self._rows.get(oid)

    def rows(self) -> Iterator[Row]:
        return iter([*self._rows.values()])


class Writer:
    """A pack of this process, while it grows."""

    def __init__(self, folder: str, bits: int) -> None:
        self.rows: dict[bytes, Row] = {}
        self.must_last = False  # something in it must not be lost
        self.path, self.fd = _create(folder)
        allow(self.fd, bits)
        os.pwrite(self.fd, cachepack.MAGIC, 0)
        self._end = self._started = len(cachepack.MAGIC)

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def is_full(self) -> bool:
        return self._end >= PACK_BYTES or len(self.rows) >= PACK_OBJECTS

    def add(self, objects: Sequence[tuple[bytes, Bytes]]) -> None:
        """Append. When that fails, those that were written whole are here all the same: others may
        have seen them."""
        parts: list[Bytes] = []
        rows, at = [], self._end
        for oid, data in objects:
            parts += (cachepack.head(oid, len(data)), data)
            rows.append(Row(oid, at + cachepack.HEAD_BYTES, len(data)))
            at += cachepack.HEAD_BYTES + len(data)
        data = memoryview(b"".join(parts))
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self.fd, data[done:], self._end + done)
        finally:
            written = self._end + done
            whole = [row for row in rows if row.offset + row.size <= written]
            self.rows.update((row.oid, row) for row in whole)
            self._end = cachepack.end_of(whole) if whole else self._end
        if self._end - self._started >= WRITEBACK:
            start_writeback(self.fd, self._started, self._end - self._started)
            self._started = self._end

    def end(self, lasting: bool) -> Pack:
        """Write the table. Synced, and sealed for good, if it must last. When that fails, whoever
        looks next finds what is in it."""
        try:
            return self._ended(lasting and self.must_last)
        finally:
            os.close(self.fd)  # and with it the lock

    def _ended(self, lasting: bool) -> Pack:
        table = Table.of(self.rows.values())
        end = memoryview(table.with_trailer(self._end))
        os.ftruncate(self.fd, self._end)  # half a record, of an append that failed
        done = 0
        while done < len(end):
            done += os.pwrite(self.fd, end[done:], self._end + done)
        if lasting:
            sync_file(self.fd)
            sync_folder(os.path.dirname(self.path))
        fd = os.open(self.path, READ)
        found = os.fstat(fd)
        set_seal(self.fd, table.id, found.st_size, found.st_ino, lasting)
        return Pack(self.path, fd, table, LASTING if lasting else BOOT)

    def drop(self) -> None:
        remove_quietly(self.path)


def _create(folder: str) -> tuple[str, int]:
    """A new file, locked; its path. Whoever sees it before that takes its writer for dead, and
    removes it."""
    while True:
        path = os.path.join(folder, os.urandom(16).hex())
        fd = os.open(path, _CREATE, 0o444)
        if lock_file(fd, wait=True) is None or os.fstat(fd).st_nlink > 0:
            return path, fd
        os.close(fd)
