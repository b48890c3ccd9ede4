"""The packs of a cache: many small objects in one file. No byte is given out unverified, and none
is lost, whoever is killed, whatever is damaged."""

import os
import signal
import stat
import struct

import pytest

from git_data import cachepack, chunker, packed, packfile, seal
from git_data.cache import SINGLE_FILES, Cache
from git_data.errors import Damaged, DataError, NotFound
from git_data.oid import hash_bytes
from git_data.packed import PACKED_BYTES
from git_data.pointer import Pointer
from git_data.seal import BOOT, LASTING

from .helpers.caches import folder_of, packs_of, seals_of_packs
from .helpers.disks import LIMITED, MOUNTED, on_a_disk_of_its_own, python

MANY = 20


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """One in which all small objects are packed."""
    monkeypatch.setattr("git_data.cache.SINGLE_FILES", 0)
    return Cache(tmp_path / "git" / "git-data")


def put(cache, count=MANY, start=0):
    return [cache.put(b"object %d" % n) for n in range(start, start + count)]


def keep(cache, *contents):
    cache.keep((hash_bytes(data), data) for data in contents)
    return [Pointer(hash_bytes(data), len(data)) for data in contents]


def content(cache, pointer):
    with cache.open(*pointer) as file:
        return file.read()


def held(cache, pointers):
    return [content(cache, one) for one in pointers if cache.has(*one)]


def overwrite(path, at, data, keep_times=False):
    """Other bytes in the same file, as a bad disk or a program leaves them."""
    before = path.stat()
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)
    path.chmod(0o444)
    if keep_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def place_of(path, pointer):
    """Where in a pack an object's content is."""
    return path.read_bytes().index(pointer.oid + struct.pack("<Q", pointer.size)) + 40


def restart(monkeypatch):
    """As if the machine had been started again."""
    monkeypatch.setattr(seal, "_boot_salt", lambda: 4711)


# The format


def test_bytes_of_a_pack(cache):
    """As docs/formats/cache.md has it."""
    one, other = put(cache, 2)
    cache.finish()
    (path,) = packs_of(cache)
    records = b"".join(
        [
            *(b"git-data cached 1\n", one.oid, struct.pack("<Q", 8), b"object 0"),
            *(other.oid, struct.pack("<Q", 8), b"object 1"),
        ]
    )
    rows = sorted([(one.oid, 18 + 40, 8), (other.oid, 18 + 48 + 40, 8)])
    table = b"".join(oid + struct.pack("<QQ", at, size) for oid, at, size in rows)
    trailer = hash_bytes(table) + struct.pack("<Q", len(records)) + b"gd-table"
    assert path.read_bytes() == records + table + trailer
    assert len(path.name) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    found = path.stat()
    lasting = seal.lasting_seal(hash_bytes(table), found.st_size, found.st_ino)
    assert found.st_mtime_ns == lasting * 10**9


def test_what_is_packed_is_never_cut_into_chunks():
    """A push reads what has more than one chunk from a file of its own."""
    assert PACKED_BYTES <= chunker.MIN_BYTES


def test_the_first_ones_get_files_of_their_own(tmp_path):
    cache = Cache(tmp_path / "git-data")
    pointers = put(cache, SINGLE_FILES + 3)
    cache.finish()
    assert sum(os.path.exists(cache.path(one.oid)) for one in pointers) == SINGLE_FILES
    assert len(packs_of(cache)) == 1
    assert len(held(Cache(cache.root), pointers)) == len(pointers)


def test_large_ones_get_files_of_their_own(cache):
    small, large = cache.put(bytes(PACKED_BYTES)), cache.put(bytes(PACKED_BYTES + 1))
    assert not os.path.exists(cache.path(small.oid))
    assert os.path.exists(cache.path(large.oid))
    assert content(cache, small) == bytes(PACKED_BYTES)


def test_with_a_machine_wide_cache_each_is_a_file_that_can_be_shared(cache, tmp_path):
    sharing = Cache(cache.root, shared=tmp_path / "shared")
    pointers = put(sharing)
    assert packs_of(sharing) == []
    assert all(os.stat(sharing.path(one.oid)).st_nlink == 2 for one in pointers)


# Finding and reading


