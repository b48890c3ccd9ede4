"""The end of a process: by Ctrl-C, and though threads of it do not end.

Who is interrupted does not wait for a network. Python would: at its end it joins every thread of a
pool, and one that hangs in a read, or is about to try again, takes a minute. So this is the one
place that ends the process without them, once nothing of theirs can stay half done.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType

from ..unfinished import THREADS, abandon

ECHO = 1.0  # seconds within which the same Ctrl-C comes again


def heed_ctrl_c_once() -> None:
    """Git hands the Ctrl-C of its terminal on to a command that got it already: the echo shall not
    disturb the cleaning up. Whoever presses it again later means it."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # ignored, as `nohup` and a shell's `&` have it, or somebody else's
    first: list[float] = []

    def receive(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not first or now - first[0] > ECHO:
            first[:] = [now]
            raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGINT, receive)
    except ValueError:
        pass  # not the main thread: somebody else's signals


def leave(status: int) -> int:
    """The exit status, if nothing of ours still runs; else the process ends here."""
    if not any(thread.name.startswith(THREADS) for thread in threading.enumerate()):
        return status
    abandon()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # its reader is gone
    os._exit(status)
