"""The many small objects of a cache, in few files: `packs/`, as docs/formats/cache.md has it.

How to think about it. Making a file costs more than writing a small object, and reading many files
more than reading one. So a process that stores more than a few small objects appends them to a
pack of its own; `finish` ends that with a table, and seals it as an object's file is sealed.

Each object is hashed whenever it is read, so the seal only saves `has` from reading. Whoever
finds a pack whose seal does not hold hashes all of it: what is right goes on being used, in a new
pack if something was not. Safe in threads and between processes; packs are never changed after
`finish`. Looking through packs takes longer the more there are: where there are MOST_PACKS, small
objects get files of their own again.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from weakref import WeakSet

from . import cachepack
from .cachepack import Row, Table
from .disk import lock_file, sync_file, sync_folder, unlock_file
from .errors import Damaged
from .files import Bytes, failure, make_folders
from .oid import ObjectId
from .packfile import READ, Growing, Pack, Writer
from .seal import BOOT, BROKEN, LASTING, read_seal, set_seal

PACKED_BYTES = 32 << 10  # objects up to this size are packed
MOST_PACKS = 64
_TICK = 20_000_000  # nanoseconds by which a file system's clock may be behind
_NAME = re.compile(r"[0-9a-f]{32}")


_all: WeakSet[PackedObjects] = WeakSet()


def _forget() -> None:
    """After a fork: what grows is the parent's, and another thread may have held the lock."""
    for one in _all:
        one.forget()


os.register_at_fork(after_in_child=_forget)


