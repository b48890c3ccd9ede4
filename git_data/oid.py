"""Names of objects, chunks, packs and indexes: BLAKE3-256 of their bytes."""

from __future__ import annotations

import re
from typing import BinaryIO, Protocol

from blake3 import blake3

from .errors import FormatError

BLOCK = 1 << 20  # bytes read at once: where blake3 reaches its full speed
_HEX = re.compile(r"[0-9a-f]{64}")


class ObjectId(bytes):
    """A BLAKE3-256: 32 bytes. Sorts and compares as bytes; `str` gives its full name."""

    __slots__ = ()

    def __new__(cls, digest: bytes) -> ObjectId:
        if len(digest) != 32:
            raise FormatError(f"an object id has 32 bytes, not {len(digest)}")
        return super().__new__(cls, digest)

    @classmethod
    def parse(cls, text: str) -> ObjectId:
        """The id written as `blake3:<64 hex>` or as the bare 64 hex digits."""
        digits = text.removeprefix("blake3:")
        if not _HEX.fullmatch(digits):
            raise FormatError(f"not an object id: {text[:80]!r}")
        return cls(bytes.fromhex(digits))

    def __str__(self) -> str:
        return "blake3:" + self.hex()

    def __repr__(self) -> str:
        return f"ObjectId({self.hex()})"


class Hasher(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> object: ...
    def digest(self) -> bytes: ...


def hasher() -> Hasher:
    return blake3()


def hash_bytes(data: bytes | bytearray | memoryview) -> ObjectId:
    return ObjectId(blake3(data).digest())


def hash_stream(stream: BinaryIO) -> tuple[ObjectId, int]:
    """The id and the size in bytes of what is left in `stream`; memory stays constant."""
    state, size = blake3(), 0
    buffer = memoryview(bytearray(BLOCK))
    while count := stream.readinto(buffer):  # type: ignore[attr-defined]
        state.update(buffer[:count])
        size += count
    return ObjectId(state.digest()), size
