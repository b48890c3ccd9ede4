"""A store that is away, full, read-only or closed: nothing is lost, and the same command later
completes.

Remotes that are folders are their own stores here (`remote.git/data`), unless one is named.
"""

from dataclasses import replace

import pytest

from ..helpers.trouble import SMALL_FILES, close, ordinary, reopen, small_disk
from ..helpers.world import Checkout, random_bytes

BIG = random_bytes(3_000_000)
FILES = {"a.bin": b"one", "d/b.bin": random_bytes(70_000), "c.bin": BIG}


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    made.commit(**{"text": b"text\n"})
    made.git("push", "-q", "origin", "main")
    made.commit(**FILES)
    return made


def tip(origin, name="main"):
    return origin.git("rev-parse", name).out.strip()


def push_fails(repo, origin, *told, world=None):
    """`git push` says all of this in one line, and that the commit is safe; no ref moves."""
    repo = Checkout(world, repo.path) if world else repo
    before = tip(origin)
    said = repo.git("push", "origin", "main", "main:new", code=1)
    assert tip(origin) == before
    assert origin.git("for-each-ref").lines == origin.git("for-each-ref", "refs/heads/main").lines
    [line] = [line for line in said.err.splitlines() if line.startswith("git-data: ")]
    for words in told:
        assert words in line
    assert "nothing was pushed, your commits are safe here" in line
    assert "Traceback" not in said.err


def push_completes(repo, origin, name="copy"):
    repo.git("push", "-q", "origin", "main", "main:new")
    assert tip(origin) == tip(origin, "new") == repo.head()
    copy = repo.world.clone(origin, name)
    assert copy.said.err == ""
    assert contents(copy) == FILES
    assert copy.status() == ""


def contents(checkout):
    return {name: checkout.read(name) for name in FILES}


def is_pointer(data):
    return data.startswith(b"version git-data/1\n") and len(data) < 200


# At push


def test_a_folder_that_is_not_there(world, repo, origin):
    (world.root / "disk").mkdir()
    repo.git("data", "store", str(world.root / "disk" / "store"))
    repo.commit()
    (world.root / "disk").rename(world.root / "away")
    push_fails(repo, origin, f"{world.root}/disk/store")
    assert not (world.root / "disk").exists()
    (world.root / "away").rename(world.root / "disk")
    push_completes(repo, origin)


def test_a_full_store(repo, origin):
    """The refs would still fit; the data does not."""
    limited = replace(repo.world, prefix=SMALL_FILES)
    push_fails(repo, origin, f"{origin.path}/data/packs/", "File too large", world=limited)
    assert not [*origin.path.glob("tmp/*")]
    push_completes(repo, origin)


def test_a_full_disk(world, repo, origin):
    folder = world.root / "disk"
    with small_disk(world, folder, "2m") as on_disk:
        there = Checkout(on_disk, repo.path)
        there.git("data", "store", str(folder))
        there.commit()
        push_fails(there, origin, f"{folder}/data/packs/", "No space left on device")
        assert on_disk.run("find", folder / "tmp", "-type", "f").out == ""
        on_disk.run("mount", "-o", "remount,size=20m", folder)
        push_completes(there, origin)


def test_a_read_only_disk(world, repo, origin):
    folder = world.root / "disk"
    with small_disk(world, folder, "20m") as on_disk:
        there = Checkout(on_disk, repo.path)
        there.git("data", "store", str(folder))
        there.commit()
        on_disk.run("mount", "-o", "remount,ro", folder)
        push_fails(there, origin, str(folder), "Read-only file system")
        on_disk.run("mount", "-o", "remount,rw", folder)
        push_completes(there, origin)


def test_a_store_that_one_may_only_read(world, repo, origin):
    repo.git("data", "store", str(world.root / "store"))
    repo.commit()
    close(world.root / "store")
    push_fails(repo, origin, f"{world.root}/store", "Permission denied", world=ordinary(world))
    reopen(world.root / "store")
    push_completes(repo, origin)


def test_a_store_that_one_may_not_even_enter(world, repo, origin):
    repo.git("data", "store", str(world.root / "store"))
    repo.commit()
    (world.root / "store").chmod(0)
    push_fails(repo, origin, f"{world.root}/store", "Permission denied", world=ordinary(world))
    reopen(world.root / "store")
    push_completes(repo, origin)


def test_a_file_where_the_store_should_be(world, repo, origin):
    repo.git("config", "--global", "data.store", str(world.root / "file"))
    (world.root / "file").write_bytes(b"something else")
    push_fails(repo, origin, f"{world.root}/file")
    (world.root / "file").unlink()
    push_completes(repo, origin)


def test_a_cache_that_one_may_not_write(world, repo, origin):
    """Only read by a push: it goes through, or stops before the ref; never half."""
    repo.git("data", "store", str(world.root / "store"))
    repo.commit()
    close(repo.objects)
    Checkout(ordinary(world), repo.path).git("push", "-q", "origin", "main", "main:new")
    reopen(repo.objects)
    push_completes(repo, origin)


# At clone and checkout


@pytest.fixture
def pushed(repo):
    repo.git("push", "-q", "origin", "main")
    return repo


