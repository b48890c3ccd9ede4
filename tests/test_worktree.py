"""Files put in place of their pointers, in real repositories.

No filter is configured here, so Git takes a pointer for any other text. `git status` is clean after
placing only when Git trusts the stat data it was given: did it read a file, it would see a change.
"""

import os
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from git_data.cache import Cache
from git_data.errors import Conflict, Damaged, Denied, NotFound
from git_data.git import Git
from git_data.locks import Lock
from git_data.oid import hash_bytes
from git_data.placements import Entry, Journal, decode
from git_data.pointer import Pointer
from git_data.treewriter import is_safe
from git_data.worktree import Placement, Site, lock_inode, needs_recovery, place, recover

from .helpers.world import random_bytes

PAST = 1_000_000_000  # seconds: what has this time, Git has no reason to read
FILES = {
    "a.bin": random_bytes(3000, 1),
    "d/e/b.bin": random_bytes(70_000, 2),
    "d/e/c with\nnewline.bin": random_bytes(1 << 20, 3),
    "é.bin": b"x",
}


class Tree:
    """A repository with pointers in its work tree, and their content in its cache."""

    def __init__(self, repo, files=FILES, object_format="sha1"):
        self.repo = repo
        self.files = files
        self.cache = Cache(repo.git_dir / "git-data")
        self.pointers = {name: self.store(content) for name, content in files.items()}
        for name, pointer in self.pointers.items():
            repo.write(name, pointer.encode())
        (repo.path / "a.bin").chmod(0o755)
        repo.git("add", "-A")
        repo.git("commit", "-q", "-m", "pointers")
        self.settle()

    def store(self, content):
        with self.cache.writer() as writer:
            writer.write(content)
            return writer.commit()

    def settle(self):
        for name in self.pointers:
            os.utime(self.repo.path / name, (PAST, PAST))
        self.repo.git("update-index", "-q", "--refresh")

    def restore(self):
        """Pointers again, whatever became of the files."""
        for name, pointer in self.pointers.items():
            self.repo.write(name, pointer.encode())
        self.repo.git("add", "-u")  # a refresh would trust the other size
        self.settle()
        assert self.state() == set() and self.changed() == []

    def blob(self, name):
        return self.repo.git("rev-parse", f":{name}").out.strip()

    def placements(self):
        return [
            Placement(os.fsencode(name), pointer.encode(), pointer, self.blob(name))
            for name, pointer in self.pointers.items()
        ]

    def open(self, pointer):
        return self.cache.open(pointer.oid, pointer.size)

    def site(self, **changes):
        env, path = self.repo.world.env, self.repo.path
        git_dir = os.fspath(path / self.repo.git("rev-parse", "--git-dir").out.strip())
        site = Site(Git(path, env), os.fspath(path), git_dir, f"{git_dir}/index", self.open)
        return site._replace(**changes)

    def place(self, **changes):
        return place(self.placements(), self.site(**changes), since=0, patience=0.0)

    def state(self):
        """Names of the files that are in place; each is either its pointer or its content."""
        placed = set()
        for name, content in self.files.items():
            found = self.repo.read(name)
            assert found in (content, self.pointers[name].encode()), name
            if found == content:
                placed.add(name)
        return placed

    def changed(self, env=None):
        """What Git takes for changed by its stat data alone: no file is too young to be trusted."""
        index = self.site().index_file
        later = os.stat(index).st_mtime + 10
        os.utime(index, (later, later))
        return self.repo.git("diff-files", "--name-only", "-z", env=env).out.split("\0")[:-1]

    def leftovers(self):
        folder = Path(self.site().git_dir)
        below = [*(folder / "git-data" / "placing").glob("**/*"), *folder.glob("index.*")]
        return [*below, *self.repo.path.glob("**/.git-data-*")]

    def check(self):
        """All in place, Git sees no change and reads nothing, and nothing of ours is left."""
        assert self.state() == set(self.files)
        assert self.changed() == []
        assert self.repo.status() == ""
        self.repo.git("fsck", "--strict")
        assert self.leftovers() == []
        assert not needs_recovery(self.site().git_dir)


@pytest.fixture
def repo(bare_world):
    return bare_world.repo()


@pytest.fixture
def tree(repo):
    return Tree(repo)


