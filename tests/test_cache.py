"""The cache: nothing half is ever visible, and no byte is given out that was not verified."""

import os
import shutil
import signal
import stat
import threading
import tracemalloc
from pathlib import Path

import pytest

from git_data import disk, seal
from git_data.cache import DURABLE_BYTES, Cache
from git_data.errors import Damaged, DataError, NotFound
from git_data.oid import ObjectId, hash_bytes
from git_data.pointer import Pointer
from git_data.seal import BOOT, BROKEN, LASTING, lasting_seal, read_seal

from .helpers.caches import seals_of_packs
from .helpers.disks import BE_NOBODY, LIMITED, MOUNTED, on_a_disk_of_its_own, public, python

__all__ = ["public"]  # a fixture
HELLO = hash_bytes(b"hello\n")
GOLDEN = 1332123892  # the seal of these 6 bytes in inode 42


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "git" / "git-data")


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def path_of(cache, oid):
    return Path(cache.path(oid))


def sealed(cache, pointer):
    return read_seal(os.lstat(cache.path(pointer.oid)), *pointer)


def content(cache, pointer):
    with cache.open(*pointer) as file:
        return file.read()


def overwrite(path, data, keep_times=False):
    """Other bytes in the same file, as a bad disk or a program of the user leaves them."""
    found = path.stat()
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)
    if keep_times:
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def restart(monkeypatch):
    """As if the machine had been started again."""
    monkeypatch.setattr(seal, "_boot_salt", lambda: 4711)


def temporaries(cache):
    folder = Path(cache.root) / "tmp"
    return sorted(os.listdir(folder)) if folder.exists() else []


def set_aside(cache):
    folder = Path(cache.root) / "damaged"
    return sorted(os.listdir(folder)) if folder.exists() else []


# The format


def test_layout(cache):
    assert cache.put(b"hello\n") == Pointer(HELLO, 6)
    path = Path(cache.root) / "objects" / HELLO.hex()[:2] / HELLO.hex()
    assert cache.path(HELLO) == str(path)
    assert path.read_bytes() == b"hello\n"
    assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0
    assert temporaries(cache) == []


def test_golden_seals():
    """Part of the format: another value would make every cache be hashed again."""
    assert lasting_seal(HELLO, 6, 42) == GOLDEN
    assert lasting_seal(HELLO, 6, 43) != GOLDEN
    assert lasting_seal(HELLO, 7, 42) != GOLDEN
    assert lasting_seal(hash_bytes(b"x"), 6, 42) != GOLDEN


@pytest.mark.parametrize("inode", [0, 1, 1 << 32, (1 << 64) - 1])
def test_seals_are_times_that_every_file_system_keeps(inode):
    for data in (b"", b"x", b"hello\n"):
        moment = lasting_seal(hash_bytes(data), len(data), inode)
        assert 1_000_000_000 <= moment < 1_500_000_000
        assert moment % 2 == 0


# Storing and asking


@pytest.mark.parametrize("size", [1, 10_240, DURABLE_BYTES - 1, DURABLE_BYTES, DURABLE_BYTES + 1])
@pytest.mark.parametrize("way", ["put", "writer"])
def test_what_is_stored_is_there(cache, size, way):
    data = os.urandom(size)
    if way == "put":
        pointer = cache.put(data)
    else:
        with cache.writer() as writer:
            writer.write(data[:100])
            writer.write(memoryview(data)[100:])
            assert writer.size == size
            pointer = writer.commit()
    assert pointer == Pointer(hash_bytes(data), size)
    assert cache.has(*pointer)
    assert content(cache, pointer) == data
    assert temporaries(cache) == []
    # From DURABLE_BYTES on it was synced before the pointer was known.
    assert sealed(cache, pointer) == (LASTING if size >= DURABLE_BYTES else BOOT)


def test_what_is_not_stored_is_not_there(cache):
    assert not cache.has(HELLO, 6)
    with pytest.raises(NotFound, match=str(HELLO)):
        cache.open(HELLO, 6)
    assert list(cache.objects()) == []
    cache.finish()
    assert cache.recover() == []
    assert not os.path.exists(os.path.join(cache.root, "objects"))


