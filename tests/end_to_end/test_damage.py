"""Bytes that are not what they should be, in every kind of file that we keep: never in a work tree.

tests/damage/ does this to the engine byte by byte; here it is what a user of Git meets.
"""

import shutil

import pytest

from git_data import manifest
from git_data.oid import hash_bytes

from ..helpers.trouble import cut, flip, overwrite
from ..helpers.world import random_bytes

FILES = {
    "a.bin": random_bytes(2000, 1),
    "large.bin": random_bytes(1_500_000),
    "table.bin": b"1,2024-01-01,12.5,north\n" * 9000,
}
DAMAGE = {
    "a header": lambda path: flip(path, 60),
    "the first byte": lambda path: flip(path, 0),
    "the middle": flip,
    "the last byte": lambda path: flip(path, -1),
    "cut in the middle": cut,
    "cut to nothing": lambda path: cut(path, 0),
    "zeros": lambda path: overwrite(path, bytes(path.stat().st_size)),
    "other bytes": lambda path: overwrite(path, b"x" * path.stat().st_size),
    "gone": lambda path: path.unlink(),
}


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    made.commit(**FILES)
    made.git("push", "-q", "origin", "main")
    return made


def only_file(origin, kind):
    [path] = [path for path in (origin.path / "data" / kind).rglob("*") if path.is_file()]
    return path


def check_out_again(checkout):
    """As in a fresh clone: nothing in the cache, no copy of an index."""
    shutil.rmtree(checkout.git_dir / "git-data", ignore_errors=True)
    for name in FILES:
        (checkout.path / name).unlink()
    return checkout.git("checkout", "-q", ".")


def left_as_pointers(checkout, said):
    """The names; every other file has its right content."""
    assert "Traceback" not in said.err and "unforeseen" not in said.err
    left = []
    for name, content in FILES.items():
        found = checkout.read(name)
        if found != content:
            assert found == checkout.staged(name)
            left.append(name)
    assert checkout.status() == ""
    assert bool(left) == bool(said.err)
    return left


def each_damage(path, names=DAMAGE):
    """Do one after the other, and mend it again."""
    whole = path.read_bytes()
    for how in names:
        DAMAGE[how](path)
        yield how
        path.unlink(missing_ok=True)
        path.write_bytes(whole)


def one_line(said, *told):
    [line] = said.err.splitlines()
    for words in told:
        assert words in line


# In the store


@pytest.mark.parametrize("name", FILES)
def test_a_byte_of_a_pack(origin, repo, name):
    """One in the middle of what belongs to this file: the others arrive."""
    path = only_file(origin, "packs")
    where = {"a.bin": 100, "large.bin": 700_000, "table.bin": -20}[name]
    whole = path.read_bytes()
    flip(path, where)
    said = check_out_again(repo)
    assert left_as_pointers(repo, said) == [name]
    one_line(said, str(path), name, "git data pull")
    overwrite(path, whole)
    assert repo.data("pull").err == ""
    assert left_as_pointers(repo, repo.git("status")) == []


def test_a_pack_that_is_cut_off_or_gone(origin, repo):
    path = only_file(origin, "packs")
    for how in each_damage(path, ["cut in the middle", "cut to nothing", "zeros", "gone"]):
        said = check_out_again(repo)
        expected = ["large.bin", "table.bin"] if how == "cut in the middle" else [*FILES]
        assert left_as_pointers(repo, said) == expected
        one_line(said, str(path), f"{len(expected)} files", "git data pull")
    repo.data("pull")
    assert left_as_pointers(repo, repo.git("status")) == []


def test_an_index(origin, repo):
    path = only_file(origin, "index")
    for _ in each_damage(path):
        said = check_out_again(repo)
        assert left_as_pointers(repo, said) == [*FILES]
        one_line(said, str(path), "3 files", "git data pull")
    repo.data("pull")
    assert left_as_pointers(repo, repo.git("status")) == []


def test_a_push_beside_a_damaged_index_loses_nothing(world, origin, repo):
    """It builds on none of it: what it needs it sends again, or it stops."""
    for how in each_damage(only_file(origin, "index"), ["the middle", "gone"]):
        shutil.rmtree(repo.git_dir / "git-data" / "index")
        repo.commit(**{"new.bin": how.encode()})
        said = repo.git("push", "-q", "origin", "main", code=None)
        assert "Traceback" not in said.err
        assert (said.code == 0) == (origin.git("rev-parse", "main").out.strip() == repo.head())
    repo.git("push", "-q", "origin", "main", code=None)
    clone = world.clone(origin)
    assert left_as_pointers(clone, clone.said) == []
    assert clone.read("new.bin") == b"gone"