def test_what_was_stored_is_found_by_others(cache):
    others = Cache(cache.root)
    assert not others.has(hash_bytes(b"object 0"), 8)  # it has looked once
    pointers = put(cache)
    for ended in (False, True):
        if ended:
            cache.finish()
        assert held(others, pointers) == [b"object %d" % n for n in range(MANY)]
        assert held(cache, pointers) == held(others, pointers)
    assert set(others.objects()) == set(cache.objects()) == set(pointers)


def test_what_is_stored_meanwhile_is_found(cache):
    """A pre-commit hook asks while the filter of the same `git commit -a` still runs."""
    first = put(cache, 3)
    others = Cache(cache.root)
    assert len(held(others, first)) == 3
    second = put(cache, 3, start=3)
    assert len(held(others, second)) == 3
    cache.finish()
    assert len(held(others, [*first, *second])) == 6
    assert not others.has(hash_bytes(b"object 9"), 8)


def test_what_is_not_there(cache):
    put(cache)
    for finish in (False, True):
        if finish:
            cache.finish()
        assert not cache.has(hash_bytes(b"something else"), 14)
        with pytest.raises(NotFound):
            cache.open(hash_bytes(b"something else"), 14)
        assert not cache.has(hash_bytes(b"object 1"), 7)  # that pointer lies about the size
        with pytest.raises(NotFound):
            cache.open(hash_bytes(b"object 1"), 7)


def test_ids_that_begin_alike(cache):
    """The search looks at the first bytes alone."""
    rows = [cachepack.Row(bytes(8) + bytes([n]) * 24, n, 1) for n in range(5)]
    table = cachepack.Table.of(reversed(rows))
    assert [table.find(row.oid) for row in rows] == rows
    assert table.find(bytes(8) + bytes([9]) * 24) is None
    assert table.find(bytes([255]) * 32) is None


def test_the_same_again_takes_no_room(cache):
    pointers = put(cache)
    assert put(cache) == pointers
    cache.finish()
    assert put(Cache(cache.root)) == pointers
    assert len(packs_of(cache)) == 1
    assert len(list(cache.objects())) == MANY


def test_an_object_file_is_there_too(cache, monkeypatch):
    """From before there were packs, or from another path."""
    pointers = put(cache)
    cache.finish()
    monkeypatch.setattr("git_data.cache.SINGLE_FILES", 100)
    alone = Cache(cache.root).put(b"alone")
    assert os.path.exists(cache.path(alone.oid))
    assert held(cache, [alone, *pointers]) == [b"alone", *(b"object %d" % n for n in range(MANY))]


def test_another_repositorys_packs_are_read_and_not_changed(cache, tmp_path, monkeypatch):
    pointers = put(cache)
    cache.finish()
    (path,) = packs_of(cache)
    os.utime(path)  # its seal is broken
    before = path.stat().st_mtime_ns
    own = Cache(tmp_path / "own", also=[cache.root])
    assert held(own, pointers) == [b"object %d" % n for n in range(MANY)]
    own.finish()
    assert len(held(Cache(own.root), pointers)) == MANY  # taken over
    assert path.stat().st_mtime_ns == before
    assert packs_of(cache) == [path]


# Durability


def test_what_was_put_lasts_after_finish(cache, monkeypatch):
    synced = []
    monkeypatch.setattr(packfile, "sync_file", lambda fd: synced.append(os.fstat(fd).st_size))
    put(cache)
    assert synced == []
    cache.finish()
    assert synced == [packs_of(cache)[0].stat().st_size]
    assert seals_of_packs(cache) == {LASTING}


def test_what_was_fetched_is_not_synced(cache, monkeypatch):
    for module in (packed, packfile):
        monkeypatch.setattr(module, "sync_file", lambda fd: pytest.fail("synced"))
    keep(cache, b"one", b"two")
    cache.settle()
    assert seals_of_packs(cache) == {BOOT}


def test_what_was_fetched_and_is_added_now_lasts(cache):
    keep(cache, b"object 0", b"object 1")
    cache.settle()
    adding = Cache(cache.root)
    put(adding, 1)
    assert seals_of_packs(cache) == {BOOT}
    adding.finish()
    assert seals_of_packs(cache) == {LASTING}
    assert len(packs_of(cache)) == 1


def test_what_another_process_still_writes_is_synced_for_who_adds_it(cache, monkeypatch):
    synced = []
    monkeypatch.setattr(packed, "sync_file", lambda fd: synced.append(os.fstat(fd).st_size))
    keep(cache, b"object 0", b"object 1")
    adding = Cache(cache.root)
    put(adding, 1)
    adding.finish()
    assert synced == [packs_of(cache)[0].stat().st_size]
    cache.settle()
    assert seals_of_packs(cache) == {BOOT}
    assert folder_of(cache, "damaged") == []


