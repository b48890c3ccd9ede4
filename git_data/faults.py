"""What can be wrong with a blob that should be a pointer: text in, a fault out, or None.

A path that `.gitattributes` tracks is a canonical pointer in Git, or empty. What else lies there
was committed without the filter, or by hand.
"""

from __future__ import annotations

import re
from enum import Enum

from . import conflict, pointer

LONGEST = conflict.MAX_BYTES  # bytes; what is longer is content, and need not be read
_NEWER = re.compile(rb"version git-data/(?:[2-9]|[1-9][0-9]{1,8})\r?\n")
# A first line with other words is some text about pointers, unless it names a hash all the same.
_FIRST_LINE = re.compile(rb"version git-data/\S*\s*(?:\Z|\n|oid\b)")
_START, _HASH = b"version git-data/", b"blake3:"
_WHOLE_START = b"version git-data/1\noid blake3:"
_SHORTEST = 8  # bytes of that start that nothing else begins with by chance


class Fault(Enum):
    """A kind of fault, with what a user reads of it."""

    RAW = "its content itself is in Git, not a pointer: it was added without the filter"
    CONFLICT = "conflict markers stand in its pointer"
    CRLF = "its pointer has CRLF at the ends of its lines"
    BROKEN = "its pointer is damaged: edited by hand, or cut off"
    NEWER = "the pointer is of a newer version of git-data"


UPGRADE = "install a newer git-data"  # what cures the last

# What is neither content nor a pointer: clean and smudge pass it through, and a person settles it.
KEPT = (Fault.CONFLICT, Fault.BROKEN, Fault.NEWER)


def fault_of(text: bytes) -> Fault | None:
    """What is wrong with the blob of a tracked path; its first LONGEST bytes are enough."""
    if not text or pointer.parse(text):
        return None
    if conflict.has_markers(text):
        return Fault.CONFLICT
    if pointer.parse_any_eol(text):
        return Fault.CRLF
    if len(text) >= LONGEST:
        return Fault.RAW
    if _NEWER.match(text):
        return Fault.NEWER
    return Fault.BROKEN if _was_pointer(text) else Fault.RAW


def _was_pointer(text: bytes) -> bool:
    start = text.removeprefix(b"\xef\xbb\xbf").lstrip().replace(b"\r\n", b"\n").lower()
    if start.startswith(_START) and (_FIRST_LINE.match(start) or _HASH in start):
        return True
    return len(start) >= _SHORTEST and _WHOLE_START.startswith(start.rstrip(b"\n"))
