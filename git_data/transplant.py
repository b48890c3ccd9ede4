"""Objects on their way from one store to another: chunk by chunk, and never on the disk here.

What the other store packed is unpacked, verified by its hash, and packed anew. A large object is
also hashed as a whole: a recipe may name chunks that are right and yet are not the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from itertools import islice
from typing import NamedTuple

from . import pack
from .errors import Damaged
from .index import Place
from .lookup import Found
from .oid import hasher
from .packing import Known, Large, Packed, Wanted
from .reading import Reader
from .unpacking import Batch, Span, batches, span_of


class Elsewhere(NamedTuple):
    """An object in another store."""

    reader: Reader
    found: Found


class Load(NamedTuple):
    """Chunks that are being read, and the objects they are of."""

    packed: Future[list[Packed]]
    ended: int  # so many objects end with these chunks
    large: Large | None = None


class _Small(NamedTuple):
    """An object of one chunk."""

    place: Place
    wanted: Wanted
    reader: Reader


def loads(
    items: Iterable[Wanted], elsewhere: Mapping[bytes, Elsewhere], pool: Executor, known: Known
) -> Iterator[Load]:
    """Small objects first, as they lie there, many by one read; then the large ones."""
    small: list[_Small] = []
    large: list[tuple[Wanted, Elsewhere]] = []
    for wanted in items:
        there = elsewhere[wanted.oid]
        if there.found.single:
            small.append(_Small(next(there.found.places()), wanted, there.reader))
        else:
            large.append((wanted, there))
    for group in _groups(sorted(small, key=lambda item: item.place)):
        yield Load(pool.submit(_load_small, group, known), len(group))
    for wanted, there in large:
        yield from _load_large(wanted, there, pool, known)


def _groups(items: Iterable[_Small]) -> Iterator[list[_Small]]:
    """Neighbours in one pack of one store, that one read brings."""
    group: list[_Small] = []
    span: Span | None = None
    raw = 0
    for item in items:
        joined = span.reach(span_of(item.place)) if span else None
        raw += item.place.raw
        is_other = group and group[0].reader is not item.reader
        if group and (joined is None or is_other or raw > pack.MAX_RAW_BYTES):
            yield group
            group, joined, raw = [], None, item.place.raw
        group.append(item)
        span = joined or span_of(item.place)
    if group:
        yield group


def _load_small(group: Sequence[_Small], known: Known) -> list[Packed]:
    spans = [span_of(item.place) for item in group]
    whole = spans[0]._replace(end=max(span.end for span in spans))
    keys = [item.wanted.oid for item in group]
    batch = Batch(whole, [item.place for item in group], 0)
    found = group[0].reader.verified(batch, keys)
    return [_pack(key, data, known) for key, data in zip(keys, found, strict=True)]


def _pack(key: bytes, data: pack.Data, known: Known) -> Packed:
    if known(key):
        return Packed(key, len(data))
    return Packed(key, len(data), *pack.encode_chunk(key, data))


def _load_large(wanted: Wanted, there: Elsewhere, pool: Executor, known: Known) -> Iterator[Load]:
    whole = _Whole(wanted, there.reader, known)
    part = there.found.between(0, there.found.size)
    keys, done = part.keys(), 0
    for number, batch in enumerate(batches(part.places()), 1):
        names = list(islice(keys, len(batch.places)))
        done += sum(place.raw for place in batch.places)
        loading = pool.submit(whole.load, number, batch, names)
        yield Load(loading, done >= there.found.size, whole)


class _Whole(Large):
    """A large object of another store, hashed while its chunks are taken in their order."""

    def __init__(self, wanted: Wanted, reader: Reader, known: Known) -> None:
        super().__init__(wanted)
        self._reader = reader
        self._known = known
        self._state = hasher()
        self._loaded: dict[int, list[pack.Data]] = {}  # by the number of the read, from 1
        self._taken = 0

    def load(self, number: int, batch: Batch, keys: Sequence[bytes]) -> list[Packed]:
        """In the pool."""
        data = self._loaded[number] = self._reader.verified(batch, keys)
        return [_pack(key, one, self._known) for key, one in zip(keys, data, strict=True)]

    def take(self, packed: Sequence[Packed], is_last: bool) -> None:
        super().take(packed, is_last)
        self._taken += 1
        for data in self._loaded.pop(self._taken):
            self._state.update(data)
        if is_last and self._state.digest() != self.wanted.oid:
            raise Damaged(
                f"{self.wanted.path}: the store that has it gives other bytes than those of "
                f"{self.wanted.oid}; nothing refers to them yet"
            )