def in_child(action):
    """Run in a forked process; how that ended: its exit status, or minus its signal.

    Returns when its own children have ended too: they hold the pipe's other end.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            status = action() or 0
        finally:
            os._exit(status)
    os.close(writer)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert os.read(reader, 1) == b""
    os.close(reader)
    return status


# In place


def test_files_are_put_in_place(tree):
    placed = tree.place()
    assert [item.path for item in placed.done] == [os.fsencode(name) for name in FILES]
    assert (placed.skipped, placed.failed, placed.index_error) == ([], [], None)
    tree.check()


def test_mode_and_time_are_those_of_the_pointer(tree):
    modes = {name: os.lstat(tree.repo.path / name).st_mode for name in FILES}
    tree.place()
    for name, mode in modes.items():
        found = os.lstat(tree.repo.path / name)
        assert (found.st_mode, found.st_mtime) == (mode, PAST)
    assert modes["a.bin"] & 0o111


def test_a_pointer_from_before_the_command_does_not_hand_down_its_time(tree):
    place(tree.placements(), tree.site())
    assert all(os.lstat(tree.repo.path / name).st_mtime > PAST for name in FILES)
    assert tree.state() == set(FILES)


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_every_kind_of_index(bare_world, object_format, version):
    repo = bare_world.repo("repo", f"--object-format={object_format}")
    repo.git("config", "index.version", str(version))
    tree = Tree(repo)
    tree.place()
    tree.check()


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_split_index_stays_split_and_knows_the_files(bare_world, object_format, version):
    tree = Tree(bare_world.repo("repo", f"--object-format={object_format}"))
    tree.repo.git("update-index", "--index-version", str(version))
    tree.repo.git("update-index", "--split-index")
    other = tree.repo.write("other.txt", "other")
    tree.repo.git("add", "other.txt")
    placed = tree.place()
    assert len(placed.done) == len(FILES) and placed.index_error is None
    assert tree.repo.git("diff", "--cached", "--name-only").out == "other.txt\n"
    tree.repo.git("fsck", "--strict")
    assert b"link" in Path(tree.site().git_dir, "index").read_bytes() and other.exists()
    # Nothing is up to date by its stat data alone in `reset --merge`, unless Git knows it.
    tree.repo.git("reset", "-q", "--merge")
    tree.check()


def test_a_linked_work_tree(tree):
    world = tree.repo.world
    tree.repo.git("worktree", "add", "-q", "../linked")
    linked = type(tree.repo)(world, world.root / "linked")
    there = Tree.__new__(Tree)
    there.__dict__ = {**tree.__dict__, "repo": linked}
    there.settle()
    there.place()
    there.check()
    assert tree.state() == set()


def test_the_index_of_git_index_file_is_the_one_that_changes(tree):
    other = tree.repo.path / ".git" / "other"
    other.write_bytes((tree.repo.path / ".git" / "index").read_bytes())
    tree.place(index_file=os.fspath(other))
    env = {"GIT_INDEX_FILE": str(other)}
    assert tree.repo.git("diff-files", "--name-only", env=env).out == ""
    assert len(tree.repo.git("diff-files", "--name-only", "-z").out.split("\0")[:-1]) == len(FILES)


def test_an_index_that_is_gone_stops_nobody(tree):
    placed = tree.place(index_file=os.fspath(tree.repo.path / ".git" / "gone"))
    assert placed.index_error is None and tree.state() == set(FILES)
    assert tree.leftovers() == []


def test_an_index_behind_a_symlink_stays_behind_it(tree):
    index, real = tree.repo.path / ".git" / "index", tree.repo.path / ".git" / "real"
    index.rename(real)
    index.symlink_to("real")
    tree.place()
    assert index.is_symlink()
    real_lock = real.with_name("real.lock")
    assert tree.repo.status() == "" and not real_lock.exists()
    real_lock.touch()
    assert lock_inode(os.fspath(index)) == real_lock.stat().st_ino


@pytest.fixture
def elsewhere(tmp_path, repo):
    """A folder on another file system."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == repo.path.stat().st_dev:
        pytest.skip("no second file system to write to")
    folder = Path(tempfile.mkdtemp(dir=shared))
    yield folder
    shutil.rmtree(folder)


