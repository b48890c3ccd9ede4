"""Contents that trip programs: empty, a pointer's own text, huge, other line endings, conflicts."""

import os

import pytest

from git_data.cache import Cache
from git_data.oid import ObjectId, hash_bytes, hasher
from git_data.pointer import Pointer
from git_data.stores.local import LocalStore
from git_data.transfer import ObjectStore

from ..helpers.world import random_bytes

ALL = "* filter=data diff=data merge=data -text\n.gitattributes -filter\n"
BIN = "*.bin filter=data diff=data merge=data -text\n"
EXAMPLE = Pointer(hash_bytes(b"elsewhere"), 9).encode()


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", BIN)
    return made


def is_pointer(data):
    return data.startswith(b"version git-data/1\noid blake3:") and len(data) < 200


CONTENTS = {
    "empty": b"",
    "one byte": b"\0",
    "a newline": b"\n",
    "of a pointer, and much more": EXAMPLE + b"\n" * 4096,
    "about pointers": b"version git-data/1 is a first line\n",
    "CRLF": b"a\r\nb\r\n" * 100,
    "a flush packet": b"0000",
    "a filter's status": b"status=error\n" * 10,
    "one packet": random_bytes(65_516),
    "one packet and a byte": random_bytes(65_517),
    "one block": random_bytes(1 << 20),
    "one block and a byte": random_bytes((1 << 20) + 1),
    "zeros": bytes(3_000_000),
}


def test_all_of_them_come_through(world, origin, repo):
    repo.commit(**{f"{name}.bin": content for name, content in CONTENTS.items()})
    for name, content in CONTENTS.items():
        assert is_pointer(repo.staged(f"{name}.bin")) == bool(content)
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert clone.said.err == ""
    assert {name: clone.read(f"{name}.bin") for name in CONTENTS} == CONTENTS
    assert clone.status() == ""


ONCE_POINTERS = {
    "and one byte more": EXAMPLE + b"\n",
    "without its end": EXAMPLE[:-1],
    "two": EXAMPLE * 2,
    "of another version": EXAMPLE.replace(b"/1", b"/2"),
}


def test_what_once_was_a_pointer_comes_through_too_and_is_told(world, origin, repo):
    """Git has it as it is: no pointer to it hides what it stood for."""
    for name, content in ONCE_POINTERS.items():
        repo.write(f"{name}.bin", content)
    assert len(repo.git("add", ".").err.splitlines()) == len(ONCE_POINTERS)
    repo.git("commit", "-q", "-m", "x")
    for name, content in ONCE_POINTERS.items():
        assert repo.staged(f"{name}.bin") == content
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    (said,) = clone.said.err.splitlines()
    assert "of another version.bin is left as its pointer" in said
    assert {name: clone.read(f"{name}.bin") for name in ONCE_POINTERS} == ONCE_POINTERS
    assert clone.status() == ""


def test_a_file_that_is_exactly_a_pointer_is_one(world, origin, repo):
    """So a clone without git-data can add and commit what it has: pointers stay pointers."""
    repo.commit(**{"a.bin": b"content"})
    text = repo.staged("a.bin")
    (repo.path / "copy.bin").write_bytes(text)
    (repo.path / "windows.bin").write_bytes(text.replace(b"\n", b"\r\n"))
    repo.commit()
    assert repo.staged("copy.bin") == text
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert clone.read("copy.bin") == b"content"
    assert clone.read("windows.bin") == b"content"
    assert clone.status() == ""


def test_an_example_of_a_pointer_where_everything_is_data(repo, origin):
    """It cannot be told from a real one, so a push asks for its content."""
    repo.write(".gitattributes", ALL)
    repo.commit(**{"example": EXAMPLE})
    said = repo.git("push", "origin", "main", code=1)
    assert "example" in said.err and str(hash_bytes(b"elsewhere"))[:20] in said.err
    repo.write(".gitattributes", ALL + "example -filter\n")
    repo.git("commit", "-q", "-a", "--amend", "-m", "where it is none")
    repo.git("push", "-q", "origin", "main")


