"""The hash of a whole object while it is cut: in line, or aside in a thread of the pool."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from queue import Queue

from .oid import hasher


class Hashing:
    """The hash of a whole object, window by window."""

    def __init__(self) -> None:
        self._state = hasher()

    def __enter__(self) -> Hashing:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, chunks: Sequence[memoryview]) -> None:
        for chunk in chunks:
            self._state.update(chunk)

    def digest(self) -> bytes:
        return self._state.digest()


class HashingAside:
    """The same in a thread of the pool. It waits for windows, and for no other thread."""

    def __init__(self, pool: Executor, most_windows: int) -> None:
        self._windows: Queue[Sequence[memoryview]] = Queue(most_windows)
        self._digest = pool.submit(self._run)

    def __enter__(self) -> HashingAside:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or not self._digest.cancel():  # nobody would take it from a full queue
            self._windows.put(())  # the end

    def update(self, chunks: Sequence[memoryview]) -> None:
        self._windows.put(chunks)

    def digest(self) -> bytes:
        """Of all windows; after the context."""
        return self._digest.result()

    def _run(self) -> bytes:
        state = Hashing()
        while chunks := self._windows.get():
            state.update(chunks)
        return state.digest()
