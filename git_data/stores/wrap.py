"""Behaviour around a store: it is a store itself, and the one inside knows nothing of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import NotFound
from .base import (
    MANIFESTS,
    HasCopies,
    HasPaths,
    HasServer,
    Parallel,
    Part,
    Proves,
    Readable,
    Resumes,
    Store,
    Versioned,
)


class Around:
    """Hands everything on. It has the optional abilities that the inner store has, and no other.

    A wrapper that does more overrides the verbs; `_resume` for `resume`, which not every one has.
    """

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        if isinstance(inner, HasPaths):
            self.local_path = inner.local_path
        if isinstance(inner, Resumes):
            self.resume = self._resume
        if isinstance(inner, Parallel):
            self.at_once = inner.at_once
        if isinstance(inner, HasCopies):
            self.copies: Sequence[Readable] = inner.copies
        if isinstance(inner, Proves):
            self.prove = inner.prove
        if isinstance(inner, HasServer):
            self.server_address = inner.server_address

    @property
    def url(self) -> str:
        return self.inner.url

    def _resume(self, name: str, start: int, length: int, version: str) -> bytes:
        assert isinstance(self.inner, Resumes)
        return self.inner.resume(name, start, length, version)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self.inner.read(name, start, length)

    def read_small(self, name: str, limit: int) -> Versioned | None:
        return self.inner.read_small(name, limit)

    def write(self, name: str, parts: Sequence[Part]) -> None:
        self.inner.write(name, parts)

    def size(self, name: str) -> int | None:
        return self.inner.size(name)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        return self.inner.list(prefix)

    def delete(self, name: str) -> None:
        self.inner.delete(name)

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        return self.inner.replace_if(name, data, version)


class Existing(Around):
    """A store that nobody here asked to make: it is used only if it is one already."""

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        if version is None and not any(self.inner.size(one) is not None for one in MANIFESTS):
            raise no_store(self.url)
        return self.inner.replace_if(name, data, version)


def no_store(url: str) -> NotFound:
    """The error for a place that is no store, and is not made one unasked."""
    return NotFound(
        f"there is no store at {url}",
        f"if there should be one, make it with: git data store {shlex.quote(url)}",
    )


class Call(NamedTuple):
    """One request: its verb, the name it was about, the bytes that it moved."""

    verb: str
    name: str
    size: int


class Counting(Around):
    """Remembers every request, failed ones too, so that a test can say what a thing costs."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []

    def count(self, verb: str) -> int:
        """How often a verb was asked for."""
        return sum(call.verb == verb for call in self.calls)

    def moved(self, verb: str) -> int:
        """The bytes that a verb moved."""
        return sum(call.size for call in self.calls if call.verb == verb)

    def _add(self, verb: str, name: str, size: int = 0) -> None:
        self.calls.append(Call(verb, name, size))

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        data = b""
        try:
            data = self.inner.read(name, start, length)
        finally:
            self._add("read", name, len(data))
        return data

    def _resume(self, name: str, start: int, length: int, version: str) -> bytes:
        data = b""
        try:
            data = super()._resume(name, start, length, version)
        finally:
            self._add("resume", name, len(data))
        return data

    def read_small(self, name: str, limit: int) -> Versioned | None:
        found = None
        try:
            found = self.inner.read_small(name, limit)
        finally:
            self._add("read_small", name, len(found.data) if found else 0)
        return found

    def write(self, name: str, parts: Sequence[Part]) -> None:
        self._add("write", name, sum(memoryview(part).nbytes for part in parts))
        self.inner.write(name, parts)

    def size(self, name: str) -> int | None:
        self._add("size", name)
        return self.inner.size(name)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        self._add("list", prefix)
        return self.inner.list(prefix)

    def delete(self, name: str) -> None:
        self._add("delete", name)
        self.inner.delete(name)

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        self._add("replace_if", name, memoryview(data).nbytes)
        return self.inner.replace_if(name, data, version)
