"""What every store can do. Nothing here knows a wire.

A store holds named files. Names are relative, `/` between their parts, checked by `check_name` in
every store before they become a path or a URL. All but the manifests never change once written.

Rules for an implementation:
- Safe in threads: every verb may be called from several at once.
- A file is there whole or not at all; when `write` or `replace_if` returns, it is durable.
- Only `Unreachable` is worth another try. A store makes none itself: `retry.Retrying` does.
- The message of an error has the full path or address, the hint says what is safe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from ..errors import SAFE, StoreError, Unreachable

READ_BYTES = 16 << 20  # the most that one `read` may ask for
NAME_CHARACTERS = 255
MANIFESTS = ("data/manifest", "git/manifest")  # the files that change
_PART = r"[a-z0-9._-]+"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")

Part = bytes | bytearray | memoryview


class Busy(Unreachable):
    """The store asks for fewer requests (503, 429, SlowDown)."""

    def __init__(self, message: str, hint: str = SAFE, after: float | None = None) -> None:
        super().__init__(message, hint)
        self.after = after  # seconds that it asks us to wait; None: it does not say


class Interrupted(Unreachable):
    """A body ended before its end. What came may be kept, and the rest be asked for."""

    def __init__(self, message: str, data: bytes, version: str | None) -> None:
        super().__init__(message, SAFE)
        self.data = data  # its first bytes
        self.version = version  # of the file they are of; None: the store does not say


class Versioned(NamedTuple):
    """A small file that changes, and what its store calls this state of it."""

    data: bytes
    version: str


class Store(Protocol):
    @property
    def url(self) -> str:
        """For people and for messages; no credentials in it."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Exactly `length` bytes from `start`, at most READ_BYTES; without a length the rest.

        Raises NotFound, Damaged when the file is too short, StoreError.
        """

    def read_small(self, name: str, limit: int) -> Versioned | None:
        """A whole file of at most `limit` bytes with its version; None when there is none.

        Raises Damaged when it is larger, StoreError.
        """

    def write(self, name: str, parts: Sequence[Part]) -> None:
        """Make a file that never changes again. One that is there with the same size is left as it
        is, for a name stands for its content. Raises StoreError: then nothing of it is visible.
        """

    def size(self, name: str) -> int | None:
        """The size of a file in bytes; None when there is none. Raises StoreError."""

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Names and sizes of all files in the folder `prefix`, at any depth; "" for the whole
        store. In no order. Raises StoreError.
        """

    def delete(self, name: str) -> None:
        """Remove a file; that it is gone already is no error. Raises StoreError."""

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        """Compare and swap: replace a small file if its version is still this one; None: if there
        is none yet. Gives the new version.

        The data must be other than any before it, as a counter or a random word in it makes sure:
        a version may be made of nothing but the content.

        Raises Conflict when somebody else was faster: then nothing was changed. Unreachable: it
        may have been done or not; only reading again can tell. StoreError: it was not done.
        """


@runtime_checkable
class Resumes(Protocol):
    """A store that can go on in the middle of a body, if the file is still the same."""

    def resume(self, name: str, start: int, length: int, version: str) -> bytes:
        """As `read`, of a file that still has this version; Damaged when it has another."""


@runtime_checkable
class Proves(Protocol):
    """A store that can show by itself what a race would show only now and then."""

    def prove(self, name: str) -> str:
        """What is wrong with its compare and swap, tried on a small file that is there; or ""."""


@runtime_checkable
class HasPaths(Protocol):
    """A store whose files can be opened or mapped in place."""

    def local_path(self, name: str) -> str | None:
        """Where a file lies on this machine; None when there is none."""


@runtime_checkable
class Parallel(Protocol):
    """A store that answers several requests at once sooner than one after the other."""

    at_once: int  # as many requests as are worthwhile


class Readable(Protocol):
    """As much of a store as it takes to read an immutable file."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes: ...


@runtime_checkable
class HasCopies(Protocol):
    """A store whose files may be had otherwise too."""

    @property
    def copies(self) -> Sequence[Readable]:
        """Whom to ask for a file when the bytes that `read` gave turn out to be wrong: mirrors,
        and, where bytes may have changed on their way, the same store once more."""


def copies_of(store: Store) -> Sequence[Readable]:
    return store.copies if isinstance(store, HasCopies) else ()


@runtime_checkable
class HasServer(Protocol):
    """A store whose address may stand for another server tomorrow, by the user's own set-up."""

    def server_address(self) -> str | None:
        """Where it is now; asks nothing of it."""


def path_of(url: str, name: str) -> str:
    """How a file of a store is called in messages."""
    head, mark, query = url.partition("?") if "://" in url else (url, "", "")
    return f"{head}/{name}{mark}{query}"


def check_name(name: str) -> str:
    """The name, if a store may be asked for it; StoreError if not."""
    if (
        not _NAME.fullmatch(name)
        or len(name) > NAME_CHARACTERS
        or not {".", ".."}.isdisjoint(name.split("/"))
    ):
        raise StoreError(f"not a name for a file in a store: {name[:80]!r}")
    return name


def check_prefix(prefix: str) -> str:
    """As `check_name`, for `list`; one slash at the end is allowed, and nothing is the whole."""
    return check_name(prefix.removesuffix("/")) if prefix else ""


def check_range(name: str, start: int, length: int | None) -> None:
    """StoreError unless these are offsets that one read may ask for."""
    if start < 0 or (length is not None and not 0 <= length <= READ_BYTES):
        raise StoreError(f"{name}: {length} bytes at {start} are no range for one read")
