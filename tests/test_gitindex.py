"""Indexes made by Git, in every variant it knows: patched here, judged by Git."""

import os
import struct

import pytest

from git_data.errors import Damaged, FormatError
from git_data.gitindex import find, pack_stat, patch

FORMATS = ["sha1", "sha256"]
PAST = 1_000_000_000  # seconds
HASH_BYTES = {"sha1": 20, "sha256": 32}
NAMES = ["a.bin", "b with space.bin", "d/e/f.bin", "d/e/g.bin", "d/é\n.bin", "z" * 200]


def index_of(repo):
    return repo.git_dir / "index"


def load(repo):
    return bytearray(index_of(repo).read_bytes())


def stat_in(data, at):
    return bytes(data[at : at + 24] + data[at + 28 : at + 40])


def blobs(repo):
    """path -> blob of the entries at stage 0."""
    lines = repo.git("ls-files", "-s", "-z").out.split("\0")[:-1]
    fields = (line.split("\t", 1) for line in lines)
    return {os.fsencode(path): head.split()[1] for head, path in fields if head.split()[2] == "0"}


def extensions(data, object_format="sha1"):
    """The part behind the entries, without the checksum, found by its signatures."""
    end = len(data) - HASH_BYTES[object_format]
    starts = [data.find(name) for name in (b"TREE\0", b"UNTR\0", b"FSMN\0", b"link\0", b"sdir\0")]
    first = min((at for at in starts if at >= 0), default=end)
    return bytes(data[first:end])


def touch_all(repo, names):
    """Other content of another size, as a file that is put in place of its pointer; its time is
    long past, so that Git has no reason to read it."""
    for name in names:
        os.utime(repo.write(name, b"put in place " * 100), (PAST, PAST))


def stats_of(repo, names):
    known = blobs(repo)
    return {
        os.fsencode(name): (known[os.fsencode(name)], pack_stat(os.lstat(repo.path / name)))
        for name in names
    }


def settle(repo):
    """Times long past, so that Git trusts its entries."""
    for name in blobs(repo):
        os.utime(repo.path / os.fsdecode(name), (PAST, PAST))
    repo.git("update-index", "-q", "--refresh")


def patch_all(repo, names, object_format="sha1"):
    """Patch in place; the bytes before and after, and the paths that were patched."""
    before = load(repo)
    data = bytearray(before)
    wanted = stats_of(repo, names)
    found = find(data, wanted, object_format)
    done = patch(data, found, wanted, object_format)
    index_of(repo).write_bytes(data)
    return before, data, done


def check(repo, names, object_format="sha1"):
    """Replace the files, patch, and let Git judge: the index is whole, nothing else changed."""
    touch_all(repo, names)
    assert {line[3:] for line in repo.status().splitlines()}
    before, data, done = patch_all(repo, names, object_format)
    assert done == {os.fsencode(name) for name in names}
    assert extensions(before, object_format) == extensions(data, object_format)
    assert len(before) == len(data)
    changed = sum(a != b for a, b in zip(before, data, strict=True))
    assert changed <= 36 * len(names) + HASH_BYTES[object_format]
    repo.git("fsck", "--strict")
    # Git trusts what the entries say: it reads no file and sees no change.
    assert repo.git("diff-files", "--name-only").out == ""
    assert repo.status() == ""


@pytest.fixture(params=FORMATS)
def object_format(request):
    return request.param


@pytest.fixture(params=[2, 3, 4])
def version(request):
    return request.param


def make(world, object_format="sha1", *config):
    repo = world.repo("repo", f"--object-format={object_format}")
    for setting in config:
        repo.git("config", *setting.split("="))
    for number, name in enumerate(NAMES):
        repo.write(name, f"content {number}\n")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "files")
    settle(repo)
    return repo


def set_version(repo, version):
    repo.git("update-index", "--index-version", str(version))
    if version == 3:  # Git writes it where an entry needs the further flags
        repo.write("later.txt", "x")
        repo.git("add", "-N", "later.txt")
        repo.git("update-index", "--skip-worktree", NAMES[1])
    assert struct.unpack_from(">I", load(repo), 4) == (version,)


def test_git_reads_what_is_patched(world, object_format, version):
    repo = make(world, object_format)
    set_version(repo, version)
    names = [name for name in NAMES if version != 3 or name != NAMES[1]]
    touch_all(repo, names)
    _, _, done = patch_all(repo, names, object_format)
    assert done == {os.fsencode(name) for name in names}
    repo.git("fsck", "--strict")
    assert repo.status().replace(" A later.txt\n", "") == ""


