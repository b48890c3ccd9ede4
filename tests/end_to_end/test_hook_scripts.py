"""The scripts in `hooks/`, and what ours do when git-data is gone."""

import re

import pytest

from git_data.onlookers import somebody_looks
from git_data.repo import Repo

from ..helpers.staging import stage
from ..helpers.world import PROJECT, random_bytes
from ..test_guard import TRACKED

GONE = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.fixture
def repo(world):
    made = world.repo()
    made.git("remote", "add", "origin", str(world.bare("origin.git").path))
    made.commit("begin", **{".gitattributes": TRACKED, "text": b"text"})
    return made


def copy_script(repo, name):
    """As a person would: into a hooks folder of his own."""
    folder = repo.world.root / "my-hooks"
    folder.mkdir(exist_ok=True)
    script = PROJECT / "hooks" / name
    assert script.stat().st_mode & 0o111 and len(script.read_text().splitlines()) <= 10
    (folder / name).write_bytes(script.read_bytes())
    (folder / name).chmod(0o755)
    repo.git("config", "core.hooksPath", str(folder))


def test_pre_commit(repo):
    copy_script(repo, "pre-commit")
    stage(repo, **{"raw.bin": b"raw", "big": random_bytes(11 << 20)})
    said = repo.git("commit", "-m", "x", code=1).err
    assert "raw.bin: its content itself" in said and "big: 11,534,336 bytes" in said
    assert "not checked" in repo.git("commit", "-m", "x", code=1, env=GONE).err
    repo.git("reset", "-q")
    repo.commit(**{"a.bin": b"good"})


def test_pre_push(repo):
    copy_script(repo, "pre-push")
    repo.commit(**{"a.bin": b"good"})
    assert "Nothing was sent" in repo.git("push", "origin", "main", code=1, env=GONE).err
    repo.git("push", "-q", "origin", "main")
    assert repo.world.clone("origin.git", "copy").read("a.bin") == b"good"


def without_the_program(repo, name):
    """The installed hook, its program moved away."""
    repo.data("install", "--hook", name)
    hook = repo.path / ".git" / "hooks" / name
    text, changed = re.subn(r"test -x \S*git-data;", "test -x /gone;", hook.read_text())
    assert changed == 1
    hook.write_text(text)
    return hook


def test_without_the_program_a_commit_of_data_is_stopped_and_no_other(repo):
    hook = without_the_program(repo, "pre-commit")
    stage(repo, **{"raw.bin": b"raw"})
    said = repo.git("commit", "-m", "x", code=1, env=GONE).err
    assert "git-data is not installed, this commit would hold whole files" in said
    repo.git("rm", "-q", "--cached", "raw.bin")
    repo.write("filter data x", b"text")
    repo.git("add", "filter data x", env=GONE)
    seen = repo.world.root / "seen"
    kept = hook.with_name("pre-commit.before-git-data")
    kept.write_text(f"#!/bin/sh\ntouch {seen}\n")
    kept.chmod(0o755)
    repo.git("commit", "-q", "-m", "x", env=GONE)
    assert seen.exists()


def test_without_the_program_the_hook_that_was_there_still_runs_at_a_push(repo):
    hook = without_the_program(repo, "pre-push")
    seen = repo.world.root / "seen"
    kept = hook.with_name("pre-push.before-git-data")
    kept.write_text(f'#!/bin/sh\necho "$@" > {seen}\ncat >> {seen}\n')
    kept.chmod(0o755)
    repo.git("push", "-q", "origin", "main", env=GONE)
    assert seen.read_text().startswith("origin ") and "refs/heads/main" in seen.read_text()


def test_our_pre_commit_hook_does_not_slow_a_merge(repo):
    """It looks at the index alone, so files may be put in place when Git is done (decision 5)."""
    repo.data("install", "--hook", "pre-commit")
    opened = Repo.open(str(repo.path), repo.world.env)
    assert not somebody_looks(opened.git, opened.location, whole_tree=False)
    kept = repo.path / ".git" / "hooks" / "pre-commit.before-git-data"
    kept.write_text("#!/bin/sh\n")
    assert somebody_looks(opened.git, opened.location, whole_tree=False)