def test_the_manifest(origin, repo):
    path = origin.path / "data" / "manifest"
    before = origin.git("rev-parse", "main").out
    repo.commit(**{"new.bin": b"new"})
    for _ in each_damage(path, [how for how in DAMAGE if how != "gone"]):
        said = repo.git("push", "origin", "main", code=1)
        [line] = [line for line in said.err.splitlines() if line.startswith("git-data:")]
        assert str(path) in line and "nothing was pushed" in line
        assert origin.git("rev-parse", "main").out == before
    repo.git("push", "-q", "origin", "main")
    for _ in each_damage(path, ["the middle", "cut to nothing"]):
        said = check_out_again(repo)
        assert left_as_pointers(repo, said) == [*FILES]
        one_line(said, str(path), "files")


# From the future


def publish(origin, **changes):
    path = origin.path / "data" / "manifest"
    overwrite(path, manifest.parse(path.read_bytes(), "")._replace(**changes).encode())
    return path


def is_refused(repo, path, *told):
    said = check_out_again(repo)
    assert left_as_pointers(repo, said) == [*FILES]
    one_line(said, str(path), *told, "update git-data")
    push_is_refused(repo, path, *told)


def push_is_refused(repo, path, *told):
    repo.commit(**{"new.bin": b"new"})
    said = repo.git("push", "origin", "main", code=1)
    [line] = [line for line in said.err.splitlines() if line.startswith("git-data:")]
    assert all(words in line for words in (str(path), *told, "update git-data"))


def test_a_newer_manifest(origin, repo):
    path = origin.path / "data" / "manifest"
    overwrite(path, path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    is_refused(repo, path, "version 2")


def test_a_feature_that_readers_must_know(origin, repo):
    is_refused(repo, publish(origin, read_features=("sealed-packs",)), "sealed-packs")


def test_a_feature_that_writers_must_know(origin, repo):
    path = publish(origin, write_features=("sealed-packs",))
    assert left_as_pointers(repo, check_out_again(repo)) == []
    push_is_refused(repo, path, "sealed-packs")


def test_a_newer_index(origin, repo):
    old = only_file(origin, "index")
    data = bytearray(old.read_bytes())
    data[16] = 2
    new = old.with_name(hash_bytes(data).hex())
    new.write_bytes(data)
    publish(origin, indexes=(manifest.IndexRef(hash_bytes(data), len(data)),))
    said = check_out_again(repo)
    assert left_as_pointers(repo, said) == [*FILES]
    one_line(said, str(new), "version 2", "update git-data")


# What lies in the repository itself


def cached(repo, name):
    oid = repo.staged(name).split(b"blake3:")[1][:64].decode()
    return repo.objects / oid[:2] / oid


def test_a_cached_object_heals_from_the_store(repo):
    for how in DAMAGE:
        for name in FILES:
            DAMAGE[how](cached(repo, name))
            (repo.path / name).unlink()
        assert left_as_pointers(repo, repo.git("checkout", "-q", ".")) == []


def test_a_cached_object_that_no_store_has_is_named(world, repo):
    repo.commit(**{"mine.bin": b"in no store"})
    flip(cached(repo, "mine.bin"))
    (repo.path / "mine.bin").unlink()
    said = repo.git("checkout", "-q", ".")
    [line] = said.err.splitlines()
    assert "mine.bin" in line
    assert repo.read("mine.bin") == repo.staged("mine.bin")
    said = repo.git("push", "origin", "main", code=1)
    assert "mine.bin" in said.err and "nothing was pushed" in said.err
    repo.write("mine.bin", b"in no store")
    repo.git("add", "mine.bin")
    assert repo.status() == ""
    repo.git("push", "-q", "origin", "main")
    assert world.clone(repo.path.parent / "origin.git").read("mine.bin") == b"in no store"


def test_damage_in_the_cache_of_a_repository_that_one_clones_from(world, repo):
    """It is somebody else's: found, not used, and not touched."""
    for name in ("large.bin", "a.bin"):
        flip(cached(repo, name))
    before = {name: cached(repo, name).read_bytes() for name in FILES}
    clone = world.clone(repo)
    assert left_as_pointers(clone, clone.said) == ["a.bin", "large.bin"]
    assert {name: cached(repo, name).read_bytes() for name in FILES} == before
    assert not (repo.git_dir / "git-data" / "damaged").exists()


def test_our_own_copies_of_indexes_journals_and_memories(world, origin, repo):
    """Whatever lies in git-data besides objects may go wrong at any time."""
    for how in DAMAGE:
        repo.commit(**{"new.bin": how.encode()})
        for path in (repo.git_dir / "git-data").rglob("*"):
            if path.is_file() and "objects" not in path.parts and path.stat().st_size > 60:
                DAMAGE[how](path)
        repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert left_as_pointers(clone, clone.said) == []
    assert clone.read("new.bin") == b"gone"
