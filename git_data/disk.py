"""Bytes on their way to the disk: whole writes, copies that share or stay in the kernel, syncs.

Everything here raises OSError, for its callers to explain.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import BinaryIO

PathLike = str | os.PathLike[str]
Bytes = bytes | bytearray | memoryview

BLOCK = 1 << 20  # bytes moved at once
SMALL = 64 << 10  # bytes that are copied here: quicker than to ask the kernel
FEW = 64  # files that are synced one by one; more of them by one syncfs
_FICLONE = 0x40049409  # <linux/fs.h>
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2); RENAME_SWAP of macOS's renameatx_np(2)
_CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_CANNOT_LOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF)
_CANNOT_COPY = (
    errno.EXDEV,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EINVAL,
    errno.EPERM,
    errno.EBADF,
    errno.ETXTBSY,
)


def write_all(fd: int, data: Bytes) -> None:
    """Write all of it, however short the system's writes are."""
    count = os.write(fd, data)
    if count != len(data):
        rest = memoryview(data).cast("B")[count:]
        while rest:
            rest = rest[os.write(fd, rest) :]


def copy_open(source: BinaryIO, target: int) -> int:
    """The whole content of an open file, or of one in memory, into another, empty one; its size in
    bytes."""
    if isinstance(source, io.BytesIO):
        data = source.getbuffer()
        write_all(target, data)
        return data.nbytes
    return copy_file(source.fileno(), target)


def copy_file(source: int, target: int) -> int:
    """The whole content of one open file into another, empty one; its size in bytes.

    Shares the blocks where the file system can (reflink), else lets the kernel copy, else copies
    here. The files' positions do not matter.
    """
    size = os.fstat(source).st_size
    if size > SMALL and _clone(source, target):
        return size
    done = _copy_in_kernel(source, target, size) if size > SMALL else 0
    # Some file systems end a kernel copy early without an error: read on until there is nothing.
    while block := os.pread(source, BLOCK, done):
        done += os.pwrite(target, block, done)
    return done


def _clone(source: int, target: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _copy_in_kernel(source: int, target: int, size: int) -> int:
    """The bytes copied: all of them, or as far as this pair of file systems can."""
    done = 0
    if not hasattr(os, "copy_file_range"):
        return done
    while done < size:
        try:
            count = os.copy_file_range(source, target, size - done, done, done)
        except OSError as error:
            if error.errno not in _CANNOT_COPY:
                raise
            break
        if count == 0:
            break
        done += count
    return done


def lock_file(fd: int, wait: bool) -> bool | None:
    """True: ours now. False: somebody else's. None: this file system has no locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _CANNOT_LOCK:
            return None
        raise
    return True


def unlock_file(fd: int) -> None:
    """Let go of what `lock_file` gave."""
    fcntl.flock(fd, fcntl.LOCK_UN)


def sync_file(fd: int) -> None:
    """Returns when the bytes are on the disk."""
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: its fsync stops at the drive's own memory
        try:
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
        except OSError:
            pass
    os.fsync(fd)


def sync_folder(path: PathLike) -> None:
    """Make the names in a folder lasting, where the file system lets a folder be synced."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def sync_all(paths: Iterable[PathLike]) -> None:
    """Make files and their names lasting: a few one by one, many with their whole file system.
    One that is not there is passed over."""
    names = [os.fspath(path) for path in paths]
    folders = {os.path.dirname(name) or "." for name in names}
    if len(names) > FEW and _sync_file_systems(folders):
        return
    for name in names:
        try:
            fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        try:
            sync_file(fd)
        finally:
            os.close(fd)
    for folder in sorted(folders):
        sync_folder(folder)


def _sync_file_systems(folders: Iterable[str]) -> bool:
    """One syncfs for each file system of these folders; False where there is no such call."""
    if not sys.platform.startswith("linux"):
        return False
    syncfs = _c_function("syncfs")
    if syncfs is None:
        return False
    for folder in {os.stat(folder).st_dev: folder for folder in folders}.values():
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if syncfs(fd) != 0:
                return False
        finally:
            os.close(fd)
    return True


def start_writeback(fd: int, start: int, length: int) -> None:
    """Let the disk begin on these bytes now, so that a later sync has little left to wait for."""
    if function := _c_function("sync_file_range"):
        import ctypes

        function(fd, ctypes.c_int64(start), ctypes.c_int64(length), 2)  # SYNC_FILE_RANGE_WRITE


def exchange(name: bytes, folder: int, other: bytes, other_folder: int) -> bool:
    """Let two files of one file system, in open folders, change places at once.

    False where the system cannot. Unlike a rename over a file it loses nothing, and ext4 does not
    first write out all of the new content (auto_da_alloc: 0.3 s for 1 GiB).
    """
    function = _c_function("renameat2") or _c_function("renameatx_np")
    if function is None:
        return False
    sys.audit("git_data.exchange", name, other)  # as Python does for the calls it has a name for
    if function(folder, name, other_folder, other, _EXCHANGE) == 0:
        return True
    import ctypes

    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), os.fsdecode(other))


def rename_new(source: PathLike, name: bytes, folder: int) -> None:
    """Move a file to a name in an open folder of the same file system that must not be taken.
    FileExistsError when it is."""
    linux = _c_function("renameat2")
    function = linux or _c_function("renameatx_np")
    here, flag = (-100, 1) if linux else (-2, 4)  # AT_FDCWD; RENAME_NOREPLACE, RENAME_EXCL
    if function is not None:
        if function(here, os.fsencode(source), folder, name, flag) == 0:
            return
        import ctypes

        number = ctypes.get_errno()
        if number not in _CANNOT_EXCHANGE:
            raise OSError(number, os.strerror(number), os.fsdecode(name))
    os.link(source, name, dst_dir_fd=folder, follow_symlinks=False)
    os.unlink(source)


@lru_cache(maxsize=8)
def _c_function(name: str) -> Callable[..., int] | None:
    """A system call that Python has no name for; ctypes is dear to import."""
    import ctypes

    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Names the time since this machine was started; of this process only, where none is known."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode("ascii").strip()
    except OSError:
        return _boot_session() or os.urandom(16).hex()


def _boot_session() -> str:
    """What macOS calls it."""
    function = _c_function("sysctlbyname")
    if function is None:
        return ""
    import ctypes

    text, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
    if function(b"kern.bootsessionuuid", text, ctypes.byref(size), None, 0) != 0:
        return ""
    return text.value.decode("ascii", "replace")
