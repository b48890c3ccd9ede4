import random
import struct
import tracemalloc

import pytest

from git_data import indexing, pack
from git_data.errors import Damaged, FormatError
from git_data.index import Counts, Index, Place, fan_bits, layout
from git_data.indexing import Object, encode, merge, rebuild
from git_data.oid import ObjectId, hash_bytes

from .helpers.engine import content
from .test_pack import GOLDEN as PACK
from .test_pack import HELLO, TEXT

GOLDEN = bytes.fromhex(
    "6769742d6461746120696e6465780a00" "01000000" "00000000"
    "01000000" "02000000" "01000000" "00000000" "0200000000000000"
    "0100000000000000" "0200000000000000"
    "02451ed451a5d2fca007bdfaed1d19ae7a06f66c4caee3cd90f19f9fbd39388c" "4101000000000000"
    "63a4aa53e786dbda" "d0aa59f9d08801798a1dca22824665841035055627e7b15f"
    "7000000000000000" "0200000000000000"
    "7e99614f2c72172b" "be8185a5435cdedd"
    "8313e096f45ae2738ea257eec24f668ad2f8e5cc845663e9"
    "b1c70aa34719741e7cd23e4df249ce2374515d506aa8fc84"
    "00000000" "18000000" "0c000000" "0c000000"
    "00000000" "54000000" "15000000" "64000000"
    "0c00000000000000" "7000000000000000" "00000000" "01000000"
)  # fmt: skip


def key_of(number: int) -> ObjectId:
    return hash_bytes(number.to_bytes(8, "big"))


def opened(parts, name="an index", **more) -> Index:
    return Index(memoryview(b"".join(parts)), name, **more)


def made_index(numbers, pack_number=0, objects=()):
    """Chunks with these numbers, 100 bytes each, one after the other in one pack."""
    key = key_of(1 << 40 | pack_number)
    places = {key_of(n): Place(key, 24 + 148 * at, 100, 100) for at, n in enumerate(numbers)}
    whole = [Object(key_of(1 << 50 | n), 100 * len(c), [key_of(x) for x in c]) for n, c in objects]
    return encode(places, whole, {key: 24 + 148 * len(places)})


def contents(index: Index):
    chunks = {key: index.place(at) for at, key in enumerate(index.chunks.keys())}
    objects = {}
    for at, key in enumerate(index.objects.keys()):
        ends, ordinals = index.recipe(at)
        objects[key] = (list(ends), list(index.chunk_keys(ordinals)))
    return chunks, objects, index.packs


def test_golden_vector_is_what_the_golden_pack_gives():
    parts, damage = rebuild([(hash_bytes(PACK), PACK)])
    assert b"".join(parts) == GOLDEN
    assert not damage
    assert hash_bytes(GOLDEN).hex() == (
        "bf66eaaa95409a057445c80a4c9903f101ac0687d82ef7206dfd14e354db5821"
    )


def test_golden_vector_is_read():
    index = opened([GOLDEN])
    key, whole = hash_bytes(PACK), hash_bytes(HELLO + TEXT)
    assert contents(index) == (
        {
            hash_bytes(HELLO): Place(key, 24, 12, 12),
            hash_bytes(TEXT): Place(key, 84, 21, 100),
        },
        {whole: ([12, 112], [hash_bytes(HELLO), hash_bytes(TEXT)])},
        {key: 321},
    )
    assert index.find_objects([whole, bytes(32)]) == {whole: 0}
    assert index.object_size(0) == 112


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 5000])
def test_every_id_is_found_and_no_other(count):
    index = opened(made_index(range(count)))
    assert list(index.chunks.keys()) == sorted(map(key_of, range(count)))
    for number in range(count):
        at = index.chunks.find(key_of(number))
        assert index.place(at).offset == 24 + 148 * number
    absent = [key_of(n) for n in range(count, count + 500)]
    assert index.find_chunks(absent) == {}
    assert index.find_objects(absent) == {}


def test_ids_that_begin_alike_are_told_apart():
    pack_id = key_of(1)
    keys = [bytes(8) + key_of(n)[8:] for n in range(300)] + [b"\xff" * 8 + bytes(24)]
    places = {key: Place(pack_id, 24 + 148 * at, 100, 100) for at, key in enumerate(keys)}
    index = opened(encode(places, [], {pack_id: 1 << 20}))
    assert {key: index.place(index.chunks.find(key)) for key in keys} == places
    assert index.chunks.find(bytes(32)) == -1
    assert index.chunks.find(b"\xff" * 32) == -1


def test_the_fan_out_follows_from_the_count():
    assert [fan_bits(n) for n in (0, 1, 255, 256, 1 << 20, 1 << 23, 1 << 24, 1 << 31)] == [
        *(0, 0, 0, 1, 13, 16, 16, 16)
    ]


