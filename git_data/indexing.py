"""Index files made: of new chunks, of several older indexes, or of packs alone.

An index file is a function of what it holds: everything is sorted by id, and of two places of one
chunk the better one by a fixed rule is kept. So whoever merges the same files gets the same file.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby, islice
from operator import itemgetter
from typing import NamedTuple

from . import pack
from .errors import Damaged
from .index import (
    BIG,
    CHUNK_ROW,
    COUNTS,
    MAGIC,
    OBJECT_ROW,
    PACK_ROW,
    Index,
    Place,
    fan_bits,
)
from .oid import ObjectId, hash_bytes

BATCH = 1024  # rows handled at once while streaming


class Object(NamedTuple):
    """An object of two chunks or more. One of a single chunk needs no entry: it is that chunk."""

    oid: bytes
    size: int  # bytes
    chunks: Sequence[bytes]  # ids, in order


class _Writer:
    """The sections of one index file, filled in order: chunks first, then objects."""

    def __init__(self, packs: Mapping[ObjectId, int]) -> None:
        self._packs = b"".join(PACK_ROW.pack(key, size) for key, size in packs.items())
        self._pack_count = len(packs)
        self._chunks = (bytearray(), bytearray(), bytearray())  # prefixes, rests, rows
        self._objects = (bytearray(), bytearray(), bytearray())
        self._ends = bytearray()
        self._ordinals = bytearray()

    def add_chunks(self, rows: list[bytes]) -> None:
        """Chunks as id and CHUNK_ROW; ids ascend from call to call."""
        _add(self._chunks, rows)

    def add_object(self, oid: bytes, size: int, ends: array[int], ordinals: array[int]) -> None:
        self._ends += _little(ends)
        self._ordinals += _little(ordinals)
        _add(self._objects, [oid + OBJECT_ROW.pack(size, len(self._ends) // 8)])

    def parts(self) -> list[bytes | bytearray]:
        objects, chunks = len(self._objects[0]) // 8, len(self._chunks[0]) // 8
        counts = (objects, chunks, self._pack_count, 0, len(self._ends) // 8)
        return [
            pack.encode_prefix(MAGIC) + COUNTS.pack(*counts),
            _fan(self._objects[0]),
            _fan(self._chunks[0]),
            self._packs,
            *self._objects,
            *self._chunks,
            self._ends,
            self._ordinals,
        ]


def _add(tables: tuple[bytearray, bytearray, bytearray], rows: list[bytes]) -> None:
    prefixes, rests, others = tables
    prefixes += b"".join([row[7::-1] for row in rows])  # big-endian ids as little-endian numbers
    rests += b"".join([row[8:32] for row in rows])
    others += b"".join([row[32:] for row in rows])


def _fan(prefixes: bytearray) -> bytes:
    """How many ids begin with at most each value of their first bits."""
    bits = fan_bits(len(prefixes) // 8)
    counts = array("I", bytes(4 << bits))
    shift = 64 - bits
    # The eight bytes are little-endian, so a prefix's first two are its last two.
    for at in range(6, len(prefixes), 8):
        counts[int.from_bytes(prefixes[at : at + 2], "little") >> (shift - 48)] += 1
    fan = _little(array("I", accumulate(counts)))
    return fan + b"\0" * (-len(fan) % 8)


def _little(values: array[int]) -> bytes:
    if BIG:
        values = values[:]
        values.byteswap()
    return values.tobytes()


def encode(
    places: Mapping[bytes, Place], objects: Iterable[Object], packs: Mapping[ObjectId, int]
) -> list[bytes | bytearray]:
    """The parts of an index file of these chunks, by id, of these objects, all of whose chunks are
    among them, and of these packs with their sizes in bytes."""
    packs = dict(sorted(packs.items()))
    number = {key: at for at, key in enumerate(packs)}
    writer = _Writer(packs)
    keys = sorted(places)
    writer.add_chunks(
        [
            key + CHUNK_ROW.pack(number[place.pack], place.offset, place.stored, place.raw)
            for key, place in ((key, places[key]) for key in keys)
        ]
    )
    ordinal = {key: at for at, key in enumerate(keys)}
    for oid, size, chunks in sorted(objects):
        ends = array("Q", accumulate(places[key].raw for key in chunks))
        if ends[-1] != size:
            raise Damaged(f"the chunks of object {oid.hex()} do not make up its {size} bytes")
        writer.add_object(oid, size, ends, array("I", [ordinal[key] for key in chunks]))
    return writer.parts()


def merge(indexes: Sequence[Index], condemned: Collection[bytes] = ()) -> list[bytes | bytearray]:
    """The parts of one index file of all that these hold. Of a chunk's places the one in the pack
    with the smallest id stays, one that is not condemned if there is one. Rows stream; what is
    held is the new file's bytes and four bytes for each old chunk."""
    packs = dict(sorted((key, size) for index in indexes for key, size in index.packs.items()))
    bad = {at for at, key in enumerate(packs) if key in condemned}
    writer = _Writer(packs)
    ordinals = _merge_chunks(writer, indexes, packs, bad)
    _merge_objects(writer, indexes, ordinals)
    return writer.parts()


