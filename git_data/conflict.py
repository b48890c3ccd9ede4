"""Conflict markers round two pointers, as a merge without `merge=data` leaves them.

Such a text is neither content nor a pointer. Both sides are in it, whole, so it can be settled.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from . import pointer
from .pointer import Pointer

MAX_BYTES = 4096  # of a text that is looked at
_MARKER = re.compile(rb"(<{7,}|\|{7,}|={7,}|>{7,})(?: .*)?")
_OURS, _THEIRS, _BOTH = b"<", b"=", b">"  # the marker before the lines of each


class Sides(NamedTuple):
    """What each side says; None where it is no pointer."""

    ours: Pointer | None
    theirs: Pointer | None


def has_markers(text: bytes) -> bool:
    """True for a pointer with lines of a conflict in it, or round it: a person has to settle it."""
    starts = text.startswith((b"version git-data/1\n", b"version git-data/1\r\n", b"<<<<<<< "))
    if not starts or len(text) >= MAX_BYTES or b"oid blake3:" not in text:
        return False
    found = {line[:1] for line in text.splitlines() if _MARKER.fullmatch(line)}
    return {_OURS, _THEIRS} <= found


def sides(text: bytes) -> Sides:
    """The two pointers of a text with markers."""
    now, ours, theirs = _BOTH, list[bytes](), list[bytes]()
    for line in text.replace(b"\r\n", b"\n").splitlines(keepends=True):
        if _MARKER.fullmatch(line.rstrip(b"\n")):
            now = line[:1]
            continue
        if now in (_OURS, _BOTH):
            ours.append(line)
        if now in (_THEIRS, _BOTH):
            theirs.append(line)
    return Sides(pointer.parse(b"".join(ours)), pointer.parse(b"".join(theirs)))