def test_an_index_on_another_file_system(tree, elsewhere):
    """Its lock cannot be a hard link then."""
    index = elsewhere / "index"
    index.write_bytes((tree.repo.path / ".git" / "index").read_bytes())
    os.utime(index, (PAST + 10, PAST + 10))
    placed = tree.place(index_file=os.fspath(index))
    assert placed.index_error is None and len(placed.done) == len(FILES)
    env = {"GIT_INDEX_FILE": str(index)}
    assert tree.repo.git("diff-files", "--name-only", env=env).out == ""
    assert [path.name for path in elsewhere.iterdir()] == ["index"]
    (elsewhere / "index.lock").touch()
    tree.repo.write("a.bin", tree.pointers["a.bin"].encode())
    placed = tree.place(index_file=os.fspath(index))
    assert isinstance(placed.failed[0][1], Conflict) and (elsewhere / "index.lock").exists()


def test_a_work_tree_on_another_file_system(tree, elsewhere):
    """Temporaries cannot be renamed across: they lie beside the files then."""
    env = {"GIT_WORK_TREE": str(elsewhere), "GIT_DIR": str(tree.repo.path / ".git")}
    tree.repo.git("checkout", "-f", env=env)
    for name in FILES:
        os.utime(elsewhere / name, (PAST, PAST))
    tree.repo.git("update-index", "-q", "--refresh", env=env)
    site = tree.site(work_tree=os.fspath(elsewhere))

    def die(pointer):
        if pointer == tree.pointers["é.bin"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return tree.open(pointer)

    items = tree.placements()
    status = in_child(lambda: place(items, site._replace(open_object=die), since=0))
    assert status == -signal.SIGKILL and len([*elsewhere.glob("**/.git-data-*")]) == 3
    assert len(recover(site).done) == len(FILES)
    assert {name: (elsewhere / name).read_bytes() for name in FILES} == FILES
    assert tree.changed(env) == []
    assert [*elsewhere.glob("**/.git-data-*")] == [] and tree.leftovers() == []


def test_a_path_of_four_thousand_bytes(repo):
    name = "/".join(["n" * 99] * 40)
    os.makedirs(repo.path / "n" / "x")
    top = os.open(repo.path, os.O_RDONLY)
    cache = Cache(repo.git_dir / "git-data")
    pointer = cache.put(b"deep")
    fd = os.dup(top)
    for part in name.split("/")[:-1]:
        os.mkdir(part, dir_fd=fd)
        fd = os.open(part, os.O_RDONLY, dir_fd=fd)
    leaf = os.open("n" * 99, os.O_CREAT | os.O_WRONLY, dir_fd=fd)
    os.write(leaf, pointer.encode())
    os.close(leaf)
    git_dir = os.fspath(repo.path / ".git")
    site = Site(
        Git(repo.path, repo.world.env),
        os.fspath(repo.path),
        git_dir,
        git_dir + "/index",
        lambda found: cache.open(found.oid, found.size),
    )
    placed = place([Placement(name.encode(), pointer.encode(), pointer, "0" * 40)], site)
    assert placed.failed == [] and len(placed.done) == 1
    leaf = os.open("n" * 99, os.O_RDONLY, dir_fd=fd)
    assert os.read(leaf, 100) == b"deep"


def test_what_is_much_is_never_read_again(repo):
    """The index is written in a later second than such files: no `git status` reads them."""
    tree = Tree(
        repo, {f"{number:03}.bin": b"%d" % number for number in range(500)} | {"a.bin": b"x"}
    )
    for name, pointer in tree.pointers.items():
        repo.write(name, pointer.encode())
    tree.place()
    newest = max(int(os.lstat(repo.path / name).st_mtime) for name in tree.files)
    assert int(os.stat(tree.site().index_file).st_mtime) > newest
    assert repo.status() == ""


def test_a_file_too_young_to_be_trusted_stays_so(tree):
    """A same-size edit within the second of the index is seen by Git only as long as that holds."""
    tree.repo.write("same.txt", "text")
    tree.repo.write("edit.txt", "text")
    os.symlink("edit.txt", tree.repo.path / "link")
    tree.repo.git("add", "-A")
    index = Path(tree.site().index_file)
    moment = os.lstat(tree.repo.path / "edit.txt").st_mtime_ns
    os.utime(index, ns=(moment, moment))
    entry = os.lstat(tree.repo.path / "edit.txt")
    tree.repo.write("edit.txt", "TEXT")
    later = entry.st_mtime_ns + (1 if entry.st_mtime_ns % 10**9 < 10**9 - 1 else -1)
    os.utime(tree.repo.path / "edit.txt", ns=(later, later))
    tree.place()
    assert "edit.txt" in tree.changed()
    debug = tree.repo.git("ls-files", "--debug", "edit.txt", "same.txt", "link").out
    assert [line.split()[1] for line in debug.splitlines() if "size" in line] == ["0", "8", "4"]


def test_many_files_are_placed_by_threads(repo, monkeypatch):
    """Each fails alone, in whatever thread; what was changed meanwhile is let alone."""
    monkeypatch.setattr("git_data.preparing._GROUP", 4)
    files = {f"d{n % 7}/{n}.bin": b"content of %d" % n for n in range(60)}
    tree = Tree(repo, {"a.bin": b"first", **files})
    for name in ("d5/5.bin", "d2/30.bin"):
        (repo.path / name).unlink()
    repo.write("d1/1.bin", b"my own")
    lost = [tree.pointers[name] for name in ("d0/7.bin", "d3/59.bin")]
    for pointer in lost:
        os.unlink(tree.cache.path(pointer.oid))
    placed = tree.place()
    assert len(placed.done) == 56
    assert {item.path for item in placed.skipped} == {b"d5/5.bin", b"d2/30.bin", b"d1/1.bin"}
    assert [item.pointer for item, _ in placed.failed] == lost
    assert all(isinstance(error, NotFound) for _, error in placed.failed)
    assert repo.read("d1/1.bin") == b"my own"
    for number in {*range(60)} - {1, 5, 7, 30, 59}:
        assert repo.read(f"d{number % 7}/{number}.bin") == b"content of %d" % number
    assert {*tree.changed()} == {"d1/1.bin", "d2/30.bin", "d5/5.bin"}
    assert tree.leftovers() == []


# Not ours to replace


@pytest.mark.parametrize("kind", ["edited", "gone", "symlink", "folder", "fifo", "other pointer"])
def test_what_is_no_longer_its_pointer_is_left_alone(tree, kind):
    path = tree.repo.path / "a.bin"
    items = tree.placements()
    path.unlink()
    if kind == "edited":
        path.write_bytes(b"x" * len(tree.pointers["a.bin"].encode()))
    elif kind == "symlink":
        outside = tree.repo.write("../outside", tree.pointers["a.bin"].encode())
        path.symlink_to(outside)
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "other pointer":
        path.write_bytes(tree.pointers["é.bin"].encode())
    before = path.read_bytes() if path.is_file() else None
    placed = place(items, tree.site(), since=0)
    assert [item.path for item in placed.skipped] == [b"a.bin"]
    assert len(placed.done) == len(FILES) - 1
    assert (path.read_bytes() if path.is_file() else None) == before
    assert path.is_symlink() == (kind == "symlink")
    assert "a.bin" in tree.repo.status() and tree.leftovers() == []


def test_what_comes_out_and_cannot_be_looked_at_goes_back(tree, monkeypatch):
    """Somebody put a file there between the first look and the exchange."""
    from git_data import treewriter

    path, holds, looks = tree.repo.path / "a.bin", treewriter._holds, []

    def unreadable(folder, name, expected):
        looks.append(name)
        if name == b"a.bin":
            path.write_bytes(b"x" * len(expected))
            return True
        if looks[-2:-1] == [b"a.bin"]:
            raise PermissionError(13, "Permission denied")
        return holds(folder, name, expected)

    monkeypatch.setattr(treewriter, "_holds", unreadable)
    placed = tree.place()
    assert [item.path for item in placed.skipped] == [b"a.bin"]
    assert path.read_bytes() == b"x" * len(tree.pointers["a.bin"].encode())


def test_a_symlink_on_the_way_is_not_followed(tree):
    outside = tree.repo.world.root / "outside"
    items = tree.placements()
    (tree.repo.path / "d").rename(outside)
    (tree.repo.path / "d").symlink_to(outside)
    placed = place(items, tree.site(), since=0)
    assert {item.path for item in placed.skipped} == {
        os.fsencode(name) for name in FILES if name.startswith("d/")
    }
    assert (outside / "e" / "b.bin").read_bytes() == tree.pointers["d/e/b.bin"].encode()


def test_an_entry_of_another_blob_is_left_alone(tree):
    """As after `git restore -s REV PATH`: the file is placed, and Git shows it as changed."""
    items = tree.placements()
    tree.repo.git("update-index", "--cacheinfo", f"100755,{tree.blob('é.bin')},a.bin")
    place(items, tree.site(), since=0)
    assert tree.state() == set(FILES)
    assert tree.repo.git("diff-files", "--name-only").out == "a.bin\n"


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"/etc/passwd",
        b"../x",
        b"a/../../x",
        b"a//b",
        b"a/.",
        b"a/",
        b"a\0b",
        b".git/config",
        b"a/.GIT/hooks/x",
        b"GIT~1/x",
        b".git. /x",
        b".git::$INDEX_ALLOCATION/x",
        b"a\\.git\\config",
        "a/.g\u200cit/x".encode(),
    ],
)
def test_paths_that_git_would_not_write(tree, path):
    assert not is_safe(path)
    pointer = tree.pointers["a.bin"]
    placed = place([Placement(path, pointer.encode(), pointer, "0" * 40)], tree.site())
    [(_, error)] = placed.failed
    assert isinstance(error, Denied) and placed.done == []
    assert tree.leftovers() == []


