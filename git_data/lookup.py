"""What a store holds, and where: its manifest, and its index files looked up in place.

Index files are kept as verified copies under `<folder>/index/<store id>/`, up to HELD_BYTES of
them, the smallest first. Of the others only the blocks that a look-up touches are read.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from . import manifest as manifests
from .errors import Damaged, DataError, NotFound, StoreError
from .files import failure, remove_quietly, write_file
from .index import Index, Place, Ranges
from .manifest import IndexRef, Manifest
from .oid import ObjectId, hash_bytes, hasher
from .stores.base import Readable, Store, copies_of, path_of

HELD_BYTES = 256 << 20  # of index files kept here for one store
READ_BYTES = 8 << 20  # at most, in one read of a store
BLOCK_BYTES = 16 << 10  # least that is read of an index that is not held


class Found(NamedTuple):
    """An object in one index: `at` is its ordinal among the objects there, or, where it is a
    single chunk, among the chunks."""

    source: Index
    at: int
    single: bool

    @property
    def size(self) -> int:
        return self.source.place(self.at).raw if self.single else self.source.object_size(self.at)

    def places(self) -> Iterator[Place]:
        """Where each of its chunks lies, in order."""
        return self.source.places(self._ordinals())

    def between(self, start: int, end: int) -> Part:
        """The chunks that bytes `start` to `end` of the object touch."""
        if self.single:
            return Part(self.source, (self.at,), 0)
        ends, ordinals = self.source.recipe(self.at)
        first, last = bisect_right(ends, start), bisect_left(ends, end)
        return Part(self.source, ordinals[first : last + 1], ends[first - 1] if first else 0)

    def _ordinals(self) -> Sequence[int]:
        return (self.at,) if self.single else self.source.recipe(self.at)[1]


class Part(NamedTuple):
    """Some chunks of an object that follow each other."""

    source: Index
    ordinals: Sequence[int]
    position: int  # of the first of them in the object, bytes

    def places(self) -> Iterator[Place]:
        return self.source.places(self.ordinals)

    def keys(self) -> Iterator[bytes]:
        return self.source.chunk_keys(self.ordinals)


class Catalog:
    """The manifest of a store as last read, with its indexes open."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        held_bytes: int = HELD_BYTES,
        single_writer: bool = False,
    ) -> None:
        self.store = store
        self.held_bytes = held_bytes
        self.single_writer = single_writer  # the user says: nobody else writes there
        self.manifest: Manifest | None = None
        self.version: str | None = None  # of the manifest, for replace_if
        self.damage: list[DataError] = []  # indexes that the manifest names and cannot be used
        self.condemned: Collection[bytes] = frozenset()
        self._folder = folder
        self._open: dict[IndexRef, Index] = {}
        self._held: set[IndexRef] = set()

    @property
    def url(self) -> str:
        return self.store.url

    def refresh(self) -> Manifest | None:
        """Read the manifest again and open what it names. None: the store has none yet."""
        for attempt in (1, 2):
            found = self._read_manifest()
            try:
                self._open_indexes(found, strict=attempt == 1)
                break
            except NotFound:
                continue  # merged away since the manifest was read: there is a newer one
        self._take(found)
        return found

    def adopt(self, written: Manifest, version: str) -> None:
        """The manifest that this program has just put in force need not be read back."""
        self.version = version
        self._open_indexes(written, strict=False)
        self._take(written)

    def _take(self, found: Manifest | None) -> None:
        self.manifest = found
        self.condemned = found.condemned_packs() if found else frozenset()

    def _read_manifest(self) -> Manifest | None:
        answer = self.store.read_small(manifests.NAME, manifests.MAX_BYTES)
        self.version = answer.version if answer else None
        return manifests.parse(answer.data, self.path(manifests.NAME)) if answer else None

    def path(self, name: str) -> str:
        """How a file of the store is called in messages."""
        return path_of(self.url, name)

    # Index files

    @property
    def holds_every_index(self) -> bool:
        """True when copies of all indexes are held here: every chunk is found without asking."""
        return len(self._held) == len(self._open)

    def _open_indexes(self, found: Manifest | None, strict: bool) -> None:
        refs = sorted(found.indexes, key=lambda ref: ref.size) if found else []
        opened, held, total = {}, set(), 0
        damage: list[DataError] = []
        for ref in refs:
            total += ref.size
            try:
                opened[ref] = self._open.get(ref) or self._open_one(found, ref, total)
            except NotFound as error:
                if strict:
                    raise
                damage.append(Damaged(f"the store's manifest names an index it lacks: {error}"))
            except Damaged as error:
                damage.append(error)
            if total <= self.held_bytes:
                held.add(ref)
        self._open, self._held, self.damage = opened, held, damage
        if found:
            self._forget_copies(found)

    def _open_one(self, found: Manifest | None, ref: IndexRef, total: int) -> Index:
        name = self.path(ref.name)
        if found is None or total > self.held_bytes:
            sparse = _SparseCopy(self.store, ref, self._folder)
            return Index(sparse.view, name, sparse.want)
        path = self._copy_path(found.store, ref)
        data = _map_verified(path, ref)
        if data is None:
            data = self._fetch_index(path, ref)
        return Index(data, name)

    def _fetch_index(self, path: Path, ref: IndexRef) -> memoryview:
        """An index file brought here; from elsewhere, where it is damaged in the store."""
        try:
            return self._fetch_index_from(self.store, path, ref)
        except Damaged:
            for store in copies_of(self.store):
                with suppress(Damaged, NotFound, StoreError):
                    return self._fetch_index_from(store, path, ref)
            raise

    def _fetch_index_from(self, store: Readable, path: Path, ref: IndexRef) -> memoryview:
        self._write_copy(path, self._download(store, ref))
        data = _map_verified(path, ref)
        if data is None:  # no room for it here, or another process did not know it and removed it
            data = memoryview(b"".join(self._download(store, ref)))
        return data

    def _download(self, store: Readable, ref: IndexRef) -> Iterator[bytes]:
        """The bytes of an index file; Damaged, at the end, if they are not those it is named by."""
        state = hasher()
        for start in range(0, ref.size, READ_BYTES):
            data = store.read(ref.name, start, min(READ_BYTES, ref.size - start))
            state.update(data)
            yield data
        if state.digest() != ref.id:
            name = self.path(ref.name)
            raise Damaged(f"{name} is damaged: its bytes are not those it is named by")

    def keep_copy(self, store_id: str, ref: IndexRef, data: Sequence[bytes | bytearray]) -> None:
        """An index that this program has just made need not be read back."""
        self._write_copy(self._copy_path(store_id, ref), data)

    def _write_copy(self, path: Path, data: Iterable[bytes | bytearray]) -> None:
        try:
            write_file(path, data, durable=False)
        except (Damaged, StoreError, NotFound):
            raise  # it could not be read
        except DataError:
            pass  # a copy only saves time

    def _copy_path(self, store_id: str, ref: IndexRef) -> Path:
        return self._folder / "index" / store_id / ref.id.hex()

    def _forget_copies(self, found: Manifest) -> None:
        named = {ref.id.hex() for ref in found.indexes}
        folder = self._folder / "index" / found.store
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return
        for name in names:
            if len(name) == 64 and name not in named:
                remove_quietly(folder / name)

    def held(self, ref: IndexRef) -> Index | None:
        """The index, if all of it is here: one that can be merged."""
        return self._open.get(ref) if ref in self._held else None

    # Looking up

    def find(self, keys: Iterable[bytes], whole: bool = False) -> dict[bytes, Found]:
        """Where objects are. `whole`: places in condemned packs do not count, for a writer."""
        left = set(keys)
        found: dict[bytes, Found] = {}
        for index in self._open.values():
            if not left:
                break
            for key, one in _find_in(index, left).items():
                if not whole or self._lasting(one):
                    found[key] = one
            left -= found.keys()
        return found

    def _lasting(self, found: Found) -> bool:
        return not self.condemned or not any(p.pack in self.condemned for p in found.places())

    def place_of_chunk(self, key: bytes) -> tuple[Place, int] | None:
        """Where a chunk lies, with its pack's size, as far as the indexes held here know. Safe in
        threads. A chunk in a condemned pack is as good as absent."""
        for ref in self._held:
            index = self._open.get(ref)
            if index and (at := index.chunks.find(key)) >= 0:
                place = index.place(at)
                if place.pack not in self.condemned:
                    return place, index.packs[place.pack]
        return None


