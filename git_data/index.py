"""Bytes of index files, and looking things up in them. The format: docs/formats/index.md.

    index   := prefix counts fan-outs packs objects chunks recipes
    counts  := objects u32, chunks u32, packs u32, 0 u32, recipe entries u64
    fan-out := u32 for each value of an id's first bits: how many ids begin with at most that
    packs   := (id, size u64) ascending
    objects := first 8 bytes of each id, then the other 24 of each, then (size u64, end u64) of each
    chunks  := the same two tables, then (pack u32, offset u32, stored u32, raw u32) of each
    recipes := end of each chunk within its object u64, then ordinal of each chunk u32

An index is never loaded: it is a mapped file, and a look-up is a bisection of a few hundred
prefixes. It may also be a copy with holes, filled in by `want` just before they are read.
The file's own hash is checked by whoever maps it; what is read here is checked again for sense,
since a whole file may still have been written by an enemy.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from . import pack
from .errors import Damaged
from .oid import ObjectId

MAGIC = b"git-data index\n\0"
PREFIX_BYTES = 24
COUNTS = struct.Struct("<IIIIQ")
PACK_ROW = struct.Struct("<32sQ")
OBJECT_ROW = struct.Struct("<QQ")
CHUNK_ROW = struct.Struct("<IIII")
MAX_PACKS = 1 << 18  # of one index: 16 TiB
BIG = sys.byteorder == "big"

Ranges = Iterable[tuple[int, int]]  # (start, end) in bytes
Want = Callable[[Ranges], None]


class Place(NamedTuple):
    """Where a chunk lies: `stored` bytes of payload follow a record header at `offset`."""

    pack: ObjectId
    offset: int
    stored: int
    raw: int


class Counts(NamedTuple):
    objects: int
    chunks: int
    packs: int
    entries: int  # of recipes


class Layout(NamedTuple):
    """Where each section starts, in bytes; what follows from the counts alone."""

    object_fan: int
    chunk_fan: int
    packs: int
    objects: int
    chunks: int
    ends: int
    ordinals: int
    size: int


def fan_bits(count: int) -> int:
    """So many bits that some 256 ids share them, at most 16."""
    return min(16, max(0, count.bit_length() - 8))


def layout(counts: Counts) -> Layout:
    object_fan = PREFIX_BYTES + COUNTS.size
    chunk_fan = object_fan + _fan_bytes(counts.objects)
    packs = chunk_fan + _fan_bytes(counts.chunks)
    objects = packs + PACK_ROW.size * counts.packs
    chunks = objects + (32 + OBJECT_ROW.size) * counts.objects
    ends = chunks + (32 + CHUNK_ROW.size) * counts.chunks
    ordinals = ends + 8 * counts.entries
    size = ordinals + 4 * counts.entries
    return Layout(object_fan, chunk_fan, packs, objects, chunks, ends, ordinals, size)


def _fan_bytes(count: int) -> int:
    return max(8, 4 << fan_bits(count))  # one lonely u32 is followed by four zero bytes


def numbers(view: memoryview, code: str) -> Sequence[int]:
    """A section of little-endian numbers; only a big-endian machine has to copy it."""
    if not BIG:
        return view.cast(code)  # type: ignore[call-overload, no-any-return]
    copy = array(code, view)
    copy.byteswap()
    return copy


def _held(ranges: Ranges) -> None:
    """`want` of an index that is all here."""


class Table:
    """Sorted ids: a fan-out, a table of 8-byte prefixes, a table of the other 24 bytes."""

    def __init__(self, data: memoryview, fan: int, start: int, count: int) -> None:
        self.count = count
        self._bits = fan_bits(count)
        self._fan = numbers(data[fan : fan + (4 << self._bits)], "I")
        self._start = start
        self._rest_start = start + 8 * count
        self._prefixes = data[start : self._rest_start]
        self._numbers = numbers(self._prefixes, "Q")
        self._rest = data[self._rest_start : self._rest_start + 24 * count]

    def find(self, key: bytes) -> int:
        """The ordinal of `key`, or -1."""
        prefix = int.from_bytes(key[:8], "big")
        low, high = self._bucket(prefix)
        at = bisect_left(self._numbers, prefix, low, high)
        while at < high and self._numbers[at] == prefix:
            if self._rest[24 * at : 24 * at + 24] == key[8:]:
                return at
            at += 1
        return -1

    def key(self, at: int) -> bytes:
        prefix = bytes(self._prefixes[8 * at : 8 * at + 8])
        return prefix[::-1] + bytes(self._rest[24 * at : 24 * at + 24])

    def keys(self) -> Iterator[bytes]:
        return map(self.key, range(self.count))

    def want_keys(self, ordinals: Iterable[int]) -> Iterator[tuple[int, int]]:
        for at in ordinals:
            yield self._start + 8 * at, self._start + 8 * at + 8
            yield self._rest_start + 24 * at, self._rest_start + 24 * at + 24

    def want_prefixes(self, keys: Iterable[bytes]) -> Iterator[tuple[int, int]]:
        for key in keys:
            low, high = self._bucket(int.from_bytes(key[:8], "big"))
            yield self._start + 8 * low, self._start + 8 * high

    def want_rests(self, keys: Iterable[bytes]) -> Iterator[tuple[int, int]]:
        """What `find` reads after the prefixes, for keys whose prefix is there."""
        for key in keys:
            prefix = int.from_bytes(key[:8], "big")
            low, high = self._bucket(prefix)
            at = bisect_left(self._numbers, prefix, low, high)
            while at < high and self._numbers[at] == prefix:
                yield self._rest_start + 24 * at, self._rest_start + 24 * at + 24
                at += 1

    def _bucket(self, prefix: int) -> tuple[int, int]:
        first = prefix >> (64 - self._bits)
        low = self._fan[first - 1] if first else 0
        high = self._fan[first]
        if not low <= high <= self.count:
            raise Damaged("an index file has a fan-out that does not ascend")
        return low, high


class Index:
    """One index file of a store. `name` is where it lies, for messages."""

    def __init__(self, data: memoryview, name: str, want: Want = _held) -> None:
        self.name = name
        self.size = len(data)  # bytes
        self._data = data
        self._want = want
        want([(0, min(len(data), 4096))])
        pack.decode_prefix(data, MAGIC, name)
        self.counts = _counts(data, name)
        self._layout = where = layout(self.counts)
        if where.size != len(data):
            raise Damaged(f"{name} is {len(data)} bytes where its counts say {where.size}")
        want([(0, where.objects)])
        self.packs = dict(self._packs())  # id -> size in bytes, ascending
        self._pack_list = list(self.packs.items())
        self.objects = Table(data, where.object_fan, where.objects, self.counts.objects)
        self.chunks = Table(data, where.chunk_fan, where.chunks, self.counts.chunks)

    def find_objects(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """The ordinals, in the object table, of those keys that are there."""
        return self._find_all(self.objects, sorted(keys))

    def find_chunks(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        return self._find_all(self.chunks, sorted(keys))

    def _find_all(self, table: Table, keys: list[bytes]) -> dict[bytes, int]:
        if self._want is not _held:
            self._want(table.want_prefixes(keys))
            self._want(table.want_rests(keys))
        found = ((key, table.find(key)) for key in keys)
        return {key: at for key, at in found if at >= 0}

    def object_size(self, at: int) -> int:
        return self._object(at)[0]

    def recipe(self, at: int) -> tuple[Sequence[int], Sequence[int]]:
        """Of the object with ordinal `at`: the end of each chunk within the object, in bytes, and
        the ordinal of each chunk."""
        size, first, end = self._object(at)
        where = self._layout
        spans = (
            (where.ends + 8 * first, where.ends + 8 * end),
            (where.ordinals + 4 * first, where.ordinals + 4 * end),
        )
        self._want(spans)
        ends = numbers(self._data[slice(*spans[0])], "Q")
        if ends[-1] != size:
            raise Damaged(f"{self.name} has a recipe that does not fill its object")
        return ends, numbers(self._data[slice(*spans[1])], "I")

    def _object(self, at: int) -> tuple[int, int, int]:
        """Size in bytes, first recipe entry, end of recipe entries."""
        start = self._layout.objects + 32 * self.counts.objects + 16 * at
        self._want([(max(start - 16, self._layout.objects), start + 16)])
        size, end = OBJECT_ROW.unpack_from(self._data, start)
        first = OBJECT_ROW.unpack_from(self._data, start - 16)[1] if at else 0
        if not first < end <= self.counts.entries:
            raise Damaged(f"{self.name} has an object without a recipe")
        return size, first, end

    def place(self, at: int) -> Place:
        """Where the chunk with ordinal `at` lies."""
        return next(self.places((at,)))

    def places(self, ordinals: Iterable[int]) -> Iterator[Place]:
        """Where the chunks with these ordinals lie, one by one."""
        base = self._layout.chunks + 32 * self.counts.chunks
        packs, data, unpack = self._pack_list, self._data, CHUNK_ROW.unpack_from
        for at in self._wanted_rows(ordinals, base):
            if at >= self.counts.chunks:
                raise Damaged(f"{self.name} has a recipe with a chunk that it does not place")
            number, offset, stored, raw = unpack(data, base + 16 * at)
            if number >= len(packs) or offset + pack.RECORD_BYTES + stored > packs[number][1]:
                raise Damaged(f"{self.name} places a chunk outside of its packs")
            if not 0 < stored <= raw <= pack.MAX_RAW_BYTES:
                raise Damaged(f"{self.name} has a chunk of an impossible size")
            yield Place(packs[number][0], offset, stored, raw)

    def chunk_keys(self, ordinals: Sequence[int]) -> Iterator[bytes]:
        """The ids of the chunks with these ordinals."""
        self._want(self.chunks.want_keys(ordinals))
        return map(self.chunks.key, ordinals)

    def _wanted_rows(self, ordinals: Iterable[int], base: int) -> Iterable[int]:
        """The same ordinals, their rows being there when they are taken."""
        if self._want is _held:
            return ordinals
        return chain.from_iterable(self._want_batches(iter(ordinals), base))

    def _want_batches(self, ordinals: Iterator[int], base: int) -> Iterator[list[int]]:
        while batch := list(islice(ordinals, 4096)):
            self._want([(base + 16 * at, base + 16 * at + 16) for at in batch])
            yield batch

    def chunk_rows(self) -> Iterator[bytes]:
        """Each chunk's id and its row as it stands, in order."""
        base = self._layout.chunks + 32 * self.counts.chunks
        for at, key in enumerate(self.chunks.keys()):
            yield key + bytes(self._data[base + 16 * at : base + 16 * at + 16])

    def _packs(self) -> Iterator[tuple[ObjectId, int]]:
        start, previous = self._layout.packs, b""
        for at in range(self.counts.packs):
            key, size = PACK_ROW.unpack_from(self._data, start + PACK_ROW.size * at)
            if key <= previous or not 0 < size <= pack.MAX_BYTES:
                raise Damaged(f"{self.name} has an impossible list of packs")
            previous = key
            yield ObjectId(key), size


def _counts(data: memoryview, name: str) -> Counts:
    if len(data) < PREFIX_BYTES + COUNTS.size:
        raise Damaged(f"{name} is cut off")
    objects, chunks, packs, zero, entries = COUNTS.unpack_from(data, PREFIX_BYTES)
    if zero or not chunks or not 0 < packs <= MAX_PACKS or entries < 2 * objects:
        raise Damaged(f"{name} has impossible counts")
    return Counts(objects, chunks, packs, entries)
