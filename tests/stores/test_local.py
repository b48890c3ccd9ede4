"""The folder store among real processes, on disks that are full, read-only or gone."""

import os
import shutil
import signal
import stat
from pathlib import Path

import pytest

from git_data.errors import SAFE, Damaged, NotFound, StoreError, Unreachable, UsageError
from git_data.oid import hash_bytes
from git_data.stores import open_store
from git_data.stores.local import LocalStore

from ..helpers.disks import BE_NOBODY, LIMITED, MOUNTED, on_a_disk_of_its_own, public, python

__all__ = ["public"]  # a fixture
NAME = "data/packs/ab/abcdef"


def opened(folder):
    return LocalStore(folder, create=True)


def files_in(folder):
    return sorted(
        str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()
    )


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


# Opening


def test_addresses(tmp_path):
    LocalStore(tmp_path / "a b", create=True).replace_if("data/manifest", b"{}", None)
    for url in ("a b", "./a b", str(tmp_path / "a b"), f"file://{tmp_path}/a%20b"):
        store = open_store(url, base=str(tmp_path))
        assert store.url == str(tmp_path / "a b")
        assert store.size("data/manifest") == 2


@pytest.mark.parametrize("url", ["s9://bucket", "ftp://host/folder", "file://host/folder"])
def test_addresses_of_no_known_kind(tmp_path, url):
    with pytest.raises(UsageError, match="a folder"):
        open_store(url, base=str(tmp_path), create=True)


def test_a_folder_is_used_only_if_it_is_a_store(tmp_path):
    (tmp_path / "photos" / "data").mkdir(parents=True)
    for name, why in (("photos", "is no store"), ("gone", "is not there")):
        with pytest.raises(NotFound, match=why) as caught:
            open_store(name, base=str(tmp_path))
        assert f"git data store {tmp_path}/{name}" in caught.value.hint
    assert os.listdir(tmp_path) == ["photos"]


def test_opening_to_create_touches_nothing_yet(tmp_path):
    store = opened(tmp_path / "store")
    assert store.read_small("data/manifest", 10) is None
    assert list(store.list("")) == []
    assert not (tmp_path / "store").exists()


# Several processes

RACE = """
import sys
from git_data.errors import Conflict
from git_data.stores.local import LocalStore
store, me = LocalStore(sys.argv[1], create=True), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for turn in range(int(sys.argv[3])):
    while True:
        found = store.read_small("data/manifest", 1 << 20)
        data = found.data if found else b""
        line = f"{me} {turn}\\n".encode()
        try:
            store.replace_if("data/manifest", data + line, found.version if found else None)
            break
        except Conflict:
            pass
"""