def test_a_look_up_in_a_million_makes_no_million_objects():
    rng = random.Random(4)
    count = 1 << 20
    where = layout(Counts(0, count, 1, 0))
    numbers = sorted(rng.getrandbits(64) for _ in range(count))
    data = bytearray(where.size)
    head = b"".join(made_index([0]))[:24] + struct.pack("<IIIIQ", 0, count, 1, 0, 0)
    data[: len(head)] = head
    bits, last = fan_bits(count), 0
    for at, number in enumerate([*numbers, 1 << 64]):
        while last < (number >> (64 - bits)) and last < 1 << bits:
            struct.pack_into("<I", data, where.chunk_fan + 4 * last, at)
            last += 1
    struct.pack_into("<32sQ", data, where.packs, bytes(31) + b"\1", 64 << 20)
    struct.pack_into(f"<{count}Q", data, where.chunks, *numbers)
    wanted = [number.to_bytes(8, "big") + bytes(24) for number in numbers[::1000]]
    del numbers
    tracemalloc.start()
    index = Index(memoryview(data), "a large index")
    assert len(index.find_chunks(wanted)) == len(wanted)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_merged_is_the_same_as_made_at_once():
    objects = [(1, [3, 4, 3]), (2, [9, 10])]
    one = opened(made_index(range(600), objects=objects))
    other = opened(made_index(range(500, 900), 1, [(2, [600, 700]), (3, [880, 881])]))
    merged = opened(merge([one, other]))
    chunks, found, packs = contents(merged)
    assert set(chunks) == {key_of(n) for n in range(900)}
    assert packs == dict(sorted({**one.packs, **other.packs}.items()))
    assert found[key_of(1 << 50 | 1)] == ([100, 200, 300], [key_of(n) for n in (3, 4, 3)])
    assert found[key_of(1 << 50 | 3)] == ([100, 200], [key_of(880), key_of(881)])
    assert len(found) == 3
    assert b"".join(encode(chunks, all_objects(merged), packs)) == b"".join(merge([other, one]))


def all_objects(index):
    for at, key in enumerate(index.objects.keys()):
        yield Object(key, index.object_size(at), list(index.chunk_keys(index.recipe(at)[1])))


def test_of_two_places_the_one_that_stays_is_known_and_not_condemned():
    one, other = opened(made_index([1, 2], 0)), opened(made_index([2, 3], 1))
    first, second = sorted([*one.packs, *other.packs])
    at = opened(merge([one, other]))
    assert at.place(at.chunks.find(key_of(2))).pack == first
    at = opened(merge([one, other], condemned={first}))
    assert at.place(at.chunks.find(key_of(2))).pack == second
    at = opened(merge([one, other], condemned={first, second}))
    assert at.place(at.chunks.find(key_of(2))).pack == first
    assert at.counts.chunks == 3


def test_merging_streams():
    indexes = [opened(made_index(range(at, 12_000, 4), at)) for at in range(4)]
    tracemalloc.start()
    parts = merge(indexes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * sum(map(len, parts))


def at(offset, new):
    return GOLDEN[:offset] + new + GOLDEN[offset + len(new) :]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(GOLDEN[:40], id="cut off in the counts"),
        pytest.param(GOLDEN[:-1], id="cut off"),
        pytest.param(GOLDEN + b"\0", id="one byte more"),
        pytest.param(at(0, b"G"), id="other opening"),
        pytest.param(at(24, b"\3"), id="other counts"),
        pytest.param(at(24, struct.pack("<I", 0xFFFFFFFF)), id="huge counts"),
        pytest.param(at(40, struct.pack("<Q", 1 << 60)), id="huge recipes"),
        pytest.param(at(36, b"\1"), id="reserved field"),
        pytest.param(at(24, struct.pack("<IIIIQ", 0, 0, 0, 0, 0))[:80], id="nothing"),
        pytest.param(at(96, struct.pack("<Q", (64 << 20) + 1)), id="pack too large"),
    ],
)
def test_refused_when_opened(data):
    with pytest.raises(Damaged, match="an index"):
        opened([data])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(at(56, b"\3"), id="fan-out past the chunks"),
        pytest.param(at(192, b"\1"), id="pack not in the table"),
        pytest.param(at(196, struct.pack("<I", 300)), id="record past its pack"),
        pytest.param(at(200, b"\0"), id="stored nothing"),
        pytest.param(at(200, b"\x0d"), id="stored above raw"),
        pytest.param(at(220, struct.pack("<I", 9 << 20)), id="chunk too large"),
        pytest.param(at(136, b"\0"), id="object without a recipe"),
        pytest.param(at(136, b"\3"), id="recipe past the end"),
        pytest.param(at(232, b"\x6f"), id="recipe that does not fill the object"),
        pytest.param(at(244, b"\2"), id="recipe chunk not there"),
    ],
)
def test_refused_when_used(data):
    with pytest.raises(Damaged):
        index = opened([data])
        for key in (HELLO, TEXT):
            index.place(index.chunks.find(hash_bytes(key)))
        list(index.places(index.recipe(0)[1]))


