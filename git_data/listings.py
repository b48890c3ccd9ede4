"""What large trees hold, remembered beside their repository: a tree's id stands for its files.

    <folder of the kept repository>/listings/<id of the tree>

    listing := "git-data listing 1\\n" entry* check
    entry   := mode " " blob " " (size | "-") " " (object as 64 hex digits | "-") "\\t" path "\\0"
    check   := BLAKE3 of all before, 64 hex digits

A listing only saves time: one that is missing, damaged or of another version is made again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from . import listing, names
from .errors import DataError
from .files import remove_quietly, write_file
from .listing import Entry
from .oid import ObjectId, hash_bytes, hasher
from .pointer import Pointer
from .sources import Source

WORTH_FILES = 2_000  # fewer are read from Git as quickly
MOST = 16  # listings of one repository
_MAGIC = b"git-data listing 1\n"
_CHECK_BYTES = 64
_UNKNOWN = "-"


def files(source: Source, folder: Entry) -> list[Entry]:
    """As `listing.files`; Denied for a tree that no honest Git makes."""
    if not folder.is_folder:
        return [folder]
    path = os.path.join(source.location.git_dir, "listings", folder.blob)
    found = _read(path)
    if found is None:
        found = listing.files(source.git, folder._replace(path=""))
        names.check_form((entry.path for entry in found), source.origin.shown)
        if len(found) >= WORTH_FILES:
            _write(path, found)
    if not folder.path:
        return found
    return [entry._replace(path=f"{folder.path}/{entry.path}") for entry in found]


def _read(path: str) -> list[Entry] | None:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    body = memoryview(data)[:-_CHECK_BYTES]
    if not data.startswith(_MAGIC) or hash_bytes(body).hex().encode() != data[-_CHECK_BYTES:]:
        return None
    return [*_decode(os.fsdecode(bytes(body[len(_MAGIC) :])))]


def _decode(text: str) -> Iterator[Entry]:
    for line in text.split("\0")[:-1]:
        head, _, path = line.partition("\t")
        mode, blob, size, oid = head.split(" ")
        bytes_ = None if size == _UNKNOWN else int(size)
        if oid == _UNKNOWN or bytes_ is None:
            yield Entry(path, mode, blob, bytes_)
        else:
            yield Entry(path, mode, blob, bytes_, Pointer(ObjectId(bytes.fromhex(oid)), bytes_))


def _write(path: str, entries: Sequence[Entry]) -> None:
    folder = os.path.dirname(path)
    try:
        write_file(path, _encode(entries), durable=False)
        kept = [os.path.join(folder, name) for name in os.listdir(folder)]
        for old in sorted(kept, key=os.path.getmtime)[:-MOST]:
            remove_quietly(old)
    except (DataError, OSError):
        pass  # no room, or somebody else removes them too


def _encode(entries: Sequence[Entry]) -> Iterator[bytes]:
    state = hasher()
    for part in (_MAGIC, *map(_line, entries)):
        state.update(part)
        yield part
    yield state.digest().hex().encode()


def _line(entry: Entry) -> bytes:
    size = _UNKNOWN if entry.size is None else entry.size
    oid = entry.pointer.oid.hex() if entry.pointer else _UNKNOWN
    return os.fsencode(f"{entry.mode} {entry.blob} {size} {oid}\t{entry.path}\0")
