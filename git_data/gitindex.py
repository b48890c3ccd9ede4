"""Bytes of Git's index: find entries, set their stat data, keep everything else.

The format is Git's own (Documentation/gitformat-index.adoc). What this module relies on:

    header      "DIRC", version (2, 3 or 4), number of entries; all numbers big-endian
    entry       ctime 8, mtime 8, dev 4, ino 4, mode 4, uid 4, gid 4, size 4, object id 20 or 32,
                flags 2 (stage in bits 12 and 13, length of the name in the low 12, bit 14:
                2 more bytes of flags follow), name, NUL
                versions 2 and 3: more NULs up to a multiple of 8 bytes
                version 4: the name is how many bytes of the previous one to drop, then a tail
    extensions  signature 4, length 4, bytes
    checksum    SHA-1 or SHA-256 of all before; zeros with index.skipHash

No entry changes its length here, so offsets kept in extensions (EOIE, IEOT) stay right. With a
`link` extension (split index) most entries lie in another file: `Found.split` says so.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from .errors import Damaged, FormatError

_HEADER = 12
_HASH_BYTES = {"sha1": 20, "sha256": 32}  # by object format: object ids and the checksum
_STAGE, _EXTENDED = 0x30, 0x40  # in the high byte of the flags
_LONG_NAME = 0x0FFF  # in the flags: the name is so long or longer
_FILES = (0x8, 0xA)  # in the highest bits of the mode: regular files, symbolic links
_STAT = struct.Struct(">9I")
_32_BITS = 0xFFFFFFFF

Bytes = bytes | bytearray


class Found(NamedTuple):
    """Where the entries that were asked for lie in the bytes of an index."""

    offsets: dict[bytes, int]  # path -> its entry at stage 0
    young: dict[bytes, int]  # the same for all files with a time of `second` or later
    split: bool


def pack_stat(found: os.stat_result) -> bytes:
    """A file's stat data as an entry keeps it, without the mode: each number's low 32 bits.

    A size that is a multiple of 4 GiB is kept as 0, which every Git takes for "look at the
    content": newer ones would keep 1 << 31, which older ones take for another size.
    """
    numbers = (
        *divmod(found.st_ctime_ns, 10**9),
        *divmod(found.st_mtime_ns, 10**9),
        found.st_dev,
        found.st_ino,
        found.st_uid,
        found.st_gid,
        found.st_size,
    )
    return _STAT.pack(*(number & _32_BITS for number in numbers))


def find(
    data: Bytes, paths: Collection[bytes], object_format: str = "sha1", second: int = _32_BITS
) -> Found:
    """Entries of `paths` at stage 0; those that the index lacks are left out.

    Damaged when the checksum does not fit, FormatError for what this module cannot read: then
    nothing may be written.
    """
    size = _HASH_BYTES[object_format]
    version, count = _check(data, size)
    data = bytes(data)  # whose slices are names as they are looked up
    walk = _walk_compressed if version == 4 else _walk_padded
    offsets: dict[bytes, int] = {}
    young: dict[bytes, int] = {}
    from_then = second.to_bytes(4, "big")
    end = _HEADER
    try:
        for name, at, end_of_entry in walk(data, count, size):
            end = end_of_entry
            if name in paths and not data[at + 40 + size] & _STAGE:
                offsets[name] = at
            if data[at + 8 : at + 12] >= from_then and data[at + 26] >> 4 in _FILES:
                young[name] = at
    except (IndexError, ValueError) as error:
        raise FormatError("Git's index ends within an entry") from error
    return Found(offsets, young, b"link" in _extensions(data, end, size))


def stat_at(data: Bytes, at: int) -> bytes:
    """The stat data of the entry at an offset, as `pack_stat` gives it."""
    return bytes(data[at : at + 24] + data[at + 28 : at + 40])


def patch(
    data: bytearray,
    found: Found,
    stats: Mapping[bytes, tuple[str, bytes]],
    object_format: str = "sha1",
    doubtful: Collection[int] = (),
) -> set[bytes]:
    """Set stat data (`pack_stat`) of the entries that name the given blob; the paths of those.

    `stats` is path -> (blob in hex, stat data). Entries at `doubtful` offsets get a size of 0, as
    Git does it where it shall look at the content. Every other byte stays, except the checksum.
    """
    size = _HASH_BYTES[object_format]
    done = set()
    for offset in doubtful:
        data[offset + 36 : offset + 40] = bytes(4)
    for path, (blob, stat) in stats.items():
        at = found.offsets.get(path)
        if at is not None and data[at + 40 : at + 40 + size].hex() == blob:
            data[at : at + 24] = stat[:24]
            data[at + 28 : at + 40] = stat[24:]
            done.add(path)
    if any(data[-size:]):
        data[-size:] = _checksum(data, object_format)
    return done


def _check(data: Bytes, size: int) -> tuple[int, int]:
    """Version and number of entries, once the bytes are known to be whole."""
    if len(data) < _HEADER + size or data[:4] != b"DIRC":
        raise FormatError("this is no index of Git")
    version, count = struct.unpack_from(">II", data, 4)
    if version not in (2, 3, 4):
        raise FormatError(f"Git's index has version {version}, which is not known here")
    if any(data[-size:]) and data[-size:] != _checksum(data, "sha1" if size == 20 else "sha256"):
        raise Damaged("Git's index is damaged: its checksum does not fit", "git fsck")
    return version, count


def _checksum(data: Bytes, object_format: str) -> bytes:
    state = hashlib.new(object_format, usedforsecurity=False)
    state.update(memoryview(data)[: -_HASH_BYTES[object_format]])
    return state.digest()


def _walk_padded(data: bytes, count: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and end of each entry, versions 2 and 3."""
    at, flags_at, zero = _HEADER, 40 + size, data.index
    for _ in range(count):
        high = data[at + flags_at]
        start = at + flags_at + (4 if high & _EXTENDED else 2)
        length = (high & 0x0F) << 8 | data[at + flags_at + 1]
        stop = start + length if length < _LONG_NAME else zero(0, start)
        end = at + ((stop - at + 8) & ~7)
        yield data[start:stop], at, end
        at = end


def _walk_compressed(data: bytes, count: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and end of each entry, version 4."""
    at, flags_at, name = _HEADER, 40 + size, b""
    for _ in range(count):
        start = at + flags_at + (4 if data[at + flags_at] & _EXTENDED else 2)
        byte = data[start]
        start += 1
        drop = byte & 0x7F
        while byte & 0x80:  # the offset encoding of packs: each further byte adds one
            byte = data[start]
            start += 1
            drop = (drop + 1) << 7 | byte & 0x7F
        stop = data.index(0, start)
        name = name[: len(name) - drop] + data[start:stop]
        yield name, at, stop + 1
        at = stop + 1


def _extensions(data: Bytes, at: int, size: int) -> list[bytes]:
    """The signatures of the extensions, which begin at `at`."""
    names = []
    end = len(data) - size
    while at + 8 <= end:
        names.append(bytes(data[at : at + 4]))
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    if at != end:
        raise FormatError("Git's index ends within an extension")
    return names
