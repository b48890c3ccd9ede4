"""An object of a store as a file: seekable, read only where it is read.

What was read lately stays in memory, by chunks, so that neighbours cost nothing. Who reads on in
small pieces is read ahead for, a little more each time; who jumps is not.
"""

from __future__ import annotations

import io
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock

from .inplace import Chunk, ObjectReader

WINDOW_BYTES = 8 << 20  # read at once, at most
KEPT_BYTES = 16 << 20  # of chunks, for one stream
AHEAD_BYTES = 2 << 20  # read ahead, at most
SMALL_BYTES = 256 << 10  # whoever reads larger pieces knows what he wants


class ChunkMemory:
    """The chunks of one object that were read lately, up to KEPT_BYTES. Safe in threads."""

    def __init__(self, reader: ObjectReader, kept_bytes: int = KEPT_BYTES) -> None:
        self.reader = reader
        self._most = kept_bytes
        self._chunks: OrderedDict[int, Chunk] = OrderedDict()  # by position, oldest use first
        self._size = 0
        self._lock = Lock()

    def read(self, ranges: list[tuple[int, int]], ahead: int = 0) -> list[bytes]:
        """The bytes of each range (start, end), as far as the object reaches. What is missing is
        read in one go, and of what follows so many bytes `ahead`."""
        wanted = [(max(start, 0), min(end, self.reader.size)) for start, end in ranges]
        with self._lock:
            held = self._touched(wanted)
        gaps = [gap for start, end in wanted for gap in _gaps(held, start, end)]
        if gaps:
            gaps[-1] = (gaps[-1][0], gaps[-1][1] + ahead)
            new = self.reader.chunks(gaps)
            with self._lock:
                self._keep(new)
            both = {chunk.position: chunk for chunk in (*held, *new)}
            held = [both[position] for position in sorted(both)]
        return [_cut(held, start, end) for start, end in wanted]

    def _touched(self, ranges: list[tuple[int, int]]) -> list[Chunk]:
        """The chunks here that some ranges touch, in order, now the last to be forgotten."""
        positions = sorted(self._chunks)
        found = {}
        for start, end in ranges:
            first = max(bisect_right(positions, start) - 1, 0)
            for position in positions[first : bisect_left(positions, end)]:
                if self._chunks[position].end > start:
                    found[position] = self._chunks[position]
        for position in found:
            self._chunks.move_to_end(position)
        return [found[position] for position in sorted(found)]

    def _keep(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            if chunk.position not in self._chunks:
                self._size += len(chunk.data)
            self._chunks[chunk.position] = chunk
        while self._size > self._most and len(self._chunks) > 1:
            _, old = self._chunks.popitem(last=False)
            self._size -= len(old.data)


def _gaps(chunks: list[Chunk], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a range that no chunk covers; chunks are in order."""
    for chunk in chunks:
        if chunk.end > start and chunk.position < end:
            if start < chunk.position:
                yield start, chunk.position
            start = chunk.end
    if start < end:
        yield start, end


def _cut(chunks: list[Chunk], start: int, end: int) -> bytes:
    """The range out of chunks that cover it, in order."""
    touched = [chunk for chunk in chunks if chunk.position < end and chunk.end > start]
    if not touched:
        return b""
    data = b"".join(chunk.data for chunk in touched)
    return data[start - touched[0].position : end - touched[0].position]


class ObjectStream(io.RawIOBase):
    """Raises DataError as the store does; ValueError when it is closed, as every file."""

    def __init__(self, memory: ChunkMemory, name: str) -> None:
        super().__init__()
        self.name = name
        self._memory = memory
        self._at = 0
        self._last_end = -1  # where the last read ended
        self._ahead = 0

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return self._memory.reader.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check_open()
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check_open()
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}
        if whence not in starts:
            raise ValueError(f"whence is {whence}: 0, 1 or 2 is wanted")
        if starts[whence] + offset < 0:
            raise ValueError(f"there is nothing before the start: {starts[whence] + offset}")
        self._at = starts[whence] + offset
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._check_open()
        view = memoryview(buffer).cast("B")
        length = min(len(view), WINDOW_BYTES, max(self.size - self._at, 0))
        if length == 0:
            return 0
        (data,) = self._memory.read([(self._at, self._at + length)], self._next_ahead(length))
        view[: len(data)] = data
        self._at += len(data)
        self._last_end = self._at
        return len(data)

    def _next_ahead(self, length: int) -> int:
        """How much to read ahead, if something is read at all."""
        if self._at != self._last_end or length > SMALL_BYTES:
            self._ahead = 0
        else:
            self._ahead = min(max(2 * self._ahead, 4 * length), AHEAD_BYTES)
        return self._ahead

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")