@pytest.mark.parametrize("count", [1, disk.FEW + 1])
def test_finish_makes_it_lasting(cache, count, monkeypatch):
    monkeypatch.setattr("git_data.cache.SINGLE_FILES", count)
    pointers = [cache.put(b"%d" % number) for number in range(count)]
    assert {sealed(cache, pointer) for pointer in pointers} == {BOOT}
    cache.finish()
    assert {sealed(cache, pointer) for pointer in pointers} == {LASTING}
    cache.finish()


def test_finish_does_not_wait_for_ever(cache, monkeypatch):
    monkeypatch.setattr("git_data.cache.MOST_UNSYNCED", 5)
    pointers = [cache.put(b"%d" % number) for number in range(7)]
    assert [sealed(cache, p) for p in pointers] == [LASTING] * 5 + [BOOT] * 2


def test_finish_tells_of_an_object_that_was_removed(cache):
    gone, kept = cache.put(b"gone"), cache.put(b"kept")
    path_of(cache, gone.oid).unlink()
    with pytest.raises(NotFound, match=cache.path(gone.oid)):
        cache.finish()
    assert sealed(cache, kept) == LASTING


def test_finish_does_not_seal_what_was_changed_meanwhile(cache):
    pointer = cache.put(b"hello\n")
    overwrite(path_of(cache, pointer.oid), b"jello\n")
    cache.finish()
    assert sealed(cache, pointer) == BROKEN
    assert not cache.has(*pointer)


def test_without_fsync_nothing_is_said_to_be_lasting(tmp_path):
    cache = Cache(tmp_path, fsync=False)
    small, large = cache.put(b"x"), cache.put(bytes(DURABLE_BYTES))
    with cache.writer() as writer:
        writer.write(b"y" * DURABLE_BYTES)
        written = writer.commit()
    cache.finish()
    assert [sealed(cache, p) for p in (small, large, written)] == [BOOT] * 3


def test_storing_twice_is_once(cache):
    first = cache.put(b"hello\n")
    inode = os.lstat(cache.path(first.oid)).st_ino
    assert cache.put(b"hello\n") == first
    with cache.writer() as writer:
        writer.write(b"hello\n")
        assert writer.commit() == first
    assert os.lstat(cache.path(first.oid)).st_ino == inode
    assert temporaries(cache) == []


def test_what_another_process_left_unsynced_is_synced_when_it_is_stored_again(tmp_path):
    """The object is there, but a power failure may still take it: its pointer promises more."""
    pointer = Cache(tmp_path).put(b"hello\n")
    large = Cache(tmp_path, fsync=False).put(bytes(DURABLE_BYTES))
    cache = Cache(tmp_path)
    cache.put(b"hello\n")
    cache.put(bytes(DURABLE_BYTES))
    assert sealed(cache, large) == LASTING
    cache.finish()
    assert sealed(cache, pointer) == LASTING


def test_leaving_a_writer_leaves_nothing(cache):
    with cache.writer() as writer:
        writer.write(b"half")
        assert len(temporaries(cache)) == 1
    with pytest.raises(KeyError), cache.writer() as writer:
        writer.write(b"half")
        raise KeyError
    assert temporaries(cache) == []
    assert list(cache.objects()) == []


def test_a_writer_gives_back_what_was_written(cache):
    with cache.writer() as writer:
        writer.write(b"hel")
        writer.write(b"lo\n")
        with writer.read_back() as file:
            assert file.read() == b"hello\n"
        assert writer.commit() == Pointer(HELLO, 6)


def test_a_writer_needs_no_memory(cache):
    block = os.urandom(1 << 20)
    with cache.writer() as writer:
        writer.write(block)
        tracemalloc.start()
        for _ in range(40):
            writer.write(block)
        pointer = writer.commit()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 20
    assert pointer.size == 41 << 20
    with cache.open(*pointer) as file:
        assert all(file.read(1 << 20) == block for _ in range(41))


def test_objects_are_listed(cache):
    pointers = {cache.put(b"a"), cache.put(b"bc")}
    folder = path_of(cache, HELLO).parent
    folder.mkdir(exist_ok=True)
    (folder / "README").write_bytes(b"no object")
    (folder / ("x" * 64)).write_bytes(b"no object")
    (folder / ("0" * 64)).mkdir()
    assert set(cache.objects()) == pointers


