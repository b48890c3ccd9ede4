"""`git push`: data first, then the ref; and what stops it."""

import shutil

import pytest

from ..helpers.world import random_bytes


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    return made


def refs(repo):
    return repo.git("for-each-ref", "--format=%(refname) %(objectname)").lines


def store_files(origin, kind="packs"):
    return [p for p in (origin.path / "data" / kind).rglob("*") if p.is_file()]


def same_clone(world, origin, repo, name="clone", branch="main"):
    clone = world.clone(origin, name, "-b", branch)
    assert clone.said.err == ""
    assert clone.status() == ""
    for path in repo.path.rglob("*.bin"):
        assert clone.read(path.relative_to(repo.path).as_posix()) == path.read_bytes()
    return clone


def test_data_first_then_the_ref_then_a_clone_has_it(world, origin, repo):
    repo.commit(**{"a.bin": random_bytes(3_000_000), "d/b.bin": b"small", "text": b"text\n"})
    said = repo.git("push", "origin", "main")
    assert "2 objects" in said.err
    assert len(store_files(origin)) == 1
    same_clone(world, origin, repo)


def test_many_kinds_of_refs_at_once(world, origin, repo):
    first = repo.commit(**{"a.bin": b"one"})
    repo.git("tag", "-a", "-m", "t", "annotated")
    repo.git("tag", "light")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit(**{"a.bin": b"side"})
    repo.git(
        "push", "-q", "origin", "main", "side", "annotated", "light", f"{first}:refs/heads/by-id"
    )
    assert len(refs(origin)) == 5
    same_clone(world, origin, repo, branch="side")
    assert repo.git("push", "-q", "origin", "--delete", "light").err == ""
    repo.commit(**{"a.bin": b"rewritten"})
    repo.git("commit", "-q", "--amend", "-m", "again")
    repo.git("push", "-q", "--force", "origin", "side", "HEAD^{/again}:refs/heads/expression")
    same_clone(world, origin, repo, "again", branch="expression")


def test_nothing_new_reads_and_sends_nothing(origin, repo):
    repo.commit(**{"a.bin": random_bytes(100_000)})
    repo.git("push", "-q", "origin", "main")
    before = {p: p.stat().st_mtime_ns for p in store_files(origin) + store_files(origin, "index")}
    repo.forget_data()
    said = repo.git("push", "origin", "main", "main:refs/heads/other")
    assert "git-data" not in said.err
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_an_object_found_nowhere_stops_the_push_with_its_path(world, origin, repo):
    repo.commit(**{"d/lost.bin": random_bytes(5000), "kept.bin": b"kept"})
    repo.forget_data()
    for name in ("d/lost.bin", "kept.bin"):
        (repo.path / name).unlink()
    said = repo.git("push", "origin", "main", code=1)
    assert "d/lost.bin" in said.err or "kept.bin" in said.err
    assert "Traceback" not in said.err
    assert refs(origin) == []


def test_an_example_of_a_pointer_in_a_text_is_no_data(origin, repo):
    repo.commit(**{"example.txt": b"version git-data/1\noid blake3:" + b"0" * 64 + b"\nsize 7\n"})
    repo.git("push", "-q", "origin", "main")
    assert len(refs(origin)) == 1


def test_a_remote_that_is_no_path_needs_a_named_store(world, repo):
    repo.commit(**{"a.bin": b"data"})
    repo.git("remote", "set-url", "origin", "ssh://git@localhost:1/nowhere.git")
    head = repo.head()
    said = repo.git(
        "data",
        "hook",
        "pre-push",
        "origin",
        "ssh://x/y",
        input=f"refs/heads/main {head} refs/heads/main {'0' * 40}\n".encode(),
        code=1,
    )
    assert "git data store" in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_texts_alone_need_no_store(repo):
    head = repo.commit(**{"a.txt": b"text"})
    lines = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n".encode()
    repo.git("data", "hook", "pre-push", "origin", "ssh://x/y", input=lines)