def test_fetched_and_added_in_one_go_lasts(cache):
    keep(cache, b"object 0", b"object 1")
    put(cache, 1)
    cache.finish()
    assert seals_of_packs(cache) == {LASTING}


def test_after_a_restart_what_was_synced_is_trusted(cache, monkeypatch):
    put(cache)
    cache.finish()
    restart(monkeypatch)
    monkeypatch.setattr(cachepack, "read", lambda *_: pytest.fail("hashed"))
    assert seals_of_packs(cache) == {LASTING}


def test_after_a_restart_what_was_not_synced_is_hashed(cache, monkeypatch):
    good, bad = keep(cache, b"good", b"bad!")
    cache.settle()
    (path,) = packs_of(cache)
    overwrite(path, place_of(path, bad), bytes(4), keep_times=True)
    assert cache.has(*bad)  # the seal says so, and reading it finds out
    restart(monkeypatch)
    again = Cache(cache.root)
    assert not again.has(*bad)
    assert held(again, [good]) == [b"good"]
    assert folder_of(cache, "damaged") == [path.name]


def test_recover(cache, monkeypatch):
    pointers = keep(cache, *(b"object %d" % n for n in range(MANY)))
    cache.settle()
    (path,) = packs_of(cache)
    overwrite(path, place_of(path, pointers[3]), b"?", keep_times=True)
    (damage,) = Cache(cache.root).recover()
    assert str(pointers[3].oid) in str(damage)
    keep(cache, b"fetched since")
    cache.settle()
    assert seals_of_packs(cache) == {BOOT, LASTING}
    again = Cache(cache.root)
    assert again.recover() == []
    assert seals_of_packs(cache) == {LASTING}
    assert not again.has(*pointers[3])
    assert len(held(again, pointers)) == MANY - 1


# Damage


def test_a_damaged_object_is_told_and_missing_then(cache):
    pointers = put(cache)
    cache.finish()
    (path,) = packs_of(cache)
    overwrite(path, place_of(path, pointers[5]), b"X", keep_times=True)
    with pytest.raises(Damaged, match=f"{pointers[5].oid}.*is damaged") as told:
        cache.open(*pointers[5])
    assert "git data pull" in told.value.hint
    for who in (cache, Cache(cache.root)):
        assert not who.has(*pointers[5])
        with pytest.raises(NotFound):
            who.open(*pointers[5])
        assert len(held(who, pointers)) == MANY - 1
    assert folder_of(cache, "damaged") == [path.name]
    put(cache)
    cache.finish()
    assert len(held(Cache(cache.root), pointers)) == MANY


@pytest.mark.parametrize("at", [-1, -8, -20, -40, -60])
def test_a_damaged_end(cache, at):
    """Trailer or table: what the pack holds is found without them."""
    pointers = put(cache)
    cache.finish()
    (path,) = packs_of(cache)
    size = path.stat().st_size
    overwrite(path, size + at, bytes([path.read_bytes()[at] ^ 1]))
    again = Cache(cache.root)
    assert len(held(again, pointers)) == MANY
    assert folder_of(cache, "damaged") == [path.name]
    assert [one.name for one in packs_of(cache)] != [path.name]


@pytest.mark.parametrize("kept", [0, 10, 18, 60, 200, 900])
def test_a_pack_that_was_cut_off(cache, kept):
    pointers = put(cache)
    cache.finish()
    (path,) = packs_of(cache)
    os.truncate(path, kept)
    found = held(Cache(cache.root), pointers)
    assert found == [b"object %d" % n for n in range(len(found))]
    assert (len(found) > 0) == (kept > 18 + 48)


def test_a_pack_without_its_table_whose_first_object_is_damaged(cache):
    """Nothing of it can be told from garbage, and it is kept for people to look at."""
    pointers = put(cache)
    cache.finish()
    (path,) = packs_of(cache)
    os.truncate(path, 800)
    overwrite(path, place_of(path, pointers[0]), b"X")
    assert held(Cache(cache.root), pointers) == []
    assert folder_of(cache, "damaged") == [path.name]


