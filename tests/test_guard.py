"""What the checks find in what is staged: each fault named, with the command that cures it."""

import pytest

from .helpers.staging import commit_raw, pointer_to, stage
from .helpers.world import random_bytes
from .test_conflict import merged

TRACKED = "*.bin filter=data diff=data merge=data -text\n"


@pytest.fixture
def repo(world):
    made = world.repo()
    made.write(".gitattributes", TRACKED)
    made.git("add", ".")
    return made


def guard(repo, check, *words, code=0, **how):
    """What `git data guard` says, a line each."""
    done = repo.data("guard", check, *words, code=code, **how)
    assert done.out == ""
    return [line.removeprefix("git-data: ") for line in done.err.splitlines()]


def test_what_the_filter_makes_is_right(repo):
    repo.write("a.bin", b"content")
    repo.write("empty.bin", b"")
    repo.write("text", b"<<<<<<< HEAD\n")
    repo.write("d/big name.bin", random_bytes(300_000))
    repo.git("add", ".")
    for check in ("pointers", "large-files", "imports"):
        assert guard(repo, check) == []


def test_each_wrong_pointer_is_named_with_its_cure(repo):
    good = pointer_to(b"good")
    commit_raw(repo, **{"edited.bin": good, "new/sub.bin": good})
    stage(
        repo,
        **{
            "raw.bin": b"content",
            "large.bin": b"c" * 5000,
            "conflict.bin": merged(),
            "crlf.bin": good.replace(b"\n", b"\r\n"),
            "edited.bin": good.upper(),
            "cut off.bin": good[:-5],
            "fine.bin": pointer_to(b"fine"),
        },
    )
    found = dict(line.split(": ", 1) for line in guard(repo, "pointers", code=1))
    cures = {path: said.partition("; ")[2] for path, said in found.items()}
    assert cures == {
        "conflict.bin": "git data resolve --ours conflict.bin",
        "crlf.bin": "git add --renormalize crlf.bin",
        "cut off.bin": "put the content of 'cut off.bin' there again && git add 'cut off.bin'",
        "edited.bin": "git checkout HEAD -- edited.bin",
        "large.bin": "git add --renormalize large.bin",
        "raw.bin": "git add --renormalize raw.bin",
    }
    assert "conflict markers" in found["conflict.bin"]
    assert "CRLF" in found["crlf.bin"]
    assert "edited by hand, or cut off" in found["edited.bin"]
    assert "without the filter" in found["raw.bin"]


def test_the_cure_of_raw_content_cures(repo):
    repo.write("raw.bin", b"content")
    stage(repo, **{"raw.bin": b"content"})
    cure = guard(repo, "pointers", code=1)[0].partition("; ")[2]
    repo.world.run("sh", "-c", cure, cwd=repo.path)
    assert repo.staged("raw.bin") == pointer_to(b"content")
    assert guard(repo, "pointers") == []


def test_without_the_filter_the_cure_begins_with_its_setup(bare_world):
    repo = bare_world.repo()
    repo.write(".gitattributes", TRACKED)
    repo.write("raw.bin", b"content")
    repo.git("add", ".")
    said = guard(repo, "pointers", code=1)[0]
    assert said.endswith("; git data install && git add --renormalize raw.bin")
    bare_world.run("sh", "-c", said.partition("; ")[2], cwd=repo.path)
    assert guard(repo, "pointers") == []


def test_only_what_the_next_commit_changes_or_what_is_named(repo):
    commit_raw(repo, **{"old.bin": b"content", "also.bin": b"content"})
    stage(repo, **{"text": b"text"})
    assert guard(repo, "pointers") == []
    assert guard(repo, "pointers", "text", "no such file") == []
    assert guard(repo, "pointers", "old.bin", "text", code=1)[0].startswith("old.bin: ")
    repo.git("rm", "-q", "--cached", "old.bin")
    assert guard(repo, "pointers") == []