def _find_in(index: Index, keys: Collection[bytes]) -> dict[bytes, Found]:
    found = {key: Found(index, at, True) for key, at in index.find_chunks(keys).items()}
    rest = [key for key in keys if key not in found]
    if index.counts.objects and rest:
        objects = index.find_objects(rest).items()
        found.update((key, Found(index, at, False)) for key, at in objects)
    return found


def _map_verified(path: Path, ref: IndexRef) -> memoryview | None:
    """The mapped file, if it is there and right."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size != ref.size:
                return None
            data = memoryview(mmap.mmap(file.fileno(), ref.size, access=mmap.ACCESS_READ))
    except FileNotFoundError:
        return None
    return data if hash_bytes(data) == ref.id else None


class _SparseCopy:
    """An index file of which only the blocks that were asked for are here, in a file with holes
    that has no name. Its bytes are not verified as a whole: what they lead to is."""

    def __init__(self, store: Store, ref: IndexRef, folder: Path) -> None:
        self._store = store
        self._ref = ref
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.truncate(ref.size)
                self._map = mmap.mmap(file.fileno(), ref.size)
        except OSError as error:
            raise failure(error, "keep parts of an index in", folder) from error
        self.view = memoryview(self._map)
        self._here = bytearray(-(-ref.size // BLOCK_BYTES))

    def want(self, ranges: Ranges) -> None:
        blocks: set[int] = set()
        for start, end in ranges:
            if start < end <= self._ref.size:
                blocks.update(range(start // BLOCK_BYTES, -(-end // BLOCK_BYTES)))
        for first, last in _runs(sorted(block for block in blocks if not self._here[block])):
            start, end = first * BLOCK_BYTES, min(last * BLOCK_BYTES, self._ref.size)
            self._map[start:end] = self._store.read(self._ref.name, start, end - start)
            self._here[first:last] = b"\1" * (last - first)


def _runs(blocks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours joined: (first, end) of each run, no longer than one read may be."""
    longest = READ_BYTES // BLOCK_BYTES
    start = 0
    for at in range(1, len(blocks) + 1):
        broken = at == len(blocks) or blocks[at] != blocks[at - 1] + 1
        if broken or at - start >= longest:
            yield blocks[start], blocks[at - 1] + 1
            start = at


def open_index(parts: Sequence[bytes | bytearray], name: str) -> tuple[Index, ObjectId]:
    """An index that was just made, still in memory, and its id."""
    data = b"".join(parts)
    return Index(memoryview(data), name), hash_bytes(data)