@pytest.mark.parametrize(
    "path",
    [b"a", b".gitignore", b"a/.github/x", b"x.git/y", b"...", b"a b/\n", b"-x", b"\xff/\xfe"],
)
def test_paths_that_git_would_write(path):
    assert is_safe(path)


# Failures


def test_one_object_that_fails_fails_alone(tree):
    def open_object(pointer):
        if pointer == tree.pointers["a.bin"]:
            raise NotFound("it is nowhere")
        return tree.open(pointer)

    placed = tree.place(open_object=open_object)
    [(item, error)] = placed.failed
    assert (item.path, error.message) == (b"a.bin", "it is nowhere")
    assert tree.state() == set(FILES) - {"a.bin"}
    assert tree.repo.status() == "" and tree.leftovers() == []


def test_a_content_of_another_size_is_never_placed(tree):
    other = tree.pointers["é.bin"]
    placed = tree.place(open_object=lambda pointer: tree.open(other))
    assert [item.path for item in placed.done] == ["é.bin".encode()]
    assert {type(error) for _, error in placed.failed} == {Damaged}
    assert "1 of 3000 bytes" in placed.failed[0][1].message
    assert tree.state() == {"é.bin"} and tree.leftovers() == []


def limited(size, action):
    """`action` in a child that cannot write files larger than `size`: as on a full disk."""

    def child():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return action()

    return in_child(child)


