"""What an interrupted push had already stored, so that the next one does not start from nothing.

One file beside the index copies, `<folder>/push/<store id>/journal`: an entry for each pack that
the store has confirmed, in the order they were made. It is a note of this clone to itself, no
lasting format: an entry that is cut off or changed ends it, and losing it only costs time.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .errors import DataError
from .files import write_all
from .index import Place
from .indexing import Object
from .locks import Lock
from .oid import ObjectId, hash_bytes

_MAGIC = b"git-data push 1\n"
_HEAD = struct.Struct("<Q32s")  # length and hash of what follows
_PACK = struct.Struct("<32sQII")  # id, size, chunks, objects
_CHUNK = struct.Struct("<32sIII")
_OBJECT = struct.Struct("<32sQI")


class Confirmed(NamedTuple):
    """A pack that the store holds, and what is in it."""

    key: ObjectId
    size: int  # bytes
    places: dict[bytes, Place]
    objects: list[Object]  # whose recipe ends in this pack

    def encode(self) -> bytes:
        parts = [_PACK.pack(self.key, self.size, len(self.places), len(self.objects))]
        parts += [
            _CHUNK.pack(chunk, place.offset, place.stored, place.raw)
            for chunk, place in self.places.items()
        ]
        for oid, size, chunks in self.objects:
            parts += [_OBJECT.pack(oid, size, len(chunks)), *chunks]
        body = b"".join(parts)
        return _HEAD.pack(len(body), hash_bytes(body)) + body


def _decode(body: bytes) -> Confirmed:
    key, size, chunks, count = _PACK.unpack_from(body)
    start = _PACK.size
    end = start + _CHUNK.size * chunks
    pack = ObjectId(key)
    rows = _CHUNK.iter_unpack(body[start:end])
    places = {chunk: Place(pack, *rest) for chunk, *rest in rows}
    objects = []
    for _ in range(count):
        oid, object_size, length = _OBJECT.unpack_from(body, end)
        start = end + _OBJECT.size
        end = start + 32 * length
        ids = [body[at : at + 32] for at in range(start, end, 32)]
        objects.append(Object(oid, object_size, ids))
    return Confirmed(pack, size, places, objects)


class Journal:
    """The journal of one store, locked: a second push at the same time does without.

    Works as a context manager. `deletions` is the store's count of them: when it has changed,
    packs may be gone, and the journal starts anew.
    """

    def __init__(self, folder: Path, store_id: str, deletions: int) -> None:
        self._path = folder / "push" / store_id / "journal"
        self._lock = Lock(self._path.parent / "lock", timeout=0)
        self._opening = _MAGIC + struct.pack("<Q", deletions)
        self._held = ExitStack()
        self._fd = -1

    def __enter__(self) -> Journal:
        with suppress(DataError, OSError):  # held by another push, or nothing can be written here
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(self._lock)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._held.close()

    def entries(self, is_stored: Callable[[Confirmed], bool]) -> Iterator[Confirmed]:
        """What was noted, oldest first, as far as the store still has it; the rest is dropped.
        To be run through once, before `add`."""
        if self._fd < 0:
            return
        with open(self._path, "rb") as file:
            good = 0
            if file.read(len(self._opening)) == self._opening:
                good = file.tell()
                while (entry := _read(file)) and is_stored(entry):
                    yield entry
                    good = file.tell()
        os.ftruncate(self._fd, good)
        os.lseek(self._fd, good, os.SEEK_SET)

    def add(self, confirmed: Confirmed) -> None:
        if self._fd < 0:
            return
        opening = b"" if os.lseek(self._fd, 0, os.SEEK_CUR) else self._opening
        with suppress(OSError):  # no room: an entry cut off ends the journal
            write_all(self._fd, opening + confirmed.encode())

    def clear(self) -> None:
        """All of it is in the store's index now."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)


def _read(file: BinaryIO) -> Confirmed | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, digest = _HEAD.unpack(head)
    left = os.fstat(file.fileno()).st_size - file.tell()
    body = file.read(length) if length <= left else b""
    return _decode(body) if hash_bytes(body) == digest else None
