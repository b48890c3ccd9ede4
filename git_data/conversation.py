"""Packets over two streams, and the handshake of a filter process.

Kept apart from `filter` so that Git has its answer before anything slow is imported
(Documentation/gitattributes.adoc, "Long Running Filter Process").
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from . import pktline
from .errors import FormatError

_PIPE_BYTES = 1 << 20
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, Linux only


class Conversation:
    """What is read and written here is Git's; nothing else may use these streams."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self.source = source
        self.sink = sink

    def packet(self) -> bytes | None:
        """One packet, None for a flush; EOFError when the other side has closed."""
        head = self.source.read(4)
        if len(head) < 4:
            raise EOFError
        size = pktline.payload_size(head)
        if size is None:
            return None
        payload = self.source.read(size)
        if len(payload) != size:
            raise EOFError
        return payload

    def packets(self) -> Iterator[bytes]:
        """The packets up to the next flush."""
        while (payload := self.packet()) is not None:
            yield payload

    def pairs(self) -> dict[bytes, bytes]:
        """The `key=value` packets up to the next flush."""
        return dict(pktline.pair(payload) for payload in self.packets())

    def write(self, *pieces: bytes) -> None:
        left = memoryview(b"".join(pieces) if len(pieces) > 1 else pieces[0])
        while left:
            left = left[self.sink.write(left) :]


def open_conversation() -> Conversation:
    """Standard input and output, with the widest pipes the system grants."""
    for fd in (0, 1):
        _widen(fd)
    source = os.fdopen(os.dup(0), "rb", buffering=1 << 17)
    # Nothing may wait in a buffer of ours: Python would complain at its end when Git is gone.
    return Conversation(source, os.fdopen(os.dup(1), "wb", buffering=0))


def _widen(fd: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(fd, _SET_PIPE_SIZE, _PIPE_BYTES)
    except (ImportError, OSError):
        pass  # no pipe, or a system without the call: only slower


def greet(talk: Conversation) -> None:
    """Agree on version 2 and on what we can do; FormatError when Git cannot."""
    if next(talk.packets(), b"").rstrip(b"\n") != b"git-filter-client":
        raise FormatError("this is for Git to start: no filter client is speaking")
    if b"version=2\n" not in [*talk.packets()]:
        raise FormatError("this Git speaks no filter protocol of version 2")
    talk.write(pktline.encode_list(b"git-filter-server", b"version=2"))
    offered = {payload.rstrip(b"\n") for payload in talk.packets()}
    ours = [b"capability=" + name for name in (b"clean", b"smudge", b"delay")]
    talk.write(pktline.encode_list(*(name for name in ours if name in offered)))
