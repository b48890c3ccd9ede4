import struct

import pytest

from git_data import pack
from git_data.errors import Damaged, FormatError
from git_data.oid import hash_bytes

from .helpers.engine import content

zstd = pack._zstd()

HELLO = b"hello, data\n"
TEXT = b"text " * 20
PREFIX = "6769742d64617461207061636b0a00000100000000000000"
HELLO_RECORD = (
    "01000000" "0c000000" "0c000000" "00000000"
    "2b17722c4f61997e8313e096f45ae2738ea257eec24f668ad2f8e5cc845663e9"
    "68656c6c6f2c20646174610a"
)  # fmt: skip
TEXT_RECORD = (
    "01010000" "15000000" "64000000" "00000000"
    "ddde5c43a58581beb1c70aa34719741e7cd23e4df249ce2374515d506aa8fc84"
    "28b52ffd206465000028746578742001008ca96801"
)  # fmt: skip
RECIPE_RECORD = (
    "02000000" "78000000" "78000000" "00000000"
    "9bfe7caabdb2d8c67e23f379ae2dbe0e90775ee971b021f29c85b35133b6d69d"
    "dadb86e753aaa463d0aa59f9d08801798a1dca22824665841035055627e7b15f"
    "7000000000000000" "00000000" "01000000" "02000000" "00000000"
    "2b17722c4f61997e8313e096f45ae2738ea257eec24f668ad2f8e5cc845663e9"
    "ddde5c43a58581beb1c70aa34719741e7cd23e4df249ce2374515d506aa8fc84"
)  # fmt: skip
GOLDEN = bytes.fromhex(PREFIX + HELLO_RECORD + TEXT_RECORD + RECIPE_RECORD)
RECIPE = pack.RecipePart(hash_bytes(HELLO + TEXT), 112, 0, 1, [hash_bytes(HELLO), hash_bytes(TEXT)])


def test_golden_vector_is_written():
    made = bytearray(pack.HEADER)
    for chunk in (HELLO, TEXT):
        made += b"".join(pack.encode_chunk(hash_bytes(chunk), chunk))
    made += b"".join(pack.encode_recipe(RECIPE))
    assert bytes.fromhex(PREFIX + HELLO_RECORD) in made
    assert bytes.fromhex(RECIPE_RECORD) in made
    assert read_all(bytes(made)) == read_all(GOLDEN)  # another zstd may give another frame


def test_golden_vector_is_read():
    assert hash_bytes(GOLDEN).hex() == (
        "02451ed451a5d2fca007bdfaed1d19ae7a06f66c4caee3cd90f19f9fbd39388c"
    )
    assert read_all(GOLDEN) == [HELLO, TEXT, RECIPE]


def read_all(data):
    found = []
    for offset, record in pack.records(data, "a pack"):
        raw = pack.unpack_verified(data, offset, record, "a pack")
        is_recipe = record.kind == pack.RECIPE
        found.append(pack.decode_recipe(raw, "a pack") if is_recipe else bytes(raw))
    return found


def test_a_name_in_the_store():
    assert pack.path(b"\xab" + bytes(31)) == "data/packs/ab/ab" + "00" * 31