def test_what_is_no_pack_is_let_alone(cache, tmp_path):
    pointers = put(cache)
    cache.finish()
    folder = packs_of(cache)[0].parent
    (tmp_path / "precious").write_bytes(b"precious")
    (folder / ("1" * 32)).symlink_to(tmp_path / "precious")
    os.mkfifo(folder / ("2" * 32))
    (folder / ("3" * 32)).mkdir()
    (folder / "README").write_bytes(b"no pack")
    again = Cache(cache.root)
    assert len(held(again, pointers)) == MANY
    assert not again.has(hash_bytes(b"precious"), 8)
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert len(packs_of(cache)) == 5


def test_a_table_that_lies(cache):
    """A seal can be set by everybody: the content is hashed all the same, and sizes are bounded."""
    lie = hash_bytes(b"lie")
    rows = [
        cachepack.Row(lie, 18, 3),
        cachepack.Row(hash_bytes(b"a"), 1 << 62, 1),
        cachepack.Row(hash_bytes(b"b"), 18, 1 << 62),
    ]
    folder = os.path.join(cache.root, "packs")
    os.makedirs(folder)
    path = os.path.join(folder, "0" * 32)
    table = cachepack.Table.of(rows)
    with open(path, "wb") as file:
        file.write(cachepack.MAGIC + b"abc" + table.with_trailer(21))
    found = os.stat(path)
    seal.set_seal(path, table.id, found.st_size, found.st_ino, lasting=True)
    for oid, size in ((lie, 3), (hash_bytes(b"a"), 1)):
        with pytest.raises(DataError):
            cache.open(oid, size)
    assert not cache.has(hash_bytes(b"b"), 1)
    os.utime(path)
    assert list(Cache(cache.root).objects()) == []


@pytest.mark.parametrize("offset", [0, 1, 1 << 62, (1 << 64) - 1])
def test_a_trailer_that_lies(cache, offset):
    pointers = put(cache)
    cache.finish()
    (path,) = packs_of(cache)
    size = path.stat().st_size
    overwrite(path, size - 16, struct.pack("<Q", offset))
    assert len(held(Cache(cache.root), pointers)) == MANY


# Kills, threads, processes, full disks

PUT_FOR_EVER = """
import itertools, sys
from git_data import cache as module
module.SINGLE_FILES = 0
cache = module.Cache(sys.argv[1])
for number in itertools.count():
    cache.put(b"object %d" % number)
    print(number, flush=True)
"""


def test_kill_9_loses_nothing(cache):
    for turn in (1, 10, 100):
        writer = python(PUT_FOR_EVER, cache.root)
        lines = [writer.stdout.readline() for _ in range(turn)]
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        pointers = [Pointer(hash_bytes(b"object %d" % n), 7 + len(str(n))) for n in range(turn)]
        assert len(held(Cache(cache.root), pointers)) == len(lines)
    assert seals_of_packs(cache) == {LASTING}
    assert folder_of(cache, "tmp") == []


def test_a_torn_record_is_no_object(cache):
    put(cache, 2)
    writer = cache.folder.packed._writer
    os.pwrite(writer.fd, hash_bytes(b"torn") + struct.pack("<Q", 4) + b"to", writer._end)
    os.close(writer.fd)  # as when its process dies
    again = Cache(cache.root)
    assert set(again.objects()) == {(hash_bytes(b"object %d" % n), 8) for n in range(2)}
    assert not again.has(hash_bytes(b"torn"), 4)


def test_who_looks_before_the_writer_has_its_lock(cache, monkeypatch):
    """The file is removed as one of the dead; the writer makes another."""
    locking, looked = packfile.lock_file, []

    def look_first(fd, wait):
        if not looked:
            looked.append(list(Cache(cache.root).objects()))
        return locking(fd, wait)

    monkeypatch.setattr(packfile, "lock_file", look_first)
    pointers = put(cache)
    cache.finish()
    assert looked == [[]]
    assert len(held(Cache(cache.root), pointers)) == MANY


def test_who_looks_while_the_writer_ends_it(cache, monkeypatch):
    locking = packed.lock_file
    pointers = put(cache)

    def end_first(fd, wait):
        cache.finish()
        return locking(fd, wait)

    monkeypatch.setattr(packed, "lock_file", end_first)
    assert len(held(Cache(cache.root), pointers)) == MANY
    assert len(packs_of(cache)) == 1
    assert folder_of(cache, "damaged") == []
    assert seals_of_packs(cache) == {LASTING}


