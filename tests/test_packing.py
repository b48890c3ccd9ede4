import pytest

from git_data import chunker, pack
from git_data.errors import Damaged
from git_data.indexing import Object, rebuild
from git_data.oid import hash_bytes
from git_data.packing import Packed, Packer, Wanted, check, pack_window, places_of

from .helpers.engine import content

PIECES = [content(f"piece {n}", 3000 + n) for n in range(50)]


def packed(data):
    return Packed(hash_bytes(data), len(data), *pack.encode_chunk(hash_bytes(data), data))


def filled(pieces, limit, recipe=()):
    """The packs that these chunks make, and what was told about each."""
    full = []
    packer = Packer(full.append, limit)
    for piece in pieces:
        packer.add(packed(piece))
    if recipe:
        packer.add_recipe(Object(hash_bytes(b"".join(recipe)), len(b"".join(recipe)), keys(recipe)))
    packer.finish()
    packer.finish()
    return full


def keys(pieces):
    return [hash_bytes(piece) for piece in pieces]


def test_packs_hold_what_was_added_and_say_where():
    packs = filled(PIECES, 40_000)
    assert len(packs) == 4
    places = {}
    for full in packs:
        data = b"".join(full.parts)
        assert len(data) == full.size <= 40_000
        assert full.name() == hash_bytes(data)
        for key, place in places_of(full, full.name()):
            record = pack.decode_record(data, place.offset, "a pack")
            assert (record.id, record.stored, record.raw) == (key, place.stored, place.raw)
            assert hash_bytes(pack.unpack(data, place.offset, record, "a pack")) == key
            places[key] = place
    assert list(places) == keys(PIECES)


def test_the_same_chunks_make_the_same_packs():
    first = [full.name() for full in filled(PIECES, 40_000)]
    assert first == [full.name() for full in filled(PIECES, 40_000)]
    # What follows a full pack does not depend on what came before it: so a push can resume.
    done = len(filled(PIECES, 40_000)[0].places)
    assert [full.name() for full in filled(PIECES[done:], 40_000)] == first[1:]


def test_a_recipe_comes_after_its_last_chunk_and_belongs_to_that_pack():
    packs = filled(PIECES, 40_000, recipe=PIECES)
    assert [len(full.objects) for full in packs] == [0, 0, 0, 1]
    data = b"".join(packs[-1].parts)
    [(offset, record)] = [(o, r) for o, r in pack.records(data, "x") if r.kind == pack.RECIPE]
    part = pack.decode_recipe(pack.unpack_verified(data, offset, record, "x"), "x")
    assert (part.oid, part.size) == (hash_bytes(b"".join(PIECES)), sum(map(len, PIECES)))
    assert part.chunks == keys(PIECES)
    parts, damage = rebuild((full.name(), b"".join(full.parts)) for full in packs)
    assert not damage
    assert parts


def test_a_long_recipe_is_split():
    ids = [bytes([n % 251]) * 32 for n in range(pack.RECIPE_CHUNKS * 2 + 5)]
    full = []
    packer = Packer(full.append)
    packer.add_recipe(Object(bytes(32), 99, ids))
    packer.finish()
    data = b"".join(full[0].parts)
    parts = [
        pack.decode_recipe(pack.unpack(data, offset, record, "x"), "x")
        for offset, record in pack.records(data, "x")
    ]
    assert [(p.part, p.parts, len(p.chunks)) for p in parts] == [
        (0, 3, pack.RECIPE_CHUNKS),
        (1, 3, pack.RECIPE_CHUNKS),
        (2, 3, 5),
    ]
    assert [key for part in parts for key in part.chunks] == ids


def test_large_payloads_are_not_copied():
    data = memoryview(content("large", 300_000))
    [full] = filled([data], 1 << 20)
    assert any(part is data for part in full.parts)


def windows(data):
    ends = chunker.cut(data)
    view = memoryview(data)
    return [view[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def test_known_chunks_are_named_but_not_packed():
    chunks = windows(content("window", 2 << 20))
    known = {hash_bytes(chunks[1])}
    made = pack_window(chunks, known.__contains__)
    assert [one.key for one in made] == keys(chunks)
    assert [one.raw for one in made] == [len(chunk) for chunk in chunks]
    assert [bool(one.header) for one in made] == [key not in known for key in keys(chunks)]


@pytest.mark.parametrize("new", [1, 12])
def test_a_few_new_chunks_do_not_hold_their_window_in_memory(new):
    chunks = windows(content("window", 2 << 20))
    known = set(keys(chunks[new:]))
    first = pack_window(chunks, known.__contains__)[0]
    assert isinstance(first.payload, bytes) == (new == 1)


@pytest.mark.parametrize("data", [b"other", b"short", b"content!"])
def test_content_that_is_not_its_name_is_refused(data):
    wanted = Wanted(hash_bytes(b"content"), 7, "a/file")
    assert check(wanted, b"content") == b"content"
    with pytest.raises(Damaged, match="a/file"):
        check(wanted, data)
