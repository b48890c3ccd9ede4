"""The objects that a repository holds, in `<common git dir>/git-data/`, and where else it may find
them on this machine. The format: docs/formats/cache.md.

How to think about it. Whoever must not lose an object (`put`, `CacheWriter`) has it synced: at once
from DURABLE_BYTES on, else together with others in `finish`. What was fetched (`adopt`, `keep`) is
not synced, for it can be fetched again. The seal tells the two apart, so that after a crash the
latter are hashed before they are used (docs/decisions/0002-sealed-cache.md).

Safe in threads and between processes. Every filter loads this module: keep its imports light.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import BinaryIO

from .disk import start_writeback, sync_file, sync_folder, write_all
from .errors import Damaged, DataError, NotFound
from .files import WRITEBACK, Bytes, PathLike, failure, remove_quietly
from .giving import give
from .objects import DURABLE_BYTES, ObjectFolder, Stored
from .oid import ObjectId, hash_bytes, hasher
from .packed import PACKED_BYTES
from .pointer import Pointer
from .seal import BOOT, BROKEN, set_seal

MOST_UNSYNCED = 1 << 16  # objects waiting for `finish` before they are synced all the same
SINGLE_FILES = 64  # small objects of one process that get a file each, before others are packed


class Cache:
    """Objects under `root`. Raises DataError with the path.

    `shared`: the machine-wide cache (`data.cache`), which gets and gives objects by hard link,
    else by shared blocks, else by copy. `also`: roots of other caches that objects are taken from.
    `read_only`: nothing under `root` is changed, as for another repository's cache.
    `fsync=False`: nothing is synced, for tests and for objects that are elsewhere too.
    """

    def __init__(
        self,
        root: PathLike,
        shared: PathLike | None = None,
        also: Sequence[PathLike] = (),
        *,
        read_only: bool = False,
        fsync: bool = True,
    ) -> None:
        self.folder = ObjectFolder(root, read_only=read_only, fsync=fsync)
        self.root = self.folder.root
        self._shared = ObjectFolder(shared, fsync=False) if shared else None
        self._sources = [self._shared] if self._shared else []
        self._sources += [ObjectFolder(path, read_only=True) for path in also]
        self._unsynced: list[Stored] = []
        self._small = 0  # objects that were stored here
        self._lock = Lock()

    # Asking

    def path(self, oid: bytes) -> str:
        """Where an object lies, or would."""
        return self.folder.path(oid)

    def has(self, oid: ObjectId, size: int) -> bool:
        """True only for a whole, verified object, which is here then. One stat, if it is."""
        return self.folder.has(oid, size) or self._borrow(oid, size)

    @property
    def is_empty(self) -> bool:
        """True when no object was ever stored here: a bare repository's, for instance."""
        return self.folder.is_empty

    def open(self, oid: ObjectId, size: int) -> BinaryIO:
        """The content, verified.

        Raises NotFound; Damaged when the file is not what its name says: it is set aside, so that
        it is fetched again.
        """
        try:
            return self.folder.open(oid, size)
        except NotFound:
            for source in self._sources:
                if source.has(oid, size):
                    given = self._take(source, oid, size)
                    return (self.folder if given else source).open(oid, size)
            raise

    def read(self, oid: ObjectId, size: int) -> bytes | None:
        """The content of one that lies among others in a pack, hashed as it was read; None for one
        that does not. Raises Damaged."""
        return self.folder.read_packed(oid, size) if self.folder.packed.knows(oid, size) else None

    def objects(self) -> Iterator[tuple[ObjectId, int]]:
        """Every object's name and size in bytes, verified or not. One that was stored twice may
        come twice."""
        return self.folder.objects()

    def _borrow(self, oid: ObjectId, size: int) -> bool:
        """Bring an object here from the machine-wide cache or another one; False: none has it."""
        return any(
            source.has(oid, size) and self._take(source, oid, size) for source in self._sources
        )

    def _take(self, source: ObjectFolder, oid: ObjectId, size: int) -> bool:
        if not source.packed.has(oid, size) or not self._is_packing():
            return give(source, oid, size, self.folder)
        try:
            with source.open(oid, size) as file:
                self._pack([(oid, file.read())], must_last=False)
        except DataError:
            return False
        return True

    # Storing what must not be lost

    def put(self, data: bytes) -> Pointer:
        """Store a small object. From DURABLE_BYTES on it is durable now, else after `finish`."""
        oid, size = hash_bytes(data), len(data)
        if not self.has_to_keep(oid, size):
            if size <= PACKED_BYTES and self._is_packing():
                self._pack([(oid, data)], must_last=True)
            else:
                self.note(self._store_alone(data, oid))
        return Pointer(oid, size)

    def writer(self) -> CacheWriter:
        """For content that comes in pieces: memory stays constant."""
        return CacheWriter(self)

    def finish(self) -> None:
        """What `put` and `writer` stored in this process is durable when this returns."""
        self.settle()
        with self._lock:
            waiting, self._unsynced = self._unsynced, []
        if not self.folder.fsync:
            return
        try:
            gone = self.folder.sync(waiting) if waiting else []
            self.folder.sync_folders()
        except OSError as error:
            raise failure(error, "sync the objects in", self.root) from error
        if gone:
            path = self.path(gone[0].oid)
            raise NotFound(f"{path} was removed before it was durable", "add its file again")

    def has_to_keep(self, oid: ObjectId, size: int) -> bool:
        """As `has`, for one that must not be lost: what may not be on the disk yet is noted."""
        if self._keep_file(oid, size) or self._hold(oid, size):
            return True
        return self._borrow(oid, size) and (self._keep_file(oid, size) or self._hold(oid, size))

    def _keep_file(self, oid: ObjectId, size: int) -> bool:
        """True for one with a file of its own; what may not be on the disk yet is noted."""
        found = self.folder.look(oid, size)
        if found and found[1] == BROKEN and self.folder.has_file(oid, size):  # it is sealed now
            found = self.folder.look(oid, size)
        if found is None or found[1] == BROKEN:
            return False
        if found[1] == BOOT:
            self.note(found[0])
        return True

    def _hold(self, oid: ObjectId, size: int) -> bool:
        try:
            return self.folder.packed.hold(oid, size)
        except OSError:
            return False

    def note(self, item: Stored) -> None:
        """An object for `finish` to make durable; a large one is made so now."""
        self._unsynced.append(item)
        if item.size >= DURABLE_BYTES or len(self._unsynced) >= MOST_UNSYNCED:
            self.finish()

    def share(self, oid: ObjectId, size: int) -> None:
        """The machine-wide cache gets it too; that it cannot only costs room."""
        if self._shared:
            give(self.folder, oid, size, self._shared)

    # Storing what was fetched

    def keep(self, objects: Iterable[tuple[ObjectId, Bytes]]) -> None:
        """Store small objects whose hashes the caller has just checked, and which were not here.
        They are not synced."""
        packed: list[tuple[ObjectId, Bytes]] = []
        for oid, data in objects:
            if len(data) <= PACKED_BYTES and self._is_packing():
                packed.append((oid, data))
            else:
                self._store_alone(data, oid)
        if packed:
            self._pack(packed, must_last=False)

    def settle(self) -> None:
        """Make what `keep` stored cheap to find for other processes."""
        try:
            self.folder.packed.finish()
        except OSError as error:
            raise failure(error, "store objects in", self.root) from error

    def _store_alone(self, data: Bytes, oid: ObjectId) -> Stored:
        stored = self.folder.store(data, oid)
        self.share(oid, len(data))
        return stored

    def _pack(self, objects: Sequence[tuple[ObjectId, Bytes]], must_last: bool) -> None:
        try:
            self.folder.packed.add(objects, must_last)
        except OSError as error:
            raise failure(error, "store objects in", self.root) from error

    def _is_packing(self) -> bool:
        """True from the small object on with which files of their own are too many. What is shared
        with other repositories is so by file."""
        self._small += 1
        if self._small <= SINGLE_FILES or self._shared is not None:
            return False
        return not self.folder.packed.is_full

    def temporary(self) -> tuple[int, str]:
        """A new file, open for reading and writing, on its way to `adopt`."""
        return self.folder.temporary()

    def adopt(self, temporary: PathLike, oid: ObjectId, size: int) -> None:
        """A temporary file whose bytes the caller has verified becomes the object. It is not
        synced. When this fails, it is gone."""
        self.folder.adopt(temporary, oid, size)
        self.share(oid, size)

    # After a crash

    def recover(self) -> list[Damaged]:
        """Remove what killed processes left, hash every object whose seal does not hold, and make
        all of them durable. Gives what was damaged; it is set aside. For `doctor` and the like:
        an object that a crash may have harmed is hashed before its next use anyway.
        """
        self.folder.sweep()
        damage = []
        for oid, size in self.objects():
            try:
                self.folder.open(oid, size).close()
            except Damaged as error:
                damage.append(error)
            except NotFound:
                continue  # removed meanwhile
            found = self.folder.look(oid, size)
            if found and found[1] == BOOT:
                self.note(found[0])
        self.folder.packed.hold_all()
        self.finish()
        return damage


