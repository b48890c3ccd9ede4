"""What others say is not believed: sizes in pointers, other repositories' seals, replaced commits,
copies of a store, attributes of another branch. None of it may hide data or leave it behind."""

import os
import shutil

import pytest

from git_data.cache import Cache
from git_data.pointer import parse
from git_data.seal import lasting_seal

from ..helpers.hooks import are_settings
from ..helpers.world import random_bytes

CONTENT = random_bytes(5000)


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo()
    made.git("remote", "add", "origin", origin.path)
    made.data("track", "*.bin")
    made.commit(**{"a.bin": CONTENT})
    return made


def other_size(pointer):
    return pointer.replace(b"size 5000", b"size 4999")


def read_from_clone(world, source, name="clone", path="a.bin"):
    return world.clone(source, name).read(path)


def test_a_pointer_with_a_wrong_size_takes_no_object_from_the_others(world, repo, origin):
    lie = other_size(repo.staged("a.bin"))
    repo.commit(**{"lie.bin": lie})
    (repo.path / "lie.bin").unlink()
    assert "lie.bin is left as its pointer" in repo.git("checkout", "lie.bin").err
    assert repo.data("list", "--json").code == 0
    assert not (repo.git_dir / "git-data" / "damaged").exists()
    assert "lie.bin: its content" in repo.git("push", "origin", "main", code=1).err
    repo.git("push", "-q", "origin", "HEAD~:refs/heads/main")
    assert read_from_clone(world, origin) == CONTENT


def test_nothing_is_changed_in_the_cache_of_a_remote_that_is_asked(world, repo):
    clone = world.clone(repo)
    held = repo.objects / parse(repo.staged("a.bin")).oid.hex()[:2]
    (damaged,) = held.iterdir()
    damaged.chmod(0o644)
    damaged.write_bytes(b"x" * 5000)
    clone.forget_data()
    assert "nowhere" in clone.data("list", "--long").out
    assert damaged.exists()


def test_an_example_with_a_wrong_size_keeps_no_object_from_being_sent(world, repo, origin):
    lie = other_size(repo.staged("a.bin"))
    repo.commit(**{"0-example.txt": lie})
    repo.git("push", "-q", "origin", "main")
    assert read_from_clone(world, origin) == CONTENT


def test_the_seal_of_another_repository_is_not_believed(world, repo):
    pointer = parse(repo.staged("a.bin"))
    path = Cache(repo.git_dir / "git-data").path(pointer.oid)
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.write(b"poison")
    moment = lasting_seal(pointer.oid, pointer.size, os.stat(path).st_ino)
    os.utime(path, (moment, moment))
    clone = world.clone(repo)
    assert "a.bin is left as its pointer" in clone.said.err
    assert parse(clone.read("a.bin")) == pointer


def test_what_a_replaced_commit_needs_is_sent(world, repo, origin):
    needs = repo.head()
    tree = repo.git("mktree", input=b"").out.strip()
    empty = repo.git("commit-tree", "-m", "empty", tree).out.strip()
    repo.git("replace", needs, empty)
    repo.git("push", "-q", "origin", f"{needs}:refs/heads/main")
    assert read_from_clone(world, origin) == CONTENT


def test_a_copy_of_a_remote_gets_what_the_first_one_got_since(world, repo, origin):
    repo.git("push", "-q", "origin", "main")
    shutil.copytree(origin.path, world.root / "copy.git")
    repo.commit(**{"b.bin": b"since then"})
    repo.git("push", "-q", "origin", "main")
    repo.git("push", "-q", world.root / "copy.git", "main")
    shutil.rmtree(origin.path)
    assert read_from_clone(world, world.root / "copy.git", path="b.bin") == b"since then"


def test_what_an_import_held_is_sent_once_it_is_an_import_no_more(world, repo, origin):
    elsewhere = world.root / "elsewhere"
    repo.git("config", "data.store", elsewhere)
    repo.data("push")
    repo.git("config", "--unset", "data.store")
    section = f'[import "a.bin"]\n\turl = x\n\tpath = a.bin\n\tstore = {elsewhere}\n'
    repo.commit(**{".gitdata": section, "own.bin": b"our own"})
    repo.git("push", "-q", "origin", "main")
    repo.commit(**{".gitdata": "# none\n"})
    repo.git("push", "-q", "origin", "main")
    assert read_from_clone(world, origin) == CONTENT


@pytest.mark.parametrize("alias", ["", "0-example.txt"])
def test_a_lost_object_of_another_branch_stops_the_push(repo, alias):
    if alias:
        repo.commit(**{alias: repo.staged("a.bin")})
    repo.git("branch", "data")
    repo.git("checkout", "-q", "--orphan", "plain")
    repo.git("rm", "-rfq", ".")
    repo.commit(text="nothing is tracked here")
    repo.forget_data()
    told = repo.git("push", "origin", "data", code=1).err
    assert "a.bin: its content" in told and "is neither here nor in a store" in told


def test_a_folder_of_hooks_behind_a_link_is_not_written(repo):
    shutil.rmtree(repo.path / ".git" / "hooks")
    repo.write("hooks/README", "ours, committed")
    (repo.path / ".git" / "hooks").symlink_to("../hooks")
    repo.write("b.bin", b"more")
    said = repo.data("doctor", code=None).err
    assert are_settings() or "is yours to write" in said
    repo.git("add", ".")
    assert os.listdir(repo.path / "hooks") == ["README"]


def test_a_store_put_back_from_a_backup_gets_again_what_it_lost(world):
    origin, repo = world.bare("origin.git"), world.repo("work")
    repo.git("remote", "add", "origin", str(origin.path))
    repo.write(".gitattributes", "*.bin filter=data\n")
    repo.commit(**{"1.bin": b"one"})
    repo.git("push", "-q", "origin", "main")
    backup = world.root / "backup"
    shutil.copytree(origin.path / "data", backup)
    repo.commit(**{"2.bin": b"two"})
    repo.git("push", "-q", "origin", "main")
    shutil.rmtree(origin.path / "data")
    shutil.copytree(backup, origin.path / "data")
    repo.commit(**{"3.bin": b"three"})
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert clone.read("2.bin") == b"two" and clone.read("3.bin") == b"three"
