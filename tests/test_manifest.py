import json

import pytest

from git_data import manifest
from git_data.errors import Damaged, Denied, FormatError
from git_data.manifest import IndexRef, Manifest, parse
from git_data.oid import ObjectId, hash_bytes

KEY = ObjectId(bytes(range(32)))
FULL = Manifest(
    store="0123456789abcdef0123456789abcdef",
    generation=7,
    transactions=("a" * 32, "b" * 32),
    previous="c" * 64,
    indexes=(IndexRef(KEY, 272), IndexRef(hash_bytes(b""), 1 << 36)),
    deletions=3,
    condemned=((KEY, "2026-01-31T23:59:59Z"),),
)


def sealed(value) -> bytes:
    """The bytes of a manifest with these values, its hash made right again."""
    value = {key: item for key, item in value.items() if key != "hash"}
    dump = lambda: json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"  # noqa: E731
    value["hash"] = hash_bytes(dump()).hex()
    return dump()


def values(**changed):
    return json.loads(FULL.encode()) | changed


@pytest.mark.parametrize("one", [FULL, manifest.create(), Manifest("0" * 32)])
def test_both_directions(one):
    assert parse(one.encode(), "it") == one
    assert sealed(json.loads(one.encode())) == one.encode()


def test_golden_vector():
    assert Manifest("0" * 32, previous="").encode() == (
        b'{\n "condemned": [],\n "deletions": 0,\n "format": "git-data store",\n "generation": 1,\n'
        b' "hash": "d0388834c55be902f73f36da26ff857dea63628529f540af36d28b9f60485f12",\n'
        b' "indexes": [],\n "previous": "",\n "read_features": [],\n'
        b' "store": "00000000000000000000000000000000",\n "transactions": [],\n "version": 1,\n'
        b' "write_features": []\n}\n'
    )


def test_each_store_has_an_id_of_its_own():
    assert manifest.create().store != manifest.create().store


def test_the_next_generation():
    first = manifest.create()
    second = first.next("d" * 32, (IndexRef(KEY, 5),))
    assert second.generation == 2
    assert second.previous == hash_bytes(first.encode()).hex()
    assert second.transactions == (*first.transactions, "d" * 32)
    for number in range(100):
        second = second.next(f"{number:032x}", ())
    assert len(second.transactions) == manifest.MAX_TRANSACTIONS
    assert second.transactions[-1] == f"{99:032x}"
    assert parse(second.encode(), "it") == second


def test_what_is_condemned():
    assert FULL.condemned_packs() == {KEY}


@pytest.mark.parametrize("place", range(0, len(FULL.encode()), 3))
def test_no_changed_byte_goes_unseen(place):
    data = bytearray(FULL.encode())
    data[place] ^= 1
    with pytest.raises((Damaged, FormatError), match="it"):
        parse(bytes(data), "it")


@pytest.mark.parametrize("length", range(0, len(FULL.encode()), 17))
def test_no_cut_goes_unseen(length):
    with pytest.raises(Damaged, match="it"):
        parse(FULL.encode()[:length], "it")


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b"{}",
        b" " * (manifest.MAX_BYTES + 1),
        json.dumps(values()).encode(),
        FULL.encode() + b"\n",
        sealed(values(format="other")),
        *(sealed(values(store=x)) for x in (None, 5, "", "0" * 31, "../" + "0" * 29, "G" * 32)),
        *(sealed(values(generation=x)) for x in (None, 0, -1, True, 1.5, "1", 1 << 63)),
        *(sealed(values(deletions=x)) for x in (None, -1, False)),
        *(sealed(values(previous=x)) for x in (None, "0", "g" * 64)),
        *(sealed(values(transactions=x)) for x in (None, {}, [5], ["x"], ["a" * 32] * 33)),
        *(
            sealed(values(indexes=x))
            for x in (None, {}, [5], [{"id": "0" * 64}], [{"id": "..", "size": 5}])
        ),
        *(sealed(values(indexes=[{"id": "0" * 64, "size": x}])) for x in (0, (1 << 36) + 1)),
        sealed(values(indexes=[{"id": "0" * 64, "size": 5, "more": 1}])),
        sealed(values(condemned=[{"pack": "0" * 64, "since": "yesterday"}])),
        sealed(values(condemned=[{"pack": "0" * 64}])),
        sealed({key: item for key, item in values().items() if key != "deletions"}),
        sealed(values(read_features="all")),
        sealed(values(read_features=["a b"])),
        sealed(values(write_features=["\x1b[2J"])),
    ],
)
def test_refused(data):
    with pytest.raises(Damaged, match="it"):
        parse(data, "it")


@pytest.mark.parametrize("version", [2, 0, "1", True, None, [1] * 1000])
def test_other_versions_are_refused_by_number(version):
    with pytest.raises(FormatError, match="version"):
        parse(sealed(values(version=version)), "it")


def test_features_are_refused_by_name():
    with pytest.raises(FormatError, match="encrypted, trees"):
        parse(sealed(values(read_features=["encrypted", "trees"])), "it")
    found = parse(sealed(values(write_features=["grace-log"])), "it")
    with pytest.raises(FormatError, match="grace-log"):
        found.check_writable("it")
    FULL.check_writable("it")


def test_keys_of_later_versions_are_kept():
    found = parse(sealed(values(grace={"days": 14}, note="x")), "it")
    again = json.loads(found.next("d" * 32, ()).encode())
    assert (again["grace"], again["note"], again["generation"]) == ({"days": 14}, "x", 8)


def test_only_who_says_that_he_is_alone_writes_where_nothing_compares():
    alone = manifest.create((manifest.SINGLE_WRITER,))
    assert parse(alone.encode(), "it") == alone
    with pytest.raises(Denied, match="singleWriter"):
        alone.check_writable("it")
    alone.check_writable("it", single_writer=True)
    FULL.check_writable("it", single_writer=True)
    assert alone.next("d" * 32, ()).write_features == (manifest.SINGLE_WRITER,)
