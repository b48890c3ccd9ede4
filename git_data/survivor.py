"""A fork that stands by while something must not stay half done, and ends it if we are killed.

SIGKILL cannot be held off. Killed under Git's lock, we would leave the lock behind, and every Git
command that writes would refuse, also the one that could start us again to heal it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def survivor(finish: Callable[[], object]) -> Iterator[None]:
    """If this process dies within the context, `finish` is run in a process of its own session."""
    reader, writer = os.pipe()
    ready, tell_ready = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no room for another process: then without one
        child = -1
    if child == 0:
        try:
            os.close(writer)
            os.close(ready)
            _stand_by(reader, tell_ready, finish)
        finally:
            os._exit(0)
    os.close(reader)
    os.close(tell_ready)
    os.read(ready, 1)  # until it stands by: before that, what kills our group kills it too
    os.close(ready)
    try:
        yield
    finally:
        _dismiss(child, writer)


def _dismiss(child: int, writer: int) -> None:
    if child > 0:
        os.write(writer, b".")
        try:
            os.waitpid(child, 0)
        except ChildProcessError:
            pass  # whoever started us lets the system collect its children
    os.close(writer)


def _stand_by(reader: int, tell_ready: int, finish: Callable[[], object]) -> None:
    os.setsid()  # what is sent to our process group does not reach it
    os.close(tell_ready)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):  # who reads our output to its end shall not wait for this process
        os.dup2(null, fd)
    if not os.read(reader, 1):  # no word of farewell: killed
        finish()
