"""Git's lock of an index: `<index>.lock`, which must not be there, holds what replaces it.

Ours is a hard link to a file in our own folder, where that can be made: a later start tells by the
inode that a lock was left by a process of ours that is dead, and not by Git.
"""

from __future__ import annotations

import os
import time

from .errors import Conflict
from .files import remove_quietly, write_all

_PAUSE = 0.02  # seconds between two tries
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def target(index_file: str) -> str:
    """The index itself: as Git, a link is followed and stays."""
    return os.path.realpath(index_file) if os.path.islink(index_file) else index_file


def lock_of(index_file: str) -> str:
    """The file that is there while somebody changes the index."""
    return target(index_file) + ".lock"


def inode_of(lock: str) -> int | None:
    """The inode of a lock that is held now; None when it is not."""
    try:
        return os.stat(lock).st_ino
    except OSError:
        return None


def lock_inode(index_file: str) -> int | None:
    """The inode of an index's lock that is held now; None when there is none."""
    return inode_of(lock_of(index_file))


class IndexLock:
    """Held while in context. `spare` is where our own name for it lies."""

    def __init__(self, index_file: str, spare: str, patience: float) -> None:
        self.index = target(index_file)
        self.lock = lock_of(self.index)
        self._spare = spare
        self._patience = patience  # seconds
        self._fd = -1

    def __enter__(self) -> IndexLock:
        """Conflict when somebody else holds it all the time; OSError when it cannot be made."""
        remove_quietly(self._spare)
        until = time.monotonic() + self._patience
        while True:
            try:
                self._fd = self._acquire()
                return self
            except FileExistsError as error:
                if time.monotonic() >= until:
                    raise Conflict(
                        f"{self.lock} is held by another process",
                        "when it has ended, git data pull goes on",
                    ) from error
            time.sleep(_PAUSE)

    def _acquire(self) -> int:
        fd = os.open(self._spare, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.link(self._spare, self.lock)
            return fd
        except FileExistsError:
            os.close(fd)
            raise
        except OSError:  # no hard links, or another file system: then a lock as Git's
            os.close(fd)
            remove_quietly(self._spare)
            return os.open(self.lock, _CREATE, 0o666)

    def commit(self, data: bytes | bytearray) -> None:
        """Make these bytes the index, which ends the lock. OSError: it is still held."""
        os.fchmod(self._fd, os.stat(self.index).st_mode & 0o777)
        write_all(self._fd, data)
        os.replace(self.lock, self.index)
        self._close()

    def _close(self) -> None:
        os.close(self._fd)
        self._fd = -1

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            remove_quietly(self.lock)
            self._close()


def break_own(index_file: str, spare: str) -> None:
    """Remove a lock that a dead process of ours left; nobody else's, and no index."""
    lock = target(index_file) + ".lock"
    try:
        if os.path.samestat(os.stat(spare), os.stat(lock)):
            os.unlink(lock)
    except OSError:
        pass
