"""One folder of objects, as docs/formats/cache.md has it:

    objects/<xx>/<64 hex>   verified, read-only, sealed (see `seal`)
    packs/                  many small ones (packed.py)
    tmp/                    on the way there
    damaged/                what was found under an object's name and was not it

A file gets an object's name only after its bytes were hashed, and is sealed then; a seal that does
not hold means: hash it again. Safe in threads and between processes.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterable, Iterator
from itertools import count
from threading import Lock
from typing import BinaryIO, NamedTuple

from .disk import sync_all, sync_file, sync_folder, write_all
from .errors import Damaged, DataError, NotFound
from .files import (
    Bytes,
    PathLike,
    allow,
    entries,
    failure,
    make_folders,
    open_temporary,
    remove_quietly,
    remove_stale,
    shared_bits,
    temporary_name,
)
from .oid import ObjectId, hash_stream
from .packed import PackedObjects
from .seal import BOOT, BROKEN, read_seal, set_seal
from .unfinished import create, finished

DURABLE_BYTES = 1 << 20  # from this size on, a sync is short beside the writing or the hashing
_MODE = 0o444
_NAME = re.compile(r"[0-9a-f]{64}")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_REFETCH = "git data pull brings it again, if a store has it; else add the file again"


class Stored(NamedTuple):
    """An object's file, as it was at one moment."""

    oid: ObjectId
    size: int  # bytes
    inode: int
    mtime_ns: int

    def is_same(self, found: os.stat_result) -> bool:
        now = (found.st_size, found.st_ino, found.st_mtime_ns)
        return now == (self.size, self.inode, self.mtime_ns)


