"""`git data fsck --pointers BASE..HEAD`: what CI runs, without the data."""

import pytest

from .helpers.staging import commit_raw, pointer_to, stage
from .helpers.world import Checkout
from .test_guard import TRACKED


@pytest.fixture
def repo(world):
    made = world.repo()
    made.git("remote", "add", "origin", str(world.bare().path))
    made.commit("begin", **{".gitattributes": TRACKED, "a.bin": b"one"})
    made.git("push", "-q", "origin", "main")
    return made


def fsck(repo, *words, code=0, **how):
    return repo.data("fsck", "--pointers", "--json", *words, code=code, **how).json()


def problems(repo, *words):
    """(check, path, commit) of each problem."""
    found = fsck(repo, *words, code=None)["problems"]
    return sorted((p["check"], p["path"], p["commit"]) for p in found)


def test_a_good_history(repo):
    repo.commit(**{"b.bin": b"two", "text": b"text"})
    repo.git("push", "-q", "origin", "main")
    assert fsck(repo) == {
        "commits": 2,
        "files": 4,
        "not_checked": 0,
        "bases_not_here": [],
        "problems": [],
    }
    said = repo.data("fsck", "--pointers", "HEAD~1..HEAD")
    assert (said.out, said.err) == ("1 commit, 2 files checked: nothing is wrong\n", "")
    assert repo.data("fsck", "--pointers", "-q").out == ""


def test_every_commit_of_the_range_is_looked_at(repo):
    base = repo.head()
    raw = commit_raw(repo, **{"raw.bin": b"content", "crlf.bin": pointer_to(b"x")})
    mended = commit_raw(repo, **{"raw.bin": pointer_to(b"one"), "big": b"x" * 3000})
    assert problems(repo, "--limit=2KB", f"{base}..") == [
        ("large-files", "big", mended),
        ("pointers", "raw.bin", raw),
        ("stored", "crlf.bin", raw),
    ]
    assert problems(repo, "--offline", f"{mended}..") == []
    assert problems(repo, "--offline", "HEAD", f"^{raw}") == []


def test_what_is_not_in_the_store(repo):
    repo.commit(**{"b.bin": b"never pushed", "doc.txt": pointer_to(b"an example")})
    (found,) = fsck(repo, "HEAD~1..", code=1)["problems"]
    assert found["path"] == "b.bin" and found["mend"] == "git data push"
    assert problems(repo, "--offline", "HEAD~1..") == []
    repo.data("push")
    assert problems(repo, "HEAD~1..") == []


def test_a_store_that_cannot_be_asked_is_named(repo):
    missing = repo.world.root / "gone"
    repo.git("config", "data.store", str(missing))
    repo.git("remote", "remove", "origin")
    (found,) = fsck(repo, code=1)["problems"]
    assert str(missing) in found["what"]


def test_the_cures_of_the_last_and_of_an_older_commit(repo):
    first = commit_raw(repo, **{"raw.bin": b"content"})
    last = commit_raw(repo, **{"also.bin": b"content"})
    found = {p["commit"]: p["mend"] for p in fsck(repo, "HEAD~2..", code=1)["problems"]}
    assert found == {
        last: "git add --renormalize also.bin && git commit --amend --no-edit",
        first: f"git reset --soft {first[:12]}~ && git add --renormalize raw.bin && git commit",
    }
    repo.git("checkout", "-q", "--", ".")
    for cure in (found[last], found[first]):
        repo.world.run("sh", "-c", cure, cwd=repo.path, env={"GIT_EDITOR": "echo anew >"})
    assert problems(repo, "--offline", "HEAD~1..") == []
    assert repo.staged("also.bin", "HEAD") == pointer_to(b"content")
    assert repo.git("rev-list", "--count", "HEAD").out == "2\n"


def test_attributes_count_as_each_commit_has_them(repo):
    plain = commit_raw(repo, **{"x.dat": b"content"})
    tracked = commit_raw(repo, **{"d/.gitattributes": b"*.dat filter=data\n", "d/y.dat": b"y"})
    after = commit_raw(repo, **{"d/z.dat": b"z", "x.dat": b"other"})
    untracked = commit_raw(repo, **{"d/.gitattributes": b"", "d/y.dat": b"yy"})
    assert problems(repo, "--offline", f"{plain}~..") == [
        ("pointers", "d/y.dat", tracked),
        ("pointers", "d/z.dat", after),
    ]
    repo.git("checkout", "-q", "-b", "side", after)
    side = commit_raw(repo, **{"d/s.dat": b"s"})
    repo.git("checkout", "-q", "-f", "main", "--")
    repo.git("merge", "-q", "-m", "merge", "side")
    stage(repo, **{"d/only-in-merge.dat": b"plain here"})
    repo.git("commit", "-q", "--amend", "--no-edit")
    assert problems(repo, "--offline", f"{untracked}..") == [("pointers", "d/s.dat", side)]