def test_entries_that_git_wrote_are_read_the_same(world, object_format, version):
    repo = make(world, object_format)
    set_version(repo, version)
    data = load(repo)
    found = find(data, blobs(repo), object_format)
    assert set(found.offsets) == set(blobs(repo))
    for path, at in found.offsets.items():
        if path != b"later.txt":  # known by name only
            assert stat_in(data, at) == pack_stat(os.lstat(repo.path / os.fsdecode(path)))
        assert data[at + 40 :].startswith(bytes.fromhex(blobs(repo)[path]))


def test_only_the_named_entries_change(world, object_format):
    repo = make(world, object_format)
    touch_all(repo, NAMES)
    before, data, _ = patch_all(repo, NAMES[:2], object_format)
    others = find(data, blobs(repo), object_format).offsets
    for name in NAMES[2:]:
        at = others[os.fsencode(name)]
        assert stat_in(before, at) == stat_in(data, at)
    changed = repo.git("diff-files", "--name-only", "-z").out.split("\0")[:-1]
    assert sorted(changed) == sorted(NAMES[2:])


def test_an_entry_of_another_blob_is_left_alone(world):
    repo = make(world)
    data = load(repo)
    before = bytes(data)
    stat = pack_stat(os.lstat(repo.path / NAMES[0]))
    wanted = {b"a.bin": ("0" * 40, stat), b"no such": ("0" * 40, stat), b"d/e/f.bin": ("", stat)}
    assert patch(data, find(data, wanted), wanted) == set()
    assert data == before


def test_an_unmerged_entry_is_left_alone(world):
    repo = make(world)
    for branch, content in (("one", "1"), ("two", "2")):
        repo.git("checkout", "-q", "-b", branch, "main")
        repo.commit(branch, **{"a.bin": content, "d/e/g.bin": "same"})
    repo.git("merge", "-q", "one", code=1)
    repo.write("d/e/f.bin", "settled")
    repo.git("add", "d/e/f.bin")
    stages = [line.split()[1:3] for line in repo.git("ls-files", "-s", "a.bin").out.splitlines()]
    assert [stage for _, stage in stages] == ["1", "2", "3"]
    stat = pack_stat(os.lstat(repo.path / "a.bin"))
    for blob, _ in stages:
        data = load(repo)
        before = bytes(data)
        wanted = {b"a.bin": (blob, stat)}
        assert patch(data, find(data, wanted), wanted) == set()
        assert data == before


def test_extensions_of_a_cache_tree_and_an_untracked_cache_stay(world, object_format):
    repo = make(world, object_format, "core.untrackedCache=true")
    repo.git("update-index", "--untracked-cache")
    assert repo.status() == ""
    assert b"UNTR" in load(repo) and b"TREE" in load(repo)
    check(repo, NAMES, object_format)
    repo.write("new.txt", "x")
    assert repo.status() == "?? new.txt\n"


def test_the_ends_of_entries_that_git_noted_stay_right(world, object_format, version):
    repo = make(
        world,
        object_format,
        "index.recordEndOfIndexEntries=true",
        "index.recordOffsetTable=true",
        "index.threads=2",
    )
    set_version(repo, version)
    names = [name for name in NAMES if version != 3 or name != NAMES[1]]
    assert b"EOIE" in load(repo)
    touch_all(repo, names)
    before, data, _ = patch_all(repo, names, object_format)
    at, size = data.find(b"EOIE"), HASH_BYTES[object_format]
    assert before[at:-size] == data[at:-size]
    repo.git("fsck", "--strict")
    assert repo.status().replace(" A later.txt\n", "") == ""


def test_the_extension_of_a_file_monitor_stays(world):
    repo = make(world)
    hook = repo.write(".git/monitor", '#!/bin/sh\nprintf "token\\0/\\0"\n')
    hook.chmod(0o755)
    repo.git("config", "core.fsmonitor", str(hook))
    repo.status()
    assert b"FSMN" in load(repo)
    check(repo, NAMES)


def test_an_index_without_checksum_keeps_none(world):
    repo = make(world)
    data = load(repo)
    data[-20:] = bytes(20)  # as index.skipHash leaves it
    touch_all(repo, NAMES)
    wanted = stats_of(repo, NAMES)
    assert patch(data, find(data, wanted), wanted) == set(wanted)
    assert data[-20:] == bytes(20)
    index_of(repo).write_bytes(data)
    assert repo.status() == ""


