"""Bodies, both ways: what is sent comes in small pieces, what is received is bounded.

A socket's timeout counts for one piece, so that it means time without progress.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ...errors import DataError
from ..base import Interrupted, Part
from .answers import Headers, content_length, refusal, strong_etag
from .faults import why

_PIECE = 64 << 10  # sent at once
_RECEIVED = 256 << 10  # the most received at once
_SKIPPED = 1 << 20
_LEAST = 1 << 10  # bytes; fewer in the time of a stall is no progress
_REST = 64 << 10  # of a body that nobody wants: read, so that the connection can be used again


class Sent:
    """A body of known size, which can be sent again from its start."""

    def __init__(self, parts: Sequence[Part], halfway: Callable[[], object] | None = None) -> None:
        """`halfway`: called when half of it is on its way."""
        self._views = [memoryview(part).cast("B") for part in parts if memoryview(part).nbytes]
        self.size = sum(view.nbytes for view in self._views)
        self._halfway = halfway

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[memoryview]:
        if self._halfway:
            yield self._views[0][:1]
            self._halfway()
        skipped = 1 if self._halfway else 0
        for view in self._views:
            for start in range(skipped, view.nbytes, _PIECE):
                yield view[start : start + _PIECE]
            skipped = 0


class Answer:
    """A status, headers, and a body that is still to come. To be closed: use `with`."""

    def __init__(
        self, response: Any, address: str, stall: float, broken: tuple[type[BaseException], ...]
    ) -> None:
        """`response`: of `requests`, streamed; `broken`: what its body may raise."""
        self._response = response
        self._stall = stall
        self._broken = broken
        self._ended = False
        self.address = address
        self.status: int = response.status_code
        self.headers: Headers = response.headers

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._let_go()
        self._response.close()

    def refuse(self, doing: str) -> DataError:
        """The error for this status, which is none of those hoped for."""
        return refusal(self.status, self.headers, doing, self.address)

    def read(self, most: int) -> bytes:
        """The next bytes, fewer than `most` only where the body ends. Interrupted: it broke off."""
        pieces: list[bytes] = []
        try:
            for piece in self._pieces(most):
                pieces.append(piece)  # one by one: what came is kept when it breaks off
        except self._broken as error:
            self._ended = True
            raise self._interrupted(b"".join(pieces), why(error)) from None
        return b"".join(pieces)

    def skip(self, count: int) -> None:
        """Go on behind so many bytes."""
        while count > 0:
            passed = len(self.read(min(count, _SKIPPED)))
            count -= passed or count

    def _pieces(self, most: int) -> Iterator[bytes]:
        read = getattr(self._response.raw, "read1", None) or self._response.raw.read
        since, moved = time.monotonic(), 0
        while most > 0:
            piece: bytes = read(min(most, _RECEIVED))
            if not piece:
                self._ended = True
                return
            yield piece
            most -= len(piece)
            moved += len(piece)
            if time.monotonic() - since > self._stall:
                if moved < _LEAST and most:
                    raise TimeoutError
                since, moved = time.monotonic(), 0

    def _interrupted(self, data: bytes, reason: str) -> Interrupted:
        text = f"{self.address} broke off after {len(data)} bytes: {reason}"
        return Interrupted(text, data, strong_etag(self.headers))

    def _let_go(self) -> None:
        """Read the little that may be left, so that the connection can be used again."""
        is_head = self._response.request.method == "HEAD"  # its length is that of another body
        length = 0 if is_head else content_length(self.headers)
        if not self._ended and (length is None or length <= _REST):
            with suppress(Interrupted):
                self.read(_REST)
        self._ended = True
