"""Ranges of packs out of one store, for one fetch: from its copies too, and not for ever.

A range that fails is the failure of the files in it. When does the store itself count as gone, so
that nothing more is asked of it? When a range was unreachable while no other was answered either,
and when it has refused several in a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from . import pack
from .errors import Damaged, DataError, Denied, Unreachable
from .index import Place
from .lookup import Catalog
from .stores.base import copies_of
from .unpacking import Batch, Span, span_of, unpack_batch, verify_chunk

REFUSALS = 3  # in a row; S3 refuses what is not there to those who may not list


class Reader:
    """Reads from one store. Safe in threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._store = catalog.store
        self._gone: DataError | None = None
        self._answers = 0
        self._refusals = 0

    def name(self, span: Span) -> str:
        """How its pack is called in messages."""
        return self._catalog.path(span.name)

    def read(self, span: Span) -> memoryview:
        if self._gone:
            raise self._gone
        answers = self._answers
        try:
            data = self._store.read(span.name, span.start, span.end - span.start)
        except Unreachable as error:
            if self._answers == answers:
                self._gone = error
            raise
        except Denied as error:
            self._refusals += 1
            if self._refusals >= REFUSALS:
                self._gone = error
            raise
        except DataError:
            self._note_answer()
            raise
        self._note_answer()
        return memoryview(data)

    def _note_answer(self) -> None:
        self._answers += 1
        self._refusals = 0

    def copies(self, span: Span) -> Iterator[memoryview]:
        """The same range from wherever else it may be had, for whom its bytes were wrong."""
        for store in copies_of(self._store):
            with suppress(DataError):
                yield memoryview(store.read(span.name, span.start, span.end - span.start))

    def batch(self, batch: Batch) -> list[pack.Data]:
        """The chunks of a batch in the object's order; their hashes are not checked."""
        data, name = self.read(batch.span), self.name(batch.span)
        try:
            return unpack_batch(data, batch, name)
        except Damaged:
            for copy in self.copies(batch.span):
                with suppress(Damaged):
                    return unpack_batch(copy, batch, name)
            raise

    def verified(self, batch: Batch, keys: Sequence[bytes]) -> list[pack.Data]:
        """As `batch`, with each chunk checked against its id."""
        start, name = batch.span.start, self.name(batch.span)
        places = list(zip(batch.places, keys, strict=True))

        def unpack(data: memoryview) -> list[pack.Data]:
            return [verify_chunk(data, start, place, name, key) for place, key in places]

        data = self.read(batch.span)
        try:
            return unpack(data)
        except Damaged:
            for copy in self.copies(batch.span):
                with suppress(Damaged):
                    return unpack(copy)
            raise

    def copied_chunk(self, place: Place, key: bytes) -> pack.Data:
        """One chunk that the store gave wrong, from elsewhere; Damaged when nobody has it right."""
        span = span_of(place)
        name = self.name(span)
        for copy in self.copies(span):
            with suppress(Damaged):
                return verify_chunk(copy, span.start, place, name, key)
        at = f"byte {place.offset}"
        raise Damaged(f"{name} is damaged: chunk {key.hex()} at {at} is other bytes")
