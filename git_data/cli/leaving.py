"""The end of a process whose threads do not end.

Who is interrupted does not wait for a network. Python would: at its end it joins every thread of a
pool, and one that hangs in a read, or is about to try again, takes a minute. So this is the one
place that ends the process without them, once nothing of theirs can stay half done.
"""

from __future__ import annotations

import os
import sys
import threading

from ..unfinished import THREADS, abandon


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