def test_a_full_disk_leaves_the_pointer_and_no_temporary(tree):
    def child():
        placed = tree.place()
        [(item, error)] = placed.failed
        assert item.path == b"d/e/c with\nnewline.bin"
        assert "cannot place d/e/c with" in error.message and "make room" in error.hint

    assert limited(500_000, child) == 0
    assert tree.state() == set(FILES) - {"d/e/c with\nnewline.bin"}
    assert tree.repo.status() == "" and tree.leftovers() == []


def test_an_index_that_cannot_be_written_is_told_later(repo):
    tree = Tree(repo, {f"{number:03}.bin": b"small" for number in range(100)} | {"a.bin": b"x"})
    size = (repo.path / ".git" / "index").stat().st_size
    items = tree.placements()
    site = tree.site()
    journal = [Entry(item) for item in items]
    assert size < sum(map(len, Journal("index", journal).encode()))
    before = (repo.path / ".git" / "index").read_bytes()

    def child():
        # The limit comes once the journal is written.
        def open_object(pointer):
            if pointer == tree.pointers["a.bin"]:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, size - 1))
            return tree.open(pointer)

        placed = place(items[:3] + items[-1:], site._replace(open_object=open_object), since=0)
        assert len(placed.done) == 4 and "cannot write" in placed.index_error.message

    assert in_child(child) == 0
    assert (repo.path / ".git" / "index").read_bytes() == before
    assert lock_inode(site.index_file) is None
    assert len(repo.git("diff-files", "--name-only").out.splitlines()) == 4
    assert needs_recovery(site.git_dir)
    assert len(recover(site).done) == 4
    assert tree.changed() == []
    assert tree.leftovers() == []


# Somebody holds the lock


