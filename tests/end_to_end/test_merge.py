"""Merging data: small texts by content, else ours stays, theirs is beside it, and to settle it."""

import os

import pytest

from ..helpers.staging import pointer_to, stage
from ..helpers.world import Checkout, random_bytes
from ..test_conflict import merged
from ..test_guard import TRACKED

LINES = [b"%d,x\n" % n for n in range(20)]
BASE = b"".join(LINES)
OURS = BASE.replace(b"3,x", b"3,ours")
THEIRS = BASE.replace(b"15,x", b"15,theirs")
BOTH = OURS.replace(b"15,x", b"15,theirs")
IMAGES = [random_bytes(3000, seed) for seed in range(3)]


def branches(repo, base, ours, theirs, name="a.bin"):
    """Branches main and topic that both change a file; on main."""
    repo.commit("base", **{".gitattributes": TRACKED, **({name: base} if base else {})})
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("theirs", **{name: theirs})
    repo.git("checkout", "-q", "main")
    repo.commit("ours", **{name: ours})
    return repo


@pytest.fixture
def images(repo):
    return branches(repo, *IMAGES)


def beside(repo):
    return sorted(str(p.relative_to(repo.path)) for p in repo.path.rglob("*.theirs*"))


def test_texts_merge_by_content(repo):
    branches(repo, BASE, OURS, THEIRS)
    repo.git("merge", "-q", "-m", "m", "topic")
    assert repo.read("a.bin") == BOTH
    assert repo.staged("a.bin") == pointer_to(BOTH)
    assert (repo.status(), beside(repo)) == ("", [])
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("rebase", "-q", "topic")
    assert repo.read("a.bin") == BOTH


def test_both_sides_are_fetched_if_need_be(world, repo):
    origin = world.bare("origin.git")
    repo.git("remote", "add", "origin", str(origin.path))
    branches(repo, BASE, OURS, THEIRS)
    repo.git("push", "-q", "origin", "main", "topic")
    clone = world.clone(origin, "clone")
    clone.forget_data()
    clone.git("merge", "-q", "-m", "m", "origin/topic")
    assert clone.read("a.bin") == BOTH
    clone.git("reset", "-q", "--hard", "origin/main")
    clone.forget_data()
    clone.git("remote", "set-url", "origin", "/not/there")
    said = clone.git("merge", "origin/topic", code=1).err
    assert "Ours is in place, theirs is not beside it" in said
    assert "CONFLICT" in clone.git("status").out or "a.bin" in clone.git("ls-files", "-u").out


def test_what_is_too_large_is_not_merged_by_content(repo):
    branches(repo, BASE, OURS, THEIRS)
    repo.git("config", "data.mergeLimit", "10")
    repo.git("merge", "-q", "topic", code=1)
    assert (repo.read("a.bin"), repo.read("a.bin.theirs")) == (OURS, THEIRS)


