"""Names that trip programs: over add, commit, push, clone, checkout and the commands."""

import os

import pytest

from ..helpers.world import random_bytes

LONG = "/".join(["d" * 200 + str(n) for n in range(18)]) + "/" + "f" * 200 + ".bin"
NAMES = {
    "spaces": b"a b/  c .bin",
    "newline": b"new\nline/li\nne.bin",
    "quotes": b"'quote'/\"double\".bin",
    "backslash and tab": b"back\\slash/ta\tb.bin",
    "non-ASCII": "füße/日本語 😀.bin".encode(),
    "invalid UTF-8": b"\xff\xfe/caf\xe9.bin",
    "control characters": b"\x01/\x1b[31mred\x7f.bin",
    "leading dash": b"-rf/--option=x.bin",
    "shell words": b"$(touch evil)/`x`;&|.bin",
    "percent and equals": b"%s%0a/a=b%.bin",
    "glob": b"[a-z]*/?{x}.bin",
    "pathspec magic": b":(exclude)x/:!y.bin",
    "colon": b"a:b/HEAD:x.bin",
    "only dots": b".../.a..bin",
    "like ours": b"git-data/tmp/.git-data-ab-1.bin",
    "like Git's": b"objects/.gitx/index.lock.bin",
    "comma and hash": b"#a,b/!c.bin",
}


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    return made