@pytest.mark.parametrize("size", [1, 100, 40_000, 65_537, 524_288])
@pytest.mark.parametrize("kind", ["random", "text", "half"])
def test_chunks_come_back(kind, size):
    noise = content(kind, size)
    data = {"random": noise, "text": (b"1234,abc\n" * size)[:size], "half": noise}[kind]
    if kind == "half":
        data = bytes(size // 2) + noise[size // 2 :]
    header, payload = pack.encode_chunk(hash_bytes(data), data)
    whole = b"before" + header + payload + b"after"
    record = pack.decode_record(whole, 6, "a pack")
    assert record.raw == size
    assert pack.unpack_verified(whole, 6, record, "a pack") == data


def test_only_what_shrinks_is_compressed():
    assert pack.compress(content("noise", 200_000)) is None
    assert pack.compress(b"x") is None
    packed = pack.compress(b"2024-01-01,12.5,north\n" * 9000)
    assert packed is not None
    assert len(packed) < 10_000


def at(offset, new):
    return GOLDEN[:offset] + new + GOLDEN[offset + len(new) :]


FIRST, SECOND, THIRD = 24, 84, 153  # offsets of the records


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(GOLDEN[:23], id="cut off in the prefix"),
        pytest.param(at(0, b"G"), id="other opening"),
        pytest.param(at(14, b"\1"), id="opening not zero"),
        pytest.param(GOLDEN[: FIRST + 47], id="cut off in a header"),
        pytest.param(GOLDEN[:-1], id="cut off in a payload"),
        pytest.param(GOLDEN + b"\0", id="one byte more"),
        pytest.param(at(FIRST, b"\0"), id="kind 0"),
        pytest.param(at(FIRST, b"\3"), id="kind 3"),
        pytest.param(at(FIRST + 1, b"\2"), id="codec 2"),
        pytest.param(at(FIRST + 1, b"\1"), id="raw size says codec 0"),
        pytest.param(at(SECOND + 1, b"\0"), id="sizes say codec 1"),
        pytest.param(at(FIRST + 2, b"\1"), id="reserved field"),
        pytest.param(at(FIRST + 12, b"\1"), id="reserved field"),
        pytest.param(at(FIRST + 4, struct.pack("<II", 0, 0)), id="nothing"),
        pytest.param(at(FIRST + 4, struct.pack("<I", 13)), id="stored above raw"),
        pytest.param(at(SECOND + 8, struct.pack("<I", (8 << 20) + 1)), id="too large"),
    ],
)
def test_refused(data):
    with pytest.raises(Damaged, match="a pack"):
        read_all(data)


@pytest.mark.parametrize("place", range(FIRST + 16, len(GOLDEN), 7))
def test_no_changed_byte_of_an_id_or_a_payload_goes_unseen(place):
    with pytest.raises(Damaged):
        read_all(at(place, bytes([GOLDEN[place] ^ 0x10])))


def test_later_versions_are_refused_by_name():
    with pytest.raises(FormatError, match="version 2"):
        read_all(at(16, b"\2"))
    features = pack.encode_prefix(b"git-data pack\n\0\0", ["sparse-recipes", "aes"])
    assert len(features) % 8 == 0
    with pytest.raises(FormatError, match="aes sparse-recipes"):
        read_all(features + GOLDEN[24:])


def chunk_record(payload, raw, codec=pack.ZSTD):
    record = pack.Record(pack.CHUNK, codec, len(payload), raw, bytes(32))
    return pack.encode_record(record) + payload, record


@pytest.mark.parametrize(
    ("payload", "raw"),
    [
        pytest.param(zstd.compress(bytes(5 << 20)), 1 << 20, id="unpacks to more"),
        pytest.param(zstd.compress(bytes(1 << 20)), 1 << 21, id="unpacks to less"),
        pytest.param(zstd.compress(bytes(1000)) + b"\0", 1000, id="followed by a byte"),
        pytest.param(zstd.compress(bytes(1000)) * 2, 1000, id="followed by a frame"),
        pytest.param(zstd.compress(bytes(1000))[:-1], 1000, id="cut off"),
        pytest.param(b"not a frame", 1000, id="no frame"),
        pytest.param(
            zstd.compress(content("w", 5000) * 4000, options=dict.fromkeys(
                [zstd.CompressionParameter.window_log], 24)),
            8 << 20,
            id="a window too large",
        ),
    ],
)  # fmt: skip
def test_frames_are_not_believed(payload, raw):
    data, record = chunk_record(payload, raw)
    with pytest.raises(Damaged, match="a pack has a chunk"):
        pack.unpack(data, 0, record, "a pack")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(55),
        struct.pack("<32sQIIII", bytes(32), 9, 0, 1, 0, 0),
        struct.pack("<32sQIIII", bytes(32), 9, 1, 1, 1, 0) + bytes(32),
        struct.pack("<32sQIIII", bytes(32), 9, 0, 1, 1, 7) + bytes(32),
        struct.pack("<32sQIIII", bytes(32), 9, 0, 1, 2, 0) + bytes(32),
        struct.pack("<32sQIIII", bytes(32), 9, 0, 1, 1, 0) + bytes(33),
        struct.pack("<32sQIIII", bytes(32), 9, 0, 1, 32769, 0) + bytes(32 * 32769),
        struct.pack("<32sQIIII", bytes(32), 1 << 63, 0, 1, 1, 0) + bytes(32),
    ],
)
def test_recipes_that_no_writer_writes(data):
    with pytest.raises(Damaged):
        pack.decode_recipe(data, "a pack")