# What was fetched


def test_adopting(cache):
    fd, path = cache.temporary()
    os.write(fd, b"hello\n")
    assert os.path.dirname(path) == os.path.join(cache.root, "tmp")
    cache.adopt(path, HELLO, 6)
    os.close(fd)
    assert content(cache, Pointer(HELLO, 6)) == b"hello\n"
    assert sealed(cache, Pointer(HELLO, 6)) == BOOT
    cache.finish()  # it can be fetched again, so nobody waits for the disk
    assert sealed(cache, Pointer(HELLO, 6)) == BOOT
    assert temporaries(cache) == []


def test_keeping_small_content(cache):
    cache.keep([(HELLO, b"hello\n")])
    cache.keep([(HELLO, memoryview(b"hello\n"))])
    assert content(cache, Pointer(HELLO, 6)) == b"hello\n"
    cache.finish()
    assert sealed(cache, Pointer(HELLO, 6)) == BOOT


def test_a_file_of_another_size_is_not_adopted(cache):
    fd, path = cache.temporary()
    os.write(fd, b"hell")
    os.close(fd)
    with pytest.raises(Damaged, match="has 4 bytes, not the 6"):
        cache.adopt(path, HELLO, 6)
    assert temporaries(cache) == []
    assert not cache.has(HELLO, 6)


# Damage


@pytest.mark.parametrize("bad", [b"jello\n", b"hell", b"hello\nworld", b"", bytes(6)])
@pytest.mark.parametrize("lasting", [True, False])
def test_changed_bytes_are_found_and_set_aside(cache, bad, lasting):
    pointer = cache.put(b"hello\n")
    if lasting:
        cache.finish()
    overwrite(path_of(cache, HELLO), bad)
    with pytest.raises(Damaged) as caught:
        cache.open(*pointer)
    assert cache.path(HELLO) in caught.value.message
    (name,) = set_aside(cache)
    assert (Path(cache.root) / "damaged" / name).read_bytes() == bad
    assert name in caught.value.message
    with pytest.raises(NotFound):
        cache.open(*pointer)
    cache.put(b"hello\n")
    assert content(cache, pointer) == b"hello\n"


def test_damaged_twice_is_set_aside_twice(cache):
    for _ in range(2):
        pointer = cache.put(b"hello\n")
        overwrite(path_of(cache, HELLO), b"jello\n")
        assert not cache.has(*pointer)
    assert len(set_aside(cache)) == 2


def test_a_cut_off_file_is_found_even_if_its_times_are_right(cache):
    pointer = cache.put(b"hello\n")
    overwrite(path_of(cache, HELLO), b"hell", keep_times=True)
    assert not cache.has(*pointer)


def test_a_sealed_file_is_not_read(cache):
    """What the seal is for, and its limit: a change that also restores the time is not seen."""
    pointer = cache.put(b"hello\n")
    overwrite(path_of(cache, HELLO), b"jello\n", keep_times=True)
    assert cache.has(*pointer)
    assert content(cache, pointer) == b"jello\n"


def test_a_touched_file_is_hashed_and_sealed_again(cache):
    pointer = cache.put(b"hello\n")
    os.utime(cache.path(HELLO))
    assert sealed(cache, pointer) == BROKEN
    assert cache.has(*pointer)
    assert sealed(cache, pointer) == BOOT


def test_a_large_one_is_sealed_for_good(cache):
    pointer = cache.put(bytes(DURABLE_BYTES))
    os.utime(cache.path(pointer.oid))
    with cache.open(*pointer) as file:
        assert file.tell() == 0
    assert sealed(cache, pointer) == LASTING


def test_a_copied_repository_has_its_objects(cache, tmp_path):
    pointer, large = cache.put(b"hello\n"), cache.put(bytes(DURABLE_BYTES))
    cache.finish()
    shutil.copytree(cache.root, tmp_path / "copy")  # times and all, but other inodes
    copy = Cache(tmp_path / "copy")
    assert sealed(copy, pointer) == BROKEN
    assert copy.has(*pointer)
    assert copy.has(*large)
    assert sealed(copy, pointer) == BOOT


