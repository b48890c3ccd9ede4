"""`git data doctor`: what is half set up, each with the command that mends it."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pyfastcdc
import pytest

from git_data import placements, pointer
from git_data.placements import Entry, Journal, Placement

from .helpers.hooks import our_hook
from .helpers.trouble import close, ordinary, reopen


def problems(done):
    return {entry["check"]: entry for entry in done.json()["problems"]}


def doctor(repo, code=0, **how):
    """What `doctor --json` finds, by check."""
    return problems(repo.data("doctor", "--json", code=code, **how))


def test_a_healthy_machine_and_repository(world):
    assert world.git("data", "doctor").lines[-1] == "nothing is wrong"
    repo = world.repo()
    repo.data("track", "*.bin")
    repo.commit("data", **{"a.bin": b"x"})
    repo.git("remote", "add", "origin", str(world.bare().path))
    assert doctor(repo) == {}
    assert doctor(repo, cwd=repo.path / ".git") == {}
    assert doctor(world.bare("other.git")) == {}
    assert repo.data("doctor", "--quiet").out == ""


def test_each_problem_is_one_line_with_a_command(bare_world):
    done = bare_world.git("data", "doctor", code=1)
    assert re.fullmatch(r"git-data: filter: .*; git data install\n", done.err)
    assert "wrong  filter" in done.out and done.lines[-1] == "1 problem"


def test_a_filter_that_is_half_set_up(world):
    world.git("config", "--global", "filter.data.required", "false")
    found = problems(world.git("data", "doctor", "--json", code=1))
    assert "filter.data.required" in found["filter"]["what"]
    world.git(
        "config", "--global", "filter.data.process", "/not/there/python -I /not/there/git-data"
    )
    told = world.git("data", "doctor", code=1).err
    assert "/not/there/python, which Git starts, is not there" in told
    world.git("data", "install")
    assert world.git("data", "doctor").lines[-1] == "nothing is wrong"


def test_a_command_that_is_not_on_the_path(world, commands, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git"))
    here = {"PATH": str(tools)}
    done = world.run(commands / "git-data", "doctor", code=1, env=here)
    folder = re.search('git-data is not on PATH.*PATH="(.*):', done.err)[1]
    assert os.access(os.path.join(folder, "git-data"), os.X_OK)
    link = world.home / ".local" / "bin" / "git-data"
    link.parent.mkdir(parents=True)
    link.symlink_to(commands / "git-data")
    done = world.run(commands / "git-data", "doctor", code=1, env=here)
    assert f'PATH="{link.parent}:$PATH"' in done.err


@pytest.fixture
def repo(world):
    """A repository with one committed data file, and a remote to push to."""
    repo = world.repo()
    repo.data("track", "*.bin")
    repo.commit("data", **{"a.bin": b"x" * 300})
    repo.git("remote", "add", "origin", str(world.bare().path))
    return repo


def test_a_hook_that_is_missing_is_put_back(repo):
    our_hook(repo).unlink()
    found = doctor(repo, code=1)
    assert found["hook"]["mend"] == "git data doctor --fix"
    assert repo.data("doctor", "--fix").lines[-1] == "nothing is wrong"
    repo.git("push", "-q", "origin", "main")
    assert (repo.world.root / "remote.git" / "data" / "manifest").is_file()


def test_a_store_that_is_not_there(repo):
    registry = repo.world.root / "registry"
    repo.data("store", str(registry))
    repo.commit("store")
    shutil.rmtree(registry)
    found = doctor(repo, code=1)
    assert str(registry) in found["store"]["what"] and "git data store" in found["store"]["mend"]


def test_no_store_is_named_for_a_remote_that_is_no_folder(repo):
    repo.git("remote", "set-url", "origin", "https://example.invalid/x.git")
    assert "git data store URL" in doctor(repo, code=1)["store"]["mend"]


def test_a_gitdata_that_nobody_else_has_or_nobody_can_read(repo):
    repo.data("store", "../registry")
    assert "git add .gitdata" in doctor(repo, code=1)[".gitdata"]["mend"]
    repo.write(".gitdata", "[core]\n\teditor = rm\n")
    assert "unknown key 'core.editor'" in doctor(repo, code=1)[".gitdata"]["what"]


def test_settings_that_cannot_be_read(repo):
    repo.git("config", "data.strict", "perhaps")
    found = doctor(repo, code=1)
    assert "data.strict" in found["settings"]["what"]


def test_files_that_are_not_as_gitattributes_says(repo):
    repo.commit("plain", **{"b.dat": b"plain"})
    repo.write(".gitattributes", repo.read(".gitattributes") + b"*.dat filter=data\n")
    found = doctor(repo, code=1)["tracking"]
    assert "b.dat" in found["what"] and "git add --renormalize ." in found["mend"]


def test_a_lock_that_was_left(repo):
    lock = repo.write(".git/index.lock", b"")
    assert doctor(repo, code=1)["lock"]["mend"] == f"if none is at work: rm {lock}"


def test_files_that_are_still_pointers(repo):
    repo.git("push", "-q", "origin", "main")
    clone = repo.world.clone("remote.git", "clone", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    assert "a.bin" in doctor(clone, code=1)["pointers"]["what"]
    clone.data("pull")
    assert doctor(clone) == {}


def test_the_slow_chunker(repo, tmp_path):
    """As where no wheel fits and no compiler was there: the same package, without its library."""
    source = Path(pyfastcdc.__file__).parent
    leave = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(source, tmp_path / "pyfastcdc", ignore=leave)
    found = doctor(repo, code=1, env={"PYTHONPATH": str(tmp_path)})
    assert found.keys() == {"chunker"} and "slower" in found["chunker"]["what"]
    assert found["chunker"]["mend"].endswith("--no-cache-dir pyfastcdc")
    assert doctor(repo) == {}


def test_a_checkout_that_was_killed(repo):
    repo.git("push", "-q", "origin", "main")
    clone = repo.world.clone("remote.git", "clone", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    text, blob = clone.read("a.bin"), clone.git("rev-parse", ":a.bin").out.strip()
    left = Placement(b"a.bin", text, pointer.parse(text), blob)
    folder = placements.create(clone.path / ".git")
    folder.write(Journal("index", [Entry(left)]))
    folder.leave()  # as one that died: its lock is free
    assert doctor(clone, code=1)["journal"]["mend"] == "git data pull"
    clone.data("pull")
    assert doctor(clone) == {} and clone.read("a.bin") == b"x" * 300


@pytest.mark.parametrize("which", ["own", "shared", "shared, not made yet"])
def test_a_cache_that_cannot_be_written(repo, which):
    shared = repo.world.root / "shared"
    shared.mkdir()
    if which != "own":
        name = shared if which == "shared" else shared / "cache"
        repo.git("config", "data.cache", str(name))
    folder = repo.path / ".git" / "git-data" if which == "own" else shared
    somebody = replace(repo, world=ordinary(repo.world))
    assert doctor(somebody) == {}
    close(folder)
    try:
        found = doctor(somebody, code=1)["cache"]
    finally:
        reopen(folder)
    assert found["what"] == f"{folder} cannot be written"
    assert found["mend"] == f"chown or chmod {folder}"
    assert doctor(somebody) == {}


def test_the_round_trip(world):
    before = sorted(os.listdir(world.root))
    trial = world.root / "tmp"
    trial.mkdir()
    done = world.git("data", "doctor", "--round-trip", env={"TMPDIR": str(trial)})
    steps = [line.partition(": ")[2] for line in done.lines if "round trip" in line]
    assert steps == ["add and commit", "push", "clone", "compare"]
    assert os.listdir(trial) == []
    trial.rmdir()
    assert sorted(os.listdir(world.root)) == before


def test_the_round_trip_needs_nothing_of_the_users_config(bare_world):
    """Nor does it trip over what is in there: hooks, signing, other names for branches."""
    hooks = bare_world.root / "hooks"
    hooks.mkdir()
    for name, value in {
        "core.hooksPath": str(hooks),
        "commit.gpgSign": "true",
        "gpg.program": "/not/there",
        "init.defaultBranch": "a/b",
        "core.autocrlf": "true",
    }.items():
        bare_world.git("config", "--global", name, value)
    bare_world.git("data", "install")
    assert "compare" in bare_world.git("data", "doctor", "--round-trip").out


def test_a_round_trip_that_fails_says_where(world):
    world.git("config", "--global", "filter.data.process", "false")
    done = world.git("data", "doctor", "--round-trip", code=1)
    assert "round trip: add and commit failed" in done.err
