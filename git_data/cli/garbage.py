"""Python's garbage collector, in a command of ours.

What a command loads stays until its end. Looking through that for garbage, again and again while
it is loaded and once more at the end, takes a third of the time of a command that loads boto3.
"""

from __future__ import annotations

import atexit
import gc

_MADE = 250_000  # objects, between two looks: more than loading all that we use makes


def collect_rarely() -> None:
    """For the rest of this process."""
    gc.set_threshold(_MADE, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)  # then nothing is left to look through
