"""A damaged store with a mirror, and bytes that change on their way: everything arrives."""

import shutil

import pytest

from git_data import pack
from git_data.errors import Damaged, Denied, NotFound, Unreachable
from git_data.stores.local import LocalStore
from git_data.stores.mirrored import Mirrored
from git_data.stores.retry import Retrying
from git_data.stores.wrap import Counting

from ..helpers.engine import Clone, arrives, clone, content, files_of, send

MIB = 1 << 20
FILES = {f"small/{n:03}": content(f"small {n}", 2000 + n) for n in range(200)}
TEXT = {f"text/{n}": f"{n},2024-01-01,12.5,north\n".encode() * (500 + n) for n in range(20)}
LARGE = {f"zz/large {size:02}": content(f"large {size}", size * MIB) for size in (3, 11)}
ALL = FILES | TEXT | LARGE


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def wanted(tmp_path, root):
    at = clone(tmp_path / "here", root)
    return [one for group in (FILES, TEXT, LARGE) for one in send(at, group)]


@pytest.fixture
def mirror(tmp_path, root, wanted):
    shutil.copytree(root, tmp_path / "mirror")
    return tmp_path / "mirror"


@pytest.fixture
def there(tmp_path, root, mirror):
    first = Counting(LocalStore(str(root)))
    return Clone(tmp_path / "there", Mirrored(first, [lambda: LocalStore(str(mirror))]))


def change(path, start, length=1):
    data = bytearray(path.read_bytes())
    data[start : start + length] = bytes(b ^ 0x40 for b in data[start : start + length])
    path.chmod(0o644)
    path.write_bytes(data)


def payloads(path):
    """Where the payload of each of a pack's chunks lies, and how long it is."""
    found = pack.records(path.read_bytes(), "a pack")
    return [(at + pack.RECORD_BYTES, r.stored) for at, r in found if r.kind == pack.CHUNK]


def every_pack(root):
    return sorted(files_of(root, "packs"), key=lambda path: path.stat().st_size)


def test_a_changed_byte_in_every_pack(root, there, wanted):
    for path in every_pack(root):
        start, length = payloads(path)[3]
        change(path, start + length // 2)
    arrives(there, wanted, ALL)


def test_every_byte_of_every_pack_changed(root, there, wanted):
    for path in every_pack(root):
        change(path, 24, path.stat().st_size)
    arrives(there, wanted, ALL)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_every_pack_cut_off(root, there, wanted, part):
    for path in every_pack(root):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    arrives(there, wanted, ALL)


def test_every_pack_gone(root, there, wanted):
    for path in every_pack(root):
        path.unlink()
    arrives(there, wanted, ALL)


def test_a_damaged_index(root, there, wanted, mirror):
    for path in files_of(root, "index"):
        change(path, path.stat().st_size // 2)
    arrives(there, wanted, ALL)


def test_two_that_are_damaged_in_different_places_make_a_whole(root, there, wanted, mirror):
    """Chunks of one large file, half of them wrong here, the other half there."""
    for path in every_pack(root):
        other = mirror / path.relative_to(root)
        for number, (start, length) in enumerate(payloads(path)):
            change(path if number % 2 else other, start + length // 2)
    large = [one for one in wanted if one.size > 8 * MIB]
    arrives(there, large, ALL)


def test_what_nobody_has_right_fails_alone_and_names_the_first(root, there, wanted, mirror):
    path = every_pack(root)[-1]
    start, length = payloads(path)[-1]
    for top in (root, mirror):
        change(top / path.relative_to(root), start + length // 2)
    [(lost, error)] = there.objects.fetch(wanted, there.cache)
    assert lost.path == "zz/large 11"
    assert isinstance(error, Damaged)
    assert str(path) in str(error) and lost.path in str(error)
    assert [p for p in (there.folder / "tmp").iterdir() if p.stat().st_size] == []


def test_a_part_of_an_object(root, there, wanted):
    for path in every_pack(root):
        change(path, 24, path.stat().st_size)
    one = next(w for w in wanted if w.size > 8 * MIB)
    assert there.objects.read_object(one.oid, MIB, 500_000) == ALL[one.path][MIB : MIB + 500_000]


# Bytes that change on their way


class Garbling(LocalStore):
    """Gives one wrong byte in the middle of what it is first asked for of each file."""

    def __init__(self, root):
        super().__init__(root)
        self.asked = set()

    def read(self, name, start=0, length=None):
        data = super().read(name, start, length)
        if name in self.asked:
            return data
        self.asked.add(name)
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def test_bytes_that_changed_on_their_way_are_asked_for_again(tmp_path, root, wanted):
    at = Clone(tmp_path / "there", Retrying(Garbling(str(root))))
    arrives(at, wanted, ALL)
    one = next(w for w in wanted if w.size > 8 * MIB)
    at = Clone(tmp_path / "third", Retrying(Garbling(str(root))))
    assert at.objects.read_object(one.oid, MIB, 9) == ALL[one.path][MIB : MIB + 9]


# When is a store gone?


class Failing(LocalStore):
    """Every read of one pack fails, of the others when they say so."""

    error = None
    all_too = False

    def __init__(self, root, bad):
        super().__init__(root)
        self.bad = bad
        self.reads = 0

    def read(self, name, start=0, length=None):
        if "packs" in name:
            self.reads += 1
        if self.bad in name or (self.all_too and "packs" in name):
            raise self.error
        return super().read(name, start, length)


@pytest.fixture
def failing(root, tmp_path):
    """Forty packs, each of one file, and one of them bad."""
    at = clone(tmp_path / "here", root)
    wanted = []
    for number in range(40):
        wanted += send(at, {f"{number:02}": content(f"{number}", 5000)})
    store = Failing(str(root), files_of(root, "packs")[0].name)
    return Clone(tmp_path / "there", store), store, wanted


@pytest.mark.parametrize("error", [Denied("closed"), NotFound("gone"), Damaged("short")])
def test_one_pack_that_fails_fails_its_files_alone(failing, error):
    at, store, wanted = failing
    store.error = error
    [(_, why)] = at.objects.fetch(wanted, at.cache)
    assert isinstance(why, type(error))


@pytest.mark.parametrize("error", [Denied("closed"), Unreachable("away")])
def test_a_store_that_is_gone_is_not_asked_for_everything(failing, error):
    at, store, wanted = failing
    store.error, store.all_too = error, True
    failed = at.objects.fetch(wanted, at.cache)
    assert len(failed) == 40
    assert store.reads < 12
