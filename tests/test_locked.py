"""Imports are what they were locked to: compared with Git's own ids, offline."""

import pytest

from .helpers.staging import commit_raw, pointer_to, stage
from .helpers.world import random_bytes
from .test_guard import TRACKED, guard

COMMIT = "1f0c" * 10


@pytest.fixture(params=["sha1", "sha256"])
def repo(world, request):
    made = world.repo("repo", f"--object-format={request.param}")
    made.write(".gitattributes", TRACKED)
    made.git("add", ".")
    return made


def said(name, tree, commit=COMMIT, extra=""):
    return (
        f'[import "{name}"]\n\turl = u\n\tpath = p\n\tcommit = {commit}\n\ttree = {tree}\n{extra}'
    )


def add_folder(repo):
    """An import with folders in folders, names that Git sorts in its own way; its tree's id."""
    names = ["a.bin", "a/x/y/z.bin", "a0", "a-b", "ü", "deep/" * 40 + "f", "b/c/d"]
    files = {f"cats/dogs/{name}": random_bytes(20, seed) for seed, name in enumerate(names)}
    commit_raw(repo, **files, **{"cats/plain": b"x"})
    return repo.git("rev-parse", "HEAD:cats/dogs").out.strip()


def test_a_folder_and_a_file_as_they_were_locked(repo):
    tree = add_folder(repo)
    file = repo.git("rev-parse", "HEAD:cats/plain").out.strip()
    gitdata = said("cats/dogs", tree) + said("cats/plain", file)
    stage(repo, **{".gitdata": gitdata.encode()})
    assert guard(repo, "imports") == []
    repo.git("commit", "-q", "-m", "x")
    assert guard(repo, "imports") == []
    assert repo.data("fsck", "--pointers", "--offline", "HEAD~1..").lines[-1].endswith("wrong")


def test_a_changed_a_missing_and_a_deleted_file(repo):
    tree = add_folder(repo)
    gitdata = said("cats/dogs", tree) + said("not/there", tree)
    commit_raw(repo, **{".gitdata": gitdata.encode()})
    assert guard(repo, "imports", code=1) == [
        "not/there: this import is not there; git data update not/there"
    ]
    stage(repo, **{".gitdata": said("cats/dogs", tree).encode()})
    assert guard(repo, "imports") == []
    stage(repo, **{"cats/dogs/b/c/d": pointer_to(b"other")})
    changed = guard(repo, "imports", code=1)
    assert changed == [
        f"cats/dogs: this import is not what it was locked to ({COMMIT[:12]}); "
        "git data update cats/dogs"
    ]
    repo.git("reset", "-q", "--", "cats/dogs/b/c/d")
    assert guard(repo, "imports") == []
    repo.git("rm", "-q", "--cached", "cats/dogs/b/c/d")
    assert guard(repo, "imports", code=1) == changed


@pytest.mark.parametrize(
    ("tree", "commit", "what"),
    [("1f0c", COMMIT, "tree"), ("", COMMIT, "tree"), ("1f0c" * 10, "main", "commit")],
)
def test_an_import_that_is_not_locked(repo, tree, commit, what):
    text = said("a", tree, commit)
    stage(repo, **{"a": b"x", ".gitdata": text.encode()})
    (line,) = guard(repo, "imports", code=1)
    assert f"import.a.{what} cannot be" in line
    kept = [line for line in text.splitlines() if not line.strip().startswith(f"{what} =")]
    stage(repo, **{".gitdata": "\n".join(kept).encode()})
    (line,) = guard(repo, "imports", code=1)
    assert f"not locked: its {what} is missing or no id" in line


def test_a_gitdata_that_cannot_be_read(repo):
    stage(repo, **{".gitdata": b"[core]\n\teditor = rm\n"})
    (line,) = guard(repo, "imports", code=1)
    assert line.startswith(".gitdata: .gitdata: unknown key 'core.editor'")
    stage(repo, **{".gitdata": b"[import\n"})
    assert "cannot be read" in guard(repo, "imports", code=1)[0]


def test_in_a_range_only_commits_that_touch_it_are_named(repo):
    tree = add_folder(repo)
    commit_raw(repo, **{".gitdata": said("cats/dogs", tree).encode()})
    base = repo.head()
    bad = commit_raw(repo, **{"cats/dogs/a0": b"changed"})
    commit_raw(repo, other=b"x")
    repo.git("rm", "-q", "--cached", "cats/dogs/a0")
    repo.git("commit", "-q", "-m", "x")
    worse = repo.head()
    found = repo.data("fsck", "--pointers", "--json", "--offline", f"{base}..", code=1).json()
    assert [p["commit"] for p in found["problems"]] == sorted([bad, worse])
    assert {(p["check"], p["path"]) for p in found["problems"]} == {("imports", "cats/dogs")}


def test_names_that_are_none(repo):
    """`.gitdata` is hostile: a name leads nowhere else."""
    stage(repo, a=b"x")
    for name in ("../a", "/a", "", "a\\nb", ".git/config", "a/"):
        stage(repo, **{".gitdata": said(name, "1f0c" * 10).encode()})
        guard(repo, "imports", code=None)
        repo.git("commit", "-q", "-m", "x", "--allow-empty")
        done = repo.data("fsck", "--pointers", "--offline", "HEAD", code=None)
        assert done.code in (0, 1) and "unforeseen" not in done.err