class ObjectFolder:
    """Raises DataError with the path. `read_only`: nothing is changed here, whatever is found."""

    def __init__(self, root: PathLike, *, read_only: bool = False, fsync: bool = True) -> None:
        self.root = os.fspath(root)
        self.fsync = fsync
        self._read_only = read_only
        self._objects = os.path.join(self.root, "objects")
        self._temporaries = os.path.join(self.root, "tmp")
        self._lock = Lock()
        self._prefix = ""  # of this process's small temporary files; empty: none was written yet
        self._count = count()
        self._made = False  # folders whose names are not durable yet
        self._bits = 0  # what files get past the umask: core.sharedRepository
        self._verified: set[tuple[int, ...]] = set()  # files that cannot be sealed by us
        packs = os.path.join(self.root, "packs")
        self.packed = PackedObjects(packs, self._prepare_pack, read_only, fsync)

    # Asking

    def path(self, oid: bytes) -> str:
        name = oid.hex()
        return f"{self._objects}/{name[:2]}/{name}"

    @property
    def is_empty(self) -> bool:
        """True when nothing was ever stored here."""
        return not (os.path.isdir(self._objects) or os.path.isdir(self.packed.folder))

    def has(self, oid: ObjectId, size: int) -> bool:
        """True only for a whole, verified object. One stat, if its seal holds."""
        if self.packed.knows(oid, size) or self.has_file(oid, size):
            return True
        try:
            return self.packed.has(oid, size)
        except OSError:
            return False

    def has_file(self, oid: ObjectId, size: int) -> bool:
        """True for one that is whole in a file of its own."""
        path = self.path(oid)
        try:
            if read_seal(os.lstat(path), oid, size) == BROKEN:
                self._open_file(path, oid, size).close()
        except (OSError, DataError):
            return False
        return True

    def look(self, oid: ObjectId, size: int) -> tuple[Stored, int] | None:
        """An object's own file as it is now, and its seal; None when it has none."""
        try:
            found = os.lstat(self.path(oid))
        except OSError:
            return None
        return Stored(oid, size, found.st_ino, found.st_mtime_ns), read_seal(found, oid, size)

    def open(self, oid: ObjectId, size: int) -> BinaryIO:
        """The content, verified. Raises NotFound; Damaged, then what was there is set aside."""
        path = self.path(oid)
        if not self.packed.knows(oid, size):
            try:
                return self._open_file(path, oid, size)
            except FileNotFoundError:
                pass
        return io.BytesIO(self.read_packed(oid, size))

    def _open_file(self, path: str, oid: ObjectId, size: int) -> BinaryIO:
        """As `open`, of a file of its own; FileNotFoundError when there is none."""
        try:
            fd = os.open(path, _READ)
        except FileNotFoundError:
            raise
        except OSError as error:
            if os.path.islink(path):
                raise self._damaged(path, "it is a symbolic link") from error
            raise failure(error, "read", path) from error
        try:
            self._check(fd, path, oid, size)
        except BaseException:
            os.close(fd)
            raise
        return os.fdopen(fd, "rb")

    def read_packed(self, oid: ObjectId, size: int) -> bytes:
        """The content of an object that is in a pack, hashed. Raises as `open` does."""
        try:
            data = self.packed.read(oid, size)
        except OSError as error:
            raise failure(error, "read", self.packed.folder) from error
        except Damaged as error:
            raise Damaged(error.message, _REFETCH) from error
        if data is None:
            raise NotFound(f"{oid} is not in {self.root}", _REFETCH)
        return data

    def objects(self) -> Iterator[tuple[ObjectId, int]]:
        """Every object's name and size in bytes, verified or not. One that was stored twice may
        come twice."""
        yield from self.packed.objects()
        for folder in entries(self._objects):
            for entry in entries(folder.path):
                if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    size = entry.stat(follow_symlinks=False).st_size
                    yield ObjectId.parse(entry.name), size

    def _check(self, fd: int, path: str, oid: ObjectId, size: int) -> None:
        """Return if this open file is the object; else set it aside and raise Damaged."""
        found = os.fstat(fd)
        if read_seal(found, oid, size) != BROKEN:
            return
        if not stat.S_ISREG(found.st_mode):
            raise self._damaged(path, "it is no plain file")
        if found.st_size != size:
            if self._is_whole(fd, path, oid, found):  # no reason to take it from honest pointers
                raise Damaged(
                    f"{oid} has {found.st_size} bytes, not {size} as this pointer says",
                    "restore the file from another commit: no content fits this pointer",
                )
            raise self._damaged(path, f"it has {found.st_size} bytes, not {size}")
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if state in self._verified:
            return
        if not _hashes_to(fd, path, oid):
            raise self._damaged(path, f"its bytes are not those of {oid}")
        self._seal_again(fd, oid, size, state)

    def _is_whole(self, fd: int, path: str, oid: ObjectId, found: os.stat_result) -> bool:
        """True when an open file is its object, whatever size somebody claims for that."""
        return read_seal(found, oid, found.st_size) != BROKEN or _hashes_to(fd, path, oid)

    def _seal_again(self, fd: int, oid: ObjectId, size: int, state: tuple[int, ...]) -> None:
        lasting = self.fsync and size >= DURABLE_BYTES
        try:
            if self._read_only:
                raise PermissionError
            if lasting:
                sync_file(fd)
            set_seal(fd, oid, size, state[1], lasting=lasting)
        except OSError:  # not ours to seal: remembered in this process only
            self._verified.add(state)

    def _damaged(self, path: str, why: str) -> Damaged:
        """Move what is there out of the way; the error to raise."""
        aside = f"{self.root}/damaged/{os.path.basename(path)}-{os.urandom(4).hex()}"
        try:
            if self._read_only:
                raise PermissionError
            make_folders(os.path.dirname(aside))
            os.rename(path, aside)
            done = f"it was moved to {aside}"
        except OSError:
            done = "it is not used"
        return Damaged(f"the cached object {path} is damaged: {why}; {done}", _REFETCH)

    # Storing

    def store(self, data: Bytes, oid: ObjectId) -> Stored:
        """Write a small object, whose hash is this, in one go; sealed for this boot. Few system
        calls: this is what `git add` of many files waits for."""
        temporary, size = "", len(data)
        try:
            self.prepare()
            temporary = f"{self._prefix}{next(self._count):x}"
            fd = create(temporary, _CREATE, _MODE)
            try:
                write_all(fd, data)
                allow(fd, self._bits)
                inode = os.fstat(fd).st_ino
                mtime_ns = set_seal(fd, oid, size, inode, lasting=False)
            finally:
                os.close(fd)
            self.place(temporary, oid)
        except BaseException as error:
            self._drop(temporary, error)
            raise
        return Stored(oid, size, inode, mtime_ns)

    def temporary(self) -> tuple[int, str]:
        """A new file, open for reading and writing, on its way to `adopt` or `place`."""
        try:
            self.prepare()
            fd, path = open_temporary(self._temporaries, _MODE)
            allow(fd, self._bits)
        except OSError as error:
            raise failure(error, "write in", self._temporaries) from error
        return fd, path

    def adopt(self, temporary: PathLike, oid: ObjectId, size: int) -> None:
        """A temporary file whose bytes the caller has verified becomes the object, sealed for this
        boot. When that fails, it is gone."""
        path = os.fspath(temporary)
        try:
            found = os.lstat(path)
            if found.st_size != size:
                raise Damaged(f"{path} has {found.st_size} bytes, not the {size} of {oid}")
            set_seal(path, oid, size, found.st_ino, lasting=False)
            self.place(path, oid)
        except BaseException as error:
            self._drop(path, error)
            raise

    def place(self, temporary: str, oid: ObjectId) -> None:
        """Give a sealed file its name. Raises OSError."""
        path = self.path(oid)
        try:
            os.rename(temporary, path)
        except FileNotFoundError:
            self.make_parent(path)
            os.rename(temporary, path)
        except IsADirectoryError:
            self._damaged(path, "it is a folder")
            os.rename(temporary, path)
        finished(temporary)

    def prepare(self) -> None:
        """Before this process's first file: folders, and what killed processes left goes. Raises
        OSError."""
        if self._prefix:
            return
        if self._read_only:
            raise PermissionError(1, "it is another repository's cache", self.root)
        make_folders(self._temporaries)
        make_folders(self._objects)
        self._made = True
        self._bits = shared_bits(self._objects) & _MODE
        self.sweep()
        self._prefix = os.path.join(self._temporaries, temporary_name())

    def _prepare_pack(self) -> int:
        self.prepare()
        return self._bits

    def sweep(self) -> None:
        """Remove what killed processes left."""
        remove_stale(self._temporaries)

    def make_parent(self, path: str) -> None:
        """The folder of an object's file. Raises OSError."""
        make_folders(path[: path.rindex("/")])
        self._made = True

    def _drop(self, temporary: str, error: BaseException) -> None:
        """Nothing half stays, whatever the error; one of the system's is explained."""
        remove_quietly(temporary)
        if isinstance(error, OSError):
            raise failure(error, "store an object in", self.root) from error

    # Making durable

    def sync(self, items: Iterable[Stored]) -> list[Stored]:
        """Make objects durable, and seal them for good; those that are gone. Raises OSError."""
        items = list(items)
        sync_all(self.path(item.oid) for item in items)
        return [item for item in items if not self._make_lasting(item)]

    def sync_folders(self) -> None:
        """Make the names of new folders durable. Raises OSError."""
        with self._lock:
            if self._made:
                for folder in (self._objects, self.root, os.path.dirname(self.root) or "."):
                    sync_folder(folder)
                self._made = False

    def _make_lasting(self, item: Stored) -> bool:
        """Seal for good what was synced, if it is still the same file; False if there is none."""
        path = self.path(item.oid)
        try:
            found = os.lstat(path)
            if item.is_same(found) and read_seal(found, item.oid, item.size) == BOOT:
                set_seal(path, item.oid, item.size, item.inode, lasting=True)
        except FileNotFoundError:
            return False
        except PermissionError:
            pass  # another user's file: he seals it
        return True


def _hashes_to(fd: int, path: str, oid: ObjectId) -> bool:
    try:
        with os.fdopen(os.dup(fd), "rb") as file:
            found, _ = hash_stream(file)
        os.lseek(fd, 0, os.SEEK_SET)
    except OSError as error:
        raise failure(error, "read", path) from error
    return found == oid
