import os
import random
import subprocess

import pytest

from git_data import chunker, pack
from git_data.errors import Damaged, NotFound, Unreachable
from git_data.index import Index
from git_data.oid import ObjectId, hash_bytes
from git_data.sending import PACK_BYTES
from git_data.stores.local import LocalStore
from git_data.transfer import ObjectStore, Wanted
from git_data.unpacking import READ_BYTES

from .helpers import pusher
from .helpers.engine import (
    Clone,
    arrives,
    calls,
    clone,
    content,
    count,
    counting,
    files_of,
    ids,
    mixed_files,
    pack_reads,
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


@pytest.fixture
def counted(tmp_path, root):
    return counting(tmp_path / "counted", root, create=True)


def test_what_is_sent_arrives(here, there):
    files = mixed_files()
    wanted = here.add_all(files)
    sent = here.objects.send(wanted, here.cache)
    assert sent.objects == len(ids(wanted))
    assert sent.bytes == sum({w.oid: w.size for w in wanted}.values())
    assert sent.sent_bytes < sent.new_bytes < sent.bytes
    arrives(there, wanted, files)
    assert there.objects.id == here.objects.id != ""
    assert there.objects.missing(ids(wanted)) == set()


def test_what_is_missing(here):
    wanted = send(here, {"a": b"a", "b": content("b", 700_000)})
    other = hash_bytes(b"other")
    assert here.objects.missing([*ids(wanted), other]) == {other}
    assert here.objects.deletions == 0


def test_a_store_without_a_manifest_is_no_error_to_ask(root, tmp_path):
    at = clone(tmp_path / "here", root)
    assert at.objects.id == ""
    assert at.objects.missing([bytes(32)]) == {ObjectId(bytes(32))}
    [(wanted, error)] = at.objects.fetch([Wanted(ObjectId(bytes(32)), 5, "a/path")], at.cache)
    assert wanted.path == "a/path"
    assert isinstance(error, NotFound)
    assert "a/path" in str(error)


def test_creating_twice_is_the_same_as_once(here, there):
    assert here.objects.create() == there.objects.create() == there.objects.id


def test_pushing_again_reads_no_data(counted):
    wanted = send(counted, mixed_files())
    calls(counted).clear()
    assert counted.objects.send(wanted, counted.cache) == (0, 0, 0, 0)
    assert counted.objects.missing(ids(wanted)) == set()
    assert {call.verb for call in calls(counted)} == {"read_small"}


def test_many_small_files_are_few_requests(counted, tmp_path, root):
    files = {f"{n:04}.txt": content(f"small {n}", 500 + n) for n in range(2000)}
    wanted = send(counted, files)
    assert count(counted, "write") == 2  # a pack, an index
    assert len([p for p in root.rglob("*") if p.is_file()]) < 6
    at = counting(tmp_path / "there", root)
    arrives(at, wanted, files)
    assert len(pack_reads(at)) == 1
    assert count(at, "list") == 0


def test_ranges_of_a_pack_that_lie_near_are_one_read(counted, tmp_path, root):
    files = {f"{n:04}": content(f"near {n}", 20_000) for n in range(300)}
    wanted = send(counted, files)
    at = counting(tmp_path / "there", root)
    arrives(at, wanted[10:200:2], files)
    assert len(pack_reads(at)) == 1
    at = counting(tmp_path / "far", root)
    arrives(at, [wanted[0], wanted[150], wanted[299]], files)
    assert pack_reads(at) == [20_048] * 3


def test_an_edit_sends_what_is_new(here, there):
    old = content("old", 8 * MIB)
    new = old[: 3 * MIB] + content("edit", 80_000) + old[3 * MIB :]
    send(here, {"f": old})
    second = here.add("f", new)
    sent = here.objects.send([second], here.cache)
    assert sent.bytes == len(new)
    assert 80_000 <= sent.new_bytes <= 80_000 + 2 * chunker.MAX_BYTES
    arrives(there, [second], {"f": new})


def test_the_same_chunks_within_one_push_are_stored_once(here):
    data = content("twice", 4 * MIB)
    wanted = here.add_all({"a": data, "b": data + b"more", "c": b"before" + data})
    sent = here.objects.send(wanted, here.cache)
    assert sent.new_bytes < 1.4 * len(data)


def test_packs_are_full_and_two_reads_bring_one(here, root):
    send(here, {"large": content("large", 40 * MIB)})
    sizes = sorted(path.stat().st_size for path in files_of(root, "packs"))
    assert len(sizes) == 3
    assert sizes[-1] <= PACK_BYTES <= min(2 * READ_BYTES - chunker.MAX_BYTES, pack.MAX_BYTES)
    assert sizes[1] > PACK_BYTES - chunker.MAX_BYTES - 100


def test_packs_are_ordered_by_path(here, root):
    names = [f"{n:03}" for n in range(200)]
    shuffled = random.Random(1).sample(names, len(names))
    send(here, {name: content(name, 1000) for name in shuffled})
    [path] = files_of(root, "packs")
    data = path.read_bytes()
    stored = [record.id for _, record in pack.records(data, "x")]
    assert stored == [hash_bytes(content(name, 1000)) for name in names]


@pytest.mark.parametrize("size", [5, 700_000, 3_000_000])
def test_reading_a_part(here, there, size):
    data = content("part", size)
    [wanted] = send(here, {"f": data})
    assert there.objects.size_of(wanted.oid) == size
    rng = random.Random(size)
    for _ in range(20):
        start, length = rng.randrange(size), rng.randrange(1, 400_000)
        assert there.objects.read_object(wanted.oid, start, length) == data[start : start + length]
    assert there.objects.read_object(wanted.oid, 0, size + 9) == data
    assert there.objects.read_object(wanted.oid, size, 9) == b""
    assert there.objects.read_object(wanted.oid, 3, 0) == b""
    with pytest.raises(NotFound):
        there.objects.read_object(hash_bytes(b"other"), 0, 1)


def test_reading_a_part_reads_only_the_chunks_it_touches(counted):
    [wanted] = send(counted, {"f": content("f", 20 * MIB)})
    calls(counted).clear()
    counted.objects.read_object(wanted.oid, 9 * MIB, 1000)
    [size] = pack_reads(counted)
    assert size <= 2 * chunker.MAX_BYTES


def test_an_object_not_in_the_cache_stops_the_push_before_anything_is_sent(counted):
    wanted = [counted.add("a", b"content"), Wanted(hash_bytes(b"lost"), 4, "some/lost file")]
    with pytest.raises(NotFound, match="some/lost file"):
        counted.objects.send(wanted, counted.cache)
    assert count(counted, "write") == 0


@pytest.mark.parametrize("size", [1000, 100_000, 3_000_000])
def test_a_damaged_object_in_the_cache_is_not_published(here, root, size):
    wanted = here.add("some/file", content("x", size))
    path = here.cache.path(wanted.oid)
    seal = os.stat(path)
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(size // 2)
        file.write(b"damage")
    os.utime(path, ns=(seal.st_atime_ns, seal.st_mtime_ns))  # so that only the bytes tell
    with pytest.raises(Damaged):
        here.objects.send([wanted], here.cache)
    assert here.objects.missing([wanted.oid]) == {wanted.oid}


def test_a_pointer_with_another_size_is_refused(here, there):
    [wanted] = send(here, {"f": b"content"})
    [(_, error)] = there.objects.fetch([wanted._replace(size=8)], there.cache)
    assert isinstance(error, Damaged)
    assert "8 bytes" in str(error)


class Unplugged(LocalStore):
    left = 1

    def read(self, name, start=0, length=None):
        if name.startswith("data/packs/"):
            self.left -= 1
            if self.left < 0:
                raise Unreachable(f"{self.root} does not answer")
        return super().read(name, start, length)


def test_what_arrived_before_the_store_went_away_stays(here, root, tmp_path):
    wanted = send(here, {f"{n}": content(f"{n}", 10 * MIB) for n in range(4)})
    store = Unplugged(str(root))
    store.left = 5
    at = Clone(tmp_path / "there", store)
    failed = at.objects.fetch(wanted, at.cache)
    assert 1 <= len(failed) < 4
    assert all(isinstance(error, Unreachable) for _, error in failed)
    lost = {w.path for w, _ in failed}
    for one in wanted:
        assert at.cache.has(one.oid, one.size) == (one.path not in lost)
    assert [p for p in (at.folder / "tmp").iterdir() if p.stat().st_size] == []


class Told:
    """Progress that is added up."""

    def __init__(self):
        self.stages, self.files, self.size, self.ended = [], 0, 0, 0

    def start(self, what, files, size):
        self.stages.append((what, files, size))

    def advance(self, files, size):
        self.files += files
        self.size += size

    def note(self, text):
        raise AssertionError(text)

    def finish(self):
        self.ended += 1


def test_progress_adds_up(here, there):
    wanted = here.add_all(mixed_files())
    total = {w.oid: w.size for w in wanted}
    for what, run in (
        ("Sending", lambda told: here.objects.send(wanted, here.cache, told)),
        ("Fetching", lambda told: there.objects.fetch(wanted, there.cache, told)),
    ):
        told = Told()
        run(told)
        assert told.stages == [(what, len(total), sum(total.values()))]
        assert (told.files, told.size) == (len(total), sum(total.values()))
        assert told.ended == 1


MEASURE = """
import sys
from pathlib import Path
from git_data.stores.local import LocalStore
from tests.helpers.engine import Clone
from git_data.oid import ObjectId
from git_data.transfer import Wanted
folder, root, oid, size, what = sys.argv[1:]
at = Clone(Path(folder), LocalStore(root, create=True))
wanted = [Wanted(ObjectId.parse(oid), int(size), "f")]
if what == "send":
    assert at.objects.send(wanted, at.cache).sent_bytes > int(size)
else:
    assert not at.objects.fetch(wanted, at.cache)
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")
@pytest.mark.parametrize("what", ["send", "fetch"])
def test_memory_does_not_grow_with_the_file(here, root, tmp_path, what):
    peaks = []
    for mib in (60, 160):
        if what == "send":
            [wanted] = here.add_all({"f": content(f"{mib}", mib * MIB)})
            folders = (here.folder, tmp_path / f"store{mib}")
        else:
            [wanted] = send(here, {"f": content(f"{mib}", mib * MIB)})
            folders = (tmp_path / f"{mib}", root)
        words = [*map(str, folders), wanted.oid.hex(), str(wanted.size), what]
        command = [pusher.sys.executable, "-c", MEASURE, *words]
        answer = subprocess.run(command, cwd=pusher.ROOT, capture_output=True, check=True)
        peaks.append(int(answer.stdout) >> 10)  # MiB
    assert peaks[1] < peaks[0] + 40
    assert max(peaks) < 160


def test_an_index_opens_in_place(here, root):
    send(here, {"f": b"content"})
    [path] = files_of(root, "index")
    index = Index(memoryview(path.read_bytes()), "it")
    assert index.chunks.find(hash_bytes(b"content")) == 0


def test_a_store_is_seen_the_same_by_another_face(here, root, tmp_path):
    send(here, {"f": b"content"})
    other = ObjectStore(LocalStore(str(root)), str(tmp_path / "text path"))
    assert other.missing([hash_bytes(b"content")]) == set()