@pytest.mark.parametrize("kind", ["image", "text", "added"])
def test_in_a_conflict_ours_stays_and_theirs_is_beside_it(repo, kind):
    clash = BASE.replace(b"3,x", b"3,theirs")
    base, ours, theirs = {
        "image": IMAGES,
        "text": (BASE, OURS, clash),
        "added": (b"", OURS, clash),
    }[kind]
    branches(repo, base, ours, theirs)
    done = repo.git("merge", "topic", code=1)
    assert (repo.read("a.bin"), repo.read("a.bin.theirs")) == (ours, theirs)
    assert "CONFLICT" in done.out
    assert done.err == (
        "git-data: a.bin: both sides changed it. Ours is in place, theirs is beside it as "
        "a.bin.theirs; keep one of them: git data resolve --ours|--theirs a.bin\n"
    )
    unmerged = repo.git("ls-files", "-u").lines
    assert [line.split()[2] for line in unmerged][-2:] == ["2", "3"]
    assert repo.staged("a.bin", ":2") == pointer_to(ours)


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("mixed", [False, True])
def test_pointers_of_a_newer_version_are_never_mixed(repo, side, mixed):
    """Git alone would take a line of each side."""
    lines = [b"version git-data/2\n", b"oid x:%d\n" % 1, b"\n", b"\n", b"\n", b"size 1\n"]
    ours = OURS if mixed else b"".join(lines).replace(b"x:1", b"x:2")
    theirs = b"".join(lines).replace(b"size 1", b"size 2")
    branches(repo, BASE if mixed else b"".join(lines), ours, theirs)
    said = repo.git("merge", "topic", code=1).err
    assert "theirs is beside it as a.bin.theirs" in said
    assert (repo.read("a.bin"), repo.read("a.bin.theirs")) == (ours, theirs)
    repo.data("resolve", f"--{side}", "a.bin")
    assert repo.read("a.bin") == (ours if side == "ours" else theirs)
    assert (repo.git("ls-files", "-u").out, beside(repo)) == ("", [])


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_settling_it(images, side):
    images.git("merge", "-q", "topic", code=1)
    told = images.data("resolve").lines
    assert told[0] == "a.bin" and "3.0 KB  blake3:" in told[1] and told[2].startswith("  theirs")
    (found,) = images.data("resolve", "--json").json()["conflicts"]
    assert found["path"] == "a.bin" and found["theirs"]["size"] == 3000
    content = IMAGES[1] if side == "ours" else IMAGES[2]
    assert images.data("resolve", f"--{side}", "a.bin").out == f"a.bin: {side} is kept\n"
    assert images.read("a.bin") == content
    assert images.staged("a.bin") == pointer_to(content)
    assert (images.git("ls-files", "-u").out, beside(images)) == ("", [])
    images.git("commit", "-q", "-m", "m")
    assert images.status() == ""
    assert images.data("resolve").out == "no data file is in conflict\n"


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_git_settles_it_too(images, side):
    images.git("merge", "-q", "topic", code=1)
    images.git("checkout", "-q", f"--{side}", "a.bin")
    assert images.read("a.bin") == (IMAGES[1] if side == "ours" else IMAGES[2])
    images.git("add", "a.bin")
    images.git("commit", "-q", "-m", "m")
    assert images.git("status", "--porcelain").out == "?? a.bin.theirs\n"


def test_a_merge_tool_sees_the_content(images):
    images.git("merge", "-q", "topic", code=1)
    tool = 'cat "$BASE" "$LOCAL" "$REMOTE" > "$MERGED"'
    settings = ("-c", f"mergetool.t.cmd={tool}", "-c", "mergetool.t.trustExitCode=true")
    images.git(*settings, "-c", "mergetool.keepBackup=false", "mergetool", "-y", "-t", "t")
    assert images.read("a.bin") == b"".join(IMAGES)
    images.git("commit", "-q", "-m", "m")
    assert images.staged("a.bin", "HEAD") == pointer_to(b"".join(IMAGES))