def test_nothing_is_placed_while_somebody_holds_the_index(tree):
    site = tree.site()
    lock = Path(site.index_file + ".lock")
    lock.write_bytes(b"somebody's")
    assert lock_inode(site.index_file) == lock.stat().st_ino
    placed = tree.place()
    assert placed.done == [] and len(placed.failed) == len(FILES)
    for _, error in placed.failed:
        assert isinstance(error, Conflict) and str(lock) in error.message and error.hint
    assert tree.state() == set()
    assert lock.read_bytes() == b"somebody's"
    # A start while it is still held changes nothing; the first one afterwards finishes.
    assert needs_recovery(site.git_dir)
    assert recover(site).done == []
    assert lock.exists() and needs_recovery(site.git_dir)
    lock.unlink()
    assert lock_inode(site.index_file) is None
    assert len(recover(site).done) == len(FILES)
    assert tree.state() == set(FILES)
    assert tree.leftovers() == []


def test_the_lock_is_waited_for(tree):
    site = tree.site()
    lock = Path(site.index_file + ".lock")
    lock.touch()
    asked = []

    def open_object(pointer):
        asked.append(pointer)
        if len(asked) == len(FILES):
            lock.unlink()
        return tree.open(pointer)

    place(tree.placements(), site._replace(open_object=open_object), since=0)
    tree.check()


# Killed


