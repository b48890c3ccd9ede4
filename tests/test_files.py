"""Lasting files, locks, copies: each promise of files.py, on real files and real processes."""

import errno
import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from git_data import disk, files
from git_data.disk import copy_file, sync_all, sync_folder
from git_data.errors import Conflict, DataError
from git_data.files import (
    Temporary,
    make_folder,
    make_folders,
    open_temporary,
    remove_quietly,
    remove_stale,
    write_file,
)
from git_data.locks import Lock

from .helpers.disks import python


def names(folder):
    return sorted(os.listdir(folder))


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


# write_file


@pytest.mark.parametrize("data", [b"", b"abc", bytearray(b"abc"), [b"a", memoryview(b"bc")]])
@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_written_whole(tmp_path, data, durable):
    path = tmp_path / "folder" / "file"
    write_file(path, data, durable=durable)
    assert path.read_bytes() == (b"abc" if data else b"")
    assert names(path.parent) == ["file"]


def test_what_was_there_is_replaced(tmp_path):
    write_file(tmp_path / "file", b"old, and longer")
    write_file(str(tmp_path / "file"), b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_a_symbolic_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_file(tmp_path / "file", b"new")
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert not (tmp_path / "file").is_symlink()


def test_without_replace_an_existing_file_is_a_conflict(tmp_path):
    write_file(tmp_path / "file", b"first", replace=False)
    with pytest.raises(Conflict, match="file is there already"):
        write_file(tmp_path / "file", b"second", replace=False)
    assert (tmp_path / "file").read_bytes() == b"first"
    assert names(tmp_path) == ["file"]


def test_without_replace_one_of_many_wins(tmp_path):
    won = []

    def write(number):
        try:
            write_file(tmp_path / "file", b"%d" % number, replace=False, durable=False)
        except Conflict:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (tmp_path / "file").read_bytes() == b"%d" % won[0]


def test_the_temporary_file_lies_where_it_is_told(tmp_path):
    seen = []

    def data():
        seen.extend(names(tmp_path / "tmp"))
        yield b"abc"

    write_file(tmp_path / "lasting" / "file", data(), tmp=tmp_path / "tmp")
    assert len(seen) == 1
    assert names(tmp_path / "tmp") == []
    assert names(tmp_path / "lasting") == ["file"]


def test_data_that_fails_on_the_way_leaves_what_was_there(tmp_path):
    def data():
        yield b"half"
        raise KeyError("gone")

    write_file(tmp_path / "file", b"old")
    with pytest.raises(KeyError):
        write_file(tmp_path / "file", data())
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("mask", "mode", "expected"), [(0o022, 0o777, 0o755), (0o077, 0o666, 0o600)]
)
def test_the_umask_narrows_the_mode(tmp_path, umask, mask, mode, expected):
    umask(mask)
    write_file(tmp_path / "file", b"", mode=mode)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == expected