OPERATIONS = {
    "merge": ("merge", "-q", "topic"),
    "pull": ("pull", "-q", "--no-rebase", ".", "topic"),
    "squash": ("merge", "-q", "--squash", "topic"),
    "rebase": ("rebase", "-q", "topic"),
    "cherry-pick": ("cherry-pick", "topic"),
    "revert": ("revert", "--no-edit", "HEAD~1"),
    "octopus's first": ("merge", "-q", "-s", "ort", "topic"),
    "recursive": ("merge", "-q", "-s", "recursive", "topic"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_command_that_merges(images, name):
    if name == "revert":
        images.commit("again", **{"a.bin": b"third" * 100})
    images.git(*OPERATIONS[name], code=1)
    assert beside(images) == ["a.bin.theirs"]
    assert b"<<<<" not in images.read("a.bin")
    images.data("resolve", "--theirs", ".")
    assert images.git("ls-files", "-u").out == "" and beside(images) == []


def test_a_stash_and_an_applied_patch(images):
    patch = images.git("format-patch", "--stdout", "-1", "topic").out.encode()
    images.git("am", "-q", "-3", input=patch, code=128)
    assert beside(images) == ["a.bin.theirs"] and images.read("a.bin") == IMAGES[1]
    images.git("am", "--abort")
    (images.path / "a.bin.theirs").unlink()
    images.git("checkout", "-q", "topic")
    images.write("a.bin", b"changed here" * 100)
    images.git("stash", "-q")
    images.git("checkout", "-q", "main")
    images.git("stash", "pop", "-q", code=1)
    assert images.read("a.bin.theirs") == b"changed here" * 100
    images.data("resolve", "--theirs", "a.bin")
    assert images.read("a.bin") == b"changed here" * 100


def test_a_dirty_file_carried_to_another_branch(images):
    images.write("a.bin", b"changed here" * 100)
    images.git("checkout", "-q", "-m", "topic", code=None)
    assert images.read("a.bin") == IMAGES[2]
    assert images.read("a.bin.theirs") == b"changed here" * 100


def test_commands_that_only_look_write_nothing(world, images):
    before = sorted(path.name for path in images.path.iterdir())
    images.git("merge-tree", "--write-tree", "main", "topic", code=1)
    images.git("merge", "-q", "-m", "m", "-s", "ours", "topic")
    images.git("log", "-p", "--remerge-diff", "-1")
    images.git("show", "--remerge-diff")
    assert sorted(path.name for path in images.path.iterdir()) == before
    bare = world.clone(images, "bare.git", "--bare")
    bare.git("merge-tree", "--write-tree", "main~1", "topic", code=1)
    assert beside(bare) == []


def test_not_even_while_somebody_holds_the_index(images):
    lock = images.write(".git/index.lock", b"")
    images.git("merge-tree", "--write-tree", "main", "topic", code=1)
    lock.unlink()
    assert beside(images) == []


def test_a_virtual_ancestor_writes_nothing(images):
    """A criss-cross merge: the two bases are merged first, for nobody to see."""
    images.git("merge", "-q", "-m", "m", "-s", "ours", "topic")
    images.git("checkout", "-q", "topic")
    images.git("merge", "-q", "-m", "m", "-s", "ours", "main~1")
    images.commit("theirs again", **{"a.bin": b"theirs again" * 50})
    images.git("checkout", "-q", "main")
    images.commit("ours again", **{"a.bin": b"ours again" * 50})
    images.git("merge", "-q", "topic", code=1)
    assert images.read("a.bin") == b"ours again" * 50
    assert images.read("a.bin.theirs") == b"theirs again" * 50


def test_nothing_that_is_there_is_replaced(images):
    images.write("a.bin.theirs", b"mine")
    said = images.git("merge", "topic", code=1).err
    assert images.read("a.bin.theirs") == b"mine"
    assert images.read("a.bin.theirs.2") == IMAGES[2] and "as a.bin.theirs.2" in said
    done = images.data("resolve", "--ours", "a.bin")
    assert beside(images) == ["a.bin.theirs"]
    assert "a.bin.theirs was changed, and left alone" in done.err
    images.git("merge", "--abort")
    images.write("a.bin.theirs", IMAGES[2])
    images.git("merge", "-q", "topic", code=1)
    assert beside(images) == ["a.bin.theirs"]


def test_no_link_is_followed(images):
    outside = images.world.root / "outside"
    outside.write_bytes(b"outside")
    os.symlink(outside, images.path / "a.bin.theirs")
    images.git("merge", "-q", "topic", code=1)
    assert outside.read_bytes() == b"outside"
    assert images.read("a.bin.theirs.2") == IMAGES[2]


def test_one_side_deleted_it(images):
    images.git("rm", "-q", "a.bin")
    images.git("commit", "-q", "-m", "gone")
    images.git("merge", "-q", "topic", code=1)
    assert "ours    deleted" in images.data("resolve").out
    images.data("resolve", "--theirs", "a.bin")
    assert images.read("a.bin") == IMAGES[2]
    images.git("reset", "-q", "--hard")
    images.git("merge", "-q", "topic", code=1)
    said = images.data("resolve", "--ours", ".").out
    assert said == "a.bin: ours has no such file: removed\n"
    assert not (images.path / "a.bin").exists() and images.git("ls-files", "-u").out == ""


def test_odd_names(repo):
    name = "d/ö 'x'\n.bin"
    branches(repo, *IMAGES, name=name)
    repo.git("merge", "-q", "topic", code=1)
    assert repo.read(name + ".theirs") == IMAGES[2]
    repo.data("resolve", "--theirs", "d", cwd=repo.path)
    assert (repo.read(name), beside(repo)) == (IMAGES[2], [])


def test_in_a_linked_worktree_and_from_a_folder(world, images):
    images.git("worktree", "add", "-q", "--detach", "../linked", "main")
    linked = Checkout(world, world.root / "linked")
    linked.git("merge", "-q", "topic", code=1)
    assert (beside(linked), beside(images)) == (["a.bin.theirs"], [])
    (linked.path / "sub").mkdir()
    assert linked.data("resolve", "--theirs", "../a.bin", cwd=linked.path / "sub").out == (
        "../a.bin: theirs is kept\n"
    )
    assert linked.read("a.bin") == IMAGES[2]


def test_markers_that_were_added_are_settled_too(repo):
    """As a merge without the driver leaves them, `git add` and all."""
    branches(repo, *IMAGES)
    text = merged().replace(pointer_to(b"ours")[30:94], pointer_to(IMAGES[1])[30:94])
    text = text.replace(b"size 4\n", b"size 3000\n")
    stage(repo, **{"a.bin": text})
    (found,) = repo.data("resolve", "--json").json()["conflicts"]
    assert found["has_markers"] and found["ours"]["size"] == 3000
    repo.data("resolve", "--ours", "a.bin")
    assert (repo.read("a.bin"), repo.staged("a.bin")) == (IMAGES[1], pointer_to(IMAGES[1]))
    half = text.replace(b"oid blake3:", b"oid blake3:x", 1)
    stage(repo, **{"a.bin": half})
    said = repo.data("resolve", "--ours", "a.bin", code=1).err
    assert "ours is no pointer any more; nothing was done" in said


def test_merged_without_any_driver(bare_world):
    """`merge=data` means nothing to a clone without git-data; with it, both sides can be had."""
    repo = bare_world.repo()
    branches(repo, *(pointer_to(image) for image in IMAGES))
    repo.git("merge", "-q", "topic", code=1)
    assert b"<<<<<<< HEAD\n" in repo.read("a.bin")
    bare_world.git("data", "install")
    repo.data("resolve", "--theirs", "a.bin")
    assert repo.staged("a.bin") == pointer_to(IMAGES[2])


def test_small_files_tracked_by_size_merge_as_texts(repo):
    rules = {".gitattributes": "* filter=data merge=data\n", ".gitdata": "[track]\nabove = 1KB\n"}
    repo.commit("base", **rules, text=BASE)
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("theirs", text=THEIRS + b"y" * 2000, other=b"1")
    repo.git("checkout", "-q", "main")
    repo.commit("ours", text=OURS)
    repo.git("merge", "-q", "-m", "m", "topic")
    assert repo.staged("text", "HEAD") == pointer_to(BOTH + b"y" * 2000)
    assert repo.status() == ""


def test_small_texts_in_conflict_have_markers(repo):
    rules = {".gitattributes": "* filter=data merge=data\n", ".gitdata": "[track]\nabove = 1KB\n"}
    repo.commit("base", **rules, text=BASE)
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("theirs", text=BASE.replace(b"3,x", b"3,theirs"))
    repo.git("checkout", "-q", "main")
    repo.commit("ours", text=OURS)
    repo.git("merge", "-q", "topic", code=1)
    assert b"<<<<<<< ours\n" in repo.read("text") and beside(repo) == []


def test_a_small_text_that_grew_into_data_on_one_side(repo):
    rules = {".gitattributes": "* filter=data merge=data\n", ".gitdata": "[track]\nabove = 1KB\n"}
    repo.commit("base", **rules, text=BASE)
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("theirs", text=BASE.replace(b"3,x", b"3,theirs" * 200))
    repo.git("checkout", "-q", "main")
    repo.commit("ours", text=OURS)
    repo.git("merge", "-q", "topic", code=1)
    assert repo.read("text") == OURS
    assert repo.read("text.theirs").startswith(b"0,x\n")
    repo.data("resolve", "--theirs", "text")
    assert repo.status() == "M  text\n"


def test_what_is_not_in_conflict(images):
    for words, said in (
        (("--ours", "a.bin"), "a.bin: no data file is in conflict there; for other files: git "),
        (("--ours",), "say which files; git data resolve --ours PATH"),
        (("--ours", "--theirs", "a.bin"), "not allowed with argument"),
    ):
        done = images.data("resolve", *words, code=None)
        assert done.code in (1, 2) and said in done.err


def test_pointers_are_written_where_content_is_not_wanted(images):
    images.git("-c", "core.x=1", "merge", "-q", "topic", code=1, env={"GIT_DATA_SKIP_SMUDGE": "1"})
    assert images.read("a.bin.theirs") == pointer_to(IMAGES[2])
    images.data("resolve", "--ours", "a.bin")
    assert beside(images) == []