class Killer:
    """Kills this process at its n-th change to the file system after `arm`."""

    EVENTS = (
        *("open", "os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "os.chmod"),
        "git_data.exchange",
    )

    def __init__(self, moment, number=signal.SIGKILL, alone=True):
        self.left = moment
        self.number = number
        # Who stands by is killed as well, or is never killed.
        os.register_at_fork(after_in_child=(lambda: os._exit(0)) if alone else self.disarm)
        sys.addaudithook(self)

    def disarm(self):
        self.number = 0

    def __call__(self, event, args):
        if event not in self.EVENTS:
            return
        if event == "open" and not (isinstance(args[2], int) and args[2] & os.O_ACCMODE):
            return
        self.left -= 1
        if self.left < 0 and self.number != 0:
            number, self.number = self.number, 0
            os.kill(os.getpid(), number)


def kill_everywhere(tree, check, number=signal.SIGKILL, alone=True):
    """Place in a child that is killed at each of its changes in turn, then `check`."""
    items, site = tree.placements(), tree.site()
    moments = 0
    while True:

        def child(moment=moments):
            killer = Killer(moment, number, alone)
            place(items, site, since=0)
            return 0 if killer.number else 1

        status = in_child(child)
        check(status)
        if status == 0:
            return moments
        tree.restore()
        moments += 1


def test_killed_at_any_moment_a_later_start_finishes(tree):
    site = tree.site()

    def check(status):
        assert status in (0, -signal.SIGKILL)
        tree.state()  # each file is whole
        journaled = [*Path(site.git_dir).glob("git-data/placing/*/journal")]
        recover(site)
        assert lock_inode(site.index_file) is None
        if tree.state():
            tree.check()
        else:  # killed before there was a journal: as if nothing had happened
            assert journaled == [] and tree.leftovers() == []
            assert tree.repo.status() == ""

    assert kill_everywhere(tree, check) > 20


def test_killed_under_the_lock_the_survivor_finishes(tree):
    """So that the next Git command just works: no lock is left, no file is half done."""
    site = tree.site()
    finished = []

    def check(status):
        assert lock_inode(site.index_file) is None
        assert tree.state() in (set(), set(FILES))
        assert tree.changed() == []
        if status == -signal.SIGKILL and tree.state():
            finished.append(status)
            tree.repo.git("update-index", "--force-write-index")
        recover(site)

    kill_everywhere(tree, check, alone=False)
    assert len(finished) > 10


def test_a_second_kill_while_finishing(tree):
    items, site = tree.placements(), tree.site()
    first = 0
    while True:

        def placing(moment=first):
            killer = Killer(moment)
            place(items, site, since=0)
            return 0 if killer.number else 1

        if in_child(placing) == 0:
            break
        for second in range(0, 40, 6):

            def finishing(moment=second):
                Killer(moment)
                recover(site)

            in_child(finishing)
        recover(site)
        if tree.state():
            tree.check()
        tree.restore()
        first += 5


def test_a_terminated_process_leaves_nothing_half(tree):
    """Under the lock a signal waits: all is in place, or nothing is."""
    site = tree.site()

    def check(status):
        assert status in (0, 1, -signal.SIGTERM)
        assert lock_inode(site.index_file) is None
        assert tree.state() in (set(), set(FILES))
        assert tree.changed() == []
        recover(site)

    assert kill_everywhere(tree, check, signal.SIGTERM) > 20


def test_the_lock_of_git_is_never_broken(tree):
    """Only a lock that is the very file of a dead process of ours is removed."""
    site = tree.site()
    lock = Path(site.index_file + ".lock")

    def child():
        Killer(12)
        place(tree.placements(), site, since=0)

    in_child(child)
    assert not lock.exists() and [*Path(site.git_dir).glob("git-data/placing/*/journal")] != []
    lock.write_bytes(b"")
    recover(site)
    assert lock.exists() and tree.state() == set()
    lock.unlink()
    recover(site)
    tree.check()


def test_a_file_that_was_edited_after_the_kill_stays_edited(tree):
    site = tree.site()
    items = tree.placements()

    def child():
        def die(pointer):
            os.kill(os.getpid(), signal.SIGKILL)

        place(items, site._replace(open_object=die), since=0)

    assert in_child(child) == -signal.SIGKILL
    tree.repo.write("a.bin", "mine now")
    recover(site)
    assert tree.repo.read("a.bin") == b"mine now"
    assert tree.changed() == ["a.bin"]
    assert {name for name in FILES if tree.repo.read(name) == FILES[name]} == set(FILES) - {"a.bin"}


def test_the_folder_of_the_living_is_not_touched(tree):
    site = tree.site()
    folder = Path(site.git_dir) / "git-data" / "placing" / "0123456789ab"
    folder.mkdir(parents=True)
    journal = Journal("index", [Entry(item) for item in tree.placements()])
    (folder / "journal").write_bytes(b"".join(journal.encode()))
    with Lock(folder / "lock"):
        assert in_child(lambda: len(recover(site).done)) == 0
        assert tree.state() == set() and (folder / "journal").exists()
    assert in_child(lambda: len(recover(site).done)) == len(FILES)
    tree.check()


def test_a_damaged_journal_is_dropped(tree):
    site = tree.site()
    whole = b"".join(Journal("index", [Entry(item) for item in tree.placements()]).encode())
    for number, data in enumerate([b"", whole[:-1], whole[:-200], whole.replace(b"size", b"sizf")]):
        folder = Path(site.git_dir) / "git-data" / "placing" / f"{number:012}"
        folder.mkdir(parents=True)
        (folder / "journal").write_bytes(data)
        assert decode(data) is None
        assert recover(site).done == []
    assert tree.state() == set() and tree.leftovers() == []


def test_several_processes_at_once(repo):
    """Each places its own files and all of them theirs: no entry is lost, nobody waits for ever."""
    tree = Tree(
        repo,
        {f"{number % 3}/{number:02}.bin": random_bytes(5000, number) for number in range(60)}
        | {"a.bin": b"x"},
    )
    items, site = tree.placements(), tree.site()
    children = []
    for part in range(3):
        mine = items[part::3] + items[:10]
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = len(place(mine, site, since=0, patience=20).failed)
            finally:
                os._exit(status)
        children.append(child)
    while children:
        repo.git("update-index", "-q", "--refresh", code=None)
        child, status = os.waitpid(children[-1], os.WNOHANG)
        if child:
            assert status == 0
            children.pop()
    tree.check()


# The journal


GOLDEN = (
    b"git-data placing 1\n"
    b"index\0"
    b"a b/\n.bin\0"
    b"version git-data/1\n"
    b"oid blake3:8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99\n"
    b"size 6\n\0"
    b"5f3c2a1d1c9a4d6c2a5b0e7f8d9c0b1a2e3f4a5b\0"
    b"7\0"
    b"1700000000000000001\0"
)


def test_the_golden_journal():
    pointer = Pointer(hash_bytes(b"hello\n"), 6)
    item = Placement(
        b"a b/\n.bin", pointer.encode(), pointer, "5f3c2a1d1c9a4d6c2a5b0e7f8d9c0b1a2e3f4a5b"
    )
    journal = Journal("index", [Entry(item, 7, 1_700_000_000_000_000_001)])
    data = GOLDEN + hash_bytes(GOLDEN).hex().encode()
    assert b"".join(journal.encode()) == data
    assert decode(data) == journal
    assert data.decode().replace("\0", "␀") in journal_page()


def journal_page():
    page = Path(__file__).parent.parent / "docs" / "formats" / "journal.md"
    return page.read_text(encoding="utf-8").replace("\n    ", "\n")


def test_any_changed_byte_makes_a_journal_void():
    data = GOLDEN + hash_bytes(GOLDEN).hex().encode()
    for at in range(len(data)):
        assert decode(data[:at]) is None
        assert decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) is None