def test_the_store_of_the_pushed_commit_counts_not_that_of_the_work_tree(world, origin, repo):
    store = world.root / "store"
    repo.git("data", "store", str(store))
    repo.write("a.bin", b"data")
    repo.git("add", "a.bin", ".gitattributes")
    repo.git("commit", "-q", "-m", "without .gitdata")
    said = repo.git("push", "origin", "main", code=1)
    assert "git add .gitdata" in said.err
    assert refs(origin) == []
    repo.commit("with .gitdata")
    repo.git("push", "-q", "origin", "main")
    assert [p for p in (store / "data" / "packs").rglob("*") if p.is_file()]
    assert not (origin.path / "data").exists()
    same_clone(world, origin, repo)


def test_a_folder_that_a_commit_names_is_not_created(world, origin, repo):
    repo.write(".gitdata", f"[store]\n\turl = {world.root}/nothing-here\n")
    repo.commit(**{"a.bin": b"data"})
    said = repo.git("push", "origin", "main", code=1)
    assert "nothing-here" in said.err and "git data store" in said.err
    assert not (world.root / "nothing-here").exists()
    assert refs(origin) == []


def test_a_hostile_gitdata_is_refused_by_key_and_the_push_stops(origin, repo):
    repo.commit(**{"a.bin": b"data"})
    text = b"[core]\n\tsshCommand = touch evil\n"
    blob = repo.git("hash-object", "-w", "--stdin", input=text).out.strip()
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},.gitdata")
    repo.git("commit", "-q", "-m", "hostile")
    said = repo.git("push", "origin", "main", code=1)
    assert "core.sshcommand" in said.err
    assert refs(origin) == []


def test_a_clone_of_a_working_repository_has_its_data(world, repo):
    repo.commit(**{"a.bin": random_bytes(50_000), "b.bin": b"small"})
    same_clone(world, repo, repo)


def test_moving_to_another_store_brings_what_only_the_old_one_holds(world, origin, repo):
    repo.commit(**{"a.bin": random_bytes(50_000)})
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "mover")
    clone.forget_data()
    (clone.path / "a.bin").unlink()
    clone.git("data", "store", str(world.root / "store"))
    clone.git("add", ".gitdata")
    clone.git("commit", "-q", "-m", "move")
    clone.git("push", "-q", "origin", "main")
    shutil.rmtree(origin.path / "data")
    same_clone(world, origin, repo)


def test_a_store_that_lost_its_folder_stops_the_push_and_later_completes(world, origin, repo):
    store = world.root / "mount" / "store"
    store.parent.mkdir()
    repo.git("data", "store", str(store))
    repo.commit(**{"a.bin": b"one"})
    repo.git("push", "-q", "origin", "main")
    store.parent.rename(world.root / "unmounted")
    repo.commit(**{"a.bin": b"two"})
    said = repo.git("push", "origin", "main", code=1)
    assert str(store) in said.err and "safe" in said.err
    assert refs(origin)[0].split()[1] != repo.head()
    (world.root / "unmounted").rename(store.parent)
    repo.git("push", "-q", "origin", "main")
    same_clone(world, origin, repo)


def test_no_verify_then_an_ordinary_push_sends_the_data(world, origin, repo):
    """Remote-tracking refs are no proof: only the store's index is."""
    repo.commit(**{"a.bin": b"one"})
    repo.git("push", "-q", "--no-verify", "origin", "main")
    assert not (origin.path / "data").exists()
    repo.commit(**{"b.bin": b"two"})
    repo.git("push", "-q", "origin", "main")
    same_clone(world, origin, repo)


def test_a_shallow_repository_pushes_too(world, origin, repo):
    for word in (b"one", b"two"):
        repo.commit(**{"a.bin": word})
    repo.git("push", "-q", "origin", "main")
    shallow = world.clone(f"file://{origin.path}", "shallow", "--depth=1")
    shallow.commit(**{"b.bin": b"three"})
    shallow.git("push", "-q", "origin", "main")
    same_clone(world, origin, shallow)
