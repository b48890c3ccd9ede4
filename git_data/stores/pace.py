"""How many requests at once a store can take: found out by asking, for nobody else knows.

As TCP does it: each answer lets a little more in, a whole request after a round of them; a store
that says it is busy halves what is let in. Of the requests that were on their way at that moment
many will be told the same: together they halve it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition

from ..errors import DataError, Unreachable
from .base import Busy, Part, Store, Versioned
from .wrap import Around

FIRST, MOST = 8, 16  # requests at once: to begin with, and ever


class Paced(Around):
    """Lets so many requests through as the store can take; the others wait for their turn."""

    def __init__(self, inner: Store, first: int = FIRST, most: int = MOST) -> None:
        super().__init__(inner)
        self.at_once = most
        self._limit = float(min(first, most))
        self._started = 0  # requests so far
        self._halved_at = 0  # how many that was when the limit was last halved
        self._under_way = 0
        self._turn = Condition()

    @property
    def limit(self) -> int:
        """How many are let through at the moment."""
        return int(self._limit)

    @contextmanager
    def _request(self) -> Iterator[None]:
        number = self._enter()
        growth = 0.0
        try:
            yield
            growth = 1.0
        except Busy:
            growth = -1.0
            raise
        except Unreachable:
            raise
        except DataError:
            growth = 1.0  # it answered
            raise
        finally:
            self._leave(number, growth)

    def _enter(self) -> int:
        with self._turn:
            while self._under_way >= self.limit:
                self._turn.wait()
            self._under_way += 1
            self._started += 1
            return self._started

    def _leave(self, number: int, growth: float) -> None:
        with self._turn:
            self._under_way -= 1
            if number > self._halved_at:
                if growth < 0:
                    self._limit = max(1.0, self._limit / 2)
                    self._halved_at = self._started
                else:
                    self._limit = min(float(self.at_once), self._limit + growth / self._limit)
            self._turn.notify_all()

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        with self._request():
            return self.inner.read(name, start, length)

    def _resume(self, name: str, start: int, length: int, version: str) -> bytes:
        with self._request():
            return super()._resume(name, start, length, version)

    def read_small(self, name: str, limit: int) -> Versioned | None:
        with self._request():
            return self.inner.read_small(name, limit)

    def write(self, name: str, parts: Sequence[Part]) -> None:
        with self._request():
            self.inner.write(name, parts)

    def size(self, name: str) -> int | None:
        with self._request():
            return self.inner.size(name)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Each entry may be a request; between them whoever listens may make others."""
        entries = self.inner.list(prefix)
        while True:
            with self._request():
                entry = next(entries, None)
            if entry is None:
                return
            yield entry

    def delete(self, name: str) -> None:
        with self._request():
            self.inner.delete(name)

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        with self._request():
            return self.inner.replace_if(name, data, version)