def test_a_failure_names_the_path_and_leaves_nothing(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(DataError, match=f"cannot write {tmp_path}/file: "):
        write_file(tmp_path / "file", b"abc")
    assert names(tmp_path) == ["file"]


FILL = """
import resource, signal, sys
from git_data.errors import DataError
from git_data.files import write_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_file(sys.argv[1], [bytes(60_000)] * 3)
except DataError as error:
    print(error)
"""


def test_a_write_cut_short_is_no_file(tmp_path):
    """The limit makes the system write 40,000 of 60,000 bytes, and only then fail."""
    child = python(FILL, tmp_path / "file")
    out, _ = child.communicate()
    assert f"cannot write {tmp_path}/file: File too large" in out
    assert "nothing was lost" in out
    assert names(tmp_path) == []


# Temporaries


def test_leaving_without_publish_removes_the_temporary(tmp_path):
    with Temporary(tmp_path) as file:
        file.write(b"abc")
        assert names(tmp_path) == [os.path.basename(file.path)]
    assert names(tmp_path) == []


def test_long_content_arrives(tmp_path):
    block = os.urandom(1 << 20)
    with Temporary(tmp_path) as file:
        for _ in range(2 * files.WRITEBACK // len(block) + 1):
            file.write(block)
        file.publish(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == block * (2 * files.WRITEBACK // len(block) + 1)


HOLD = """
import os, sys
from git_data.files import open_temporary
fd, path = open_temporary(sys.argv[1])
os.write(fd, b"half")
print(path, flush=True)
sys.stdin.readline()
"""


def test_the_temporary_of_a_killed_process_goes_that_of_a_live_one_stays(tmp_path):
    killed, alive = python(HOLD, tmp_path), python(HOLD, tmp_path)
    left, used = killed.stdout.readline().strip(), alive.stdout.readline().strip()
    killed.kill()
    killed.wait()
    try:
        assert remove_stale(tmp_path) == 1
        assert names(tmp_path) == [os.path.basename(used)]
        assert not os.path.exists(left)
    finally:
        alive.communicate("\n")
    assert remove_stale(tmp_path) == 1


def test_write_file_removes_what_a_killed_writer_left_beside(tmp_path):
    killed = python(HOLD, tmp_path)
    killed.stdout.readline()
    killed.kill()
    killed.wait()
    assert len(names(tmp_path)) == 1
    write_file(tmp_path / "file", b"abc")
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc to ask")
def test_what_a_process_left_goes_though_nobody_asked_how_it_ended(tmp_path):
    """In a container that starts nothing else, the dead may wait for ever."""
    killed = python(HOLD, tmp_path)
    killed.stdout.readline()
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert remove_stale(tmp_path) == 1
    killed.wait()


def test_a_temporary_that_is_still_locked_stays_whoever_it_belongs_to(tmp_path):
    """Another container with the same host name: its process ids mean nothing here."""
    fd, path = open_temporary(tmp_path)
    owner, _, token = path.rpartition("-")
    elsewhere = f"{owner.rpartition('-')[0]}-4194305-{token}"  # no such process
    os.rename(path, elsewhere)
    assert remove_stale(tmp_path) == 0
    os.close(fd)
    assert remove_stale(tmp_path) == 1


def test_what_another_host_left_goes_when_it_is_old(tmp_path):
    path = tmp_path / "tmp-elsewhere-1-00"
    path.write_bytes(b"")
    assert remove_stale(tmp_path) == 0
    os.utime(path, (1e9, 1e9))
    assert remove_stale(tmp_path) == 1


@pytest.mark.parametrize("name", ["tmp-", "tmp-x", "tmp-a-b", "file", ".tmp-a-1-b"])
def test_other_files_stay(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert remove_stale(tmp_path) == 0
    assert names(tmp_path) == [name]


def test_stale_temporaries_of_no_folder():
    assert remove_stale("/nowhere/at/all") == 0


def test_remove_quietly(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    remove_quietly(tmp_path / "file")
    remove_quietly(tmp_path / "file")
    remove_quietly(tmp_path)
    assert names(tmp_path) == []


# Folders of a group


def test_new_folders_are_shared_as_the_one_above(tmp_path, umask):
    umask(0o077)
    os.chmod(tmp_path, 0o2770)
    make_folders(str(tmp_path / "a" / "b"))
    make_folders(str(tmp_path / "a" / "b"))
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o777 == 0o770
        assert folder.stat().st_mode & stat.S_ISGID


def test_new_folders_of_one_user_follow_the_umask(tmp_path, umask):
    umask(0o077)
    os.chmod(tmp_path, 0o755)
    make_folder(str(tmp_path / "a"))
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(FileExistsError):
        make_folder(str(tmp_path / "a"))
    with pytest.raises(NotADirectoryError):
        make_folders(str(tmp_path / "a" / "b"))
    with pytest.raises(FileNotFoundError):
        make_folder(str(tmp_path / "gone" / "b"))


# Locks


LOCKED = """
import sys
from git_data.locks import Lock
with Lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_lock_is_one_process_at_a_time(tmp_path):
    other = python(LOCKED, tmp_path / "folder" / "lock")
    assert other.stdout.readline() == "held\n"
    with (
        pytest.raises(Conflict, match="is locked by another process"),
        Lock(tmp_path / "folder" / "lock", timeout=0),
    ):
        pass
    other.communicate("\n")
    with Lock(tmp_path / "folder" / "lock", timeout=0):
        pass


def test_a_killed_holder_lets_go(tmp_path):
    other = python(LOCKED, tmp_path / "lock")
    assert other.stdout.readline() == "held\n"
    other.send_signal(signal.SIGKILL)
    other.wait()
    with Lock(tmp_path / "lock", timeout=0):
        pass


def test_a_lock_is_waited_for(tmp_path):
    other = python(LOCKED, tmp_path / "lock")
    assert other.stdout.readline() == "held\n"
    waiting = threading.Thread(target=lambda: Lock(tmp_path / "lock", timeout=30).__enter__())
    waiting.start()
    other.communicate("\n")
    waiting.join(30)
    assert not waiting.is_alive()


COUNT = """
import sys
from pathlib import Path
from git_data.locks import Lock
counter = Path(sys.argv[1])
for _ in range(50):
    with Lock(sys.argv[2]):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_a_lock_keeps_processes_and_threads_apart(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    others = [python(COUNT, counter, tmp_path / "lock") for _ in range(3)]

    def add():
        for _ in range(50):
            with Lock(tmp_path / "lock"):
                counter.write_text(str(int(counter.read_text()) + 1))

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0, 0]
    assert counter.read_text() == "250"


def test_a_lock_file_that_was_removed_under_its_holder_is_a_new_lock(tmp_path):
    with Lock(tmp_path / "lock"):
        os.unlink(tmp_path / "lock")
        with Lock(tmp_path / "lock", timeout=0):
            assert (tmp_path / "lock").exists()


def test_a_lock_that_cannot_be_made_says_where(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(DataError, match=f"cannot lock {tmp_path}/file/lock"),
        Lock(tmp_path / "file" / "lock"),
    ):
        pass


# Copies


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) + 1, (3 << 20) + 17])
def test_a_copy_is_the_same(tmp_path, size):
    (tmp_path / "a").write_bytes(os.urandom(size))
    assert copied(tmp_path / "a", tmp_path / "b") == size


def copied(source, target):
    with open(source, "rb") as a, open(target, "w+b") as b:
        a.seek(1)  # positions do not matter
        count = copy_file(a.fileno(), b.fileno())
    assert source.read_bytes() == target.read_bytes()
    return count


def test_a_copy_to_another_file_system(tmp_path):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        other = tmp_path  # then the one kind of copy is all there is
    target = other / f"git-data-test-{os.getpid()}"
    (tmp_path / "a").write_bytes(os.urandom(2_000_000))
    try:
        assert copied(tmp_path / "a", target) == 2_000_000
    finally:
        target.unlink()


def test_a_copy_of_a_file_whose_size_the_kernel_does_not_tell(tmp_path):
    """Files of /proc have size 0, and a kernel copy of them ends at once."""
    if not os.path.exists("/proc/self/status"):
        source = tmp_path / "a"
        source.write_bytes(b"x" * 100)
    else:
        source = Path("/proc/version")
    assert copied(source, tmp_path / "b") > 0


FULL_COPY = """
import resource, signal, sys
from git_data.disk import copy_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with open(sys.argv[1], "rb") as a, open(sys.argv[2], "wb") as b:
    try:
        copy_file(a.fileno(), b.fileno())
    except OSError as error:
        print(error.errno)
"""


def test_a_copy_that_does_not_fit_fails(tmp_path):
    (tmp_path / "a").write_bytes(os.urandom(300_000))
    out, _ = python(FULL_COPY, tmp_path / "a", tmp_path / "b").communicate()
    assert int(out) == errno.EFBIG


# Syncs: that they do what they say shows only when the power fails; that they work, here


@pytest.mark.parametrize("count", [0, 1, disk.FEW + 1])
def test_syncing_few_or_many(tmp_path, count):
    paths = [tmp_path / str(number % 3) / str(number) for number in range(count)]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"abc")
    sync_all([*paths, tmp_path / "gone"])
    sync_folder(tmp_path)


def test_syncing_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")


def test_boot_id_stays():
    assert len(disk.boot_id()) >= 16
    out, _ = python("from git_data.disk import boot_id; print(boot_id())").communicate()
    assert out.strip() == disk.boot_id()


# What a machine-made failure says


@pytest.mark.parametrize(
    ("code", "hint"),
    [(errno.ENOSPC, "make room"), (errno.EROFS, "check who may write"), (errno.EIO, "")],
)
def test_failures_hint_at_what_helps(code, hint):
    error = files.failure(OSError(code, os.strerror(code)), "write", "/a/b")
    assert error.message == f"cannot write /a/b: {os.strerror(code)}"
    assert error.hint.startswith(hint)