def test_a_split_index_says_so(world, version):
    repo = make(world)
    set_version(repo, version)
    assert not find(load(repo), ()).split
    repo.git("update-index", "--split-index")
    repo.write("a.bin", "changed")
    repo.git("add", "a.bin")
    assert find(load(repo), (b"a.bin",)).split


def test_a_sparse_index_keeps_its_folders(world):
    repo = make(world)
    repo.commit("more", **{"in/x.bin": "x", "out/y.bin": "y"})
    repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    settle_names = ["a.bin", "in/x.bin"]
    data = load(repo)
    assert b"sdir" in data and b"out/y.bin" not in data and b"out/\0" in data
    check(repo, settle_names)
    assert repo.git("ls-files", "--sparse").out.splitlines()[-2:] == ["out/", NAMES[-1]]


@pytest.mark.parametrize("version", [2, 4])
def test_long_names(world, version):
    repo = make(world)
    blob = blobs(repo)[b"a.bin"]
    lengths = (4094, 4095, 4096, 5000)
    paths = [b"/".join([b"%04d" % n] + [b"x" * 99] * 60)[:n] for n in lengths]
    lines = b"".join(b"100644 %s\t%s\0" % (blob.encode(), path) for path in paths)
    repo.git("update-index", "-z", "--index-info", input=lines)
    repo.git("update-index", "--index-version", str(version))
    data = load(repo)
    assert set(find(data, {*paths, b"a.bin"}).offsets) == {*paths, b"a.bin"}
    wanted = {path: (blob, bytes(range(36))) for path in paths}
    assert patch(data, find(data, wanted), wanted) == set(paths)
    index_of(repo).write_bytes(data)
    assert set(paths) <= set(blobs(repo))
    repo.git("fsck", "--strict")


@pytest.mark.parametrize("version", [2, 4])
def test_a_hundred_thousand_entries(world, version):
    repo = make(world)
    blob = blobs(repo)[b"a.bin"]
    paths = [b"many/%03d/%06d.bin" % (n % 1000, n) for n in range(100_000)]
    lines = b"".join(b"100644 %s\t%s\0" % (blob.encode(), path) for path in paths)
    repo.git("update-index", "-z", "--index-info", input=lines)
    repo.git("update-index", "--index-version", str(version))
    data = load(repo)
    stat = struct.pack(">9I", 1, 2, 3, 4, 5, 6, 7, 8, 9)
    wanted = {path: (blob, stat) for path in paths[::2]}
    assert patch(data, find(data, wanted), wanted) == set(wanted)
    index_of(repo).write_bytes(data)
    told = repo.git("ls-files", "--debug", "many").out
    assert told.count("  ctime: 1:2\n  mtime: 3:4\n  dev: 5\tino: 6\n") == 50_000
    assert told.count("  size: 9\tflags: 0\n") == 50_000
    repo.git("fsck")


def test_an_empty_index(repo):
    repo.git("read-tree", "--empty")
    data = load(repo)
    assert find(data, (b"a",)).offsets == {}
    assert patch(data, find(data, ()), {}) == set()


def test_a_size_of_whole_4_gib_means_look_at_the_content(tmp_path):
    path = tmp_path / "huge"
    with open(path, "wb") as file:
        file.truncate(1 << 32)
    assert pack_stat(os.stat(path))[-4:] == bytes(4)
    with open(path, "wb") as file:
        file.truncate((1 << 32) + 7)
    assert pack_stat(os.stat(path))[-4:] == bytes([0, 0, 0, 7])


def test_a_damaged_index_is_never_patched(world):
    data = bytes(load(make(world)))
    for at in range(0, len(data) - 20, 7):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        with pytest.raises((Damaged, FormatError)):
            find(damaged, (b"a.bin",))
    for size in range(0, len(data), 13):
        with pytest.raises((Damaged, FormatError)):
            find(data[:size], (b"a.bin",))


@pytest.mark.parametrize("version", [2, 4])
def test_bytes_without_checksum_that_make_no_sense_are_refused_or_read(world, version):
    """With index.skipHash nothing tells damage from sense: no crash, whatever comes."""
    repo = make(world)
    repo.git("update-index", "--index-version", str(version))
    data = bytes(load(repo)[:-20]) + bytes(20)
    for size in range(12, len(data) - 20):
        cut = data[:size] + bytes(20)
        try:
            find(cut, (b"a.bin",))
        except FormatError:
            continue
    unknown = data[:4] + struct.pack(">I", 5) + data[8:]
    with pytest.raises(FormatError, match="version 5"):
        find(unknown, ())
