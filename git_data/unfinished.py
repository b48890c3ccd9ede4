"""Temporary files of this process that have no lasting name yet: who has to leave at once, while
threads still hang in a network, takes them away first.

After `abandon` no thread can make another one, and one that was taken away cannot be renamed into
place: so nothing is half done, whatever those threads still do until the process ends.
"""

from __future__ import annotations

import errno
import os
from threading import Lock

THREADS = "git-data"  # the name of the pool's threads begins so: cli/leaving.py looks for them


class _Unfinished:
    def __init__(self) -> None:
        self.lock = Lock()
        self._paths: set[str] = set()
        self._is_over = False

    def create(self, path: str, flags: int, mode: int) -> int:
        """Open a new temporary file. Raises OSError; ECANCELED after `abandon`."""
        with self.lock:
            if self._is_over:
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED), path)
            fd = os.open(path, flags, mode)
            self._paths.add(path)
            return fd

    def finished(self, path: str) -> None:
        """It has its lasting name, or is removed."""
        self._paths.discard(path)

    def abandon(self) -> None:
        """Remove them all, for good."""
        with self.lock:
            self._is_over = True
            for path in tuple(self._paths):  # another thread may finish one meanwhile
                try:
                    os.unlink(path)
                except OSError:
                    pass


_HERE = _Unfinished()
create, finished, abandon = _HERE.create, _HERE.finished, _HERE.abandon


def _renew_lock() -> None:
    _HERE.lock = Lock()  # another thread may have held it when this process was forked


os.register_at_fork(after_in_child=_renew_lock)