def test_processes_that_race_for_the_manifest_lose_nothing(tmp_path):
    racers = [python(RACE, tmp_path / "store", me, 12) for me in range(4)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    assert [racer.wait() for racer in racers] == [0] * 4
    lines = LocalStore(tmp_path / "store").read_small("data/manifest", 1 << 20).data.split(b"\n")
    assert len(lines) == 4 * 12 + 1
    for me in range(4):
        turns = [int(line.split()[1]) for line in lines if line.startswith(b"%d " % me)]
        assert turns == list(range(12))


WRITE_ON = """
import itertools, sys
from git_data.oid import hash_bytes
from git_data.stores.local import LocalStore
store = LocalStore(sys.argv[1], create=True)
version = None
for number in itertools.count():
    content = number.to_bytes(8, "big") * 40_000
    name = hash_bytes(content).hex()
    store.write(f"data/packs/{name[:2]}/{name}", [content])
    version = store.replace_if("data/manifest", name.encode() * 5_000, version)
    print(name, flush=True)
"""


def test_kill_9_in_the_middle_leaves_nothing_half(tmp_path):
    for turn in range(6):
        folder = tmp_path / str(turn)
        writer = python(WRITE_ON, folder)
        confirmed = [writer.stdout.readline().strip() for _ in range(turn + 1)]
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        store = LocalStore(folder)
        for name, _ in store.list("data/packs"):
            assert hash_bytes(store.read(name)).hex() == name.rpartition("/")[2]
        there = {name.rpartition("/")[2] for name, _ in store.list("data/packs")}
        assert there >= set(confirmed)
        manifest = store.read_small("data/manifest", 1 << 20)
        assert manifest.data == manifest.data[:64] * 5_000
        assert manifest.data[:64].decode() in there
        # The next writer is not held up by the dead one's lock, and cleans up after it.
        store.replace_if("data/manifest", b"next", manifest.version)
        assert os.listdir(folder / "tmp") == []


HALF = """
import sys
from git_data.stores.local import LocalStore
store = LocalStore(sys.argv[1], create=True)
def parts():
    yield b"half"
    print("half", flush=True)
    sys.stdin.readline()
store._folder(sys.argv[1] + "/data")
store._write(sys.argv[1] + "/data/file", parts(), 0o444)
"""


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    killed = python(HALF, tmp_path)
    assert killed.stdout.readline() == "half\n"
    assert len(os.listdir(tmp_path / "tmp")) == 1
    killed.kill()
    killed.wait()
    store = opened(tmp_path)
    assert list(store.list("")) == []
    store.write(NAME, [b"abc"])
    assert os.listdir(tmp_path / "tmp") == []
    assert files_in(tmp_path) == [NAME]


def test_what_a_live_writer_is_writing_stays(tmp_path):
    alive = python(HALF, tmp_path)
    assert alive.stdout.readline() == "half\n"
    store = opened(tmp_path)
    store.write(NAME, [b"abc"])
    assert len(os.listdir(tmp_path / "tmp")) == 1
    alive.communicate("\n")
    assert alive.returncode == 0
    assert store.read("data/file") == b"half"


# Full disks

FULL_DISK = """
import os, sys
from git_data.errors import StoreError
from git_data.stores.local import LocalStore
def use():
    folder = sys.argv[1]
    store = LocalStore(folder, create=True)
    version = store.replace_if("data/manifest", b"before", None)
    for work in (
        lambda: store.write("data/packs/ab/ab", [os.urandom(1 << 20)] * 3),
        lambda: store.replace_if("data/manifest", bytes(3 << 20), version),
    ):
        try:
            work()
        except StoreError as error:
            print(type(error).__name__, error)
    print(store.size("data/packs/ab/ab"), store.read_small("data/manifest", 10).data)
    print(os.listdir(folder + "/tmp"))
    store.replace_if("data/manifest", b"after", version)
    print(store.read_small("data/manifest", 10).data)
"""


def check_full(out, folder, reason):
    lines = out.splitlines()
    for line, name in zip(lines, ("data/packs/ab/ab", "data/manifest"), strict=False):
        assert line.startswith(f"StoreError cannot write {folder}/{name}: {reason}")
        assert SAFE in line
    assert lines[2:] == ["None b'before'", "[]", "b'after'"]


def test_a_write_that_does_not_fit_leaves_nothing(tmp_path):
    out, _ = python(FULL_DISK + LIMITED, tmp_path).communicate()
    check_full(out, tmp_path, "File too large")


def test_a_full_disk_leaves_nothing(tmp_path):
    out = on_a_disk_of_its_own(FULL_DISK + MOUNTED, tmp_path)
    check_full(out, tmp_path, "No space left on device")


# Folders that may not be written, or are gone

IMPORTS = """
import sys
from git_data.errors import DataError
from git_data.stores.local import LocalStore
"""
AS_NOBODY = """
store = LocalStore(sys.argv[1])
print(store.read_small("data/manifest", 10).data, store.read("data/packs/ab/abcdef"))
for work in (
    lambda: store.write("data/packs/ab/new", [b"x"]),
    lambda: store.write("data/packs/new/new", [b"x"]),
    lambda: store.replace_if("data/manifest", b"x", store.read_small("data/manifest", 9).version),
    lambda: store.delete("data/packs/ab/abcdef"),
):
    try:
        work()
        print("done")
    except DataError as error:
        print(type(error).__name__, error)
"""

OPEN_AS_NOBODY = """
try:
    LocalStore(sys.argv[1])
except DataError as error:
    print(type(error).__name__, error)
"""


def filled(folder):
    store = opened(folder)
    store.write(NAME, [b"abc"])
    store.replace_if("data/manifest", b"{}", None)
    return store


def close(folder):
    """Nobody may write below."""
    for path in [folder, *folder.rglob("*")]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)


def test_without_permission_one_may_read_and_is_told(public):
    filled(public / "store")
    close(public / "store")
    out, _ = python(IMPORTS + BE_NOBODY + AS_NOBODY, public / "store").communicate()
    first, *lines = out.splitlines()
    assert first == "b'{}' b'abc'"
    assert len(lines) == 4
    for line in lines:
        assert line.startswith("Denied cannot ")
        assert f"{public}/store" in line
        assert line.endswith(f"Permission denied; {SAFE}")
    assert files_in(public / "store") == ["data/manifest", "data/manifest.lock", NAME]


