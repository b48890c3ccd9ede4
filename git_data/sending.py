"""One push: objects the store lacks, cut, packed, stored, and then published.

One thread reads and cuts; the pool hashes, compresses, names and writes; this module takes their
answers in the order of the objects. What is in memory: the pack being filled, the packs being
written, a few windows. After CHECKPOINT_CHUNKS chunks what is there is published, so that the
tables of a push do not grow with it either. A file counts as sent when its pack is confirmed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from functools import partial
from typing import NamedTuple

from . import chunker, pack
from .ahead import width_of
from .cache import Cache
from .hashing import Hashing, HashingAside
from .index import Place
from .indexing import Object, encode
from .journal import Confirmed, Journal
from .lookup import Catalog
from .oid import ObjectId
from .packing import (
    FullPack,
    Large,
    Packed,
    Packer,
    Wanted,
    changed,
    pack_window,
    places_of,
    read_small,
)
from .progress import Progress
from .publishing import publish, write_confirmed
from .transplant import Elsewhere, loads

CHECKPOINT_CHUNKS = 1 << 17
HINTS = 1 << 18  # chunks of older versions looked up beforehand, at most
GROUP_BYTES = 1 << 20  # of small objects, for one thread
GROUP_OBJECTS = 256
WINDOWS = 3  # being hashed, or waiting for their turn
# A pack at most: two reads (unpacking.READ_BYTES) bring it, one more of them is in memory than are
# being written, and one that breaks off has to be sent again whole.
PACK_BYTES = 15 << 20


class Step(NamedTuple):
    """Chunks on their way through the pool, and the objects they are of. Without chunks: a good
    moment to publish what there is."""

    packed: Future[list[Packed]] | None
    ended: int = 0  # so many objects end with these chunks
    large: Large | None = None


class _Tables:
    """Where the chunks of this push lie, new or old, since the last time it published."""

    def __init__(self) -> None:
        self.places: dict[bytes, Place | None] = {}  # None: in a pack that has no name yet
        self.packs: dict[ObjectId, int] = {}  # sizes
        self.objects: dict[bytes, Object] = {}

    def add(self, confirmed: Confirmed) -> None:
        self.places.update(confirmed.places)
        self.packs[confirmed.key] = confirmed.size
        self.objects.update((one.oid, one) for one in confirmed.objects)

    def encode(self) -> list[bytes | bytearray]:
        places = {key: place for key, place in self.places.items() if place}
        return encode(places, self.objects.values(), self.packs)


class _Told(NamedTuple):
    """What the user will be told once it is stored."""

    files: int
    size: int

    def plus(self, files: int, size: int) -> _Told:
        return _Told(self.files + files, self.size + size)


class _Written(NamedTuple):
    """A pack on its way to the store, and what is done with it."""

    full: FullPack
    key: Future[ObjectId]
    told: _Told


class Sender:
    """A push to one store."""

    checkpoint_chunks = CHECKPOINT_CHUNKS

    def __init__(
        self, catalog: Catalog, cache: Cache, journal: Journal, pool: Executor, progress: Progress
    ) -> None:
        self._catalog = catalog
        self._cache = cache
        self._journal = journal
        self._pool = pool
        self._progress = progress
        self._tables = _Tables()
        self._hints: dict[bytes, tuple[Place, int]] = {}
        self._packer = Packer(self._ship, PACK_BYTES)
        self._writes = width_of(catalog.store).writes
        self._writing: deque[_Written] = deque()
        self._unsaid = _Told(0, 0)
        self.new_bytes = 0  # of chunks that the store did not have
        self.sent_bytes = 0  # written to the store

    def resume(self) -> None:
        """Take up what an interrupted push had confirmed."""
        for confirmed in self._journal.entries(self._is_stored):
            self._tables.add(confirmed)
        for oid, one in list(self._tables.objects.items()):
            if not all(self._place(key) for key in one.chunks):
                del self._tables.objects[oid]  # leans on chunks that are not to be found now

    def _is_stored(self, confirmed: Confirmed) -> bool:
        if confirmed.key in self._catalog.condemned:
            return False
        return self._catalog.store.size(pack.path(confirmed.key)) == confirmed.size

    def expect(self, older: Iterable[bytes]) -> None:
        """Older versions of what will be sent: their chunks are known, even if the index that
        places them is not held here."""
        for found in self._catalog.find(older, whole=True).values():
            part = found.between(0, found.size)
            for key, place in zip(part.keys(), part.places(), strict=True):
                if len(self._hints) < HINTS:
                    self._hints[key] = (place, found.source.packs[place.pack])

    def send(
        self, items: Sequence[Wanted], elsewhere: Mapping[bytes, Elsewhere] | None = None
    ) -> None:
        """Store and publish these objects, in this order; those that other stores have and the
        cache has not come last."""
        steps: deque[Step] = deque()
        try:
            with closing(self._all_steps(items, elsewhere or {})) as made:
                for step in made:
                    steps.append(step)
                    self._absorb_down_to(0 if step.packed is None else WINDOWS, steps)
            self._absorb_down_to(0, steps)
            self._publish()
        finally:
            waiting = [step.packed for step in steps] + [one.key for one in self._writing]
            for future in waiting:
                if future:
                    future.cancel()

    # Reading and cutting

    def _all_steps(
        self, items: Sequence[Wanted], away: Mapping[bytes, Elsewhere]
    ) -> Generator[Step, None, None]:
        yield from self._steps(w for w in items if w.oid not in away)
        left = [w for w in items if w.oid in away and not self._is_whole(w)]
        between = True  # two objects: what is published has whole ones
        for load in loads(left, away, self._pool, self._is_known):
            if between and len(self._tables.places) >= self.checkpoint_chunks:
                yield Step(None)
            yield Step(*load)
            between = load.ended > 0

    def _steps(self, items: Iterable[Wanted]) -> Generator[Step, None, None]:
        group: list[Wanted] = []
        group_bytes = 0
        for wanted in items:
            if self._is_whole(wanted):
                self._progress.advance(1, wanted.size)
                continue
            is_small = wanted.size <= chunker.MIN_BYTES
            is_full = len(group) >= GROUP_OBJECTS or group_bytes >= GROUP_BYTES
            if group and (is_full or not is_small):
                yield self._small(group)
                group, group_bytes = [], 0
            if len(self._tables.places) >= self.checkpoint_chunks:
                yield Step(None)
            if is_small:
                group.append(wanted)
                group_bytes += wanted.size
            else:
                yield from self._large(wanted)
        if group:
            yield self._small(group)

    def _is_whole(self, wanted: Wanted) -> bool:
        """An interrupted push had come as far as this object's end."""
        return wanted.oid in self._tables.objects or bool(self._tables.places.get(wanted.oid))

    def _small(self, group: list[Wanted]) -> Step:
        return Step(self._pool.submit(read_small, group, self._cache), len(group))

    def _large(self, wanted: Wanted) -> Iterator[Step]:
        large = Large(wanted)
        read_bytes = 0
        with self._cache.open(wanted.oid, wanted.size) as stream, self._hashing(wanted) as state:
            for chunks in chunker.windows(partial(_read_at, stream.fileno())):
                state.update(chunks)
                read_bytes += sum(map(len, chunks))
                future = self._pool.submit(pack_window, chunks, self._is_known)
                yield Step(future, read_bytes == wanted.size, large)
        # Its last chunks may be packed by now, but nothing is published when this is raised.
        if read_bytes != wanted.size or state.digest() != wanted.oid:
            raise changed(wanted)

    def _hashing(self, wanted: Wanted) -> Hashing | HashingAside:
        is_long = wanted.size > chunker.WINDOW_BYTES
        return HashingAside(self._pool, WINDOWS) if is_long else Hashing()

    def _is_known(self, key: bytes) -> bool:
        return key in self._tables.places or self._older(key) is not None

    def _older(self, key: bytes) -> tuple[Place, int] | None:
        return self._hints.get(key) or self._catalog.place_of_chunk(key)

    # Packing, in order

    def _absorb_down_to(self, count: int, steps: deque[Step]) -> None:
        while len(steps) > count:
            step = steps.popleft()
            if step.packed is None:
                self._publish()
                continue
            packed = step.packed.result()
            for one in packed:
                self._add(one)
            if step.large:
                step.large.take(packed, step.ended > 0)
                if step.ended:
                    self._end_large(step.large)
            self._unsaid = self._unsaid.plus(step.ended, sum(one.raw for one in packed))

    def _add(self, one: Packed) -> None:
        if one.key in self._tables.places:
            return
        if one.header:
            self._tables.places[one.key] = None
            self._packer.add(one)
            self.new_bytes += one.raw
        else:
            self._place(one.key)

    def _place(self, key: bytes) -> bool:
        """True if the chunk is known; where it lies is then in the tables."""
        if key not in self._tables.places:
            older = self._older(key)
            if older is None:
                return False
            place, pack_bytes = older
            self._tables.places[key] = place
            self._tables.packs[place.pack] = pack_bytes
        return True

    def _end_large(self, large: Large) -> None:
        oid, size, _ = large.wanted
        if len(large.chunks) > 1 and oid not in self._tables.objects:
            self._packer.add_recipe(Object(oid, size, large.chunks))

    # Writing

    def _ship(self, full: FullPack) -> None:
        while len(self._writing) >= self._writes:
            self._confirm_oldest()
        written = _Written(full, self._pool.submit(self._write, full), self._unsaid)
        self._writing.append(written)
        self._unsaid = _Told(0, 0)

    def _write(self, full: FullPack) -> ObjectId:
        key = full.name()
        write_confirmed(self._catalog, pack.path(key), full.parts, full.size)
        return key

    def _confirm_oldest(self) -> None:
        # In order: after a kill, what follows the last noted pack is made again, the same.
        full, future, told = self._writing.popleft()
        key = future.result()
        confirmed = Confirmed(key, full.size, dict(places_of(full, key)), full.objects)
        self._journal.add(confirmed)
        self._tables.add(confirmed)
        self.sent_bytes += full.size
        self._progress.advance(*told)

    def _publish(self) -> None:
        self._packer.finish()
        while self._writing:
            self._confirm_oldest()
        self._progress.advance(*self._unsaid)
        self._unsaid = _Told(0, 0)
        basis = self._catalog.manifest
        if self._tables.places and basis:
            self.sent_bytes += publish(self._catalog, basis, self._tables.encode())
        self._journal.clear()
        self._tables = _Tables()


def _read_at(fd: int, position: int, length: int) -> bytes:
    return os.pread(fd, length, position)