def test_more_than_4_gib(world, origin, repo):
    """Git keeps sizes in 32 bits. To be quick, the file has holes and its object is made by hand:
    adding it would write all of it."""
    size = (4 << 30) + 70_000
    cache = Cache(repo.git_dir / "git-data")
    fd, path = cache.temporary()
    os.ftruncate(fd, size)
    os.pwrite(fd, b"the end", size - 7)
    os.close(fd)
    state, zeros = hasher(), bytes(1 << 20)
    for start in range(0, size - 7, len(zeros)):
        state.update(zeros[: size - 7 - start])
    state.update(b"the end")
    oid = ObjectId(state.digest())
    cache.adopt(path, oid, size)
    repo.commit()
    repo.write("huge.bin", Pointer(oid, size).encode())
    repo.commit()
    (repo.path / "huge.bin").unlink()
    repo.git("checkout", "-q", ".")
    assert (repo.path / "huge.bin").stat().st_size == size
    with (repo.path / "huge.bin").open("rb") as file:
        file.seek(size - 10)
        assert file.read() == b"\0\0\0the end"
    env = {"GIT_TRACE_PACKET": str(world.root / "trace")}
    assert repo.git("status", "--porcelain", env=env).out == ""
    assert not (world.root / "trace").exists() or "huge" not in (world.root / "trace").read_text()
    repo.git("push", "-q", "origin", "main")
    store = ObjectStore(LocalStore(origin.path), world.root / "other")
    assert store.size_of(oid) == size
    assert store.read_object(oid, size - 10, 100) == b"\0\0\0the end"
    assert store.read_object(oid, (4 << 30) - 3, 6) == bytes(6)


# Line endings

CRLF = b"one\r\ntwo\r\n"


@pytest.mark.parametrize(
    "settings",
    [
        ("core.autocrlf=true",),
        ("core.autocrlf=input",),
        ("core.eol=crlf", "core.autocrlf=false"),
    ],
    ids=str,
)
@pytest.mark.parametrize("attributes", [BIN, "*.bin filter=data\n"], ids=["-text", "unset"])
def test_settings_for_line_endings_leave_data_alone(world, origin, repo, settings, attributes):
    for setting in settings:
        repo.git("config", "--global", *setting.split("="))
    files = {"crlf.bin": CRLF, "lf.bin": b"one\ntwo\n", "mixed.bin": b"a\r\nb\n\0"}
    repo.write(".gitattributes", attributes)
    repo.commit(**files)
    if attributes == BIN:
        assert repo.staged("crlf.bin") == Pointer(hash_bytes(CRLF), len(CRLF)).encode()
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert clone.said.err == ""
    assert clone.status() == ""
    if attributes == BIN:
        assert {name: clone.read(name) for name in files} == files
    (clone.path / "crlf.bin").unlink()
    clone.git("checkout", "-q", ".")
    assert clone.status() == ""


def test_eol_crlf_on_data_is_undone_by_git_in_both_directions(world, origin, repo):
    """`text eol=crlf` on data is the user's wish: whatever Git makes of it, it does twice."""
    repo.write(".gitattributes", "*.bin filter=data text eol=crlf\n")
    repo.commit(**{"a.bin": CRLF})
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert clone.status() == ""
    assert clone.read("a.bin").replace(b"\r", b"") == b"one\ntwo\n"


# Merges

MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>")