def test_a_merge_answers_for_what_it_makes_itself(repo):
    repo.git("checkout", "-q", "-b", "side")
    commit_raw(repo, **{"s.bin": pointer_to(b"s"), "both": b"1"})
    repo.git("checkout", "-q", "main")
    commit_raw(repo, **{"m.bin": pointer_to(b"m")})
    repo.git("merge", "-q", "--no-commit", "side")
    stage(repo, **{"evil.bin": b"raw", "s.bin": b"raw too"})
    repo.git("commit", "-q", "-m", "merge")
    merge = repo.head()
    assert problems(repo, "--offline", "main~..") == [
        ("pointers", "evil.bin", merge),
        ("pointers", "s.bin", merge),
    ]


def test_links_and_submodules_are_no_files(repo):
    link = repo.git("hash-object", "-w", "--stdin", input=b"target").out.strip()
    repo.git("update-index", "--add", "--cacheinfo", f"120000,{link},link.bin")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head()},sub.bin")
    repo.git("commit", "-q", "-m", "x")
    assert problems(repo, "--offline", "HEAD~1..") == []


def test_in_shallow_clones(world, repo):
    base = repo.head()
    raw = commit_raw(repo, **{"raw.bin": b"content"})
    last = commit_raw(repo, text=b"x")
    url = f"file://{repo.path}"
    skip = {"GIT_DATA_SKIP_SMUDGE": "1"}
    deep = world.clone(url, "deep", "--depth=3", env=skip)
    assert problems(deep, "--offline", f"{base}..HEAD") == [("pointers", "raw.bin", raw)]
    assert fsck(deep, "--offline", f"{base}..HEAD", code=1)["commits"] == 2
    flat = world.clone(url, "flat", "--depth=1", env=skip)
    for word in (f"{base}..HEAD", f"{base}..", f"{base}...HEAD", "origin/nothing..HEAD"):
        found = fsck(flat, "--offline", word, code=1)
        assert [p["commit"] for p in found["problems"]] == [last]
        assert len(found["bases_not_here"]) == 1
    said = flat.data("fsck", "--pointers", "--offline", f"{base}..HEAD", code=1).err
    assert f"this shallow clone lacks {base}: every commit that is here was checked" in said


def test_in_a_partial_clone_nothing_is_fetched(world, repo):
    repo.git("config", "uploadpack.allowFilter", "true")
    commit_raw(repo, **{"raw.bin": b"x" * 2000, "small.bin": b"x"})
    clone = world.clone(f"file://{repo.path}", "partial", "--bare", "--filter=blob:limit=1k")
    clone.git("remote", "set-url", "origin", "file:///not/there")
    found = fsck(clone, "--offline", "HEAD~1..", code=1)
    assert [p["path"] for p in found["problems"]] == ["small.bin"]
    assert found["not_checked"] == 1


def test_in_a_bare_repository_and_a_linked_worktree(world, repo):
    raw = commit_raw(repo, **{"raw.bin": b"content"})
    bare = world.clone(repo, "bare", "--bare")
    assert problems(bare, "--offline", "HEAD~1..") == [("pointers", "raw.bin", raw)]
    repo.git("worktree", "add", "-q", "--detach", "../linked", "HEAD~1")
    linked = Checkout(world, world.root / "linked")
    assert problems(linked, "--offline", "main~..main") == [("pointers", "raw.bin", raw)]
    assert problems(linked, "--offline", "HEAD") == []


def test_the_base_of_a_new_branch_is_zeros(repo):
    assert fsck(repo, "--offline", f"{'0' * 40}..HEAD")["commits"] == 1


def test_words_that_name_no_commits(repo):
    for words, said in (
        ([], "say what to check; git data fsck --pointers BASE..HEAD"),
        (["--pointers", "nothing..HEAD"], "nothing..HEAD: no such commits here"),
        (["--pointers", f"{'1f' * 20}..HEAD"], f"there is no commit {'1f' * 20} here; "),
        (["--pointers", "HEAD:a.bin"], "no such commits here"),
        (["--pointers", "--", "--all"], "'--all' names no commits"),
        (["--pointers", "--limit", "big"], "--limit: not a size"),
    ):
        assert said in repo.data("fsck", *words, code=None).err


def test_nothing_to_check(world):
    repo = world.repo("plain")
    repo.commit(text=b"x")
    assert fsck(repo)["problems"] == []
    assert fsck(repo, "HEAD..HEAD")["commits"] == 0
