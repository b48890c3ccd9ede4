"""Bytes of packs. The format, field by field: docs/formats/pack.md.

    pack     := header record+                    at most 64 MiB, named by its BLAKE3
    header   := "git-data pack\\n" 0 0, version u32, feature bytes u32, feature names, 0 to 8
    record   := kind u8, codec u8, 0 u16, stored u32, raw u32, 0 u32, id, payload
    recipe   := object id, object size u64, part u32, parts u32, chunks u32, 0 u32, chunk ids

Numbers are little-endian. A record's id is the BLAKE3 of its raw payload, so a pack tells by
itself which of its records are whole. Sizes always come from our headers, never from zstd's.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .errors import Damaged, FormatError
from .oid import ObjectId, hash_bytes

MAX_BYTES = 64 << 20
MAX_RAW_BYTES = 8 << 20  # of one record; a window of zstd is never larger
RECIPE_CHUNKS = 32768  # at most, in one part of a recipe
RECORD_BYTES = 48  # the header of a record, without its payload

CHUNK, RECIPE = 1, 2  # kinds
RAW, ZSTD = 0, 1  # codecs

Data = bytes | bytearray | memoryview

_PREFIX = struct.Struct("<16sII")
_RECORD = struct.Struct("<BBHIII32s")
_RECIPE = struct.Struct("<32sQIIII")
_PACK = b"git-data pack\n\0\0"
VERSION = 1

_LEVEL = 1  # of zstd; 3 gave no smaller CSV at two thirds of the speed
_SAMPLE_BYTES = 16 << 10
_local = threading.local()


class Record(NamedTuple):
    kind: int
    codec: int
    stored: int  # bytes of the payload as it lies in the pack
    raw: int  # bytes of the payload unpacked
    id: bytes  # 32 bytes: BLAKE3 of the raw payload


class RecipePart(NamedTuple):
    """Some of the chunks of an object, in order; `part` counts from 0 up to `parts` - 1."""

    oid: ObjectId
    size: int  # of the whole object, bytes
    part: int
    parts: int
    chunks: Sequence[bytes]


def encode_prefix(magic: bytes, features: Sequence[str] = ()) -> bytes:
    """The opening that packs and indexes share."""
    names = " ".join(sorted(features)).encode("ascii")
    return _PREFIX.pack(magic, VERSION, len(names)) + names + b"\0" * (-len(names) % 8)


def decode_prefix(data: Data, magic: bytes, name: str) -> int:
    """How many bytes the opening of the file `name` takes; FormatError if it is not for us."""
    what = magic.rstrip(b"\0\n").decode()
    if len(data) < _PREFIX.size or bytes(data[:16]) != magic:
        raise Damaged(f"{name} is not a {what}: it opens with other bytes")
    _, version, length = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise FormatError(f"{name} has version {version} of the format '{what}'", "update git-data")
    if length:
        names = bytes(data[_PREFIX.size : _PREFIX.size + min(length, 200)])
        text = names.decode("ascii", "backslashreplace")
        raise FormatError(f"{name} needs the feature {text!r}", "update git-data")
    return _PREFIX.size


HEADER = encode_prefix(_PACK)


def path(key: bytes) -> str:
    """The name of a pack in its store."""
    digits = key.hex()
    return f"data/packs/{digits[:2]}/{digits}"


def check_header(data: Data, name: str) -> int:
    """Bytes before the first record of the pack that opens with `data`."""
    return decode_prefix(data, _PACK, name)


def encode_record(record: Record) -> bytes:
    return _RECORD.pack(record.kind, record.codec, 0, record.stored, record.raw, 0, record.id)


def decode_record(data: Data, offset: int, name: str) -> Record:
    """The record header at `offset`; Damaged if no writer writes such a one."""
    if offset + RECORD_BYTES > len(data):
        raise Damaged(f"{name} is cut off inside a record")
    kind, codec, zero, stored, raw, zero_too, key = _RECORD.unpack_from(data, offset)
    if (
        kind not in (CHUNK, RECIPE)
        or codec not in (RAW, ZSTD)
        or zero
        or zero_too
        or not 0 < raw <= MAX_RAW_BYTES
        or not 0 < stored <= raw
        or (stored == raw) != (codec == RAW)
    ):
        raise Damaged(f"{name} has no valid record at byte {offset}")
    return Record(kind, codec, stored, raw, key)


def records(data: Data, name: str) -> Iterator[tuple[int, Record]]:
    """Each record of a whole pack with the offset of its header. Payloads are not looked at."""
    offset = check_header(data, name)
    while offset < len(data):
        record = decode_record(data, offset, name)
        end = offset + RECORD_BYTES + record.stored
        if end > len(data):
            raise Damaged(f"{name} is cut off inside a record")
        yield offset, record
        offset = end


def unpack(data: Data, offset: int, record: Record, name: str) -> Data:
    """The raw payload of the record whose header lies at `offset`. Its size is right; whether its
    bytes are is for the caller to find out by their hash."""
    start = offset + RECORD_BYTES
    payload = memoryview(data)[start : start + record.stored]
    if len(payload) != record.stored:
        raise Damaged(f"{name} is cut off inside a record")
    return payload if record.codec == RAW else _expand(payload, record.raw, name)


def unpack_verified(data: Data, offset: int, record: Record, name: str) -> Data:
    """As `unpack`, with the bytes checked against the record's id."""
    raw = unpack(data, offset, record, name)
    if hash_bytes(raw) != record.id:
        raise Damaged(f"{name} is damaged: chunk {record.id.hex()} at byte {offset} is other bytes")
    return raw


