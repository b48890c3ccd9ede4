"""Many objects at once: the face of a store that the rest of the program uses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from .ahead import width_of
from .cache import Cache
from .errors import Conflict, NotFound
from .fetching import Failure, Fetcher
from .inplace import ObjectReader
from .journal import Journal
from .lookup import HELD_BYTES, Catalog, Found
from .oid import ObjectId
from .packing import Wanted
from .progress import SILENT, Progress
from .publishing import Moved, check_writable, create
from .reading import Reader
from .sending import Sender
from .stores.base import Store
from .threads import thread_pool
from .transplant import Elsewhere

__all__ = ["HELD_BYTES", "Failure", "ObjectStore", "Sent", "Wanted"]

RESTARTS = 5  # each means that the store deleted something meanwhile

Parents = Callable[[str], Iterable[ObjectId]]


class Sent(NamedTuple):
    """What a push did."""

    objects: int  # that the store lacked
    bytes: int  # of these objects
    sent_bytes: int  # written to the store
    new_bytes: int  # of chunks that the store did not have, before compression


class ObjectStore:
    """The objects of one store. `folder` is the repository's own, <common git dir>/git-data: index
    copies, up to `held_bytes` of them, and push journals lie there. `single_writer`: the user says
    that nobody else writes to it. Not for several threads."""

    def __init__(
        self,
        store: Store,
        folder: str | os.PathLike[str],
        held_bytes: int = HELD_BYTES,
        single_writer: bool = False,
    ) -> None:
        self._folder = Path(folder)
        self._catalog = Catalog(store, self._folder, held_bytes, single_writer)
        self._is_read = False
        self._lock = Lock()  # of readers: the catalog is not for several threads

    @property
    def url(self) -> str:
        return self._catalog.url

    @property
    def id(self) -> str:
        """The store's random id; "" if it has no manifest yet."""
        manifest = self._read().manifest
        return manifest.store if manifest else ""

    @property
    def deletions(self) -> int:
        """How often content has been deleted: when it changes, what one remembers is void."""
        manifest = self._read().manifest
        return manifest.deletions if manifest else 0

    @property
    def generation(self) -> int:
        """The number of the manifest in force; 0 if there is none yet."""
        manifest = self._read().manifest
        return manifest.generation if manifest else 0

    @property
    def transactions(self) -> tuple[str, ...]:
        """Random ids of the last changes of the manifest, newest last."""
        manifest = self._read().manifest
        return manifest.transactions if manifest else ()

    def create(self, features: Sequence[str] = ()) -> str:
        """Make it a store, if it is none yet; its id. `features`: what its writers must know."""
        self._is_read = True
        return create(self._catalog, features).store

    def missing(self, oids: Iterable[bytes]) -> set[ObjectId]:
        """Those of the objects that the store does not hold for good."""
        wanted = {ObjectId(oid) for oid in oids}
        if not wanted:
            return wanted
        catalog = self._read(again=True)
        return wanted - catalog.find(wanted, whole=True).keys()

    def send(
        self,
        wanted: Iterable[Wanted],
        cache: Cache,
        progress: Progress = SILENT,
        parents: Parents | None = None,
        elsewhere: Mapping[bytes, Elsewhere] | None = None,
    ) -> Sent:
        """Store what is missing of these objects; when it returns they are confirmed and findable.

        `parents` gives the objects of a path's older versions: what they share is not sent again.
        `elsewhere`: objects that come from other stores and not from the cache, see `locate`.
        NotFound names a path whose object is in neither, before anything is sent. Any failure
        leaves the store as it was for others; the same call later goes on from there.
        """
        away = elsewhere or {}
        items = _once(wanted)
        for _ in range(RESTARTS):
            check_writable(self._catalog, create(self._catalog))
            self._is_read = True
            lacking = self._lacking(items)
            _check_cached([w for w in lacking if w.oid not in away], cache)
            try:
                return self._send(lacking, cache, progress, parents, away)
            except Moved:
                continue
        raise Conflict(
            f"{self.url} deleted content {RESTARTS} times while this push was under way",
            "push again when that is over",
        )

    def _lacking(self, items: Sequence[Wanted]) -> list[Wanted]:
        found = self._catalog.find([w.oid for w in items], whole=True)
        return [w for w in items if w.oid not in found]

    def _send(
        self,
        items: Sequence[Wanted],
        cache: Cache,
        progress: Progress,
        parents: Parents | None,
        away: Mapping[bytes, Elsewhere],
    ) -> Sent:
        manifest = self._catalog.manifest
        if not items or not manifest:
            return Sent(0, 0, 0, 0)
        size = sum(w.size for w in items)
        journal = Journal(self._folder, manifest.store, manifest.deletions)
        with journal, self._pool() as pool, _stage(progress, "Sending", items):
            sender = Sender(self._catalog, cache, journal, pool, progress)
            sender.resume()
            if parents and not self._catalog.holds_every_index:
                sender.expect({oid for w in items for oid in parents(w.path)})
            sender.send(items, away)
        return Sent(len(items), size, sender.sent_bytes, sender.new_bytes)

    def fetch(
        self, wanted: Iterable[Wanted], cache: Cache, progress: Progress = SILENT
    ) -> list[Failure]:
        """Bring objects into the cache. What could not be is told, with the reason; the others
        have arrived. Raises only when the store cannot be read at all."""
        catalog = self._read(again=True)
        items = list(wanted)
        once = _once(items)
        if not once:
            return []
        with self._pool() as pool, _stage(progress, "Fetching", once):
            fetcher = Fetcher(catalog, cache, pool, progress)
            fetcher.fetch(once)
        reasons = {w.oid: error for w, error in fetcher.failures}
        return [(w, reasons[w.oid]) for w in items if w.oid in reasons]

    def locate(self, wanted: Iterable[Wanted]) -> dict[bytes, Elsewhere]:
        """Those of the objects that this store has: for `send` of another store."""
        sizes: dict[bytes, int] = {w.oid: w.size for w in wanted}
        catalog = self._read(again=True)
        reader, found = Reader(catalog), catalog.find(sizes)
        return {oid: Elsewhere(reader, f) for oid, f in found.items() if f.size == sizes[oid]}

    def size_of(self, oid: bytes) -> int:
        """Bytes of an object of the store."""
        return self._find(oid).size

    def read_object(self, oid: bytes, start: int, length: int) -> bytes:
        """Part of an object, as far as it reaches: only the chunks it touches are read, and each
        is verified. For large parts and whole objects, `fetch`."""
        chunks = self.reader(oid).chunks([(start, start + length)])
        if not chunks:
            return b""
        data = b"".join(chunk.data for chunk in chunks)
        return data[start - chunks[0].position :][:length]

    def reader(self, oid: bytes) -> ObjectReader:
        """For reading an object here and there, from any thread. NotFound when it is not here."""

        def find(again: bool) -> Found:
            return self._find(oid, again)

        return ObjectReader(self._catalog, find, self._lock, self._pool)

    def _find(self, oid: bytes, again: bool = False) -> Found:
        catalog = self._read(again)
        found = catalog.find([oid]) or self._read(again=True).find([oid])
        if oid not in found:
            raise NotFound(f"{ObjectId(oid)} is not in {self.url}")
        return found[oid]

    def _pool(self) -> AbstractContextManager[ThreadPoolExecutor]:
        return thread_pool(width_of(self._catalog.store).threads)

    def _read(self, again: bool = False) -> Catalog:
        if again or not self._is_read:
            self._catalog.refresh()
            self._is_read = True
        return self._catalog


def _once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Each object once, by the first of its paths, in the order of the paths."""
    once: dict[bytes, Wanted] = {}
    for one in sorted(wanted, key=lambda w: (w.path, w.oid)):
        once.setdefault(one.oid, one)
    return list(once.values())


def _check_cached(items: Iterable[Wanted], cache: Cache) -> None:
    for wanted in items:
        if not cache.has(wanted.oid, wanted.size):
            raise NotFound(
                f"{wanted.path}: its content ({wanted.oid}) is not in this repository's cache, "
                "nothing was sent"
            )


@contextmanager
def _stage(progress: Progress, what: str, items: Sequence[Wanted]) -> Iterator[None]:
    progress.start(what, len(items), sum(w.size for w in items))
    try:
        yield
    finally:
        progress.finish()
