"""Write beside, then rename. Nothing else in this program makes a lasting file.

A lasting file is written under a temporary name, synced, then renamed, so that it is there whole or
not at all. A temporary file is named after its host and process and stays locked while it is in
use: one that nobody holds, of a process that is gone, the next writer removes (`remove_stale`).

Functions that take file descriptors, and `Temporary`, raise OSError for their callers to explain;
`write_file` raises the kinds of `errors`.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator

from .disk import (
    Bytes,
    PathLike,
    copy_file,
    copy_open,
    lock_file,
    start_writeback,
    sync_file,
    sync_folder,
    write_all,
)
from .errors import Conflict, DataError
from .unfinished import create, finished

__all__ = [
    "WRITEBACK",
    "Bytes",
    "PathLike",
    "Temporary",
    "allow",
    "copy_file",
    "copy_open",
    "entries",
    "failure",
    "make_folder",
    "make_folders",
    "open_temporary",
    "remove_quietly",
    "remove_stale",
    "shared_bits",
    "temporary_name",
    "write_all",
    "write_file",
]

WRITEBACK = 8 << 20  # bytes after which the disk is told to begin
_PREFIX = "tmp-"
_FOREIGN_SECONDS = 86400.0  # what another host left is removed when it is this old
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def failure(error: OSError, doing: str, path: PathLike) -> DataError:
    """What to tell the user of a failed system call, as "cannot DOING PATH: why"."""
    message = f"cannot {doing} {os.fspath(path)}: {error.strerror or error}"
    if error.errno in _FULL:
        return DataError(message, "make room, then do it again; nothing was lost")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DataError(message, "check who may write there, then do it again; nothing was lost")
    return DataError(message)


# Lasting files


def write_file(  # noqa: PLR0913
    path: PathLike,
    data: Bytes | Iterable[Bytes],
    *,
    mode: int = 0o666,
    durable: bool = True,
    replace: bool = True,
    tmp: PathLike | None = None,
) -> None:
    """Make the whole file, or leave what was there. Missing folders are made.

    `mode` is narrowed by the umask. `tmp` is a folder of the same file system for the temporary
    file; else it lies beside. With `replace=False` a file that is there already is a Conflict.
    """
    path = os.fspath(path)
    folder = os.path.dirname(path) or "."
    beside = os.fspath(tmp) if tmp is not None else folder
    try:
        os.makedirs(folder, exist_ok=True)
        os.makedirs(beside, exist_ok=True)
        remove_stale(beside)
        with Temporary(beside, mode) as file:
            for part in (data,) if isinstance(data, (bytes, bytearray, memoryview)) else data:
                file.write(part)
            file.publish(path, durable=durable, replace=replace)
    except FileExistsError as error:
        raise Conflict(f"{path} is there already") from error
    except OSError as error:
        raise failure(error, "write", path) from error


class Temporary:
    """A new file that has no lasting name yet. Leaving the context removes it unless published."""

    def __init__(self, folder: PathLike, mode: int = 0o666) -> None:
        self.fd, self.path = open_temporary(folder, mode)
        self._size = self._started = 0

    def write(self, data: Bytes) -> None:
        """Append. The disk begins early with what is long, so that the sync at the end is short."""
        write_all(self.fd, data)
        self._size += memoryview(data).nbytes
        if self._size - self._started >= WRITEBACK:
            start_writeback(self.fd, self._started, self._size - self._started)
            self._started = self._size

    def publish(self, path: PathLike, *, durable: bool = True, replace: bool = True) -> None:
        """Give it its lasting name. Durable: neither its bytes nor its name can be lost then.
        FileExistsError if it must not replace what is there."""
        if durable:
            sync_file(self.fd)
        if replace:
            os.replace(self.path, path)
        else:
            link_new(self.path, os.fspath(path))
        finished(self.path)
        self.path = ""
        if durable:
            sync_folder(os.path.dirname(os.fspath(path)) or ".")

    def __enter__(self) -> Temporary:
        return self

    def __exit__(self, *_: object) -> None:
        if self.path:
            remove_quietly(self.path)
        os.close(self.fd)


def link_new(source: str, path: str) -> None:
    """Rename to a name that must not be taken yet; FileExistsError when it is."""
    try:
        os.link(source, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # A file system without hard links: the name is claimed, then filled by the rename.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
        os.replace(source, path)
        return
    os.unlink(source)


def open_temporary(folder: PathLike, mode: int = 0o666) -> tuple[int, str]:
    """A new locked file for reading and writing, and its path. `mode` is narrowed by the umask."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        path = os.path.join(folder, temporary_name())
        fd = create(path, flags, mode)
        if lock_file(fd, wait=True) is None or os.fstat(fd).st_nlink > 0:
            return fd, path
        finished(path)
        os.close(fd)  # somebody removed it before it was locked


def temporary_name() -> str:
    return f"{_PREFIX}{_host()}-{os.getpid()}-{os.urandom(8).hex()}"


def _host() -> str:
    """This machine's name, fit for a file name."""
    name = os.uname().nodename[:64].lower()
    return "".join(letter if letter.isascii() and letter.isalnum() else "." for letter in name)


def entries(folder: PathLike) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder; nothing when there is none. Raises DataError."""
    try:
        with os.scandir(os.fspath(folder)) as found:
            yield from found
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise failure(error, "list", folder) from error


def remove_stale(folder: PathLike) -> int:
    """Remove temporaries whose process is gone; the number of them. Never fails."""
    removed = 0
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(_PREFIX)]
    except OSError:
        return 0
    for name in names:
        removed += _remove_if_stale(os.path.join(folder, name), name)
    return removed


def _remove_if_stale(path: str, name: str) -> bool:
    owner, _, _ = name[len(_PREFIX) :].rpartition("-")
    host, _, pid = owner.rpartition("-")
    try:
        if host == _host():
            if not pid.isdecimal() or _is_alive(int(pid)):
                return False
        elif time.time() - os.lstat(path).st_mtime < _FOREIGN_SECONDS:
            return False
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            # Locked: a process that we cannot see, in another container or on another host.
            if lock_file(fd, wait=False) is False:
                return False
            os.unlink(path)
            return True
        finally:
            os.close(fd)
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Dead, and waits for its parent to ask; in a container perhaps for ever."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state = file.read(4096).rpartition(b")")[2].split()
    except OSError:
        return False
    return state[:1] in ([b"Z"], [b"X"])


def remove_quietly(path: PathLike) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
    finished(os.fspath(path))


# Folders and files that a group shares


def make_folders(path: str) -> None:
    """A folder, with those above it that are missing, each as `make_folder` does."""
    try:
        make_folder(path)
    except FileNotFoundError:
        make_folders(os.path.dirname(path) or ".")
        make_folder(path)


def make_folder(path: str) -> None:
    """One folder. It lets the group in as the one above it does, whatever the umask, as Git's own
    folders do with core.sharedRepository. That it is there is no error. Raises OSError."""
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return
    bits = shared_bits(os.path.dirname(path) or ".")
    _add_mode(path, bits | (bits & 0o044) >> 2)  # who may read may enter


def shared_bits(folder: str) -> int:
    """What a folder lets its group and others do, as bits for a file, if it is shared."""
    mode = os.stat(folder).st_mode
    return mode & 0o066 if mode & 0o020 else 0


def allow(fd: int, bits: int) -> None:
    """Add these bits to a file's mode."""
    if bits:
        _add_mode(fd, bits)


def _add_mode(file: int | str, bits: int) -> None:
    mode = os.stat(file).st_mode & 0o7777
    if bits & ~mode:
        os.chmod(file, mode | bits)
