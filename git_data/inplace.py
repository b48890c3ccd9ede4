"""One object of a store, read here and there: only the chunks that a range touches, each verified.

Looking up is for one thread at a time, so it is done under the store's lock, and quick; bytes are
read and unpacked outside of it, large ranges by several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Lock
from typing import NamedTuple

from . import pack
from .errors import Damaged, NotFound
from .index import Place
from .lookup import Catalog, Found
from .reading import Reader
from .unpacking import Batch, batches

Find = Callable[[bool], Found]  # True: read the manifest again first


class Chunk(NamedTuple):
    position: int  # in the object, bytes
    data: pack.Data

    @property
    def end(self) -> int:
        return self.position + len(self.data)


class _Task(NamedTuple):
    """One read, and the chunks it brings."""

    batch: Batch
    keys: Sequence[bytes]


class ObjectReader:
    """Safe in threads. `pool` makes the threads for what takes several reads."""

    def __init__(
        self,
        catalog: Catalog,
        find: Find,
        lock: Lock,
        pool: Callable[[], AbstractContextManager[ThreadPoolExecutor]],
    ) -> None:
        self._catalog = catalog
        self._find = find
        self._lock = lock
        self._pool = pool
        with lock:
            self._found = find(False)
            self.size = self._found.size  # bytes

    def chunks(self, ranges: Iterable[tuple[int, int]]) -> list[Chunk]:
        """The chunks that some ranges (start, end) of bytes touch, in order, none twice."""
        wanted = [(start, min(end, self.size)) for start, end in sorted(ranges)]
        try:
            return self._read(self._plan(wanted))
        except (NotFound, Damaged):  # packs may have been merged since the index was read
            with self._lock:
                self._found = self._find(True)
            return self._read(self._plan(wanted))

    def _plan(self, ranges: Sequence[tuple[int, int]]) -> list[_Task]:
        tasks: list[_Task] = []
        done = 0  # everything before this position is planned
        with self._lock:
            for start, end in ranges:
                if max(start, done) < end:
                    part = self._found.between(max(start, done), end)
                    places, keys = [*part.places()], [*part.keys()]
                    tasks += _tasks(places, keys, part.position)
                    done = part.position + sum(place.raw for place in places)
        return tasks

    def _read(self, tasks: Sequence[_Task]) -> list[Chunk]:
        if len(tasks) <= 1:
            return [chunk for task in tasks for chunk in self._read_one(task)]
        with self._pool() as pool:
            return [chunk for found in pool.map(self._read_one, tasks) for chunk in found]

    def _read_one(self, task: _Task) -> list[Chunk]:
        position, found = task.batch.position, []
        for data in Reader(self._catalog).verified(task.batch, task.keys):
            found.append(Chunk(position, data))
            position += len(data)
        return found


def _tasks(places: Sequence[Place], keys: Sequence[bytes], position: int) -> list[_Task]:
    at, tasks = 0, []
    for batch in batches(places, position):
        tasks.append(_Task(batch, keys[at : at + len(batch.places)]))
        at += len(batch.places)
    return tasks
