"""Packs back into chunks: which ranges to read, and what is in them.

Ranges of one pack that lie near each other become one read. Sizes come from the index and have to
agree with the record's own header; nothing is believed before its hash is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from . import pack
from .errors import Damaged
from .index import Place
from .oid import ObjectId, hash_bytes

READ_BYTES = 8 << 20  # at most, in one read, and at most unpacked from it
GAP_BYTES = 64 << 10  # cheaper to read over than to ask again


class Span(NamedTuple):
    """Bytes of one pack."""

    pack: ObjectId
    start: int
    end: int

    @property
    def name(self) -> str:
        return pack.path(self.pack)

    def reach(self, other: Span) -> Span | None:
        """One span for both, if `other` begins inside or just behind this one."""
        near = other.pack == self.pack and self.start <= other.start <= self.end + GAP_BYTES
        end = max(self.end, other.end)
        return self._replace(end=end) if near and end - self.start <= READ_BYTES else None


def span_of(place: Place) -> Span:
    """A chunk's record, header and payload."""
    return Span(place.pack, place.offset, place.offset + pack.RECORD_BYTES + place.stored)


def span_of_all(places: Iterable[Place]) -> Span | None:
    """The one span that all these lie in, if one read can bring them all."""
    whole: Span | None = None
    raw = 0
    for place in places:
        span = span_of(place)
        raw += place.raw
        if whole is None:
            whole = span
        elif span.pack != whole.pack:
            return None
        whole = whole._replace(start=min(whole.start, span.start), end=max(whole.end, span.end))
        if whole.end - whole.start > READ_BYTES or raw > READ_BYTES:
            return None
    return whole


class Batch(NamedTuple):
    """One read of a large object: chunks that follow each other in the object."""

    span: Span
    places: list[Place]  # in the object's order; one may come more than once
    position: int  # of the first of them in the object, bytes

    @property
    def weight(self) -> int:
        """Bytes of memory that it takes: as read, or unpacked."""
        unpacked = {place.offset: place.raw for place in self.places}
        return max(self.span.end - self.span.start, sum(unpacked.values()))


def batches(places: Iterable[Place], position: int = 0) -> Iterator[Batch]:
    """The reads that bring these chunks, in the object's order. No read is longer than READ_BYTES,
    nor unpacks to more, whatever the chunks compress to; a chunk that comes again and again, as in
    a file of zeros, counts once."""
    batch: Batch | None = None
    seen: set[int] = set()  # offsets of the chunks in it
    raw = 0  # bytes of these, unpacked
    for place in places:
        joined = batch.span.reach(span_of(place)) if batch and len(batch.places) < 4096 else None
        raw += 0 if place.offset in seen else place.raw
        if batch and joined and raw <= READ_BYTES:
            batch = batch._replace(span=joined)
            batch.places.append(place)
        else:
            if batch:
                yield batch
            batch = Batch(span_of(place), [place], position)
            seen, raw = set(), place.raw
        seen.add(place.offset)
        position += place.raw
    if batch:
        yield batch


def unpack_chunk(data: memoryview, start: int, place: Place, name: str) -> pack.Data:
    """The chunk at `place`, from bytes of its pack that begin at `start`. Its size and header are
    checked, its hash is not."""
    record = pack.decode_record(data, place.offset - start, name)
    if (record.kind, record.stored, record.raw) != (pack.CHUNK, place.stored, place.raw):
        raise Damaged(f"{name} has another record at byte {place.offset} than its index says")
    return pack.unpack(data, place.offset - start, record, name)


def unpack_batch(data: memoryview, batch: Batch, name: str) -> list[pack.Data]:
    """The chunks of a batch in the object's order; each is unpacked once."""
    chunks: dict[int, pack.Data] = {}
    for place in batch.places:
        if place.offset not in chunks:
            chunks[place.offset] = unpack_chunk(data, batch.span.start, place, name)
    return [chunks[place.offset] for place in batch.places]


def verify_chunk(
    data: memoryview, start: int, place: Place, name: str, key: bytes | None = None
) -> pack.Data:
    """As `unpack_chunk`, with the bytes checked against the id `key`, or against that which the
    record claims for itself."""
    chunk = unpack_chunk(data, start, place, name)
    expected = key or pack.decode_record(data, place.offset - start, name).id
    if hash_bytes(chunk) != expected:
        at = f"byte {place.offset}"
        raise Damaged(f"{name} is damaged: chunk {expected.hex()} at {at} is other bytes")
    return chunk