def test_an_object_asked_for_with_another_size_is_damaged(cache):
    cache.put(b"hello\n")
    with pytest.raises(Damaged, match="has 6 bytes, not 7"):
        cache.open(HELLO, 7)
    assert not cache.has(HELLO, 5)
    assert cache.has(HELLO, 6)
    os.utime(cache.path(HELLO), (0, 0))  # and without a seal
    assert not cache.has(HELLO, 7)
    assert cache.has(HELLO, 6)


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "full folder", "pipe"])
def test_what_is_no_plain_file_is_never_followed(cache, tmp_path, kind):
    path = path_of(cache, HELLO)
    path.parent.mkdir(parents=True)
    (tmp_path / "target").write_bytes(b"hello\n")
    if kind == "link":
        path.symlink_to(tmp_path / "target")
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
        if kind == "full folder":
            (path / "file").write_bytes(b"")
    with pytest.raises(Damaged, match=cache.path(HELLO)):
        cache.open(HELLO, 6)
    assert not cache.has(HELLO, 6)
    assert len(set_aside(cache)) == 1
    assert not os.path.lexists(path)
    assert (tmp_path / "target").read_bytes() == b"hello\n"


@pytest.mark.parametrize("kind", ["link", "folder"])
@pytest.mark.parametrize("way", ["put", "writer", "adopt"])
def test_storing_does_not_follow_it_either(cache, tmp_path, kind, way):
    path = path_of(cache, HELLO)
    path.parent.mkdir(parents=True)
    (tmp_path / "target").write_bytes(b"precious")
    if kind == "link":
        path.symlink_to(tmp_path / "target")
    else:
        path.mkdir()
        (path / "file").write_bytes(b"precious")
    if way == "put":
        cache.put(b"hello\n")
    elif way == "writer":
        with cache.writer() as writer:
            writer.write(b"hello\n")
            writer.commit()
    else:
        fd, temporary = cache.temporary()
        os.write(fd, b"hello\n")
        os.close(fd)
        cache.adopt(temporary, HELLO, 6)
    assert content(cache, Pointer(HELLO, 6)) == b"hello\n"
    assert not path.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert temporaries(cache) == []


# A machine that crashed


def test_after_a_restart_what_was_synced_is_trusted(cache, monkeypatch):
    pointer = cache.put(b"hello\n")
    cache.finish()
    restart(monkeypatch)
    assert sealed(cache, pointer) == LASTING


def test_after_a_restart_what_was_not_synced_is_hashed(cache, monkeypatch):
    good, bad = cache.put(b"good"), cache.put(b"bad")
    fetched = Pointer(HELLO, 6)
    cache.keep([(HELLO, b"hello\n")])
    # What a crash leaves of a file whose name and size reached the disk, and its bytes did not.
    overwrite(path_of(cache, bad.oid), bytes(3), keep_times=True)
    restart(monkeypatch)
    again = Cache(cache.root)
    assert sealed(again, good) == BROKEN
    assert again.has(*good)
    assert again.has(*fetched)
    assert not again.has(*bad)
    assert len(set_aside(again)) == 1


def test_recover_finds_all_of_it_and_makes_the_rest_lasting(cache, monkeypatch):
    pointers = [cache.put(b"%d" % number) for number in range(5)]
    overwrite(path_of(cache, pointers[3].oid), b"?", keep_times=True)
    restart(monkeypatch)
    again = Cache(cache.root)
    (damage,) = again.recover()
    assert cache.path(pointers[3].oid) in str(damage)
    del pointers[3]
    assert {sealed(again, pointer) for pointer in pointers} == {LASTING}
    assert again.recover() == []


# Several processes and threads

PUT_ALL = """
import sys
from git_data.cache import Cache
cache = Cache(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(200):
    cache.put(b"object %d" % number)
cache.finish()
"""


