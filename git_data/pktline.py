"""Git's packet framing, with no input or output in it.

A packet is four hex digits that count its bytes, themselves included, then the bytes; 0000 is
the flush packet, None here. One packet holds one `key=value` pair, or a piece of content: never
split one at newlines, a path may hold them (Documentation/gitprotocol-common.adoc and
Documentation/technical/long-running-process-protocol.adoc).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .errors import FormatError

MAX_PAYLOAD = 65516  # LARGE_PACKET_MAX less its four digits
FLUSH = b"0000"
_HEAD = re.compile(rb"[0-9a-fA-F]{4}")


def encode(payload: bytes) -> bytes:
    return b"%04x" % (len(payload) + 4) + payload


def encode_list(*lines: bytes) -> bytes:
    """The lines, each as one packet ended by LF, then a flush."""
    return b"".join(encode(line + b"\n") for line in lines) + FLUSH


def encode_content(content: bytes) -> bytes:
    """Content as packets, then a flush; empty content is the flush alone."""
    pieces = range(0, len(content), MAX_PAYLOAD)
    return b"".join(encode(content[at : at + MAX_PAYLOAD]) for at in pieces) + FLUSH


def payload_size(head: bytes) -> int | None:
    """The number of payload bytes that follow these four digits; None for a flush."""
    size = int(head, 16) if _HEAD.fullmatch(head) else -1
    if size == 0:
        return None
    if not 4 <= size <= MAX_PAYLOAD + 4:
        raise FormatError(f"not a packet of Git: it starts with {head!r}")
    return size - 4


def packets(data: bytes) -> Iterator[bytes | None]:
    """All packets in `data`, which must end where a packet ends; a flush is None."""
    at = 0
    while at < len(data):
        size = payload_size(data[at : at + 4])
        at += 4
        if size is None:
            yield None
            continue
        if at + size > len(data):
            raise FormatError("a packet of Git is cut off")
        yield data[at : at + size]
        at += size


def pair(payload: bytes) -> tuple[bytes, bytes]:
    """The key and the value of one packet; only its last LF is not part of the value."""
    key, sign, value = payload.removesuffix(b"\n").partition(b"=")
    if not sign:
        raise FormatError(f"not a key and a value: {payload[:80]!r}")
    return key, value


def head(payloads: Iterator[bytes], enough: int) -> tuple[bytes, bool]:
    """Up to about that many bytes of them, and whether that is all."""
    pieces, size = [], 0
    for piece in payloads:
        pieces.append(piece)
        size += len(piece)
        if size >= enough:
            return b"".join(pieces), False
    return b"".join(pieces), True


def blocks(payloads: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The payloads joined to about that many bytes each."""
    complete = False
    while not complete:
        block, complete = head(payloads, size)
        if block:
            yield block
