"""The index files of a store, and the copies of them."""

import pytest

from git_data import manifest
from git_data.indexing import rebuild
from git_data.oid import ObjectId, hash_bytes
from git_data.progress import Silent
from git_data.stores.local import LocalStore

from .helpers.engine import (
    arrives,
    calls,
    clone,
    content,
    counting,
    files_of,
    ids,
    manifest_of,
    mixed_files,
    rewrite,
    send,
)

MIB = 1 << 20


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def here(tmp_path, root):
    return clone(tmp_path / "here", root)


@pytest.fixture
def there(tmp_path, root):
    return clone(tmp_path / "there", root)


def test_indexes_stay_few(here, there, root):
    wanted, files = [], {}
    for n in range(40):
        files[f"{n}"] = content(f"push {n}", 2000 * (1 + n % 3))
        wanted += send(here, {f"{n}": files[f"{n}"]})
    sizes = [ref.size for ref in manifest_of(root).indexes]
    assert len(sizes) <= 6
    arrives(there, wanted, files)
    copies = list((there.folder / "index").rglob("*"))
    assert len([p for p in copies if p.is_file()]) == len(sizes)


def test_every_index_can_be_made_anew_from_the_packs(here, root, tmp_path):
    files = mixed_files()
    wanted = send(here, files)
    old = files["random/9000001"]
    files["edited"] = old[:4_000_000] + b"edit" + old[4_000_000:]
    wanted += send(here, {"edited": files["edited"]})
    packs = [(ObjectId.parse(path.name), path.read_bytes()) for path in files_of(root, "packs")]
    parts, damage = rebuild(packs)
    assert not damage
    for path in files_of(root, "index"):
        path.unlink()
    data = b"".join(parts)
    ref = manifest.IndexRef(hash_bytes(data), len(data))
    LocalStore(str(root)).write(ref.name, parts)
    rewrite(root, indexes=(ref,))
    arrives(clone(tmp_path / "there", root), wanted, files)


def test_an_index_merged_away_meanwhile_is_not_missed(here, there, root):
    [first] = send(here, {"a": b"a"})
    assert there.objects.missing([first.oid]) == set()
    gone = manifest_of(root).indexes
    second = send(here, {"b": b"b"})[0]
    for ref in gone:
        (root / ref.name).unlink()
    assert there.objects.missing([first.oid, second.oid]) == set()


def test_an_index_that_is_not_held_is_asked_in_parts(tmp_path, root):
    files = {f"{n:05}": content(f"{n}", 40) for n in range(12_000)} | {
        "large": content("large", 3 * MIB)
    }
    at = clone(tmp_path / "here", root)
    wanted = send(at, files)
    counted = counting(tmp_path / "counted", root, held_bytes=0)
    some = [wanted[5], wanted[-1]]
    assert counted.objects.missing([*ids(some), hash_bytes(b"x")]) == {hash_bytes(b"x")}
    arrives(counted, some, files)
    read = sum(call.size for call in calls(counted) if "/index/" in call.name)
    assert read < 0.9 * manifest_of(root).indexes[0].size
    edited = counted.add("large", files["large"] + b"more")
    parents = {"large": [wanted[-1].oid]}
    sent = counted.objects.send([edited], counted.cache, Silent(), lambda path: parents[path])
    assert sent.new_bytes < 600_000
    arrives(clone(tmp_path / "there", root), [edited], {"large": files["large"] + b"more"})


def test_an_object_placed_in_a_newer_index_has_all_it_needs_there(here, there, root):
    old = content("old", 5 * MIB)
    send(here, {"a": old})
    [first] = manifest_of(root).indexes
    send(here, {f"{n}": content(f"{n}", 9) for n in range(500)})
    [wanted] = send(here, {"b": old + b"more"})
    rewrite(root, indexes=tuple(r for r in manifest_of(root).indexes if r != first))
    arrives(there, [wanted], {"b": old + b"more"})