def test_the_attributes_of_the_index_count(repo):
    stage(repo, **{"x.dat": b"content"})
    repo.write(".gitattributes", TRACKED + "*.dat filter=data\n")
    assert guard(repo, "pointers") == []
    repo.git("add", ".gitattributes")
    assert [line.split(":")[0] for line in guard(repo, "pointers", code=1)] == ["x.dat"]


def test_tracked_by_size_small_files_are_plain(repo):
    attributes = "* filter=data merge=data\n" + TRACKED
    stage(repo, **{".gitattributes": attributes.encode(), ".gitdata": b"[track]\nabove = 2KB\n"})
    stage(repo, **{"small": b"x" * 1999, "large": b"x" * 2000, "a.bin": b"x"})
    stage(repo, **{"cut": pointer_to(b"1")[:-3], ".gitignore": b"x\n" * 4000})
    found = [line.split(":")[0] for line in guard(repo, "pointers", code=1)]
    assert found == ["a.bin", "cut", "large"]


def test_large_files_outside_of_the_filter(repo):
    stage(repo, **{"big file": b"x" * 3000, "limit": b"x" * 2000, "a.bin": pointer_to(b"a")})
    assert guard(repo, "large-files") == []
    found = guard(repo, "large-files", "--limit", "2000", code=1)
    assert found == [
        "big file: 3,000 bytes in Git itself, more than 2,000; "
        "git data track 'big file' && git add --renormalize 'big file' .gitattributes"
    ]
    assert guard(repo, "large-files", "--limit", "2KB", "limit") == []
    repo.git("config", "data.rawLimit", "2999")
    assert len(guard(repo, "large-files", code=1)) == 1
    repo.git("config", "data.rawLimit", "0")
    assert guard(repo, "large-files") == []
    assert "--limit: not a size" in guard(repo, "large-files", "--limit", "much", code=2)[0]


def test_the_cure_of_a_large_file_cures(repo):
    repo.write("big file", b"x" * 3000)
    repo.git("add", ".")
    cure = guard(repo, "large-files", "--limit=2KB", code=1)[0].partition("; ")[2]
    repo.world.run("sh", "-c", cure, cwd=repo.path)
    assert repo.staged("big file") == pointer_to(b"x" * 3000)


def test_silent_where_nothing_is_data(world):
    repo = world.repo()
    for check in ("pointers", "large-files", "imports", "stored"):
        assert guard(repo, check) == []
    repo.write("big", random_bytes(2000))
    repo.write("broken", pointer_to(b"x")[:-2])
    repo.git("add", ".")
    for check in ("pointers", "imports", "stored"):
        assert guard(repo, check) == []
    assert guard(repo, "large-files", "--limit", "1KB") == []
    repo.git("commit", "-q", "-m", "x")
    assert guard(repo, "stored") == []


def test_nothing_of_the_data_is_read(repo):
    """A raw blob is judged by its size: its bytes may even be lost."""
    stage(repo, **{"raw.bin": random_bytes(100_000)})
    blob = repo.git("rev-parse", ":raw.bin").out.strip()
    path = repo.path / ".git" / "objects" / blob[:2] / blob[2:]
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:1000])
    assert guard(repo, "pointers", code=1)[0].startswith("raw.bin: its content itself")


