"""One fetch: many objects out of a store into the cache, in one pass over its packs.

Small objects come many to a read, ordered by where they lie. Large ones come one after the other,
a few reads ahead, and are written into a temporary file while they are hashed. An object that is
damaged or missing fails by itself, with the file of the store that is to blame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import NamedTuple

from . import pack
from .ahead import Ahead, width_of
from .arrival import Arrival
from .cache import Cache
from .errors import Damaged, DataError, NotFound
from .index import Place
from .lookup import Catalog, Found
from .oid import hash_bytes
from .packing import Wanted
from .progress import Progress
from .reading import Reader
from .unpacking import Batch, Span, batches, span_of_all, unpack_chunk, verify_chunk

Failure = tuple[Wanted, DataError]


class Small(NamedTuple):
    """An object that one read brings whole."""

    span: Span
    wanted: Wanted
    places: Sequence[Place]  # of its chunks, in order


class Fetcher:
    def __init__(self, catalog: Catalog, cache: Cache, pool: Executor, progress: Progress) -> None:
        self._catalog = catalog
        self._reader = Reader(catalog)
        self._reads = width_of(catalog.store).reads
        self._cache = cache
        self._pool = pool
        self._progress = progress
        self.failures: list[Failure] = []

    def fetch(self, items: Sequence[Wanted]) -> None:
        """Bring these objects, each of another id; what could not be is in `failures`."""
        found = self._catalog.find([w.oid for w in items])
        small: list[Small] = []
        large: list[tuple[Place, Wanted, Found]] = []
        for wanted in items:
            try:
                self._sort(wanted, found.get(wanted.oid), small, large)
            except DataError as error:
                self._fail(wanted, error)
        self._fetch_small(sorted(small))
        self._fetch_large([(w, one) for _, w, one in sorted(large, key=lambda item: item[0])])

    def _sort(
        self,
        wanted: Wanted,
        found: Found | None,
        small: list[Small],
        large: list[tuple[Place, Wanted, Found]],
    ) -> None:
        if found is None:
            raise self._not_found(wanted)
        if found.size != wanted.size:
            raise Damaged(
                f"{wanted.path}: its pointer says {wanted.size} bytes, {self._catalog.url} has "
                f"{found.size} for {wanted.oid}"
            )
        span = span_of_all(found.places())
        if span:
            small.append(Small(span, wanted, list(found.places())))
        else:
            large.append((next(found.places()), wanted, found))

    def _not_found(self, wanted: Wanted) -> DataError:
        text = f"{wanted.path}: {wanted.oid} is not in {self._catalog.url}"
        if self._catalog.damage:
            return Damaged(f"{text} as far as can be told ({self._catalog.damage[0].message})")
        return NotFound(text)

    def _fail(self, wanted: Wanted, error: DataError) -> None:
        self.failures.append((wanted, error))
        self._progress.advance(1, 0)

    # Small objects

    def _fetch_small(self, items: Sequence[Small]) -> None:
        waiting: Ahead[Future[list[tuple[Wanted, DataError | None]]]] = Ahead(self._reads)
        for span, group in _groups(items):
            waiting.add(self._pool.submit(self._bring, span, group), span.end - span.start)
            while waiting.is_over:
                self._settle(waiting.take().result())
        while waiting:
            self._settle(waiting.take().result())

    def _settle(self, results: Iterable[tuple[Wanted, DataError | None]]) -> None:
        for wanted, error in results:
            if error:
                self._fail(wanted, error)
            else:
                self._progress.advance(1, wanted.size)

    def _bring(self, span: Span, group: Sequence[Small]) -> list[tuple[Wanted, DataError | None]]:
        """One read, and each object in it verified and put into the cache. In the pool."""
        try:
            data = self._reader.read(span)
        except DataError as error:
            if len(group) == 1 or not isinstance(error, Damaged):
                return [(item.wanted, _about(item.wanted, error)) for item in group]
            # Cut off somewhere in here: what lies before that is still good.
            half = len(group) // 2
            parts = (group[:half], group[half:])
            return [result for part in parts for result in self._bring(_span(part), part)]
        found = self._keep(group, data, span.start)
        damaged = [item for item in group if isinstance(found[item.wanted], Damaged)]
        for part, items in _groups(damaged):
            for wanted in self._bring_copies(part, items):
                found[wanted] = None
        return list(found.items())

    def _bring_copies(self, span: Span, items: Sequence[Small]) -> Iterator[Wanted]:
        """Those of the objects that are right elsewhere."""
        for data in self._reader.copies(span):
            found = self._keep(items, data, span.start)
            yield from (wanted for wanted, error in found.items() if error is None)
            items = [item for item in items if found[item.wanted]]
            if not items:
                return

    def _keep(
        self, items: Sequence[Small], data: memoryview, start: int
    ) -> dict[Wanted, DataError | None]:
        """Put those into the cache that are right in these bytes of a pack; what is wrong with the
        others."""
        found: dict[Wanted, DataError | None] = {}
        wholes: list[tuple[Wanted, pack.Data]] = []
        for item in items:
            whole = self._unpack(item, data, start)
            if isinstance(whole, DataError):
                found[item.wanted] = whole
            else:
                wholes.append((item.wanted, whole))
        return found | self._store(wholes)

    def _store(self, wholes: Sequence[tuple[Wanted, pack.Data]]) -> dict[Wanted, DataError | None]:
        """Together if that can be, else one by one: on a full disk a small one may still fit."""
        try:
            self._cache.keep((wanted.oid, data) for wanted, data in wholes)
        except DataError as error:
            if len(wholes) == 1:
                return {wanted: _about(wanted, error) for wanted, _ in wholes}
            found: dict[Wanted, DataError | None] = {}
            for one in wholes:
                found |= self._store([one])
            return found
        return {wanted: None for wanted, _ in wholes}

    def _unpack(self, item: Small, data: memoryview, start: int) -> pack.Data | DataError:
        """An object whole and verified, or what is wrong with it."""
        name = self._catalog.path(item.span.name)
        try:
            chunks = [unpack_chunk(data, start, place, name) for place in item.places]
            whole = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            if hash_bytes(whole) != item.wanted.oid:
                for place in item.places:
                    verify_chunk(data, start, place, name)
                raise Damaged(f"{name} is damaged: it does not give the object {item.wanted.oid}")
        except DataError as error:
            return _about(item.wanted, error)
        return whole

    # Large objects

    def _fetch_large(self, items: Iterable[tuple[Wanted, Found]]) -> None:
        waiting: Ahead[_Step] = Ahead(self._reads)
        arrivals: list[Arrival] = []
        try:
            for wanted, found in items:
                arrivals = [one for one in arrivals if one.is_open]
                arrival = self._open(wanted, found)
                if arrival:
                    arrivals.append(arrival)
                    self._read_ahead(arrival, waiting)
            while waiting:
                self._take(waiting.take())
        finally:
            # Nobody waits for reads that are under way, they may hang: what they bring finds its
            # arrival closed.
            while waiting:
                if chunks := waiting.take().chunks:
                    chunks.cancel()
            for arrival in arrivals:
                arrival.drop()

    def _open(self, wanted: Wanted, found: Found) -> Arrival | None:
        try:
            return Arrival(wanted, found, self._cache)
        except DataError as error:
            self._fail(wanted, _about(wanted, error))
            return None

    def _read_ahead(self, arrival: Arrival, waiting: Ahead[_Step]) -> None:
        try:
            for batch in batches(arrival.found.places()):
                step = _Step(arrival, self._pool.submit(self._load, arrival, batch))
                waiting.add(step, batch.weight)
                while waiting.is_over:
                    self._take(waiting.take())
                if arrival.error:
                    break
        except DataError as error:  # the index makes no sense
            arrival.error = error
        waiting.add(_Step(arrival, None), 0)

    def _load(self, arrival: Arrival, batch: Batch) -> list[pack.Data]:
        """One read, unpacked and written to its place in the temporary file. In the pool."""
        chunks = self._reader.batch(batch)
        arrival.write(chunks, batch.position)
        return chunks

    def _take(self, step: _Step) -> None:
        arrival = step.arrival
        try:
            if step.chunks is None:
                self._finish(arrival)
            else:
                size = arrival.hash(step.chunks.result())
                self._progress.advance(0, size)
        except DataError as error:
            arrival.error = arrival.error or error

    def _finish(self, arrival: Arrival) -> None:
        """Into the cache with it, if its hash is right."""
        try:
            if arrival.error is None:
                if not arrival.is_right():
                    self._mend(arrival)
                arrival.keep(self._cache)
                self._progress.advance(1, 0)
                return
        except DataError as error:
            arrival.error = error
        arrival.drop()
        self._fail(arrival.wanted, _about(arrival.wanted, arrival.error))

    def _mend(self, arrival: Arrival) -> None:
        """Put right chunks in the place of wrong ones. Damaged says which file of the store has
        other bytes than it should, when nobody else has them right."""
        whole = arrival.found.between(0, arrival.found.size)
        position = 0
        for key, place in zip(whole.keys(), whole.places(), strict=True):
            if hash_bytes(arrival.read(position, place.raw)) != key:
                arrival.write([self._reader.copied_chunk(place, key)], position)
            position += place.raw
        if not arrival.is_right_now():
            name = arrival.found.source.name
            raise Damaged(f"{name} is damaged: its chunks do not make up {arrival.wanted.oid}")


class _Step(NamedTuple):
    arrival: Arrival
    chunks: Future[list[pack.Data]] | None  # None: all of it has been read


def _groups(items: Sequence[Small]) -> Iterator[tuple[Span, list[Small]]]:
    """Neighbours that one read brings, with its span."""
    span: Span | None = None
    group: list[Small] = []
    for item in items:
        joined = span.reach(item.span) if span else None
        if span and joined:
            span = joined
            group.append(item)
            continue
        if span:
            yield span, group
        span, group = item.span, [item]
    if span:
        yield span, group


def _span(group: Sequence[Small]) -> Span:
    """The one span of neighbours in a group."""
    return next(_groups(group))[0]


def _about(wanted: Wanted, error: DataError) -> DataError:
    """The same failure, with the file it is about."""
    return error.reworded(f"{wanted.path}: {error.message}")
