"""A store and its mirrors, for who reads.

Packs and indexes are named by their content, so one range may come from here and the next from
there: what the first store does not give, whatever the reason, a mirror is asked for. A place that
does not answer, after all its retries, is down for this process: waiting for it once is enough.

Everything else is the first store's alone, its manifest too. A mirror that is behind has an older
one, and to take that for the first's would be to say that newer content does not exist. When the
first is down, whoever reads goes on to its mirrors as stores of their own (repo.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from ..errors import DataError, Unreachable
from .base import Readable, Store, Versioned
from .wrap import Around

_Result = TypeVar("_Result")


class Mirrored(Around):
    """`mirrors` open a mirror each, when it is first needed; one that cannot be opened is down."""

    def __init__(self, first: Store, mirrors: Sequence[Callable[[], Store]]) -> None:
        super().__init__(first)
        self._first = _Place(lambda: first)
        self._mirrors = [_Place(open_mirror) for open_mirror in mirrors]
        # The first comes last: it was most likely the one whose bytes were wrong.
        self.copies: Sequence[Readable] = (*self._mirrors, self._first)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        try:
            return self._first.read(name, start, length)
        except DataError:
            for mirror in self._mirrors:
                with suppress(DataError):
                    return mirror.read(name, start, length)
            raise

    def read_small(self, name: str, limit: int) -> Versioned | None:
        return self._first.ask(lambda store: store.read_small(name, limit))


class _Place:
    """One of the stores, as long as it answers. Safe in threads."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._lock = Lock()
        self._down: DataError | None = None

    def ask(self, question: Callable[[Store], _Result]) -> _Result:
        if self._down:
            raise self._down.reworded(self._down.message)
        store = self._open()
        try:
            return question(store)
        except Unreachable as error:
            # No kind of it that says more: this will be raised again for other questions.
            self._down = Unreachable(error.message, error.hint)
            raise

    def _open(self) -> Store:
        with self._lock:
            try:
                self._store = self._store or self._open_store()
            except DataError as error:
                self._down = error
                raise
            return self._store

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self.ask(lambda store: store.read(name, start, length))
