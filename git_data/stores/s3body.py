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

    def read(self, size: int | None = -1) -> bytes | memoryview:
        """The next bytes, not copied, of one part at most; without a size all that are left."""
        number = bisect_right(self._ends, self._at)
        if number == len(self._parts):
            return b""
        part = self._parts[number][self._at - self._ends[number] :]  # counted from its end
        if size is None or size < 0:
            self._at = self._size
            return b"".join([part, *self._parts[number + 1 :]])
        self._at += min(size, part.nbytes)
        return part[:size]

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
