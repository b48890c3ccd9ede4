"""Objects into chunks into packs.

Two halves. `read_small` and `pack_window` do what takes time, hashing and compressing, and may run
in any thread and order. `Packer` puts their answers one behind the other, in one fixed order:
the same objects, sent again after a kill, make the same packs, with the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from . import pack
from .cache import Cache
from .errors import Damaged
from .index import Place
from .indexing import Object
from .oid import ObjectId, hash_bytes, hasher

JOIN_BYTES = 64 << 10  # smaller payloads are copied together, larger ones stay views


class Wanted(NamedTuple):
    """An object somebody needs. `path` is one of its paths: for the order, and for messages."""

    oid: ObjectId
    size: int  # bytes
    path: str


class Packed(NamedTuple):
    """A chunk ready to be put into a pack, or, with an empty `header`, one that is known."""

    key: bytes
    raw: int  # bytes
    header: bytes = b""
    payload: pack.Data = b""


Known = Callable[[bytes], bool]


class Large:
    """An object of many chunks on its way, while they come."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.chunks: list[bytes] = []  # ids so far, in order

    def take(self, packed: Sequence[Packed], is_last: bool) -> None:
        """The next chunks; with the last ones it is whole, or Damaged is raised."""
        self.chunks += [one.key for one in packed]


def read_small(wanted: Sequence[Wanted], cache: Cache) -> list[Packed]:
    """Objects of one chunk each. Damaged if one is not what its name says, by its path."""
    return [_pack_one(w, cache.read(w.oid, w.size) or _read(w, cache)) for w in wanted]


def _read(wanted: Wanted, cache: Cache) -> bytes:
    with cache.open(wanted.oid, wanted.size) as stream:
        data: bytes = stream.read(wanted.size + 1)
    return check(wanted, data)


def check(wanted: Wanted, data: bytes) -> bytes:
    """These bytes; Damaged when they are not the object's."""
    if hash_bytes(data) != wanted.oid or len(data) != wanted.size:
        raise changed(wanted)
    return data


def _pack_one(wanted: Wanted, data: bytes) -> Packed:
    return Packed(wanted.oid, len(data), *pack.encode_chunk(wanted.oid, data))


def changed(wanted: Wanted) -> Damaged:
    return Damaged(
        f"{wanted.path}: the local copy of {wanted.oid} is damaged, nothing refers to it yet",
        "add the file again: git add --renormalize FILE",
    )


def pack_window(chunks: Sequence[memoryview], known: Known) -> list[Packed]:
    """The chunks of one window, in order; those that are known already are not compressed."""
    keys = [hash_bytes(chunk) for chunk in chunks]
    is_new = [not known(key) for key in keys]
    new_bytes = sum(len(chunk) for chunk, new in zip(chunks, is_new, strict=True) if new)
    # A view keeps its whole window in memory; where little of it is new, a copy is the smaller.
    copied = 2 * new_bytes < sum(map(len, chunks))
    packed = []
    for key, chunk, new in zip(keys, chunks, is_new, strict=True):
        if new:
            data = bytes(chunk) if copied else chunk
            packed.append(Packed(key, len(chunk), *pack.encode_chunk(key, data)))
        else:
            packed.append(Packed(key, len(chunk)))
    return packed


class FullPack(NamedTuple):
    """A pack that only has to be named and written."""

    size: int  # bytes
    parts: list[bytes | bytearray | memoryview]
    places: dict[bytes, tuple[int, int, int]]  # chunk -> offset, stored, raw
    objects: list[Object]  # those whose recipe ends in this pack

    def name(self) -> ObjectId:
        state = hasher()
        for part in self.parts:
            state.update(part)
        return ObjectId(state.digest())


class Packer:
    """Puts records into packs and hands each full one to `ship`. Not for several threads."""

    def __init__(self, ship: Callable[[FullPack], None], limit: int = pack.MAX_BYTES) -> None:
        self._ship = ship
        self._limit = limit
        self._start()

    def _start(self) -> None:
        self._full = FullPack(0, [], {}, [])
        self._joined = bytearray(pack.HEADER)
        self._size = len(pack.HEADER)

    def add(self, packed: Packed) -> None:
        """Append a chunk that is in no pack yet."""
        offset = self._append(packed.header, packed.payload)
        self._full.places[packed.key] = (offset, len(packed.payload), packed.raw)

    def add_recipe(self, whole: Object) -> None:
        """Append an object's recipe, in as many parts as it takes; its chunks are all packed."""
        starts = range(0, len(whole.chunks), pack.RECIPE_CHUNKS)
        for part, start in enumerate(starts):
            chunks = whole.chunks[start : start + pack.RECIPE_CHUNKS]
            oid = ObjectId(whole.oid)
            self._append(
                *pack.encode_recipe(pack.RecipePart(oid, whole.size, part, len(starts), chunks))
            )
        self._full.objects.append(whole)

    def finish(self) -> None:
        """Hand over what there is, if anything."""
        if self._size > len(pack.HEADER):
            self._close_joined()
            self._ship(self._full._replace(size=self._size))
            self._start()

    def _append(self, header: bytes, payload: pack.Data) -> int:
        if self._size + len(header) + len(payload) > self._limit:
            self.finish()
        offset = self._size
        self._joined += header
        if len(payload) < JOIN_BYTES:
            self._joined += payload
        else:
            self._close_joined()
            self._full.parts.append(payload)
        self._size += len(header) + len(payload)
        return offset

    def _close_joined(self) -> None:
        if self._joined:
            self._full.parts.append(self._joined)
            self._joined = bytearray()


def places_of(full: FullPack, key: ObjectId) -> Iterable[tuple[bytes, Place]]:
    """Where the chunks of a pack lie, now that it has a name."""
    return ((chunk, Place(key, *rest)) for chunk, rest in full.places.items())