class CacheWriter:
    """One object on its way into the cache. A context manager: left without `commit`, nothing
    stays. `size` is what was written so far, in bytes."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._state = hasher()
        self._started = 0
        self.size = 0
        self._fd, self._path = cache.temporary()

    def __enter__(self) -> CacheWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, data: Bytes) -> None:
        """Append. Blocks of about 1 MiB are best."""
        try:
            write_all(self._fd, data)
            self._state.update(data)
            self.size += len(data)
            if self.size - self._started >= WRITEBACK:
                start_writeback(self._fd, self._started, self.size - self._started)
                self._started = self.size
        except OSError as error:
            raise failure(error, "store an object in", self._cache.root) from error

    def read_back(self) -> BinaryIO:
        """What was written, from the start."""
        file = os.fdopen(os.dup(self._fd), "rb")
        file.seek(0)
        return file

    def commit(self) -> Pointer:
        """The object is in the cache; from DURABLE_BYTES on durably, else after `finish`."""
        oid = ObjectId(self._state.digest())
        try:
            if not self._cache.has_to_keep(oid, self.size):
                self._store(oid)
                self._cache.share(oid, self.size)
        except OSError as error:
            raise failure(error, "store an object in", self._cache.root) from error
        finally:
            self.discard()
        return Pointer(oid, self.size)

    def _store(self, oid: ObjectId) -> None:
        folder, inode = self._cache.folder, os.fstat(self._fd).st_ino
        synced = folder.fsync and self.size >= DURABLE_BYTES
        # The seal for good is set before the sync that makes it true: the file has no name yet.
        mtime_ns = set_seal(self._fd, oid, self.size, inode, lasting=synced)
        if synced:
            sync_file(self._fd)
        folder.place(self._path, oid)
        if synced:
            sync_folder(os.path.dirname(folder.path(oid)))
            folder.sync_folders()
        else:
            self._cache.note(Stored(oid, self.size, inode, mtime_ns))

    def discard(self) -> None:
        """Remove what was written, unless it was committed."""
        if self._fd >= 0:
            remove_quietly(self._path)
            os.close(self._fd)
            self._fd = -1