def encode_chunk(key: bytes, data: Data) -> tuple[bytes, Data]:
    """The record header and the payload of a chunk, compressed where that pays."""
    packed = compress(data)
    if packed is None:
        return encode_record(Record(CHUNK, RAW, len(data), len(data), key)), data
    return encode_record(Record(CHUNK, ZSTD, len(packed), len(data), key)), packed


def encode_recipe(part: RecipePart) -> tuple[bytes, bytes]:
    """The record header and the payload of one part of a recipe; recipes are never compressed."""
    fixed = (part.oid, part.size, part.part, part.parts, len(part.chunks), 0)
    data = _RECIPE.pack(*fixed) + b"".join(part.chunks)
    return encode_record(Record(RECIPE, RAW, len(data), len(data), hash_bytes(data))), data


def decode_recipe(data: Data, name: str) -> RecipePart:
    if len(data) < _RECIPE.size:
        raise Damaged(f"{name} has a recipe that is cut off")
    oid, size, part, parts, count, zero = _RECIPE.unpack_from(data)
    end = _RECIPE.size + 32 * count
    wrong = part >= parts or size >= 1 << 63 or zero or end != len(data)
    if wrong or not 0 < count <= RECIPE_CHUNKS:
        raise Damaged(f"{name} has a recipe that no writer writes")
    chunks = [bytes(data[at : at + 32]) for at in range(_RECIPE.size, end, 32)]
    return RecipePart(ObjectId(oid), size, part, parts, chunks)


def compress(data: Data) -> bytes | None:
    """One zstd frame of `data`, or None where that would save less than a sixteenth. A sample
    from the middle decides first: random data then costs an eighth of a compression."""
    if len(data) > 4 * _SAMPLE_BYTES:
        middle = len(data) // 2
        sample = data[middle : middle + _SAMPLE_BYTES]
        if not _pays(len(_frame(sample)), len(sample)):
            return None
    packed = _frame(data)
    return packed if _pays(len(packed), len(data)) else None


def _pays(stored: int, raw: int) -> bool:
    return stored <= raw - raw // 16 - 1


def _zstd() -> Any:
    """The module, imported by the first who needs it: it costs 10 ms."""
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return zstd


def _frame(data: Data) -> bytes:
    compressor = getattr(_local, "compressor", None)  # making one costs more than a small chunk
    if compressor is None:
        compressor = _local.compressor = _zstd().ZstdCompressor(level=_LEVEL)
    frame: bytes = compressor.compress(data, compressor.FLUSH_FRAME)
    return frame


def _expand(payload: Data, raw: int, name: str) -> bytes:
    zstd = _zstd()
    options = {zstd.DecompressionParameter.window_log_max: 23}  # MAX_RAW_BYTES
    decompressor = zstd.ZstdDecompressor(options=options)
    try:
        data: bytes = decompressor.decompress(payload, raw)
        # The frame's end may come after its last byte of content: ask for what must not be there.
        more = b"" if decompressor.eof else decompressor.decompress(b"", 1)
    except zstd.ZstdError as error:
        raise Damaged(f"{name} has a chunk that zstd cannot unpack: {error}") from error
    if len(data) != raw or more or not decompressor.eof or decompressor.unused_data:
        raise Damaged(f"{name} has a chunk that is not {raw} bytes")
    return data