def test_the_same_objects_from_several_processes(cache):
    others = [python(PUT_ALL, cache.root) for _ in range(3)]
    for other in others:
        assert other.stdout.readline() == "ready\n"
    for other in others:
        other.stdin.write("\n")
        other.stdin.flush()
    assert [other.wait() for other in others] == [0, 0, 0]
    assert len(set(cache.objects())) == 200
    for number in range(200):
        data = b"object %d" % number
        assert content(cache, Pointer(hash_bytes(data), len(data))) == data
    assert temporaries(cache) == []
    assert set_aside(cache) == []


@pytest.mark.parametrize("single_files", [0, 1000])
def test_many_threads(cache, monkeypatch, single_files):
    monkeypatch.setattr("git_data.cache.SINGLE_FILES", single_files)

    def work(start):
        for number in range(start, start + 60):
            pointer = cache.put(b"object %d" % number)
            assert content(cache, pointer) == b"object %d" % number
        cache.finish()

    threads = [threading.Thread(target=work, args=(20 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(cache.objects())) == 160
    if single_files:
        assert all(sealed(cache, Pointer(*found)) == LASTING for found in cache.objects())
    else:
        assert seals_of_packs(Cache(cache.root)) == {LASTING}


STORE_ON = """
import itertools, sys
from git_data.cache import Cache
cache = Cache(sys.argv[1])
for number in itertools.count():
    small = cache.put(b"small %d" % number)
    with cache.writer() as writer:
        for _ in range(3):
            writer.write(number.to_bytes(8, "big") * 65_536)
        large = writer.commit()
    cache.finish()
    print(small.oid.hex(), small.size, large.oid.hex(), large.size, flush=True)
"""


def test_kill_9_leaves_nothing_half_and_nothing_behind(cache):
    for turn in range(5):
        writer = python(STORE_ON, cache.root)
        lines = [writer.stdout.readline() for _ in range(turn + 1)]
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        for line in lines:
            small, small_size, large, large_size = line.split()
            assert Cache(cache.root).has(ObjectId.parse(small), int(small_size))
            assert Cache(cache.root).has(ObjectId.parse(large), int(large_size))
    for oid, size in cache.objects():
        assert hash_bytes(content(cache, Pointer(oid, size))) == oid
    assert set_aside(cache) == []
    Cache(cache.root).put(b"the next command")
    assert temporaries(cache) == []


# Full disks, and folders that may not be written

FULL_DISK = """
import os, sys
from git_data.cache import Cache
from git_data.errors import DataError
def use():
    cache = Cache(sys.argv[1] + "/git-data")
    before = cache.put(b"before")
    def stream():
        with cache.writer() as writer:
            for _ in range(30):
                writer.write(os.urandom(100_000))
            writer.commit()
    def copy():
        fd, path = cache.temporary()
        try:
            os.write(fd, bytes(100))
        finally:
            os.close(fd)
        cache.adopt(path, before.oid, 3)
    for work in (lambda: cache.put(os.urandom(3 << 20)), stream, copy):
        try:
            work()
            print("done")
        except DataError as error:
            print(type(error).__name__, error)
    print(os.listdir(cache.root + "/tmp"), [*cache.objects()] == [before])
    cache.put(b"after")
    cache.finish()
"""


def check_full(out, folder, reason):
    put, stream, adopt, rest = out.splitlines()
    for line in (put, stream):
        assert line.startswith(f"DataError cannot store an object in {folder}/git-data: {reason}")
        assert line.endswith("make room, then do it again; nothing was lost")
    assert adopt.startswith("Damaged ")
    assert rest == "[] True"


def test_what_does_not_fit_leaves_nothing(tmp_path):
    out, _ = python(FULL_DISK + LIMITED, tmp_path).communicate()
    check_full(out, tmp_path, "File too large")


def test_a_full_disk_leaves_nothing(tmp_path):
    out = on_a_disk_of_its_own(FULL_DISK + MOUNTED, tmp_path)
    check_full(out, tmp_path, "No space left on device")


IMPORTS = """
import sys
from git_data.cache import Cache
from git_data.errors import DataError
from git_data.oid import hash_bytes
"""
AS_NOBODY = """
cache, shared = Cache(sys.argv[1]), Cache(sys.argv[1], shared=sys.argv[2])
def show(work):
    try:
        print(work())
    except DataError as error:
        print(type(error).__name__, error)
def read(cache, data):
    with cache.open(hash_bytes(data), len(data)) as file:
        return file.read()
for data in (b"sealed", b"touched", b"touched", b"harmed"):
    show(lambda: cache.has(hash_bytes(data), len(data)))
    show(lambda: read(cache, data))
show(lambda: cache.put(b"new"))
show(lambda: cache.put(b"sealed")[1])
show(lambda: cache.writer())
show(lambda: read(shared, b"shared"))
show(lambda: len(cache.recover()))
"""


def test_a_cache_that_may_only_be_read(public, umask):
    umask(0o022)
    cache = Cache(public / "git-data")
    sealed_one, touched, harmed = (cache.put(data) for data in (b"sealed", b"touched", b"harmed"))
    cache.finish()
    Cache(public / "shared").put(b"shared")
    os.utime(cache.path(touched.oid))
    overwrite(path_of(cache, harmed.oid), b"hARMed")
    for path in [public, *public.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    out, _ = python(IMPORTS + BE_NOBODY + AS_NOBODY, cache.root, public / "shared").communicate()
    lines = out.splitlines()
    assert lines[:6] == ["True", "b'sealed'", "True", "b'touched'", "True", "b'touched'"]
    assert lines[6] == "False"
    assert lines[7].startswith(f"Damaged the cached object {cache.path(harmed.oid)} is damaged")
    assert "it is not used" in lines[7]
    assert lines[8].startswith(
        f"DataError cannot store an object in {cache.root}: Permission denied"
    )
    assert lines[9] == "6"
    assert lines[10].startswith(f"DataError cannot write in {cache.root}/tmp: Permission denied")
    assert lines[11:] == ["b'shared'", "1"]
    assert sealed(cache, sealed_one) == LASTING


# A folder that a group shares


def test_a_shared_repository_stays_shared(tmp_path, umask):
    umask(0o077)
    os.chmod(tmp_path, 0o2770)
    cache = Cache(tmp_path / "git-data")
    cache.put(b"small")
    with cache.writer() as writer:
        writer.write(b"large" * DURABLE_BYTES)
        writer.commit()
    for path in (tmp_path / "git-data").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o777 == (0o770 if path.is_dir() else 0o440), path
        assert not path.is_dir() or mode & stat.S_ISGID


def test_a_private_repository_stays_private(tmp_path, umask):
    umask(0o077)
    os.chmod(tmp_path, 0o700)
    cache = Cache(tmp_path / "git-data")
    cache.put(b"small")
    for path in (tmp_path / "git-data").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o400), path


# One cache for the whole machine


@pytest.fixture
def two(tmp_path):
    """Two repositories with one machine-wide cache."""
    return [Cache(tmp_path / name, shared=tmp_path / "machine") for name in ("one", "two")]


def test_repositories_share_their_objects(two, tmp_path):
    one, other = two
    small, large = one.put(b"hello\n"), one.put(bytes(DURABLE_BYTES))
    fd, path = one.temporary()
    os.write(fd, b"abc")
    os.close(fd)
    one.adopt(path, hash_bytes(b"abc"), 3)
    for pointer in (small, large, Pointer(hash_bytes(b"abc"), 3)):
        assert other.has(*pointer)
        assert os.path.samefile(one.path(pointer.oid), other.path(pointer.oid))
        assert os.path.samefile(
            one.path(pointer.oid), Cache(tmp_path / "machine").path(pointer.oid)
        )
    assert content(other, small) == b"hello\n"


def test_an_object_of_the_machine_is_opened_without_asking_first(two):
    pointer = two[0].put(b"hello\n")
    assert content(two[1], pointer) == b"hello\n"
    assert os.path.exists(two[1].path(HELLO))


def test_adding_what_the_machine_has_writes_nothing(two):
    pointer = two[0].put(bytes(DURABLE_BYTES))
    with two[1].writer() as writer:
        writer.write(bytes(DURABLE_BYTES))
        assert writer.commit() == pointer
    assert os.path.samefile(two[0].path(pointer.oid), two[1].path(pointer.oid))
    assert sealed(two[1], pointer) == LASTING


def test_a_repository_outlives_the_cache_of_the_machine(two, tmp_path):
    pointer = two[0].put(b"hello\n")
    shutil.rmtree(tmp_path / "machine")
    assert content(two[0], pointer) == b"hello\n"
    assert not two[1].has(*pointer)
    two[1].put(b"hello\n")
    assert Cache(tmp_path / "machine").has(*pointer)


def test_damage_in_a_shared_file_is_found_by_each(two, tmp_path):
    """A hard link is one file: who changes it, changes it for all. Nobody believes it then."""
    pointer = two[0].put(b"hello\n")
    two[1].has(*pointer)
    overwrite(path_of(two[0], HELLO), b"jello\n")
    assert not two[1].has(*pointer)
    assert not two[0].has(*pointer)
    assert not Cache(tmp_path / "machine").has(*pointer)
    two[1].put(b"hello\n")
    assert content(two[0], pointer) == b"hello\n"


def test_a_damaged_object_comes_back_from_the_machine(two):
    pointer = two[0].put(b"hello\n")
    path = path_of(two[0], HELLO)
    path.unlink()
    path.write_bytes(b"jello\n")
    assert two[0].has(*pointer)
    assert content(two[0], pointer) == b"hello\n"
    assert len(set_aside(two[0])) == 1


def test_a_machine_cache_on_another_file_system_gets_a_copy(tmp_path):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second file system for this user")
    machine = other / f"git-data-test-{os.getpid()}"
    try:
        pointer = Cache(tmp_path / "one", shared=machine).put(b"hello\n")
        assert content(Cache(machine), pointer) == b"hello\n"
        two = Cache(tmp_path / "two", shared=machine)
        assert content(two, pointer) == b"hello\n"
        assert not os.path.samefile(Cache(machine).path(HELLO), two.path(HELLO))
        assert temporaries(two) == []
    finally:
        shutil.rmtree(machine)


def test_a_machine_cache_that_cannot_be_used_is_no_hindrance(tmp_path):
    (tmp_path / "machine").write_bytes(b"no folder")
    cache = Cache(tmp_path / "one", shared=tmp_path / "machine")
    pointer = cache.put(b"hello\n")
    cache.finish()
    assert content(cache, pointer) == b"hello\n"
    assert not cache.has(hash_bytes(b"x"), 1)


# Caches of other repositories


def test_objects_are_taken_from_other_caches(tmp_path):
    other = Cache(tmp_path / "other")
    pointer = other.put(b"hello\n")
    cache = Cache(tmp_path / "own", also=[tmp_path / "nowhere", other.root])
    assert cache.has(*pointer)
    shutil.rmtree(other.root)
    assert content(cache, pointer) == b"hello\n"


def test_other_caches_are_not_changed(tmp_path):
    other = Cache(tmp_path / "other")
    touched, harmed = other.put(b"touched"), other.put(b"harmed")
    os.utime(other.path(touched.oid), ns=(0, 123))
    overwrite(path_of(other, harmed.oid), b"hARMed")
    cache = Cache(tmp_path / "own", also=[other.root])
    assert content(cache, touched) == b"touched"
    assert not cache.has(*harmed)
    with pytest.raises(NotFound):
        cache.open(*harmed)
    assert path_of(other, harmed.oid).read_bytes() == b"hARMed"
    assert set_aside(other) == []


def test_nothing_is_written_to_a_cache_that_is_only_read(tmp_path):
    cache = Cache(tmp_path / "other", read_only=True)
    with pytest.raises(DataError, match="cannot store an object"):
        cache.put(b"hello\n")
    with pytest.raises(DataError, match="cannot write in"):
        cache.writer()
    assert not (tmp_path / "other").exists()


# The filter starts with this module


def test_nothing_slow_is_imported():
    code = "import git_data.cache, sys; print(*sys.modules)"
    out, _ = python("import sys; print(*sys.modules)").communicate()
    before = set(out.split())
    out, _ = python(code).communicate()
    slow = {
        "pathlib",
        "tempfile",
        "dataclasses",
        "ctypes",
        "socket",
        "subprocess",
        "random",
        "json",
    }
    assert (set(out.split()) - before) & slow == set()
