import json

import pytest

from git_data import gitmanifest
from git_data.errors import Damaged, FormatError
from git_data.gitmanifest import BundleRef, GitManifest, holds_registry, parse
from git_data.oid import ObjectId, hash_bytes
from git_data.stores.local import LocalStore

KEY = ObjectId(bytes(range(32)))
ONE, TWO = "1" * 40, "2" * 40
FULL = GitManifest(
    registry="0123456789abcdef0123456789abcdef",
    object_format="sha1",
    head="refs/heads/main",
    refs={"refs/heads/main": ONE, "refs/tags/größe": TWO, "refs/x/latin-\udce9": ONE},
    peeled={"refs/tags/größe": ONE},
    bundles=(BundleRef(KEY, 5, (ONE, TWO), ()), BundleRef(KEY, 6, (TWO,), (ONE,))),
    generation=7,
    transactions=("a" * 32, "b" * 32),
    previous="c" * 64,
)


def values(**changed):
    found = json.loads(FULL.encode())
    del found["hash"]
    return {**found, **changed}


def sealed(value):
    dumped = json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"
    value = {**value, "hash": hash_bytes(dumped).hex()}
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def bundle(**changed):
    row = {"id": "0" * 64, "size": 5, "tips": [ONE], "prerequisites": []}
    return sealed(values(bundles=[{**row, **changed}]))


def test_both_ways():
    assert parse(FULL.encode(), "it") == FULL
    assert sealed(values()) == FULL.encode()


def test_the_bytes():
    empty = GitManifest("0" * 32, "sha1", "refs/heads/main", {}, {})
    assert empty.encode() == (
        b'{\n "bundles": [],\n "format": "git-data registry",\n "generation": 1,\n'
        b' "hash": "a5105752bb5aff13dbd15fe3ad7daeb213882e17f197ee1f99efd41e108a8ad4",\n'
        b' "head": "refs/heads/main",\n "object_format": "sha1",\n "peeled": {},\n'
        b' "previous": "",\n "read_features": [],\n "refs": {},\n'
        b' "registry": "00000000000000000000000000000000",\n "transactions": [],\n'
        b' "version": 1,\n "write_features": []\n}\n'
    )


def test_each_registry_has_an_id_of_its_own():
    one, other = (gitmanifest.create("sha1", "refs/heads/main") for _ in range(2))
    assert one.registry != other.registry


def test_the_next_generation():
    first = gitmanifest.create("sha1", "refs/heads/main")
    refs = {"refs/tags/v1": ONE}
    peeled = {"refs/tags/v1": TWO, "refs/tags/gone": TWO}
    second = first.next("d" * 32, "refs/heads/x", refs, peeled, FULL.bundles)
    assert (second.generation, second.head, second.refs) == (2, "refs/heads/x", refs)
    assert second.peeled == {"refs/tags/v1": TWO}
    assert second.previous == hash_bytes(first.encode()).hex()
    assert second.transactions == (*first.transactions, "d" * 32)
    assert second.bundles == FULL.bundles
    assert parse(second.encode(), "it") == second


def test_what_is_held():
    assert FULL.held() == {ONE, TWO}


def test_refs_are_listed_as_git_lists_them():
    assert [*FULL.listed()] == [
        ("refs/heads/main", ONE),
        ("refs/tags/größe", TWO),
        ("refs/tags/größe^{}", ONE),
        ("refs/x/latin-\udce9", ONE),
    ]


