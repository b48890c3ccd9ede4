"""Locks over threads, processes and hosts, on files that stay."""

from __future__ import annotations

import os
import time
from types import TracebackType

from .disk import PathLike, lock_file
from .errors import Conflict
from .files import failure


class Lock:
    """One holder at a time, over threads, processes, and hosts where NFS has locks.

    The lock is the system's, on a file that stays: a process that dies lets go. `timeout` in
    seconds, None waits for ever; Conflict when it is over. `mode` is that of a new lock file,
    past the umask, so that a group can share it.
    """

    def __init__(
        self, path: PathLike, timeout: float | None = None, mode: int | None = None
    ) -> None:
        self.path = os.fspath(path)
        self.timeout = timeout
        self.mode = mode
        self._fd = -1

    def __enter__(self) -> Lock:
        try:
            self.acquire()
        except OSError as error:
            raise failure(error, "lock", self.path) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        os.close(self._fd)
        self._fd = -1

    def acquire(self) -> None:
        """Raises OSError, and Conflict when the time is over."""
        until = None if self.timeout is None else time.monotonic() + self.timeout
        while True:
            fd = self._open()
            try:
                self._wait(fd, until)
                if _is_same(fd, self.path):
                    self._fd, fd = fd, -1
                    return
            finally:
                if fd >= 0:
                    os.close(fd)

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        except PermissionError:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if self.mode is not None and os.fstat(fd).st_uid == os.geteuid():
            os.fchmod(fd, self.mode)
        return fd

    def _wait(self, fd: int, until: float | None) -> None:
        pause = 0.001
        while lock_file(fd, wait=until is None) is False:
            left = (until or 0) - time.monotonic()
            if left <= 0:
                raise Conflict(f"{self.path} is locked by another process", "try again later")
            time.sleep(min(pause, left))
            pause = min(pause * 2, 0.05)


def _is_same(fd: int, path: str) -> bool:
    """False when the lock file was removed or replaced while we waited for it."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