@pytest.fixture
def forked(repo):
    """Branches main and side, both of them with their own a.bin."""
    repo.commit(**{"a.bin": b"base"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit(**{"a.bin": b"theirs", "new.bin": b"only theirs"})
    repo.git("checkout", "-q", "main")
    repo.commit(**{"a.bin": b"ours"})
    return repo


@pytest.mark.parametrize("how", ["merge", "rebase", "cherry-pick"])
def test_a_conflict_leaves_one_whole_file_and_no_markers(forked, how):
    forked.git(how, "side", code=1)
    assert forked.read("a.bin") in (b"ours", b"theirs")
    assert forked.git("ls-files", "-u").lines
    for stage in (1, 2, 3):
        assert is_pointer(forked.git("cat-file", "blob", f":{stage}:a.bin").out.encode())
    forked.git("checkout", "-q", "--theirs", "a.bin")
    assert forked.read("a.bin") in (b"ours", b"theirs")
    forked.write("a.bin", b"settled")
    forked.git("add", "a.bin")
    assert forked.staged("a.bin") == Pointer(hash_bytes(b"settled"), 7).encode()
    forked.git(how, "--continue", env={"GIT_EDITOR": "true"})
    (forked.path / "a.bin.theirs").unlink()
    assert forked.status() == ""
    assert forked.read("a.bin") == b"settled"


def test_both_add_the_same_name(repo):
    repo.commit(**{"text": b"text"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit(**{"a.bin": b"theirs"})
    repo.git("checkout", "-q", "main")
    repo.commit(**{"a.bin": b"ours"})
    repo.git("merge", "side", code=1)
    assert repo.read("a.bin") == b"ours"
    repo.git("merge", "--abort")
    assert repo.read("a.bin") == b"ours"
    assert repo.status() == "?? a.bin.theirs\n"  # Git does not tell us of its abort


def test_one_side_deletes(forked):
    forked.git("rm", "-q", "a.bin")
    forked.git("commit", "-q", "-m", "deleted")
    forked.git("merge", "side", code=1)
    assert forked.read("a.bin") == b"theirs"


def test_without_our_merge_driver_markers_are_never_taken_for_data(forked):
    """No `merge=data`: Git's text merge puts markers round two pointers; text, to settle."""
    forked.write(".gitattributes", "*.bin filter=data\n")
    forked.commit()
    forked.git("merge", "side", code=1)
    text = forked.read("a.bin")
    assert all(mark in text for mark in MARKERS)
    forked.git("add", "a.bin")
    assert forked.staged("a.bin") == text
    said = forked.git("diff", "--cached", "--check", "HEAD", code=None)
    assert "conflict marker" in said.out
    forked.git("checkout", "-q", "--ours", "a.bin", code=None)
    forked.git("reset", "-q", "--hard")
    assert forked.read("a.bin") == b"ours"


def test_by_size_small_texts_merge_as_ever(repo):
    """`track --above` puts `merge=data` on every path, so the driver gets plain texts too."""
    (repo.path / ".gitattributes").unlink()
    repo.data("track", "--above", "1KB")
    lines = [b"line %d\n" % n for n in range(20)]
    repo.commit(**{"text.txt": b"".join(lines), "data": b"x" * 2000})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit(**{"text.txt": b"".join([*lines[:-1], b"their last\n"])})
    repo.git("checkout", "-q", "main")
    repo.commit(**{"text.txt": b"".join([b"our first\n", *lines[1:]])})
    repo.git("merge", "-q", "side", "-m", "merged")
    assert repo.read("text.txt") == b"".join([b"our first\n", *lines[1:-1], b"their last\n"])
    assert repo.status() == ""
    repo.git("checkout", "-q", "side")
    repo.commit(**{"text.txt": b"".join([b"their first\n", *lines[1:]])})
    repo.git("merge", "main", code=1)
    text = repo.read("text.txt")
    assert all(mark in text for mark in MARKERS)
    assert b"our first" in text and b"their first" in text and b"version git-data" not in text


def test_by_size_one_grows_into_data_while_the_other_is_edited(repo):
    (repo.path / ".gitattributes").unlink()
    repo.data("track", "--above", "1KB")
    repo.commit(**{"text.txt": b"small\n"})
    repo.git("checkout", "-q", "-b", "side")
    large = b"large\n" * 500
    repo.commit(**{"text.txt": large})
    repo.git("checkout", "-q", "main")
    repo.commit(**{"text.txt": b"small, edited\n"})
    repo.git("merge", "side", code=1)
    assert repo.read("text.txt") == b"small, edited\n"
    repo.git("checkout", "-q", "--theirs", "text.txt")
    assert repo.read("text.txt") == large


# Modes and kinds


def test_executables_links_and_folders_instead_of_files(world, origin, repo):
    repo.write("run.bin", b"#!/bin/sh\necho ran\n").chmod(0o755)
    (repo.path / "link.bin").symlink_to("run.bin")
    repo.commit()
    assert repo.git("ls-files", "-s", "link.bin").out.startswith("120000")
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert world.run(clone.path / "run.bin").out == "ran\n"
    assert os.readlink(clone.path / "link.bin") == "run.bin"
    assert clone.status() == ""


def test_a_hard_link_in_the_work_tree_is_not_written_through(repo):
    """A file that is placed is a new file: the user's own link keeps its bytes."""
    repo.commit(**{"a.bin": b"one"})
    repo.commit(**{"a.bin": b"two"})
    os.link(repo.path / "a.bin", repo.world.root / "kept")
    repo.git("checkout", "-q", "HEAD~")
    assert repo.read("a.bin") == b"one"
    assert (repo.world.root / "kept").read_bytes() == b"two"
    repo.write("a.bin", b"edited")
    repo.git("checkout", "-q", "-f", "main")
    assert repo.read("a.bin") == b"two"
