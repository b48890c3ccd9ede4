"""The bytes of a cache pack: many small objects in one file (docs/formats/cache.md).

    magic, then for each object its id, its size and its content; when all are there a table of
    them, sorted by id, and a trailer that says where the table is.

A pack without a trailer is being written, or its writer was killed: `scan` finds what it holds.
"""

from __future__ import annotations

import os
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .oid import ObjectId, hash_bytes

MAGIC = b"git-data cached 1\n"
_END = b"gd-table"
_HEAD = struct.Struct("<32sQ")  # id, size
_ROW = struct.Struct("<32sQQ")  # id, offset of the content, size
_TRAILER = struct.Struct("<32sQ8s")  # hash of the table, its offset, _END
HEAD_BYTES = _HEAD.size
MOST_ROWS = 1 << 20
MOST_BYTES = 1 << 20  # of one object, far above what is ever packed


class Row(NamedTuple):
    """Where an object's content is, in bytes."""

    oid: bytes
    offset: int
    size: int


def head(oid: bytes, size: int) -> bytes:
    """What stands before an object's content."""
    return _HEAD.pack(oid, size)


class Table:
    """The objects of a pack, sorted by id."""

    def __init__(self, data: bytes, limit: int = 1 << 62) -> None:
        """`limit`: where contents end at the latest, in bytes of the pack."""
        self.data = data
        self.limit = limit
        self.id = hash_bytes(data)
        self._count = len(data) // _ROW.size
        # The first bytes of each id, to search in without making an object of each.
        self._starts = array("Q", (_start(self._oid(at)) for at in range(self._count)))

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Table:
        return cls(b"".join(_ROW.pack(*row) for row in sorted(rows)))

    def with_trailer(self, offset: int) -> bytes:
        """The end of a pack whose table starts at `offset`."""
        return self.data + _TRAILER.pack(self.id, offset, _END)

    def find(self, oid: bytes) -> Row | None:
        start = _start(oid)
        at = bisect_left(self._starts, start)
        while at < self._count and self._starts[at] == start:
            if self._oid(at) == oid:
                row = self._row(at)
                return row if row.offset + row.size <= self.limit else None
            at += 1
        return None

    def _oid(self, at: int) -> bytes:
        start = at * _ROW.size
        return self.data[start : start + 32]

    def _row(self, at: int) -> Row:
        return Row(*_ROW.unpack_from(self.data, at * _ROW.size))

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, range(self._count))

    def __len__(self) -> int:
        return self._count


def _start(oid: bytes) -> int:
    return int.from_bytes(oid[:8], "big")


def read_table(fd: int, size: int) -> Table | None:
    """The table of an open pack of so many bytes; None when it has none that is right."""
    if size < len(MAGIC) + _TRAILER.size:
        return None
    end = size - _TRAILER.size
    expected, start, mark = _TRAILER.unpack(os.pread(fd, _TRAILER.size, end))
    length = end - start
    if mark != _END or not 0 <= length <= MOST_ROWS * _ROW.size or length % _ROW.size:
        return None
    table = Table(os.pread(fd, length, start), start)
    return table if table.id == expected else None


def scan(fd: int, start: int = 0) -> Iterator[Row]:
    """What an open pack holds from there on, each object verified, as far as it is whole."""
    if os.pread(fd, len(MAGIC), 0) != MAGIC:
        return
    at = start or len(MAGIC)
    while len(found := os.pread(fd, HEAD_BYTES, at)) == HEAD_BYTES:
        oid, size = _HEAD.unpack(found)
        row = Row(oid, at + HEAD_BYTES, size)
        if size > MOST_BYTES or read(fd, row) is None:
            return
        yield row
        at = row.offset + size


def end_of(rows: Sequence[Row]) -> int:
    """Where the last of the rows that `scan` gave ends."""
    return rows[-1].offset + rows[-1].size if rows else len(MAGIC)


def read(fd: int, row: Row) -> bytes | None:
    """An object's content out of an open pack; None when it cannot be read, or is other bytes than
    its id says."""
    try:
        data = os.pread(fd, row.size, row.offset)
    except OSError:
        return None
    return data if hash_bytes(data) == row.oid else None


def oids(rows: Iterable[Row]) -> Iterator[tuple[ObjectId, int]]:
    """The ids and sizes of some rows."""
    return ((ObjectId(row.oid), row.size) for row in rows)