def test_in_a_linked_worktree_and_in_a_submodule(world, repo):
    repo.git("commit", "-q", "-m", "x")
    repo.git("worktree", "add", "-q", "../linked")
    repo.git("-C", "../linked", "reset", "-q")
    linked = type(repo)(world, world.root / "linked")
    stage(linked, **{"raw.bin": b"x"})
    assert len(guard(linked, "pointers", code=1)) == 1
    assert guard(repo, "pointers") == []
    outer = world.repo("outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.path), "sub")
    inner = type(repo)(world, outer.path / "sub")
    stage(inner, **{"raw.bin": b"x"})
    assert len(guard(inner, "pointers", code=1)) == 1
    assert guard(outer, "pointers") == []


def test_from_a_folder_and_with_odd_names(repo):
    names = ["d/ü.bin", 'q"uote.bin', "new\nline.bin", "-dash.bin"]
    stage(repo, **{name: b"x" for name in names})
    (repo.path / "d").mkdir()
    found = guard(repo, "pointers", code=1, cwd=repo.path / "d")
    assert [line.split(":")[0] for line in found] == [
        "-dash.bin",
        "d/ü.bin",
        "new\\nline.bin",
        'q"uote.bin',
    ]
    for line, name in zip(found, sorted(names), strict=True):  # the cure is the name itself
        word = line.rpartition(" ")[2]
        there = repo.world.run("bash", "-c", f"printf %s {word}").out
        assert there.removeprefix("./") == name


DASHES = ["-x.bin", "--limit", "--limit=1", "-h", "--help", "--", "-"]


@pytest.mark.parametrize("first", DASHES)
def test_names_that_look_like_options(repo, first):
    """The framework puts the names behind our words, as they are."""
    names = [first, *(name for name in DASHES if name != first), "a"]
    stage(repo, **{".gitattributes": b"* filter=data\n"}, **dict.fromkeys(names, b"x" * 3000))
    found = [line.partition(": ")[0] for line in guard(repo, "pointers", "--", *names, code=1)]
    assert found == sorted(names)
    stage(repo, **{".gitattributes": b"b filter=data\n"})
    for limit in (["--limit", "2KB"], ["--limit=2KB"]):
        found = guard(repo, "large-files", *limit, *names, code=1)
        assert [line.partition(": ")[0] for line in found] == sorted(names)
        found = guard(repo, "large-files", *limit, first, code=1)
        assert {line.partition(": ")[0] for line in found} >= {first}
    assert guard(repo, "large-files", "--", *names) == []


def test_options_before_the_first_file_are_options(repo):
    stage(repo, a=b"x" * 3000)
    for words in (["--limit", "2KB", "large-files"], ["--limit=2KB", "large-files", "--", "a"]):
        assert len(repo.data("guard", *words, code=1).err.splitlines()) == 1
    assert len(guard(repo, "large-files", "--limit", "2KB", "--", code=1)) == 1
    assert "usage: git data guard" in repo.data("guard", "-h").out
    for command in ("guard", "fsck"):
        assert "data.rawLimit without it" in repo.data(command, "-h").out
    assert "expected one argument" in repo.data("guard", "large-files", "--limit", code=2).err


def test_the_index_of_commit_all_counts(repo):
    """In the hook of `git commit -a` and `git commit PATH`, Git uses an index of its own."""
    hook = repo.path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec git-data guard large-files --limit 1KB\n")
    hook.chmod(0o755)
    repo.git("commit", "-q", "-m", "x", "--allow-empty")
    repo.commit(text=b"text")
    repo.write("text", b"x" * 2000)
    repo.git("commit", "-q", "-am", "x", code=1)
    repo.git("commit", "-q", "-m", "x", "text", code=1)
    repo.write("text", b"short")
    repo.git("commit", "-q", "-am", "x")


def test_a_partial_clone_fetches_nothing(world, repo):
    repo.git("config", "uploadpack.allowFilter", "true")
    commit_raw(repo, **{"raw.bin": b"x" * 3000, "text": b"y" * 3000})
    url = f"file://{repo.path}"
    clone = world.clone(url, "partial", "--filter=blob:none", "--no-checkout")
    clone.git("read-tree", "HEAD")
    clone.git("remote", "set-url", "origin", "file:///not/there")
    assert guard(clone, "pointers", "raw.bin", "text") == []


BROKEN = {
    "cut off": lambda text: text[:-1],
    "edited": lambda text: text.replace(b"size 7", b"size 007"),
    "newer": lambda text: text.replace(b"git-data/1", b"git-data/2"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("tracked", ["by name", "by size"])
def test_with_the_filter_on_a_broken_pointer_is_stopped(world, repo, kind, tracked):
    """The filter passes it through, once told; each check names it, and its cure cures."""
    if tracked == "by size":
        repo.write(".gitattributes", "* filter=data merge=data\n")
        repo.data("track", "--above", "2KB")
    repo.git("remote", "add", "origin", str(world.bare("origin.git").path))
    repo.data("install", "--hook", "pre-commit")
    repo.write("a.bin", b"content")
    repo.git("add", ".")
    stage(repo, **{"a.bin": pointer_to(b"content")})
    repo.git("commit", "-q", "-m", "good")
    good = repo.head()
    text = BROKEN[kind](pointer_to(b"content"))
    repo.write("a.bin", text)
    said = repo.git("add", "a.bin").err.splitlines()
    assert len(said) == 1 and said[0].startswith("git-data: a.bin: ")
    assert repo.staged("a.bin") == text
    assert (repo.git("status", "--short", "-uno").out, repo.git("diff").out) == ("M  a.bin\n", "")
    (found,) = guard(repo, "pointers", code=1)
    assert "a newer version" in found if kind == "newer" else "damaged" in found
    assert found in repo.git("commit", "-q", "-m", "x", code=1).err
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    assert f"a.bin (commit {repo.head()[:12]})" in repo.data("fsck", "--pointers", code=1).err
    told = {one["check"]: one for one in repo.data("doctor", "--json", code=1).json()["problems"]}
    assert "a.bin: " in told["broken pointer"]["what"] and "tracking" not in told
    if kind == "newer":
        assert told["broken pointer"]["mend"] == "install a newer git-data"
        return
    repo.git("reset", "-q", "--soft", good)
    repo.world.run("sh", "-c", found.partition("; ")[2], cwd=repo.path)
    assert repo.staged("a.bin") == pointer_to(b"content")
    assert guard(repo, "pointers") == []


@pytest.mark.parametrize("kept", ["pointer", "content"])
def test_the_cure_of_crlf_cures(repo, kept):
    """Whether the work tree has the broken pointer, or already what it stands for."""
    repo.write("a.bin", b"content")
    repo.git("add", "a.bin")
    broken = pointer_to(b"content").replace(b"\n", b"\r\n")
    stage(repo, **{"a.bin": broken})
    if kept == "pointer":
        repo.write("a.bin", broken)
    cure = guard(repo, "pointers", code=1)[0].partition("; ")[2]
    repo.world.run("sh", "-c", cure, cwd=repo.path)
    assert repo.staged("a.bin") == pointer_to(b"content")
    assert guard(repo, "pointers") == []


def test_the_cure_of_a_conflict_cures(repo):
    stage(repo, **{"a.bin": merged()})
    cure = guard(repo, "pointers", code=1)[0].partition("; ")[2]
    repo.world.run("sh", "-c", cure, cwd=repo.path, env={"GIT_DATA_SKIP_SMUDGE": "1"})
    assert guard(repo, "pointers") == []


def test_what_a_push_would_leave_behind(world, repo):
    repo.git("remote", "add", "origin", str(world.bare("origin.git").path))
    commit_raw(repo, **{f"{n}.bin": pointer_to(b"%d" % n) for n in range(300)})
    commit_raw(repo, doc=pointer_to(b"an example"))
    found = guard(repo, "stored", code=1)
    assert len(found) == 51 and found[50] == "… and 250 more files"
    assert found[0].endswith("; git data push origin")
    commit_raw(repo, **{".gitattributes": b"*.txt filter=data\n"})
    (line,) = guard(repo, "stored", code=1)  # one of history is enough
    assert ".bin: its content" in line
    repo.git("checkout", "-q", "--orphan", "new")
    repo.git("rm", "-q", "-f", "--cached", "-r", ".")
    commit_raw(repo, **{".gitattributes": TRACKED.encode(), "doc": pointer_to(b"an example")})
    assert guard(repo, "stored") == []