def write(repo, name, content):
    path = os.path.join(os.fsencode(repo.path), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def read(repo, name):
    with open(os.path.join(os.fsencode(repo.path), name), "rb") as file:
        return file.read()


def content(name):
    return random_bytes(300 + len(name), name.hex())


def check(checkout):
    for name in NAMES.values():
        assert read(checkout, name) == content(name)
    assert checkout.status() == ""


@pytest.fixture
def pushed(repo, origin):
    for name in NAMES.values():
        write(repo, name, content(name))
    repo.commit()
    repo.git("push", "-q", "origin", "main")
    return repo


def test_all_of_them_come_through(world, origin, pushed):
    clone = world.clone(origin)
    assert clone.said.err == ""
    check(clone)
    for name in NAMES.values():
        staged = clone.git("cat-file", "--filters", b"HEAD:" + name).out
        assert staged.encode(errors="surrogateescape") == content(name)
    assert not (clone.path / "evil").exists()
    clone.git("rm", "-rq", "--cached", ".")
    clone.git("add", ".")
    assert clone.status() == ""


def test_each_is_changed_and_checked_out_by_name(pushed):
    for name in NAMES.values():
        write(pushed, name, b"changed")
    names = b"\0".join(NAMES.values())
    pushed.git("add", "--pathspec-from-file=-", "--pathspec-file-nul", input=literal(names))
    pushed.git("commit", "-q", "-m", "changed")
    pushed.git(
        *("checkout", "-q", "HEAD~", "--pathspec-from-file=-", "--pathspec-file-nul"),
        input=literal(names),
    )
    for name in NAMES.values():
        assert read(pushed, name) == content(name)
    pushed.git("checkout", "-q", "-f", "HEAD")
    assert {read(pushed, name) for name in NAMES.values()} == {b"changed"}
    assert pushed.status() == ""


def literal(names):
    return b"\0".join(b":(literal,top)" + name for name in names.split(b"\0"))


def test_the_commands_print_them_harmlessly_and_as_json(world, pushed):
    shown = pushed.data("list", "-R").out
    assert "\x1b" not in shown and "\x7f" not in shown
    assert len(shown.splitlines()) == len(NAMES)
    entries = pushed.data("list", "-R", "--json").json()["entries"]
    paths = {entry["path"].encode(errors="surrogateescape") for entry in entries}
    assert paths == set(NAMES.values())
    assert pushed.data("status", "--json").json()


def test_missing_ones_are_named_in_one_line_and_pulled(world, origin, pushed):
    (origin.path / "data").rename(world.root / "away")
    clone = world.clone(origin)
    assert len(clone.said.err.splitlines()) == 1
    assert not set(clone.said.err) & set("\x01\x1b\x7f")
    (world.root / "away").rename(origin.path / "data")
    clone.data("pull")
    check(clone)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_pull_and_fetch_by_name(world, pushed, name):
    clone = world.clone(pushed, "clone", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    clone.data("fetch", "--", name)
    said = clone.data("pull", "--", name)
    assert "1 file" in said.out
    check_one(clone, name)


def check_one(clone, name):
    assert read(clone, name) == content(name)
    others = [other for other in NAMES.values() if other != name]
    assert all(read(clone, other).startswith(b"version git-data/1\n") for other in others)
    assert clone.status() == ""


def test_a_path_of_4000_characters(world, origin, repo):
    assert len(LONG) > 3800
    folder = repo.path
    made = os.open(folder, os.O_RDONLY)
    for part in LONG.split("/")[:-1]:
        os.mkdir(part, dir_fd=made)
        made, old = os.open(part, os.O_RDONLY, dir_fd=made), made
        os.close(old)
    fd = os.open(LONG.rsplit("/", 1)[1], os.O_WRONLY | os.O_CREAT, dir_fd=made)
    os.write(fd, b"at the end of a long way")
    os.close(fd)
    os.close(made)
    repo.commit()
    assert repo.git("ls-files", "*.bin").out.strip() == LONG
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "c")
    assert clone.said.err == ""
    assert clone.status() == ""
    assert clone.git("cat-file", "--filters", f"HEAD:{LONG}").out == "at the end of a long way"
    clone.git("checkout", "-q", "--", ".")
    (clone.path / ".git" / "git-data").rename(world.root / "cache")
    clone.data("fetch")
    assert clone.data("list", "-R").lines


PATTERNS = {
    "negated": ("* filter=data\n*.txt -filter\n", {"a.bin": True, "a.txt": False}),
    "unset with !": ("* filter=data\na.txt !filter\n", {"x": True, "a.txt": False}),
    "quoted": ('"a b/*.bin" filter=data\n', {"a b/c.bin": True, "a/b.bin": False}),
    "macro": (
        "[attr]large filter=data diff=data merge=data -text\n*.dat large\n",
        {"x.dat": True, "y": False},
    ),
    "anchored": ("/top/** filter=data\n", {"top/a/b": True, "other/top/a": False}),
    "another filter": ("*.bin filter=data\nb.bin filter=other\n", {"a.bin": True, "b.bin": False}),
    "last wins": ("*.bin -filter\n*.bin filter=data\n", {"a.bin": True}),
    "CRLF": ("*.bin filter=data\r\n*.txt text\r\n", {"a.bin": True, "a.txt": False}),
    "a name that is no pattern": (
        r"\[x\].bin filter=data" + "\n",
        {"[x].bin": True, "x.bin": False},
    ),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_attributes_of_odd_patterns(world, origin, repo, name):
    text, files = PATTERNS[name]
    repo.write(".gitattributes", text)
    repo.commit(**{path: path.encode() for path in files})
    for path, is_data in files.items():
        assert repo.staged(path).startswith(b"version git-data/1\n") == is_data
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert clone.said.err == ""
    assert {path: clone.read(path) for path in files} == {p: p.encode() for p in files}
    assert clone.status() == ""


def test_attributes_in_a_subfolder_and_in_the_repository(world, origin, repo):
    repo.write(".gitattributes", "")
    repo.write("sub/.gitattributes", "*.bin filter=data\n")
    (repo.git_dir / "info").mkdir(exist_ok=True)
    (repo.git_dir / "info" / "attributes").write_text("mine/** filter=data\n")
    files = {"sub/a.bin": b"a", "a.bin": b"plain", "mine/x": b"x"}
    repo.commit(**files)
    assert [path for path in files if repo.staged(path).startswith(b"version")] == [
        *("sub/a.bin", "mine/x")
    ]
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert clone.read("sub/a.bin") == b"a"
    assert clone.read("a.bin") == b"plain"
    assert clone.read("mine/x") == repo.staged("mine/x")  # that attribute is not committed


def test_names_that_differ_only_in_case_or_normal_form(world, origin, repo):
    names = ["A.bin", "a.bin", "\u00e9.bin", "e\u0301.bin"]
    for number, name in enumerate(names):
        repo.write(name, b"%d" % number)
    if len(os.listdir(repo.path)) < 6:
        pytest.skip("this file system takes some of them for one")
    repo.commit()
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert [clone.read(name) for name in names] == [b"0", b"1", b"2", b"3"]
    assert clone.status() == ""