def test_where_there_are_many_packs_objects_get_files(cache, monkeypatch):
    """Each pack is one more to look through."""
    monkeypatch.setattr(packed, "MOST_PACKS", 3)
    pointers = []
    for turn in range(5):
        one = Cache(cache.root)
        pointers += put(one, 3, start=3 * turn)
        one.finish()
    assert len(packs_of(cache)) == 3
    assert len(held(Cache(cache.root), pointers)) == 15
    assert [os.path.exists(cache.path(one.oid)) for one in pointers] == 9 * [False] + 6 * [True]


def test_a_pack_that_was_removed_as_dead_is_made_under_another_name(cache, monkeypatch):
    """Who took the first one for dead must not hold the second one to be that."""
    locking, names = packfile.lock_file, []
    reader = Cache(cache.root)

    def look_first(fd, wait):
        names.extend(path.name for path in packs_of(cache))
        if len(names) == 1:
            reader.has(hash_bytes(b"anything"), 8)
        return locking(fd, wait)

    monkeypatch.setattr(packfile, "lock_file", look_first)
    pointers = put(cache)
    cache.finish()
    assert len({*names}) == 2
    put(reader, 5, start=100)
    reader.finish()
    assert len(held(Cache(cache.root), pointers)) == MANY


def test_a_file_that_a_crash_emptied_is_not_sealed_for_its_packed_twin(cache, monkeypatch):
    data = b"twice here"
    oid = hash_bytes(data)
    monkeypatch.setattr("git_data.cache.SINGLE_FILES", 1)
    Cache(cache.root).keep([(oid, data)])
    monkeypatch.setattr("git_data.cache.SINGLE_FILES", 0)
    keep(cache, data, b"another")
    cache.settle()
    path = cache.path(oid)
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(bytes(len(data)))
    adding = Cache(cache.root)
    put(adding, 1)
    adding.put(data)
    adding.finish()
    for who in (adding, Cache(cache.root)):
        assert content(who, Pointer(oid, len(data))) == data


def test_what_an_append_that_failed_has_written_is_not_overwritten(cache, monkeypatch):
    """Another process may have found it there, and relies on it."""
    pwrite, others = os.pwrite, Cache(cache.root)
    put(cache, 1)

    def no_room(fd, data, at):
        if len(data) == 3:
            monkeypatch.setattr(os, "pwrite", pwrite)
            raise OSError(28, "No space left on device")
        return pwrite(fd, data[: len(data) - 3], at)

    monkeypatch.setattr(os, "pwrite", no_room)
    with pytest.raises(DataError, match="No space left"):
        keep(cache, b"whole", b"torn off")
    whole = Pointer(hash_bytes(b"whole"), 5)
    assert others.has(*whole)
    assert others.put(b"whole") == whole
    others.finish()
    put(cache, 3, start=5)
    cache.finish()
    again = Cache(cache.root)
    assert content(again, whole) == b"whole"
    assert not again.has(hash_bytes(b"torn off"), 8)
    assert len(held(again, put(Cache(cache.root), 3, start=5))) == 3
    assert folder_of(cache, "damaged") == []


def test_damage_in_somebody_elses_pack(cache, monkeypatch):
    """Its seal is not ours to break, so each object is hashed to say whether it is there."""
    pointers = put(cache)
    cache.finish()
    (path,) = packs_of(cache)
    overwrite(path, place_of(path, pointers[2]), b"X", keep_times=True)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    mine = Cache(cache.root)
    assert not mine.has(*pointers[2])
    assert len(held(mine, pointers)) == MANY - 1
    mine.put(b"object 2")
    mine.finish()
    assert content(Cache(cache.root), pointers[2]) == b"object 2"
    assert packs_of(cache)[-1] == path


def test_a_pack_that_was_changed_meanwhile_is_not_sealed(cache):
    keep(cache, b"object 0", b"object 1")
    cache.settle()
    (path,) = packs_of(cache)
    adding = Cache(cache.root)
    (pointer,) = put(adding, 1)
    overwrite(path, place_of(path, pointer), b"X")
    adding.finish()
    again = Cache(cache.root)
    assert not again.has(*pointer)
    assert len(list(again.objects())) == 1


