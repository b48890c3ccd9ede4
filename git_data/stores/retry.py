"""Trying again, around a store: it is a store itself, and the one inside knows nothing of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ..errors import Unreachable
from .base import Part, Store, Versioned
from .wrap import Around

_Result = TypeVar("_Result")


class Retrying(Around):
    """Tries again what was Unreachable, waiting longer each time, by a random part of it, so that
    many who failed together do not come back together.

    `replace_if` is tried once: that an answer was lost does not mean that nothing was done, and
    only its caller can find out.
    """

    def __init__(
        self,
        inner: Store,
        attempts: int = 5,
        *,
        longest: float = 10.0,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`attempts` in all; `longest`: the most seconds between two of them."""
        super().__init__(inner)
        self.attempts = attempts
        self._longest = longest
        self._sleep = sleep

    def _try(self, work: Callable[[], _Result]) -> _Result:
        for attempt in range(1, self.attempts):
            try:
                return work()
            except Unreachable:
                limit = min(self._longest, 0.25 * 2**attempt)
                self._sleep(random.uniform(0, limit))  # noqa: S311
        return work()

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self._try(lambda: self.inner.read(name, start, length))

    def read_small(self, name: str, limit: int) -> Versioned | None:
        return self._try(lambda: self.inner.read_small(name, limit))

    def write(self, name: str, parts: Sequence[Part]) -> None:
        self._try(lambda: self.inner.write(name, parts))

    def size(self, name: str) -> int | None:
        return self._try(lambda: self.inner.size(name))

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Tried again until the first entry came, not later: nothing is given twice."""

        def start() -> tuple[tuple[str, int] | None, Iterator[tuple[str, int]]]:
            entries = self.inner.list(prefix)
            return next(entries, None), entries

        first, rest = self._try(start)
        if first is not None:
            yield first
            yield from rest

    def delete(self, name: str) -> None:
        self._try(lambda: self.inner.delete(name))

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        return self.inner.replace_if(name, data, version)
