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
    """A pack that is there, open."""

    def __init__(self, path: str, fd: int, table: Table, seal: int) -> None:
        self.path = path
        self.fd = fd
        self.table = table
        self.seal = seal
        self.bad: set[bytes] = set()  # objects that turned out to be damaged

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    def find(self, oid: bytes) -> Row | None:
        return None if oid in self.bad else self.table.find(oid)

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

    def __init__(self, path: str, bits: int) -> None:
        self.path = path
        self.rows: dict[bytes, Row] = {}
        self.must_last = False  # something in it must not be lost
        self.fd = _create(path)
        allow(self.fd, bits)
        os.pwrite(self.fd, cachepack.MAGIC, 0)
        self._end = self._started = len(cachepack.MAGIC)

    @property
    def is_full(self) -> bool:
        return self._end >= PACK_BYTES or len(self.rows) >= PACK_OBJECTS

    def add(self, objects: Sequence[tuple[bytes, Bytes]]) -> None:
        parts: list[Bytes] = []
        rows, at = [], self._end
        for oid, data in objects:
            parts += (cachepack.head(oid, len(data)), data)
            rows.append(Row(oid, at + cachepack.HEAD_BYTES, len(data)))
            at += cachepack.HEAD_BYTES + len(data)
        _write_at(self.fd, b"".join(parts), self._end)
        self.rows.update((row.oid, row) for row in rows)
        self._end = at
        if self._end - self._started >= WRITEBACK:
            start_writeback(self.fd, self._started, self._end - self._started)
            self._started = self._end

    def end(self, lasting: bool) -> Pack:
        """Write the table. Synced, and sealed for good, if it must last."""
        table = Table.of(self.rows.values())
        _write_at(self.fd, table.with_trailer(self._end), self._end)
        lasting = lasting and self.must_last
        if lasting:
            sync_file(self.fd)
            sync_folder(os.path.dirname(self.path))
        found = os.fstat(self.fd)
        set_seal(self.fd, table.id, found.st_size, found.st_ino, lasting)
        fd = os.open(self.path, READ)
        os.close(self.fd)  # and with it the lock
        return Pack(self.path, fd, table, LASTING if lasting else BOOT)

    def drop(self) -> None:
        remove_quietly(self.path)
        os.close(self.fd)


def _create(path: str) -> int:
    """A new file, locked. Whoever sees it before that takes its writer for dead, and removes it."""
    while True:
        fd = os.open(path, _CREATE, 0o444)
        if lock_file(fd, wait=True) is None or os.fstat(fd).st_nlink > 0:
            return fd
        os.close(fd)


def _write_at(fd: int, data: Bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, at)
        view, at = view[count:], at + count
