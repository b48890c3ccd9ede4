"""What went on, for who looks for a fault: GIT_DATA_TRACE=1, or the path of a file.

A line a step: what Git says and is told, what a store is asked for. Secrets that could stand in an
address or in a header are taken out of every line.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from .stores.base import Part, Store, Versioned
from .stores.wrap import Around

Trace = Callable[[str], None]
_Result = TypeVar("_Result")

_KEYS = r"token|secret|signature|credential|password|passwd|key|auth|sig|code|session"
_RULES = (
    (re.compile(r"(://)[^/@\s]+@"), r"\1…@"),
    (re.compile(rf"([\w.-]*(?:{_KEYS})[\w.-]*=)[^&;\s]+", re.IGNORECASE), r"\1…"),
    (re.compile(r"(authorization:\s*(?:\w+ )?)\S+", re.IGNORECASE), r"\1…"),
    (re.compile(r"((?:token|password|secret): )\S+", re.IGNORECASE), r"\1…"),
)


def redact(text: str) -> str:
    """A line without what might be a secret."""
    for pattern, rest in _RULES:
        text = pattern.sub(rest, text)
    return text


class Traced(Around):
    """A store that tells each request: verb, name, bytes, milliseconds, and how it failed."""

    def __init__(self, inner: Store, trace: Trace) -> None:
        super().__init__(inner)
        self._trace = trace

    def _tell(self, what: str, work: Callable[[], _Result], size: int | None = None) -> _Result:
        began = time.monotonic()
        try:
            result = work()
        except Exception as error:
            self._trace(f"store: {what}: {type(error).__name__}: {error}")
            raise
        took = round((time.monotonic() - began) * 1000)
        moved = len(result) if isinstance(result, bytes) else size
        self._trace(f"store: {what}: {took} ms" + (f", {moved} bytes" if moved else ""))
        return result

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self._tell(f"read {name} at {start}", lambda: self.inner.read(name, start, length))

    def read_small(self, name: str, limit: int) -> Versioned | None:
        return self._tell(f"read {name}", lambda: self.inner.read_small(name, limit))

    def write(self, name: str, parts: Sequence[Part]) -> None:
        size = sum(memoryview(part).nbytes for part in parts)
        self._tell(f"write {name}", lambda: self.inner.write(name, parts), size)

    def size(self, name: str) -> int | None:
        return self._tell(f"size of {name}", lambda: self.inner.size(name))

    def delete(self, name: str) -> None:
        self._tell(f"delete {name}", lambda: self.inner.delete(name))

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        def work() -> str:
            return self.inner.replace_if(name, data, version)

        return self._tell(f"replace {name}", work, memoryview(data).nbytes)
