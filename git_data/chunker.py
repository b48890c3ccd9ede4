"""Where a stream of bytes is cut into chunks. The format: docs/formats/chunks.md.

FastCDC 2020 with the parameters below, which are part of the format: another choice would still
be readable, but would share no chunk with what is already stored. Measured in
docs/decisions/0001-chunk-size.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MIN_BYTES = 32 << 10  # a stream of up to this many bytes is always one chunk
AVERAGE_BYTES = 128 << 10
MAX_BYTES = 512 << 10
WINDOW_BYTES = 4 << 20  # read at once; larger than MAX_BYTES

ReadAt = Callable[[int, int], bytes]  # (position, length); fewer bytes, or none at the end


def _cutter() -> Any:
    from pyfastcdc import FastCDC  # 35 ms of import: only who cuts pays

    return FastCDC(
        AVERAGE_BYTES,
        min_size=MIN_BYTES,
        max_size=MAX_BYTES,
        normalized_chunking=1,
    )


def is_compiled() -> bool:
    """False if only the pure Python cutter is there: same cuts, 300 times slower."""
    from pyfastcdc import FastCDC

    return bool(FastCDC.__module__ == "pyfastcdc.cy.fastcdc")


def cut(data: bytes | memoryview) -> list[int]:
    """The ends of the chunks of a whole stream held in memory, ascending; the last is its size."""
    return _ends(_cutter(), memoryview(data), final=True)


def windows(read_at: ReadAt, window_bytes: int = WINDOW_BYTES) -> Iterator[list[memoryview]]:
    """The chunks of a stream, some megabytes of them at a time. What follows the last certain cut
    is read again with the next window, which is cheaper than to move it. Memory: one window, plus
    what the caller keeps; a chunk keeps its window."""
    cutter = _cutter()
    position, final = 0, False
    while not final:
        data = _read_full(read_at, position, window_bytes)
        final = len(data) < window_bytes
        view = memoryview(data)
        ends = _ends(cutter, view, final)
        if ends:
            starts = [0, *ends[:-1]]
            yield [view[start:end] for start, end in zip(starts, ends, strict=True)]
            position += ends[-1]


def _read_full(read_at: ReadAt, position: int, length: int) -> bytes:
    data = read_at(position, length)
    while len(data) < length and (more := read_at(position + len(data), length - len(data))):
        data += more
    return data


def _ends(cutter: Any, view: memoryview, final: bool) -> list[int]:
    """Where the chunks of `view` end. A cut is certain only with MAX_BYTES in sight, or at the
    end of the stream; what follows the last certain one is left for the next window."""
    limit = len(view) if final else len(view) - MAX_BYTES
    ends = []
    for chunk in cutter.cut_buf(view):
        if chunk.offset > limit:
            break
        ends.append(chunk.offset + chunk.length)
    return ends
