"""A body out of a network, in pieces: it ends well, or with what came and why there was no more.

For the stores over a network. How to use it:

    def read(self, name, start=0, length=None):
        ...ask, check the status, take `version` from the ETag: a strong one, else None...
        return read_body(answer.raw.read1, length, f"{self.url}/{name}", version, _BROKEN)

`read1` is one that gives what is there, at most so many bytes, b"" at the end: `read` of most
libraries waits until all of them came, and a server that sends a byte a second would hold it for
hours. The connection's own timeout has to be about SECONDS: it ends a silence, this ends a trickle.
`broken` are the exceptions that mean that the connection broke (of the library, besides OSError).

For a body that is sent, ask a `Watch` between its pieces whether it still moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from .base import Interrupted

SECONDS = 30.0  # in each of these spans of time
LEAST_BYTES = 30 << 10  # so much has to move: 1 KiB a second
PIECE_BYTES = 256 << 10


class Watch:
    """Whether a body moves fast enough to be waited for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._moved = 0

    def is_stalled(self, moved: int) -> bool:
        """After so many more bytes moved: True when the last span of time brought too few."""
        self._moved += moved
        now = self._clock()
        if now - self._since < SECONDS:
            return False
        # After a long wait the bytes have to make up for all of it.
        is_slow = self._moved < LEAST_BYTES * (now - self._since) / SECONDS
        self._since, self._moved = now, 0
        return is_slow


def read_body(  # noqa: PLR0913 - what a body is, whom it is of, and what may go wrong
    read: Callable[[int], bytes],
    length: int,
    what: str,
    version: str | None,
    broken: tuple[type[Exception], ...] = (OSError,),
    *,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """Exactly `length` bytes of the body; what follows them is not asked for.

    `read` is called with a number of bytes and gives at least one of them, b"" at the end. `what`
    is the file's address, for the message; `version` names the state of the file that this is of.
    Raises Interrupted with what came when the connection breaks, ends early, or is too slow.
    """
    pieces: list[bytes] = []
    size = 0
    watch = Watch(clock)

    def fail(why: str, cause: Exception | None = None) -> NoReturn:
        text = f"the answer of {what} {why}, after {size} of {length} bytes"
        raise Interrupted(text, b"".join(pieces), version) from cause

    while size < length:
        try:
            piece = read(min(PIECE_BYTES, length - size))
        except broken as error:
            fail(f"broke off ({_reason(error)})", error)
        if not piece:
            fail("ended early")
        pieces.append(piece)
        size += len(piece)
        if size < length and watch.is_stalled(len(piece)):
            fail("was too slow")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _reason(error: Exception) -> str:
    """Without the text of a library's error: it may have an address in it that signs in."""
    text = error.strerror if isinstance(error, OSError) else None
    return text or type(error).__name__
