"""What is sent, without joining it: a pack is tens of megabytes in many parts."""

from __future__ import annotations

import errno
import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from .base import Part
from .body import Watch

JOIN_BYTES = 256 << 10  # what is not longer is sent at once; what is waits until it is welcome


def to_send(parts: Sequence[Part]) -> bytes | Body:
    """The body of a request."""
    size = sum(memoryview(part).nbytes for part in parts)
    return b"".join(parts) if size <= JOIN_BYTES else Body(parts)


class Body:
    """A file over the parts, for a reader that may go back to its start. TimeoutError when it is
    read too slowly: the line hardly moves."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = [memoryview(part).cast("B") for part in parts if memoryview(part).nbytes]
        self._ends = [*accumulate(part.nbytes for part in self._parts)]
        self._size = self._ends[-1] if self._ends else 0
        self._at = 0
        self._watch = Watch()

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
        data = b"".join(pieces)
        if self._at < self._size and self._watch.is_stalled(len(data)):
            raise TimeoutError(errno.ETIMEDOUT, "sending was too slow")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise io.UnsupportedOperation("before the start")
        self._at = min(start + offset, self._size)
        return self._at

    def tell(self) -> int:
        return self._at