def test_a_bad_sector_is_damage(cache, monkeypatch):
    pointers = put(cache)
    cache.finish()
    pread, bad = os.pread, cache.folder.packed._find(*pointers[4])

    def unreadable(fd, size, at):
        if at == bad.offset:
            raise OSError(5, "Input/output error")
        return pread(fd, size, at)

    monkeypatch.setattr(os, "pread", unreadable)
    with pytest.raises(Damaged):
        cache.open(*pointers[4])
    again = Cache(cache.root)
    assert not again.has(*pointers[4])
    assert len(held(again, pointers)) == MANY - 1


def test_a_fork_leaves_its_parents_pack_alone(cache):
    pointers = put(cache, 2)
    child = os.fork()
    if child == 0:
        put(cache, 20, start=100)
        cache.finish()
        os._exit(0)
    pointers += put(cache, 20, start=200)
    assert os.waitpid(child, 0)[1] == 0
    cache.finish()
    pointers += [Pointer(hash_bytes(b"object %d" % n), 10) for n in range(100, 120)]
    assert len(held(Cache(cache.root), pointers)) == 42


def test_a_folder_of_packs_that_is_not_ours_to_read(cache, monkeypatch):
    pointers = put(cache)
    cache.finish()

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    again = Cache(cache.root)
    monkeypatch.setattr(os, "listdir", refuse)
    assert not again.has(*pointers[0])
    with pytest.raises(NotFound):
        again.open(*pointers[0])


def test_nothing_is_left_open(cache):
    before = len(os.listdir("/dev/fd"))
    for turn in range(200):
        put(cache, 1, start=turn)
        cache.finish()
    assert len(os.listdir("/dev/fd")) <= before + packed.MOST_PACKS


STORM = """
import os, random, sys
from git_data import cache as module, packed
from git_data.oid import hash_bytes
module.SINGLE_FILES, packed.MOST_PACKS = 0, 100_000
choose = random.Random(int(sys.argv[2]))
for turn in range(1000):
    cache = module.Cache(sys.argv[1])
    put = [b"object %d" % choose.randrange(3000) for _ in range(choose.randrange(1, 30))]
    for data in put:
        cache.put(data)
    cache.finish()
    print(*(data[7:].decode() for data in put), flush=True)
"""


def test_many_writers_of_which_some_are_killed(cache):
    """What was acknowledged is there for everybody, always."""
    writers, lines = [python(STORM, cache.root, n) for n in range(4)], []
    for kill in range(12):
        lines += [writers[kill % 4].stdout.readline() for _ in range(3)]
        writers[kill % 4].kill()
        lines += writers[kill % 4].communicate()[0].splitlines()[:-1]
        writers[kill % 4] = python(STORM, cache.root, 10 + kill)
    for writer in writers:
        writer.kill()
        lines += writer.communicate()[0].splitlines()[:-1]
    told = {int(word) for line in lines for word in line.split()}
    pointers = [Pointer(hash_bytes(b"object %d" % n), 7 + len(str(n))) for n in told]
    assert len(pointers) > 100
    assert len(held(Cache(cache.root), pointers)) == len(pointers)


def test_a_full_pack_is_ended(cache, monkeypatch):
    monkeypatch.setattr(packfile, "PACK_OBJECTS", 6)
    pointers = put(cache)
    cache.finish()
    assert len(packs_of(cache)) == 4
    assert seals_of_packs(cache) == {LASTING}
    assert len(held(Cache(cache.root), pointers)) == MANY


FILL = """
import os, sys
from git_data import cache as module
from git_data.errors import DataError
def use():
    module.SINGLE_FILES = 0
    ballast = os.path.join(sys.argv[1], "ballast")
    with open(ballast, "wb") as file:
        file.write(bytes(200_000))
    root = os.path.join(sys.argv[1], "git-data")
    cache, held = module.Cache(root), []
    try:
        for number in range(100_000):
            held.append(cache.put(b"%d" % number + bytes(20_000)))
    except DataError as error:
        print(error)
    os.unlink(ballast)
    cache.finish()
    print(len(held) > 10, all(module.Cache(root).has(*one) for one in held))
"""


@pytest.mark.parametrize("limit", [LIMITED, MOUNTED])
def test_a_full_disk(tmp_path, limit):
    """What was acknowledged is there; the next one fails, with the reason."""
    out = on_a_disk_of_its_own(FILL + limit, tmp_path)
    told, held = out.splitlines()
    assert told.startswith(f"cannot store objects in {tmp_path}/git-data: ")
    assert told.endswith("make room, then do it again; nothing was lost")
    assert held == "True True"