class PackedObjects:
    """The packs in `folder`. Methods raise OSError and Damaged.

    `prepare` makes the cache's folders and gives the bits that files get past the umask.
    """

    def __init__(
        self, folder: str, prepare: Callable[[], int], read_only: bool, fsync: bool
    ) -> None:
        self.folder = folder
        self._prepare = prepare
        self._read_only = read_only
        self._fsync = fsync
        self._packs: dict[str, Pack] = {}  # by name
        self._listed = -1  # the folder's time when it was listed
        self._writer: Writer | None = None
        self._to_sync: set[str] = set()  # names of packs that `finish` makes lasting
        self._lock = Lock()
        _all.add(self)

    def forget(self) -> None:
        """Leave the pack that is being written to the process that this one was forked from."""
        self._lock = Lock()
        if self._writer:
            os.close(self._writer.fd)
        self._writer = None
        self._listed = -1

    # Asking

    def knows(self, oid: bytes, size: int) -> bool:
        """As `has`, without looking for packs that came since."""
        if size > PACKED_BYTES:
            return False
        row = self._own(oid)
        return row.size == size if row else self._pack_here(oid, size) is not None

    def has(self, oid: bytes, size: int) -> bool:
        return size <= PACKED_BYTES and self._find(oid, size) is not None

    @property
    def is_full(self) -> bool:
        """True when there are so many packs that another one would be in the way."""
        if self._writer:
            return False
        self._list()
        return len(self._packs) >= MOST_PACKS

    def read(self, oid: ObjectId, size: int) -> bytes | None:
        """The content, verified; None when it is not here. Damaged: then it is not here any
        more."""
        if size > PACKED_BYTES:
            return None
        with self._lock:
            own = self._own(oid)
            data = cachepack.read(self._writer.fd, own) if own and self._writer else None
        if data is not None and len(data) == size:
            return data
        pack = self._pack_of(oid, size)
        row = pack.find(oid) if pack else None
        if not pack or not row:
            return None
        data = cachepack.read(pack.fd, row)
        if data is None:
            raise self._damaged(pack, oid)
        return data

    def objects(self) -> Iterator[tuple[ObjectId, int]]:
        """Every object's name and size in bytes; one that was stored twice may come twice."""
        self._list()
        if writer := self._writer:
            yield from cachepack.oids([*writer.rows.values()])
        for pack in [*self._packs.values()]:
            yield from cachepack.oids(pack.rows())

    def _find(self, oid: bytes, size: int) -> Row | None:
        with self._lock:
            row = self._own(oid)
        if row is None:
            pack = self._pack_of(oid, size)
            row = pack.find(oid) if pack else None
        return row if row and row.size == size else None

    def _own(self, oid: bytes) -> Row | None:
        writer = self._writer
        return writer.rows.get(oid) if writer else None

    def _pack_of(self, oid: bytes, size: int) -> Pack | None:
        for _ in range(3):  # what is found may have been mended by another process just now
            if pack := self._pack_here(oid, size):
                return pack
            if not self._list():
                break
        return None

    def _pack_here(self, oid: bytes, size: int) -> Pack | None:
        for pack in tuple(self._packs.values()):
            row = pack.find(oid)
            if row and row.size == size:
                return pack
        return None

    def _list(self) -> bool:
        """Look for packs that came since; True if there may be others now."""
        try:
            changed = os.stat(self.folder).st_mtime_ns
        except OSError:
            return False  # none was ever written
        with self._lock:
            grown = [one.grow() for one in self._packs.values() if isinstance(one, Growing)]
            if changed == self._listed:
                return any(grown)
            # What comes within the same tick of the clock leaves no other time.
            self._listed = changed if changed < time.time_ns() - _TICK else -1
            known = {*self._packs, self._writer.name if self._writer else ""}
            try:
                names = os.listdir(self.folder)
            except OSError:
                return False  # not ours to look into: nothing is here
            for name in names:
                if _NAME.fullmatch(name) and name not in known:
                    self._open(name)
        return True

    def _open(self, name: str) -> None:
        """Take up a pack, unless it cannot be read."""
        path = os.path.join(self.folder, name)
        try:
            fd = os.open(path, READ)
        except OSError:
            return  # removed meanwhile, or not ours to read: what it holds is missing
        try:
            pack = self._look_at(path, fd)
        except OSError:
            pack = None
        if pack:
            self._packs[pack.name] = pack
        if pack is None or pack.fd != fd:
            os.close(fd)

    def _look_at(self, path: str, fd: int) -> Pack | None:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        if pack := self._sealed(path, fd):
            return pack
        if lock_file(fd, wait=False) is not True:
            return Growing(path, fd, [*cachepack.scan(fd)])
        try:  # nobody writes it: perhaps it was ended a moment ago
            return self._sealed(path, fd) or self._hashed(path, fd)
        finally:
            unlock_file(fd)

    def _sealed(self, path: str, fd: int) -> Pack | None:
        """A pack that was ended and that nothing happened to since; of somebody else's it need only
        be ended."""
        found = os.fstat(fd)
        table = cachepack.read_table(fd, found.st_size)
        if table is None:
            return None
        if self._read_only or found.st_uid != os.geteuid():
            return Pack(path, fd, table, BOOT, is_sure=False)
        seal = read_seal(found, table.id, found.st_size)
        return Pack(path, fd, table, seal) if seal != BROKEN else None

    def _hashed(self, path: str, fd: int) -> Pack | None:
        """A pack that was not ended, or of ours whose seal is broken. None when it is gone, or has
        nothing in it."""
        found = os.fstat(fd)
        if found.st_nlink == 0:
            return None
        table = cachepack.read_table(fd, found.st_size)
        if table is None:
            rows = [*cachepack.scan(fd)]
            is_torn = cachepack.end_of(rows) < found.st_size
        else:
            rows = [row for row in table if row.size <= PACKED_BYTES and cachepack.read(fd, row)]
            is_torn = len(rows) < len(table)
            if not is_torn:
                return Pack(path, fd, table, BOOT, is_sure=_seal(fd, table, found))
        left = Pack(path, fd, Table.of(rows), BOOT)
        return left if self._read_only else self._mended(left, is_torn)

    def _mended(self, left: Pack, is_torn: bool) -> Pack | None:
        """A new pack, synced, for it may hold what must not be lost. The old one is set aside if it
        holds anything else than whole objects."""
        try:
            rows = [*left.rows()]
            mended = self._copy(left.fd, rows) if rows else None
            if is_torn:
                self._set_aside(left.path)
            else:
                os.unlink(left.path)
        except OSError:
            return left
        return mended

    def _set_aside(self, path: str) -> None:
        """Where damaged objects are kept, for people to look at."""
        aside = os.path.join(os.path.dirname(self.folder), "damaged")
        make_folders(aside)
        os.rename(path, os.path.join(aside, os.path.basename(path)))

    def _copy(self, fd: int, rows: Sequence[Row]) -> Pack:
        """A new pack of objects that lie in an open one."""
        writer = Writer(self.folder, self._prepare())
        try:
            for row in rows:
                if data := cachepack.read(fd, row):
                    writer.add([(row.oid, data)])
            writer.must_last = True
            return writer.end(self._fsync)
        except BaseException:
            writer.drop()
            raise

    def _damaged(self, pack: Pack, oid: ObjectId) -> Damaged:
        pack.bad.add(oid)
        try:
            if not self._read_only:
                os.utime(pack.fd)  # breaks the seal: the next process hashes all of it
        except OSError:
            pass
        return Damaged(
            f"the cached object {oid} in {pack.path} is damaged: its bytes are not those of "
            "its name; it is not used",
        )

    # Storing

    def add(self, objects: Sequence[tuple[bytes, Bytes]], must_last: bool) -> None:
        """Append objects, each with its hash before it."""
        with self._lock:
            if self._writer is None:
                bits = self._prepare()
                make_folders(self.folder)
                self._writer = Writer(self.folder, bits)
            self._writer.add(objects)
            self._writer.must_last |= must_last
            if self._writer.is_full:
                self._end()

    def hold(self, oid: bytes, size: int) -> bool:
        """True if it is here; after `finish` it is so for good."""
        if size > PACKED_BYTES:
            return False
        with self._lock:
            if self._own(oid) and self._writer:
                self._writer.must_last = True
                return True
        pack = self._pack_of(oid, size)
        if pack and pack.seal != LASTING:
            self._to_sync.add(pack.name)
        return pack is not None

    def hold_all(self) -> None:
        """As `hold`, for all that is here."""
        self._list()
        self._to_sync |= {name for name, pack in self._packs.items() if pack.seal != LASTING}

    def finish(self) -> None:
        """End this process's pack; what must last does when this returns."""
        with self._lock:
            if self._writer:
                self._end()
            names, self._to_sync = self._to_sync, set()
            for name in names:
                self._make_lasting(self._packs[name])

    def _end(self) -> None:
        writer, self._writer = self._writer, None
        if writer:
            try:
                pack = writer.end(self._fsync)
            except OSError as error:
                raise failure(error, "store objects in", self.folder) from error
            self._packs[pack.name] = pack

    def _make_lasting(self, pack: Pack) -> None:
        if self._fsync:
            sync_file(pack.fd)
            sync_folder(self.folder)
            found = os.fstat(pack.fd)
            if read_seal(found, pack.table.id, found.st_size) != BOOT:
                return  # its writer seals it, or whoever finds that it is damaged
            try:
                set_seal(pack.fd, pack.table.id, found.st_size, found.st_ino, lasting=True)
            except PermissionError:
                return  # another user's: he seals it
        pack.seal = LASTING


def _seal(fd: int, table: Table, found: os.stat_result) -> bool:
    """False where that cannot be, as on a disk that is only read."""
    try:
        set_seal(fd, table.id, found.st_size, found.st_ino, lasting=False)
    except OSError:
        return False
    return True
