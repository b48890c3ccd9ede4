"""Every kind of file of a store, with a byte changed, cut off, or gone.

The rule: damage is found before content is used, named with the file's path, and what does not need
that file still arrives.
"""

import pytest

from git_data import pack
from git_data.errors import Damaged, DataError, FormatError, NotFound

from ..helpers.engine import clone, content, files_of

MIB = 1 << 20
FILES = {f"small/{n:03}": content(f"small {n}", 2000 + n) for n in range(300)}
TEXT = {f"text/{n}": f"{n},2024-01-01,12.5,north\n".encode() * (500 + n) for n in range(20)}
LARGE = {f"zz/large {size:02}": content(f"large {size}", size * MIB) for size in (3, 11)}
GROUPS = (FILES, TEXT, LARGE)
ALL = FILES | TEXT | LARGE


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def wanted(tmp_path, root):
    """All of them sent, each group in a pack of its own."""
    at = clone(tmp_path / "here", root)
    sent = []
    for group in GROUPS:
        items = at.add_all(group)
        at.objects.send(items, at.cache)
        sent += items
    return sent


@pytest.fixture
def there(tmp_path, root, wanted):
    return clone(tmp_path / "there", root)


def change(path, where, how):
    data = bytearray(path.read_bytes())
    path.chmod(0o644)
    if how == "flip":
        data[where] ^= 0x40
    elif how == "cut":
        del data[where:]
    elif how == "zero":
        data[where : where + 4096] = bytes(len(data[where : where + 4096]))
    path.write_bytes(data)


def fetch(at, wanted):
    """The paths that failed, with why; everything else has arrived, and is right."""
    failed = {w.path: error for w, error in at.objects.fetch(wanted, at.cache)}
    for one in wanted:
        if one.path not in failed:
            assert at.read(one) == ALL[one.path]
        else:
            assert not at.cache.has(one.oid, one.size)
    return failed


def packs_by_size(root):
    """Texts, small files, large files."""
    return sorted(files_of(root, "packs"), key=lambda path: path.stat().st_size)


def some_payload(path, number):
    """Where the payload of one of a pack's records lies."""
    found = list(pack.records(path.read_bytes(), "a pack"))
    offset, record = found[number % len(found)]
    return offset + pack.RECORD_BYTES + record.stored // 2


@pytest.mark.parametrize("how", ["flip", "zero"])
@pytest.mark.parametrize("group", [0, 1, 2])
def test_a_changed_byte_in_a_pack(root, there, wanted, group, how):
    path = packs_by_size(root)[group]
    change(path, some_payload(path, 7), how)
    failed = fetch(there, wanted)
    assert 1 <= len(failed) <= (len(TEXT) if (group, how) == (0, "zero") else 3)
    for name, error in failed.items():
        assert isinstance(error, Damaged)
        assert str(path) in str(error)
        assert name in str(error)


def test_every_byte_of_a_small_pack_counts(tmp_path, root):
    at = clone(tmp_path / "here", root)
    data = b"some text " * 9
    one, other = at.add("one", data), at.add("other", b"raw")
    at.objects.send([one, other], at.cache)
    [path] = files_of(root, "packs")
    whole = path.read_bytes()
    read = 0
    for where in range(24, len(whole)):
        change(path, where, "flip")
        third = clone(tmp_path / f"{where}", root)
        failed = third.objects.fetch([one, other], third.cache)
        assert len(failed) <= 1
        assert all(isinstance(error, Damaged) for _, error in failed)
        for wanted, right in ((one, data), (other, b"raw")):
            if wanted not in [w for w, _ in failed]:
                assert third.read(wanted) == right
        read += len(failed)
        path.write_bytes(whole)
    # All but the ids in the headers: what arrives is known by the object's. And of a zstd frame's
    # own header a bit or two mean nothing.
    assert read >= len(whole) - 24 - 2 * 32 - 2


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_a_pack_that_is_cut_off(root, there, wanted, part):
    path = packs_by_size(root)[1]
    change(path, int(part * path.stat().st_size), "cut")
    failed = fetch(there, wanted)
    assert failed.keys() <= FILES.keys()
    assert len(failed) == pytest.approx((1 - part) * len(FILES), rel=0.2, abs=2)
    assert all(isinstance(e, Damaged) and str(path) in str(e) for e in failed.values())