def _merge_chunks(
    writer: _Writer, indexes: Sequence[Index], packs: Mapping[ObjectId, int], bad: set[int]
) -> list[array[int]]:
    """Writes all chunks; the answer says, for each index, the new ordinal of each old one."""
    ordinals = [array("I") for _ in indexes]
    number = {key: at for at, key in enumerate(packs)}
    rows = heapq.merge(*(_rows(at, index, number) for at, index in enumerate(indexes)))
    chunks = enumerate(groupby(rows, key=lambda row: row[0]))

    def chosen() -> Iterator[bytes]:
        for ordinal, (key, places) in chunks:
            same = list(places)
            for _, _, source in same:
                ordinals[source].append(ordinal)
            good = [row for _, row, _ in same if len(same) == 1 or row[0] not in bad]
            best = good[0] if good else same[0][1]
            yield key + CHUNK_ROW.pack(*best)

    stream = chosen()
    while batch := list(islice(stream, BATCH)):
        writer.add_chunks(batch)
    return ordinals


_Row = tuple[bytes, tuple[int, int, int, int], int]  # id, renumbered CHUNK_ROW, which index


def _rows(source: int, index: Index, number: Mapping[ObjectId, int]) -> Iterator[_Row]:
    renumbered = [number[key] for key in index.packs]
    for row in index.chunk_rows():
        at, offset, stored, raw = CHUNK_ROW.unpack_from(row, 32)
        if at >= len(renumbered):
            raise Damaged(f"{index.name} places a chunk outside of its packs")
        yield row[:32], (renumbered[at], offset, stored, raw), source


def _merge_objects(writer: _Writer, indexes: Sequence[Index], ordinals: list[array[int]]) -> None:
    def listed(source: int) -> Iterator[tuple[bytes, int, int]]:
        for at, key in enumerate(indexes[source].objects.keys()):
            yield key, source, at

    merged = heapq.merge(*map(listed, range(len(indexes))))
    for key, group in groupby(merged, key=itemgetter(0)):
        recipes = [_renumbered(indexes[at], number, ordinals[at]) for _, at, number in group]
        size, ends, chunks = min(recipes, key=lambda one: (len(one[2]), one[2]))
        writer.add_object(key, size, ends, chunks)


def _renumbered(index: Index, at: int, ordinals: array[int]) -> tuple[int, array[int], array[int]]:
    """The size of an object, the ends of its chunks, and their ordinals in the new file."""
    ends, chunks = index.recipe(at)
    try:
        new = array("I", map(ordinals.__getitem__, chunks))
    except IndexError:
        name = index.name
        raise Damaged(f"{name} has a recipe with a chunk that it does not place") from None
    return index.object_size(at), array("Q", ends), new


class Scan(NamedTuple):
    """What one pack holds, found by reading it."""

    places: dict[bytes, Place]
    recipes: list[pack.RecipePart]
    damage: list[str]  # what could not be used, with the pack's name


def scan(key: ObjectId, data: pack.Data, name: str) -> Scan:
    """Everything in the pack `key` that its bytes prove. A pack that is damaged gives up those
    records whose own hash is right, up to the first header that makes no sense."""
    found = Scan({}, [], [])
    whole = hash_bytes(data) == key
    if not whole:
        found.damage.append(f"{name} is damaged: its bytes are not those it is named by")
    try:
        for offset, record in pack.records(data, name):
            try:
                _scan_record(found, (key, data, name), offset, record, whole)
            except Damaged as error:
                found.damage.append(error.message)
    except Damaged as error:
        found.damage.append(error.message)
    return found


def _scan_record(
    found: Scan,
    source: tuple[ObjectId, pack.Data, str],
    offset: int,
    record: pack.Record,
    whole: bool,
) -> None:
    key, data, name = source
    if record.kind == pack.RECIPE:
        payload = pack.unpack_verified(data, offset, record, name)
        found.recipes.append(pack.decode_recipe(payload, name))
        return
    if not whole:
        pack.unpack_verified(data, offset, record, name)
    found.places[record.id] = Place(key, offset, record.stored, record.raw)


def rebuild(
    packs: Iterable[tuple[ObjectId, pack.Data]],
) -> tuple[list[bytes | bytearray], list[str]]:
    """The parts of an index of everything that these packs hold, and what in them was damaged.
    Nothing but the packs is asked. Objects whose chunks are not all there are left out."""
    places: dict[bytes, Place] = {}
    recipes: dict[bytes, dict[int, pack.RecipePart]] = {}
    sizes: dict[ObjectId, int] = {}
    damage: list[str] = []
    for key, data in packs:
        found = scan(key, data, f"pack {key.hex()}")
        damage += found.damage
        sizes[key] = len(data)
        for chunk, place in found.places.items():
            places[chunk] = min(place, places.get(chunk, place))
        for part in found.recipes:
            recipes.setdefault(part.oid, {})[part.part] = part
    objects = [whole for parts in recipes.values() if (whole := _whole(parts, places))]
    return encode(places, objects, sizes), damage


def _whole(parts: dict[int, pack.RecipePart], places: Mapping[bytes, Place]) -> Object | None:
    first = next(iter(parts.values()))
    if any(at not in parts for at in range(first.parts)):
        return None
    chunks = [key for at in range(first.parts) for key in parts[at].chunks]
    if any(key not in places for key in chunks):
        return None
    if len(chunks) < 2 or sum(places[key].raw for key in chunks) != first.size:
        return None
    return Object(first.oid, first.size, chunks)