def test_a_store_that_may_not_be_read(public):
    filled(public / "store")
    os.chmod(public / "store" / "data", 0)
    out, _ = python(IMPORTS + BE_NOBODY + OPEN_AS_NOBODY, public / "store").communicate()
    assert out.startswith(f"Denied cannot look at {public}/store/data/manifest: Permission denied")


READ_ONLY = MOUNTED.replace(
    "use()",
    """
from git_data.errors import DataError
from git_data.stores.local import LocalStore
LocalStore(sys.argv[1], create=True).replace_if("data/manifest", b"{}", None)
if not mount(b"none", folder, None, 0x21, None):  # MS_REMOUNT | MS_RDONLY
    sys.exit("cannot")
store = LocalStore(sys.argv[1])
print(store.read("data/manifest"))
for work in (
    lambda: store.write("data/packs/new/new", [b"x"]),
    lambda: store.replace_if("data/manifest", b"x", store.read_small("data/manifest", 9).version),
    lambda: store.delete("data/manifest"),
):
    try:
        work()
    except DataError as error:
        print(type(error).__name__, error)
""",
)


def test_a_read_only_disk(tmp_path):
    out = on_a_disk_of_its_own(READ_ONLY, tmp_path)
    first, *lines = out.splitlines()
    assert first == "b'{}'"
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("Denied cannot ")
        assert line.endswith(f"Read-only file system; {SAFE}")


def test_a_disk_that_went_away_is_not_written_beside(tmp_path):
    """A folder that was a mount: when the disk is gone, its name may be gone or empty."""
    filled(tmp_path / "store")
    store = LocalStore(tmp_path / "store")
    store.write("data/packs/cd/cd", [b"x"])
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    for ask in (
        lambda: store.read(NAME, 0, 1),
        lambda: store.read_small("data/manifest", 10),
        lambda: store.write("data/packs/ab/new", [b"x"]),
        lambda: store.write("data/packs/ef/new", [b"x"]),
        lambda: store.replace_if("data/manifest", b"x", None),
        lambda: list(store.list("")),
        lambda: store.delete(NAME),
    ):
        with pytest.raises(Unreachable, match=f"the folder {tmp_path}/store of the store"):
            ask()
    assert os.listdir(tmp_path) == ["elsewhere"]
    (tmp_path / "elsewhere").rename(tmp_path / "store")
    store.write("data/packs/ef/new", [b"x"])
    assert store.size("data/packs/ef/new") == 1


def test_a_folder_that_somebody_removed_is_made_again(tmp_path):
    store = filled(tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "data" / "packs")
    shutil.rmtree(tmp_path / "store" / "tmp")
    store.write(NAME, [b"abc"])
    assert store.read(NAME) == b"abc"


# Odd things under a name


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_plain_file_is_not_waited_for(tmp_path, make):
    store = filled(tmp_path)
    make(tmp_path / "data" / "odd")
    with pytest.raises(StoreError, match="data/odd"):
        store.read("data/odd", 0, 1)
    with pytest.raises(StoreError, match="data/odd"):
        store.read_small("data/odd", 1)
    assert store.size("data/odd") is None


def test_files_of_others_are_not_listed(tmp_path):
    store = filled(tmp_path)
    for name in ("HEAD", "data/Thumbs.db", "data/a b", "data/new\nline"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "data" / "link").symlink_to("nowhere")
    assert sorted(name for name, _ in store.list("")) == ["data/manifest", NAME]


def test_a_file_that_was_cut_off_is_named(tmp_path):
    store = filled(tmp_path)
    os.chmod(tmp_path / NAME, 0o644)
    os.truncate(tmp_path / NAME, 1)
    with pytest.raises(Damaged, match=f"{tmp_path}/{NAME} is damaged"):
        store.read(NAME, 0, 3)


# A folder that a group shares


def test_a_shared_folder_stays_shared_whatever_the_umask(tmp_path, umask):
    umask(0o077)
    os.chmod(tmp_path, 0o2775)
    filled(tmp_path)
    for path in [*tmp_path.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode & 0o2775 == 0o2775, path
        elif path.name.endswith(".lock"):
            assert mode & 0o664 == 0o664, path
        else:
            assert mode & 0o444 == 0o444, path


def test_a_private_folder_stays_private(tmp_path, umask):
    umask(0o077)
    os.chmod(tmp_path, 0o700)
    filled(tmp_path)
    for path in [*tmp_path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_packs_are_read_only_for_everybody(tmp_path, umask):
    umask(0o022)
    filled(tmp_path)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o444