@pytest.mark.parametrize(("part", "count"), [(0.1, 2), (0.4, 1), (0.99, 1)])
def test_a_pack_of_large_files_that_is_cut_off(root, there, wanted, part, count):
    path = packs_by_size(root)[2]
    change(path, int(part * path.stat().st_size), "cut")
    failed = fetch(there, wanted)
    assert len(failed) == count
    assert failed.keys() <= LARGE.keys()
    assert all(isinstance(e, Damaged) and str(path) in str(e) for e in failed.values())
    assert [p for p in (there.folder / "tmp").iterdir() if p.stat().st_size] == []


def test_a_pack_that_is_gone(root, there, wanted):
    path = packs_by_size(root)[1]
    path.unlink()
    failed = fetch(there, wanted)
    assert failed.keys() == FILES.keys()
    assert all(isinstance(e, DataError) and path.name in str(e) for e in failed.values())


def test_a_part_of_an_object_is_verified_too(root, there, wanted):
    path = packs_by_size(root)[2]
    change(path, 1000, "flip")
    first = next(w for w in wanted if w.path in LARGE)
    with pytest.raises(Damaged, match=path.name):
        there.objects.read_object(first.oid, 0, 5000)
    data = LARGE[first.path]
    assert there.objects.read_object(first.oid, 2 * MIB, 5000) == data[2 * MIB : 2 * MIB + 5000]


@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_an_index(root, there, wanted, how):
    named = {ref.id.hex() for ref in there.objects._read().manifest.indexes}
    path = next(p for p in files_of(root, "index") if p.name in named)
    fresh = clone(there.folder.parent / "fresh", root)
    if how == "gone":
        path.unlink()
    else:
        change(path, path.stat().st_size // 2, how)
    failed = fetch(fresh, wanted)
    assert failed
    for name, error in failed.items():
        assert isinstance(error, Damaged)
        assert path.name in str(error)
        assert name in str(error)
    # Pushing goes round it: what no index finds is sent again, and then found.
    at = clone(there.folder.parent / "other", root)
    at.objects.send(at.add_all(ALL), at.cache)
    assert fetch(fresh, wanted) == {}


def test_an_index_copy_of_our_own(root, there, wanted):
    assert fetch(there, wanted[:5]) == {}
    for copy in (there.folder / "index").rglob("*"):
        if copy.is_file():
            change(copy, copy.stat().st_size // 2, "flip")
    again = clone(there.folder, root)
    assert fetch(again, wanted) == {}


@pytest.mark.parametrize("how", ["flip", "cut"])
def test_the_manifest(root, tmp_path, wanted, how):
    path = root / "data/manifest"
    size = path.stat().st_size
    for where in range(0, size, 97):
        before = path.read_bytes()
        change(path, where, how)
        at = clone(tmp_path / "there", root)
        with pytest.raises((Damaged, FormatError), match="data/manifest"):
            at.objects.fetch(wanted, at.cache)
        with pytest.raises((Damaged, FormatError), match="data/manifest"):
            at.objects.missing([bytes(32)])
        writer = clone(tmp_path / "here", root)
        with pytest.raises((Damaged, FormatError)):
            writer.objects.send([writer.add("new", b"new")], writer.cache)
        path.write_bytes(before)


def test_a_manifest_that_is_gone(root, tmp_path, wanted):
    at = clone(tmp_path / "there", root)
    (root / "data/manifest").unlink()
    failed = at.objects.fetch(wanted, at.cache)
    assert len(failed) == len(wanted)
    assert all(isinstance(error, NotFound) for _, error in failed)