def test_packs_in_disorder_are_refused():
    parts = made_index([1], 0), made_index([2], 1)
    data = bytearray(b"".join(merge([opened(p) for p in parts])))
    data[64:104], data[104:144] = data[104:144], data[64:104]
    with pytest.raises(Damaged, match="list of packs"):
        opened([bytes(data)])


def test_later_versions_are_refused_by_name():
    with pytest.raises(FormatError, match="version 2"):
        opened([at(16, b"\2")])
    with pytest.raises(FormatError, match="filters"):
        opened([pack.encode_prefix(b"git-data index\n\0", ["filters"]) + GOLDEN[24:]])


class Holes:
    """An index of which only what was asked for is there."""

    def __init__(self, data):
        self.whole = data
        self.data = bytearray(len(data))
        self.wanted = 0

    def want(self, ranges):
        for start, end in ranges:
            self.data[start:end] = self.whole[start:end]
            self.wanted += end - start


def test_only_what_is_wanted_is_read():
    holes = Holes(b"".join(made_index(range(20_000), objects=[(5, [7, 8, 7])])))
    index = Index(memoryview(holes.data), "an index", holes.want)
    ordinals = index.find_chunks([key_of(n) for n in (7, 19_999, 20_000)])
    assert set(ordinals) == {key_of(7), key_of(19_999)}
    whole = index.find_objects([key_of(1 << 50 | 5)])
    ends, chunks = index.recipe(whole[key_of(1 << 50 | 5)])
    assert list(ends) == [100, 200, 300]
    assert [p.offset for p in index.places(chunks)] == [24 + 148 * n for n in (7, 8, 7)]
    assert list(index.chunk_keys(chunks)) == [key_of(n) for n in (7, 8, 7)]
    assert holes.wanted < len(holes.data) // 50


def packs_of(*groups):
    made = []
    for records in groups:
        data = pack.HEADER + b"".join(b"".join(r) for r in records)
        made.append((hash_bytes(data), data))
    return made


def chunk(data):
    return pack.encode_chunk(hash_bytes(data), data)


def recipe(data, parts=1, only=None):
    keys = [hash_bytes(piece) for piece in data]
    whole = b"".join(data)
    step = -(-len(keys) // parts)
    made = [
        pack.RecipePart(hash_bytes(whole), len(whole), n, parts, keys[n * step : (n + 1) * step])
        for n in range(parts)
    ]
    return [pack.encode_recipe(part) for part in made if only is None or part.part == only]


PIECES = [content(f"piece {n}", 1000 + n) for n in range(6)]


def test_rebuilding_needs_nothing_but_packs():
    packs = packs_of(
        [chunk(p) for p in PIECES[:4]] + recipe(PIECES[:4]),
        [chunk(p) for p in PIECES[4:]] + recipe(PIECES, parts=3, only=0),
        recipe(PIECES, parts=3, only=2) + recipe(PIECES, parts=3, only=1) + [chunk(PIECES[0])],
    )
    parts, damage = rebuild(packs)
    again, _ = rebuild(reversed(packs))
    assert not damage
    assert parts == again
    chunks, objects, found = contents(opened(parts))
    assert set(chunks) == {hash_bytes(p) for p in PIECES}
    assert {key: ends[-1] for key, (ends, _) in objects.items()} == {
        hash_bytes(b"".join(PIECES[:4])): sum(map(len, PIECES[:4])),
        hash_bytes(b"".join(PIECES)): sum(map(len, PIECES)),
    }
    assert found == dict(sorted((key, len(data)) for key, data in packs))


def test_an_object_that_is_not_all_there_is_left_out():
    packs = packs_of([chunk(p) for p in PIECES] + recipe(PIECES, parts=2, only=1))
    packs += packs_of(recipe([*PIECES[:2], b"nowhere"]))
    assert contents(opened(rebuild(packs)[0]))[1] == {}


def test_a_damaged_pack_gives_what_it_can_prove():
    [(key, data)] = packs_of([chunk(p) for p in PIECES] + recipe(PIECES[:2]))
    broken = bytearray(data)
    broken[data.index(PIECES[3]) + 5] ^= 1
    parts, damage = rebuild([(key, bytes(broken))])
    chunks, objects, _ = contents(opened(parts))
    assert set(chunks) == {hash_bytes(p) for p in PIECES} - {hash_bytes(PIECES[3])}
    assert list(objects) == [hash_bytes(b"".join(PIECES[:2]))]
    assert key.hex() in damage[0]
    found = indexing.scan(key, data[: data.index(PIECES[4])], "a pack")
    assert set(found.places) == {hash_bytes(p) for p in PIECES[:4]}
    assert len(found.damage) == 2
