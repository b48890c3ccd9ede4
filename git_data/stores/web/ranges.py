"""What a server gives for a range that it was asked for, held against what was wanted.

A server may send less (206 with a shorter range: the rest is asked for), more (200: it ignores
ranges, so the file is read up to the end of what is wanted, if it is not too large), other bytes
than asked for, or a file that ends too early. RFC 9110, section 14.
"""

from __future__ import annotations

from ...errors import Damaged, StoreError
from ..base import READ_BYTES, Interrupted, check_range
from .answers import content_length, content_range, strong_etag
from .body import Answer

WHOLE_BYTES = 64 << 20  # read from a server that ignores ranges: as long as a pack may be


def range_header(start: int, length: int | None) -> dict[str, str]:
    end = start + (READ_BYTES if length is None else length)
    return {"Range": f"bytes={start}-{end - 1}"}


def read_range(answer: Answer, start: int, length: int | None) -> bytes:
    """The bytes that were wanted, out of a 200 or 206; without a length all from `start` on.

    Raises Damaged when the file ends too early, Interrupted with those that came, StoreError.
    """
    check_plain(answer)
    if answer.status == 200:
        return _out_of_whole(answer, start, length)
    part = content_range(answer.headers)
    if part is None or part.start != start or part.end > start + (length or READ_BYTES):
        raise StoreError(f"{answer.address}: the server sends another range than it was asked for")
    end = _end(answer, start, length, part.total)
    if part.end < end and part.end == part.total:
        raise _too_short(answer, end)
    data = answer.read(part.end - start)
    return _complete(answer, data, end - start)


def check_plain(answer: Answer) -> None:
    """StoreError for a body that is compressed on the way: ranges would count other bytes."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise StoreError(
            f"{answer.address}: the server sends it in another form than it has: {encoding[:40]!r}",
            "its compression of files must be switched off for the folder of the store",
        )


def _out_of_whole(answer: Answer, start: int, length: int | None) -> bytes:
    total = content_length(answer.headers)
    end = _end(answer, start, length, total)
    if total is not None and total < end:
        raise _too_short(answer, end)
    if end > WHOLE_BYTES:
        raise StoreError(
            f"{answer.address}: the server does not give parts of a file (it ignores Range), and "
            f"{end} bytes are too much to read for a part of them",
            "serve the folder with a server that does, such as nginx or Apache",
        )
    answer.skip(start)
    return _complete(answer, answer.read(end - start), end - start)


def _end(answer: Answer, start: int, length: int | None, total: int | None) -> int:
    """Where that which is wanted ends. StoreError if it is more than one read may bring."""
    if length is not None:
        return start + length
    if total is None:
        raise StoreError(f"{answer.address}: the server does not say how long it is")
    if total < start:
        raise _too_short(answer, start)
    check_range(answer.address, start, total - start)
    return total


def _complete(answer: Answer, data: bytes, wanted: int) -> bytes:
    if len(data) == wanted:
        return data
    text = f"{answer.address} broke off after {len(data)} of {wanted} bytes"
    raise Interrupted(text, data, strong_etag(answer.headers))


def _too_short(answer: Answer, end: int) -> Damaged:
    return Damaged(f"{answer.address} is damaged: it ends before {end} bytes")