def one_line(said, *told):
    [line] = said.err.splitlines()
    for words in told:
        assert words in line
    assert "git data pull" in line


def all_pointers(checkout):
    return all(map(is_pointer, contents(checkout).values()))


def test_a_clone_without_the_store_leaves_pointers_and_says_so_once(world, origin, pushed):
    (origin.path / "data").rename(world.root / "away")
    copy = world.clone(origin)
    one_line(copy.said, "3 files", "are left as their pointers")
    assert all_pointers(copy)
    assert copy.status() == ""
    (world.root / "away").rename(origin.path / "data")
    assert copy.data("pull").err == ""
    assert contents(copy) == FILES
    assert copy.status() == ""


@pytest.mark.parametrize("what", ["away", "closed", "a file"])
def test_a_clone_with_a_named_store_in_trouble_names_it(world, origin, repo, what):
    store = world.root / "store"
    repo.git("data", "store", str(store))
    repo.commit()
    repo.git("push", "-q", "origin", "main")
    away = world.root / "away"
    if what == "closed":
        store.chmod(0)
    else:
        store.rename(away)
    if what == "a file":
        store.write_bytes(b"something else")
    copy = ordinary(world).clone(origin)
    one_line(copy.said, "3 files", str(store))
    assert all_pointers(copy)
    if what == "closed":
        reopen(store)
    else:
        store.unlink(missing_ok=True)
        away.rename(store)
    assert world.git("data", "pull", cwd=copy.path).err == ""
    assert contents(copy) == FILES
    assert copy.status() == ""


def test_one_missing_object_is_one_pointer(world, origin, pushed):
    lost = pushed.staged("a.bin")
    other = world.repo("other")
    other.write(".gitattributes", "*.bin filter=data\n")
    other.commit(**{"x.bin": b"in no store"})
    pushed.write("new.bin", other.staged("x.bin"))
    pushed.git("add", "new.bin")
    assert pushed.staged("new.bin") == other.staged("x.bin") != lost
    pushed.git("commit", "-q", "-m", "a pointer without its content")
    pushed.git("push", "-q", "--no-verify", "origin", "main")
    copy = world.clone(origin)
    one_line(copy.said, "new.bin is left as its pointer")
    assert is_pointer(copy.read("new.bin"))
    assert contents(copy) == FILES
    assert copy.status() == ""


def test_a_checkout_without_the_store_deletes_nothing_of_the_users(world, origin, pushed):
    copy = world.clone(origin)
    copy.git("checkout", "-q", "-b", "mine")
    copy.write("a.bin", b"my own, not added")
    copy.write("untracked.bin", b"my own too")
    pushed.commit(**{"d/b.bin": b"two", "c.bin": b"two"})
    pushed.git("push", "-q", "origin", "main")
    (origin.path / "data").rename(world.root / "away")
    copy.git("fetch", "-q")
    said = copy.git("checkout", "-q", "origin/main")
    one_line(said, "2 files")
    assert copy.read("a.bin") == b"my own, not added"
    assert copy.read("untracked.bin") == b"my own too"
    assert is_pointer(copy.read("c.bin")) and is_pointer(copy.read("d/b.bin"))
    said = copy.git("checkout", "-q", "mine")  # its data is in the cache
    assert said.err == ""
    assert copy.read("c.bin") == BIG
    assert copy.read("a.bin") == b"my own, not added"


def test_a_pull_on_a_full_disk_brings_what_fits(world, origin, pushed):
    copy = world.clone(origin)
    big = random_bytes(6_000_000, 2)
    pushed.commit(**{"big.bin": big, "a.bin": b"two"})
    pushed.git("push", "-q", "origin", "main")
    with small_disk(world, copy.git_dir / "git-data", "5m") as on_disk:
        there = Checkout(on_disk, copy.path)
        one_line(there.git("pull", "-q"), "big.bin", "No space left on device")
        assert contents(copy) == {**FILES, "a.bin": b"two"}
        assert is_pointer(copy.read("big.bin"))
        assert copy.status() == ""
        on_disk.run("mount", "-o", "remount,size=40m", copy.git_dir / "git-data")
        there.data("pull")
    assert copy.read("big.bin") == big
    assert copy.status() == ""


def test_strict_makes_the_command_fail_instead(world, origin, pushed):
    (origin.path / "data").rename(world.root / "away")
    copy = world.clone(origin, code=128, env={"GIT_DATA_STRICT": "1"})
    assert "Traceback" not in copy.said.err
    assert "a.bin" in copy.said.err


def test_a_store_that_goes_away_in_the_middle(world, origin, pushed):
    """What arrived before stays; the rest is fetched later."""
    packs = sorted(p for p in (origin.path / "data" / "packs").rglob("*") if p.is_file())
    pushed.commit(**{"z.bin": b"last"})
    pushed.git("push", "-q", "origin", "main")
    for pack in packs:
        pack.rename(world.root / pack.name)
    copy = world.clone(origin)
    one_line(copy.said, "3 files")
    assert copy.read("z.bin") == b"last"
    for pack in packs:
        (world.root / pack.name).rename(pack)
    copy.data("pull")
    assert contents(copy) == FILES
