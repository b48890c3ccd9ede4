"""What is sent, without joining it: a pack is tens of megabytes in many parts."""

from __future__ import annotations

import errno
import io
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from .base import Part
from .body import Watch

PIECE_BYTES = 64 << 10  # on a slow line a piece has to go before the connection's time is over
JOIN_BYTES = 256 << 10  # what is not longer is sent at once; what is waits until it is welcome


def to_send(parts: Sequence[Part]) -> bytes | Body:
    """The body of a request."""
    size = sum(memoryview(part).nbytes for part in parts)
    return b"".join(parts) if size <= JOIN_BYTES else Body(parts)


class Body:
    """The parts as a file, for botocore, which hashes it and goes back to its start; and in pieces
    as they are, for the line."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = [memoryview(part).cast("B") for part in parts if memoryview(part).nbytes]
        self._ends = [*accumulate(part.nbytes for part in self._parts)]
        self._size = self._ends[-1] if self._ends else 0
        self._at = 0

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; fewer than asked only at the end."""
        left = self._size - self._at
        if size is not None and size >= 0:
            left = min(left, size)
        pieces = []
        while left > 0:
            number = bisect_right(self._ends, self._at)
            part = self._parts[number]
            start = self._at - (self._ends[number] - part.nbytes)
            pieces.append(part[start : start + left])
            self._at += pieces[-1].nbytes
            left -= pieces[-1].nbytes
        return b"".join(pieces)

    def pieces(self) -> Iterator[memoryview]:
        """All of it, not copied. TimeoutError when it is taken too slowly."""
        left, watch = self._size, Watch()
        for part in self._parts:
            for start in range(0, part.nbytes, PIECE_BYTES):
                piece = part[start : start + PIECE_BYTES]
                yield piece
                left -= piece.nbytes
                if left and watch.is_stalled(piece.nbytes):
                    raise TimeoutError(errno.ETIMEDOUT, "sending was too slow")

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise io.UnsupportedOperation("before the start")
        self._at = min(start + offset, self._size)
        return self._at

    def tell(self) -> int:
        return self._at
