"""The small text that stands for an object in Git. The format: docs/formats/pointer.md.

There is exactly one valid encoding for each object. Whatever is not exactly a pointer is content.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .oid import ObjectId

MAX_BYTES = 200
SIZES = range(102, MAX_BYTES + 1)  # bytes that a pointer may have
_TEXT = re.compile(rb"version git-data/1\noid blake3:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,18})\n")


class Pointer(NamedTuple):
    oid: ObjectId
    size: int  # bytes

    def encode(self) -> bytes:
        return b"version git-data/1\noid blake3:%s\nsize %d\n" % (
            self.oid.hex().encode(),
            self.size,
        )


def parse(text: bytes) -> Pointer | None:
    """The pointer that `text` is, or None: then it is content. An empty file is never a pointer."""
    if len(text) > MAX_BYTES or not (match := _TEXT.fullmatch(text)):
        return None
    size = int(match[2])
    if size == 0 or size >= 1 << 63:
        return None
    return Pointer(ObjectId(bytes.fromhex(match[1].decode())), size)


def parse_any_eol(text: bytes) -> Pointer | None:
    """As `parse`; lines may also all end in CRLF, as a Git with core.autocrlf leaves them."""
    if b"\r" in text and len(text) <= MAX_BYTES and text.count(b"\r\n") == text.count(b"\r") == 3:
        text = text.replace(b"\r\n", b"\n")
    return parse(text)
