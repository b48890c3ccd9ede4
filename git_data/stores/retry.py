"""Trying again, around a store: it is a store itself, and the one inside knows nothing of it.

How to think about it. What is bounded is the time in which nothing moves. A call that fails waits a
random part of a pause that doubles each time, so that many who failed together do not come back
together, and is made again until its patience is over. A body that broke off in the middle is gone
on with behind its last byte, if it still is of the same file: that is progress, and the patience
starts anew. A store that has not answered once is given less of it: perhaps it is not there at all.
One that was waited for in vain is not waited for again: until it answers, each call is one try.

`replace_if` is tried once: that an answer was lost does not mean that nothing was done, and only
its caller can find out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ..errors import Damaged, DataError, Unreachable
from .base import Busy, Interrupted, Part, Readable, Resumes, Store, Versioned
from .wrap import Around

PATIENCE = 60.0  # seconds without progress after which a call fails
FIRST_PATIENCE = 15.0  # the same, of a store that has not answered yet
LEAST_TRIES = 3  # of a store that has: one alone may take longer than all patience
SHORTEST, LONGEST = 0.2, 10.0  # seconds of the first pause at most, and of any

_Result = TypeVar("_Result")


class Retrying(Around):
    """Tries again what was Unreachable, for so many seconds without progress; with 0 nothing is
    tried twice. None: PATIENCE, and FIRST_PATIENCE until the store said anything at all."""

    def __init__(
        self,
        inner: Store,
        patience: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(inner)
        # Bytes that are wrong may have become so on their way: ask for the same once more.
        self.copies: Sequence[Readable] = (self,)
        self._patience = PATIENCE if patience is None else patience
        self._first_patience = FIRST_PATIENCE if patience is None else patience
        self._clock = clock
        self._sleep = sleep
        self._answers = 0
        self._is_down = False  # it was waited for in vain, and nothing came since
        self._lost_swaps = 0  # in a row

    def _try(self, work: Callable[[], _Result]) -> _Result:
        failures = self._failures()
        while True:
            try:
                return self._ask(work)
            except Unreachable as error:
                failures.wait_after(error)

    def _failures(self) -> _Failures:
        answers = self._answers

        def give_up(count: int, seconds: float) -> bool:
            if not (self._is_down or self._is_over(count, seconds)):
                return False
            self._is_down = self._answers == answers
            return True

        return _Failures(self._clock, self._sleep, give_up)

    def _is_over(self, count: int, seconds: float) -> bool:
        """After so many failures in a row, in so many seconds, the next pause among them."""
        if not self._answers:
            return seconds > self._first_patience
        return seconds > self._patience and (count >= LEAST_TRIES or not self._patience)

    def _ask(self, work: Callable[[], _Result]) -> _Result:
        """Do it, and remember that the store is there if it says anything at all."""
        try:
            result = work()
        except DataError as error:
            if not isinstance(error, Unreachable) or isinstance(error, (Busy, Interrupted)):
                self._note_answer()
            raise
        self._note_answer()
        return result

    def _note_answer(self) -> None:
        self._answers += 1
        self._is_down = False

    # The verbs

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        if length is None or not isinstance(self.inner, Resumes):
            return self._try(lambda: self.inner.read(name, start, length))
        body, failures = _Body(self.inner, name, start, length), self._failures()
        while True:
            try:
                return self._ask(body.go_on)
            except Unreachable as error:
                if body.has_grown():
                    failures = self._failures()
                failures.wait_after(error)

    def _resume(self, name: str, start: int, length: int, version: str) -> bytes:
        resume = super()._resume
        return self._try(lambda: resume(name, start, length, version))

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
        """Tried once. Whoever then looks if it was done, and tries again, is held back here."""
        try:
            done = self._ask(lambda: self.inner.replace_if(name, data, version))
        except Unreachable as error:
            self._lost_swaps += 1
            self._sleep(min(_pause(error, self._lost_swaps), self._patience))
            raise
        self._lost_swaps = 0
        return done


class _Failures:
    """Those of one call, since it last got on."""

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        give_up: Callable[[int, float], bool],
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._give_up = give_up
        self._since = clock()
        self._count = 0

    def wait_after(self, error: Unreachable) -> None:
        """Until the next try; raises the error when there shall be none."""
        self._count += 1
        pause = _pause(error, self._count)
        # What the store asks us to wait is never cut short: rather give up at once.
        count = LEAST_TRIES if pause > LONGEST else self._count
        if self._give_up(count, self._clock() - self._since + pause):
            if isinstance(error, Interrupted):
                error.data = b""  # nobody will go on with it, and the error may be kept
            raise error
        self._sleep(pause)


def _pause(error: Unreachable, count: int) -> float:
    """Seconds before the next try, after so many failures in a row."""
    limit = min(LONGEST, SHORTEST * 2 ** min(count - 1, 30))
    asked = error.after if isinstance(error, Busy) else None
    return max(asked or 0.0, 0.0) + random.uniform(0, limit)  # noqa: S311


class _Body:
    """Bytes of one file, as far as they came, and of which version of it."""

    def __init__(self, store: Store, name: str, start: int, length: int) -> None:
        self._store = store
        self._name = name
        self._start = start
        self._length = length
        self._furthest = self._best = 0
        self._drop()

    def _drop(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._version: str | None = None

    def go_on(self) -> bytes:
        """All of it; Interrupted keeps what came, if the rest can be asked for."""
        try:
            self._parts.append(self._ask())
        except Interrupted as error:
            self._keep(error.data, error.version)
            raise
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _ask(self) -> bytes:
        if self._version is not None and isinstance(self._store, Resumes):
            at, left = self._start + self._size, self._length - self._size
            try:
                return self._store.resume(self._name, at, left, self._version)
            except Damaged:  # it is another file by now: what came is of no use
                self._drop()
        return self._store.read(self._name, self._start, self._length)

    def _keep(self, data: bytes, version: str | None) -> None:
        if self._version is None:
            self._version = version
        is_of_it = version is not None and version == self._version
        if not is_of_it or self._size + len(data) >= self._length:
            self._drop()
        elif data:
            self._parts.append(data)
            self._size += len(data)
            self._furthest = max(self._furthest, self._size)

    def has_grown(self) -> bool:
        """True if it has come further than ever since this was last asked."""
        grown, self._best = self._furthest > self._best, self._furthest
        return grown