@pytest.mark.parametrize("place", range(0, len(FULL.encode()), 7))
def test_no_changed_byte_goes_unseen(place):
    data = bytearray(FULL.encode())
    data[place] ^= 1
    with pytest.raises((Damaged, FormatError), match="it"):
        parse(bytes(data), "it")


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"format": ' * 100_000,
        b'{"generation": ' + b"9" * 100_000 + b"}",
        b"\xff",
        b"{}",
        b" " * (gitmanifest.MAX_BYTES + 1),
        json.dumps(values()).encode(),
        FULL.encode() + b"\n",
        sealed(values(format="git-data store")),
        *(sealed(values(registry=x)) for x in (None, 5, "", "0" * 31, "../" + "0" * 29)),
        *(sealed(values(object_format=x)) for x in (None, "md5", "sha256", ["sha1"])),
        *(
            sealed(values(head=x))
            for x in (
                *(None, 5, "", "main", "HEAD", "refs/tags/v1", "refs/heads/", "/etc/passwd"),
                *("../../HEAD", "refs/heads/../../x", "refs/heads/\x1b[31mred", "refs/heads/a\nb"),
            )
        ),
        *(
            sealed(values(refs={x: ONE}, peeled={}))
            for x in (
                *("HEAD", "main", "refs/heads/../../../etc/passwd", "/refs/heads/x", "refs/heads/"),
                *("refs/heads/\x1b]0;title\x07", "refs/heads/a b", "refs/heads/x.lock", "refs//x"),
                *("refs/heads/\x9b31m", "refs/heads/.x", "refs/heads/a\n", "refs/heads/a" * 500),
                *(
                    "refs/heads/a\\b",
                    "refs/heads/a:b",
                    "refs/heads/\udcc3\udca9",
                    "refs/heads/\ud800",
                ),
            )
        ),
        sealed(values(refs={"refs/heads/a": ONE, "refs/heads/a/b": ONE}, peeled={})),
        *(
            sealed(values(refs={"refs/heads/main": x}, peeled={}))
            for x in (
                None,
                5,
                "",
                "1" * 39,
                "1" * 41,
                "1" * 64,
                "0" * 40,
                "G" * 40,
                [ONE],
                "A" * 40,
            )
        ),
        *(sealed(values(refs=x, peeled={})) for x in (None, [], "refs")),
        sealed(values(peeled={"refs/tags/other": ONE})),
        *(sealed(values(bundles=x)) for x in (None, {}, [5], [{}], "x")),
        *(bundle(id=x) for x in (None, "", "../" * 21 + "x", "0" * 63, "A" * 64)),
        *(bundle(size=x) for x in (None, 0, -1, True, "5", 1 << 45, 1.5)),
        *(bundle(tips=x) for x in (None, [], [5], ["x"], [TWO, ONE], [ONE, ONE], ["0" * 40])),
        *(bundle(prerequisites=x) for x in (None, {}, ["--all"], [TWO, ONE])),
        bundle(more=1),
        *(sealed(values(generation=x)) for x in (None, 0, True, 1 << 63)),
        *(sealed(values(transactions=x)) for x in (None, ["x"], ["a" * 32] * 33)),
        sealed({key: item for key, item in values().items() if key != "refs"}),
        sealed(values(write_features=["\x1b[2J"])),
    ],
)
def test_refused(data):
    with pytest.raises(Damaged, match="it is ") as caught:
        parse(data, "it")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("version", [2, 0, "1", True, None])
def test_other_versions_are_refused_by_number(version):
    with pytest.raises(FormatError, match="version"):
        parse(sealed(values(version=version)), "it")


def test_features_are_refused_by_name():
    with pytest.raises(FormatError, match="encrypted"):
        parse(sealed(values(read_features=["encrypted"])), "it")
    found = parse(sealed(values(write_features=["signed-pushes"])), "it")
    with pytest.raises(FormatError, match="signed-pushes"):
        found.check_writable("it")
    FULL.check_writable("it")


def test_keys_of_later_versions_are_kept():
    found = parse(sealed(values(note="x")), "it")
    again = json.loads(found.next("d" * 32, "refs/heads/main", {}, {}, ()).encode())
    assert (again["note"], again["generation"]) == ("x", 8)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (FULL.encode(), True),
        (b'{"format": "git-data registry", "broken": 1}', True),
        (b"<!DOCTYPE html>", False),
        (b"{}", False),
        (None, False),
    ],
)
def test_whether_there_is_a_registry(tmp_path, data, told):
    store = LocalStore(tmp_path, create=True)
    if data is not None:
        store.write(gitmanifest.NAME, [data])
    assert holds_registry(store) is told
