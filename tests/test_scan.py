import io
import os
import subprocess

import pytest

from git_data import scan
from git_data.errors import GitError
from git_data.git import Git
from git_data.oid import hash_bytes
from git_data.pointer import Pointer


@pytest.fixture
def git(tmp_path):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(tmp_path)}
    names = {
        f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    folder = tmp_path / "repo"
    folder.mkdir()
    made = Git(str(folder), {**kept, **isolated, **names})
    made.run("init", "-q", "-b", "main", ".")
    return made


def text_of(word):
    return Pointer(hash_bytes(word.encode()), len(word)).encode()


def commit(git, **files):
    for name, word in files.items():
        with open(os.path.join(os.fsencode(git.folder), name.encode()), "wb") as file:
            file.write(text_of(word))
    git.run("add", ".")
    git.run("commit", "-qm", "x")
    return git.line("rev-parse", "HEAD")


def words(found):
    return {f.path.decode(): f.pointer.oid.hex()[:8] for f in found}


def short(word):
    return hash_bytes(word.encode()).hex()[:8]


def test_history_gives_what_is_new_since_known_commits(git):
    first = commit(git, a="one")
    second = commit(git, a="two", b="three")
    assert words(scan.pointers_in_history(git, [first])) == {"a": short("one")}
    everything = [f.pointer.oid for f in scan.pointers_in_history(git, [second])]
    assert sorted(everything) == sorted(hash_bytes(w) for w in (b"one", b"two", b"three"))
    assert words(scan.pointers_in_history(git, [second], [first])) == {
        "a": short("two"),
        "b": short("three"),
    }
    assert [*scan.pointers_in_history(git, [second], [second, "1" * 40])] == []


def test_odd_names_texts_and_links_are_told_apart(git):
    odd = "a b\tc \u00fc-'\""
    commit(git, **{odd: "one", "-dash": "two"})
    with open(os.path.join(git.folder, "text"), "w") as file:
        file.write("x" * 150)
    os.symlink("y" * 150, os.path.join(git.folder, "link"))
    git.run("add", ".")
    git.run("commit", "-qm", "texts")
    expected = {odd: short("one"), "-dash": short("two")}
    assert words(scan.pointers_in_history(git, ["HEAD"])) == expected
    assert words(scan.pointers_in_commit(git, "HEAD")) == expected
    assert words(scan.pointers_in_index(git)) == expected


def test_a_tree_below_some_paths(git):
    os.mkdir(os.path.join(git.folder, "d"))
    commit(git, **{"d/x": "one", "d/y.bin": "two", "dx": "three"})
    assert set(words(scan.pointers_in_commit(git, "HEAD", ["d"]))) == {"d/x", "d/y.bin"}
    assert set(words(scan.pointers_in_commit(git, "HEAD", ["d/x"]))) == {"d/x"}
    assert set(words(scan.pointers_in_index(git, ["*.bin", "dx"]))) == {"d/y.bin", "dx"}


def test_more_pointers_than_one_batch(git):
    commit(git, **{f"f{n}": f"word {n}" for n in range(1201)})
    assert len([*scan.pointers_in_history(git, ["HEAD"])]) == 1201


def test_a_partial_clone_fetches_nothing(git, tmp_path):
    commit(git, a="one")
    head = commit(git, a="two")
    git.run("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    url = "file://" + git.folder
    subprocess.run(
        ["git", "clone", "-q", "--no-checkout", "--filter=blob:none", url, str(clone)],
        env=git.environ,
        check=True,
    )
    trace = tmp_path / "trace"
    partial = Git(str(clone), {**git.environ, "GIT_TRACE": str(trace)})
    assert [*scan.pointers_in_history(partial, [head])] == []
    commands = trace.read_text()
    assert "rev-list" in commands
    assert "fetch" not in commands and "upload-pack" not in commands


def test_a_pointer_that_is_gone_before_it_is_read(git):
    """Git said that it was there: to go on without it would leave its data behind."""
    commit(git, **{"a.bin": "one"})
    blob = git.line("rev-parse", "HEAD:a.bin")
    assert [*scan._texts(git, [blob, blob])] == [text_of("one")] * 2
    with pytest.raises(GitError, match="lost a pointer"):
        [*scan._texts(git, [blob, "1" * 40])]


def test_an_answer_that_is_cut_off(git, monkeypatch):
    commit(git, **{"a.bin": "one"})
    blob = git.line("rev-parse", "HEAD:a.bin")
    start = Git.start

    def half(self, *words, **how):
        process = start(self, *words, **how)
        whole = process.stdout.read()
        process.stdout.close()
        process.stdout = io.BytesIO(whole[:-20])
        return process

    monkeypatch.setattr(Git, "start", half)
    with pytest.raises(GitError, match="ended early"):
        [*scan._texts(git, [blob])]
