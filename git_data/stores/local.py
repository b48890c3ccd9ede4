"""A store in a folder: a local disk, or a network file system that has locks.

Files are written to `tmp/`, synced, and renamed to their place. A manifest is replaced under a
lock on a file beside it that stays: read again, compared, written, synced, renamed. What killed
writers left in `tmp/` is removed by the next one.

New folders and files let the group read and write as the folder above them does: so a Git folder
with `core.sharedRepository` stays shared whatever the umask of those who push.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from ..disk import sync_folder
from ..errors import SAFE, Conflict, Damaged, Denied, NotFound, StoreError, Unreachable
from ..files import (
    Temporary,
    allow,
    make_folder,
    make_folders,
    remove_stale,
    shared_bits,
)
from ..locks import Lock
from ..oid import hash_bytes
from .base import MANIFESTS, Part, Versioned, check_name, check_prefix, check_range

LOCK_SECONDS = 60.0  # a manifest is replaced within milliseconds
_LOCK = ".lock"
_TMP = "tmp"
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # not to wait for ever on a named pipe
_GONE = (errno.ENOENT, errno.ENOTDIR)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
_AWAY = (errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH)
_Result = TypeVar("_Result")


class LocalStore:
    def __init__(self, root: str | os.PathLike[str], *, create: bool = False) -> None:
        """NotFound unless `root` is a store already; with `create` it becomes one when written."""
        self.root = os.path.abspath(root)
        self._create = create
        self._folders: set[str] = set()
        if not create:
            self._check_is_store()

    def _check_is_store(self) -> None:
        found = any(self.size(name) is not None for name in MANIFESTS)
        if found:
            return
        what = "is no store" if os.path.isdir(self.root) else "is not there"
        raise NotFound(
            f"the folder {self.root} {what}",
            f"mount it if it should be there, or make it one with: git data store {self.root}",
        )

    @property
    def url(self) -> str:
        return self.root

    def _path(self, name: str) -> str:
        return f"{self.root}/{check_name(name)}"

    def local_path(self, name: str) -> str | None:
        path = self._path(name)
        return path if os.path.isfile(path) else None

    # Reading

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        check_range(name, start, length)
        path = self._path(name)
        try:
            fd = _open(path)
            try:
                wanted = os.fstat(fd).st_size - start if length is None else length
                check_range(name, start, max(wanted, 0))
                data = _read_range(fd, start, wanted)
            finally:
                os.close(fd)
        except OSError as error:
            self._fail(error, "read", path)
        if len(data) != wanted:
            raise Damaged(f"{path} is damaged: it ends before {start + max(wanted, 0)} bytes")
        return data

    def read_small(self, name: str, limit: int) -> Versioned | None:
        path = self._path(name)
        try:
            fd = _open(path)
            try:
                data = _read_range(fd, 0, limit + 1)
            finally:
                os.close(fd)
        except FileNotFoundError:
            self._check_root()
            return None
        except OSError as error:
            self._fail(error, "read", path)
        if len(data) > limit:
            raise Damaged(f"{path} is damaged: it has more than {limit} bytes")
        return Versioned(data, hash_bytes(data).hex())

    def size(self, name: str) -> int | None:
        path = self._path(name)
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._fail(error, "look at", path)
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        folder = check_prefix(prefix)
        top = f"{self.root}/{folder}" if folder else self.root
        self._check_root()
        for path, folders, names in os.walk(top, onerror=self._raise_unless_gone):
            if path == self.root and _TMP in folders:
                folders.remove(_TMP)
            below = path[len(self.root) + 1 :]
            for name in names:
                full = f"{below}/{name}" if below else name
                if not name.endswith(_LOCK) and _is_name(full):
                    size = self.size(full)
                    if size is not None:
                        yield full, size

    def _raise_unless_gone(self, error: OSError) -> None:
        if error.errno not in _GONE:
            self._fail(error, "list", error.filename)

    # Writing

    def write(self, name: str, parts: Sequence[Part]) -> None:
        path = self._path(name)
        folder = os.path.dirname(path)
        if self.size(name) == sum(memoryview(part).nbytes for part in parts):
            self._attempt(path, lambda: sync_folder(folder))  # its writer may have died before
        else:
            self._attempt(path, lambda: self._write(path, parts, 0o444))

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        path = self._path(name)
        self._attempt(path, lambda: self._swap(name, path, data, version))
        return hash_bytes(data).hex()

    def _swap(self, name: str, path: str, data: Part, version: str | None) -> None:
        folder = self._folder(os.path.dirname(path))
        bits = shared_bits(folder)
        with _locked(path, 0o644 | bits if bits else None):
            if self._version(path) != version:
                raise Conflict(f"{path} was changed by somebody else")
            self._write(path, [data], 0o644)

    def _version(self, path: str) -> str | None:
        try:
            with open(path, "rb") as file:
                return hash_bytes(file.read()).hex()
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> None:
        path = self._path(name)
        try:
            if os.path.lexists(path + _LOCK):
                with _locked(path):
                    _unlink(path)
                    os.unlink(path + _LOCK)  # who waits for it will see that it is gone
            else:
                _unlink(path)
        except FileNotFoundError:
            self._check_root()
        except OSError as error:
            self._fail(error, "delete", path)

    def _write(self, path: str, parts: Sequence[Part], mode: int) -> None:
        """A new file of these bytes at `path`, whatever is there. Raises OSError."""
        folder = self._folder(os.path.dirname(path))
        with Temporary(self._temporaries(), mode) as file:
            for part in parts:
                file.write(part)
            allow(file.fd, mode & shared_bits(folder))
            file.publish(path)

    def _temporaries(self) -> str:
        """The folder for them; the first time, what killed writers left there goes."""
        path = os.path.join(self.root, _TMP)
        swept = path in self._folders
        self._folder(path)
        if not swept:
            remove_stale(path)
        return path

    def _folder(self, path: str) -> str:
        """A folder that is there, and whose name is durable. Raises OSError, Unreachable."""
        if path in self._folders:
            return path
        if path == self.root:
            self._make_root()
        else:
            above = self._folder(os.path.dirname(path))
            make_folder(path)
            sync_folder(above)
        self._folders.add(path)
        return path

    def _make_root(self) -> None:
        if self._create:
            make_folders(self.root)
        else:  # a disk that is not mounted any more must not be written beside
            self._check_root()

    def _attempt(self, path: str, writing: Callable[[], _Result]) -> _Result:
        """Do it; once more if somebody removed a folder that we believed to be there."""
        try:
            try:
                return writing()
            except FileNotFoundError:
                self._folders.clear()
                return writing()
        except OSError as error:
            self._fail(error, "write", path)

    # What went wrong

    def _check_root(self) -> None:
        """That a file is missing is one thing, that the folder or its disk is, another."""
        if not self._create and not os.path.isdir(self.root):
            raise Unreachable(f"the folder {self.root} of the store is not there", SAFE)

    def _fail(self, error: OSError, doing: str, path: str) -> NoReturn:
        if error.errno in _GONE:
            self._check_root()
            raise NotFound(f"{path} is not in the store") from error
        message = f"cannot {doing} {path}: {error.strerror or error}"
        raise _kind(error)(message, SAFE) from error


def _kind(error: OSError) -> type[StoreError]:
    if error.errno in _DENIED:
        return Denied
    return Unreachable if error.errno in _AWAY else StoreError


def _is_name(name: str) -> bool:
    try:
        return bool(check_name(name))
    except StoreError:
        return False


def _open(path: str) -> int:
    fd = os.open(path, _READ)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "it is no plain file", path)


def _read_range(fd: int, start: int, length: int) -> bytes:
    """The bytes, fewer only where the file ends."""
    data = os.pread(fd, max(length, 0), start)
    if len(data) >= length or not data:
        return data
    pieces, done = [data], len(data)
    while done < length and (data := os.pread(fd, length - done, start + done)):
        pieces.append(data)
        done += len(data)
    return b"".join(pieces)


@contextmanager
def _locked(path: str, mode: int | None = None) -> Iterator[None]:
    """Nobody else replaces the file meanwhile. Raises OSError, Conflict."""
    lock = Lock(path + _LOCK, LOCK_SECONDS, mode)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _unlink(path: str) -> None:
    os.unlink(path)
    sync_folder(os.path.dirname(path))
