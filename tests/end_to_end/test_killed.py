"""kill -9 at any moment: nothing committed is lost, nothing half is seen, the next command works.

The moments are counted in changes to files that our process makes (trouble.Moment), so every run
dies at the same places, without a clock.
"""

import os
import re
from pathlib import Path

import pytest

from git_data import pointer
from git_data.oid import hash_bytes

from ..helpers.trouble import DIE, KILL_GIT, Moment, leftovers
from ..helpers.world import random_bytes

SMALL, LARGE = b"small content", random_bytes(2_500_000)
FILES = {"a.bin": SMALL, "d/b.bin": LARGE, "c.bin": random_bytes(40_000, 3)}


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    made.commit(**{"text": b"text\n", "old.bin": b"old"})
    made.git("push", "-q", "origin", "main")
    return made


@pytest.fixture
def moment(world):
    return Moment(world)


def break_locks(repo):
    """Git's own locks are for the user to remove: Git says so."""
    for name in ("index.lock", "HEAD.lock"):
        (repo.git_dir / name).unlink(missing_ok=True)


def check_cache(repo):
    """Every object under its name is whole; every pointer that Git has has its content."""
    for name in repo.git("ls-files", "*.bin").lines:
        found = pointer.parse(repo.staged(name))
        assert found
        path = repo.objects / found.oid.hex()[:2] / found.oid.hex()
        assert path.stat().st_size == found.size


def only_ours_or_gits(repo, names):
    """No file in the work tree but those that belong there."""
    found = {
        os.path.relpath(os.path.join(folder, name), repo.path)
        for folder, _, files in os.walk(repo.path)
        if ".git" not in folder.split(os.sep)
        for name in files
    }
    assert found <= {*names, ".gitattributes", "text", "old.bin"}


def until_it_survives(moment, pattern, then, attempt, most=80, step=1):
    """Attempt again and again, dying one change later each time; how often it died."""
    for number in range(1, most, step):
        env = moment.at(number, pattern, then)
        attempt(env)
        if not moment.came:
            return number - 1
    raise AssertionError(f"it still dies at its {most}. change")


def forget(repo):
    for content in FILES.values():
        name = hash_bytes(content).hex()
        (repo.objects / name[:2] / name).unlink(missing_ok=True)


# While files are added


@pytest.mark.parametrize("then", [DIE, KILL_GIT], ids=["filter", "git"])
def test_while_files_are_added(repo, moment, then):
    def attempt(env):
        for name, content in FILES.items():
            repo.write(name, content)
        repo.git("add", "a.bin", "c.bin", "d/b.bin", env=env, code=None)
        break_locks(repo)
        check_cache(repo)
        only_ours_or_gits(repo, FILES)
        if moment.came:
            repo.git("reset", "-q")
            forget(repo)

    died = until_it_survives(moment, "/git-data/", then, attempt, step=3)
    assert died >= 10
    assert repo.status() == "A  a.bin\nA  c.bin\nA  d/b.bin\n"
    assert leftovers(repo) == []


# While files are placed


@pytest.fixture
def clone(world, origin, repo):
    """Of the first commit; the next one has the files."""
    made = world.clone(origin)
    repo.commit(**FILES, **{"old.bin": b"new"})
    repo.git("push", "-q", "origin", "main")
    made.git("fetch", "-q")
    return made


def check_placed(clone, files):
    """Whole contents or pointers; a plain command and `git data pull` make it all right."""
    only_ours_or_gits(clone, files)
    for name, content in files.items():
        if (clone.path / name).exists():
            found = clone.read(name)
            assert found == content or (pointer.parse(found) and len(found) < 200)
    break_locks(clone)


def check_healed(clone, files):
    assert clone.status() == ""
    for name, content in files.items():
        assert clone.read(name) == content
    assert leftovers(clone) == []
    assert clone.git("fsck").code == 0


def test_the_filter_while_it_places(clone, moment):
    """Whatever it was doing: the next start finishes it."""
    files = {**FILES, "old.bin": b"new"}

    def attempt(env):
        clone.git("checkout", "-q", "main")
        clone.git("checkout", "-q", "origin/main", env=env, code=None)
        moment.wait()
        check_placed(clone, files)
        if moment.came:
            clone.data("pull")
            check_healed(clone, files)

    assert until_it_survives(moment, "git-data|index|work", DIE, attempt, step=4) >= 15
    check_healed(clone, files)


def test_git_while_the_filter_works(clone, moment):
    """An orphaned filter either finishes or leaves everything to the next start."""
    files = {**FILES, "old.bin": b"new"}

    def attempt(env):
        clone.git("checkout", "-q", "-f", "main")
        clone.git("checkout", "-q", "origin/main", env=env, code=None)
        moment.wait()
        check_placed(clone, files)
        if moment.came:
            clone.git("checkout", "-q", "-f", "origin/main")
            clone.data("pull")
            check_healed(clone, files)

    until_it_survives(moment, "git-data|index", KILL_GIT, attempt, step=6)
    check_healed(clone, files)


def test_killed_under_the_lock_the_next_plain_command_works(clone, moment):
    """Not only `git data`: the filter that Git starts next finds nothing of ours in the way."""
    for number, place in enumerate([r"os\.link .*index\.lock", r"os\.rename .*index\.lock"]):
        clone.git("checkout", "-q", "main")
        clone.git("checkout", "-q", "origin/main", env=moment.at(1, place, DIE))
        assert moment.came
        clone.write("more.bin", b"more %d" % number)
        clone.git("add", "more.bin")
        assert clone.status() == "A  more.bin\n"
        clone.git("rm", "-q", "-f", "more.bin")
        check_healed(clone, {**FILES, "old.bin": b"new"})


def test_killed_before_the_lock_the_next_filter_finishes(clone, moment):
    clone.git("checkout", "-q", "origin/main", env=moment.at(2, r"os\.rename .*/journal", DIE))
    assert moment.came
    assert leftovers(clone)
    clone.write("more.bin", b"more")
    clone.git("add", "more.bin")
    assert clone.status() == "A  more.bin\n"
    clone.git("rm", "-q", "-f", "more.bin")
    check_healed(clone, {**FILES, "old.bin": b"new"})


def test_what_the_user_did_after_the_kill_is_kept(clone, moment):
    """The journal is no licence to overwrite."""
    clone.git("checkout", "-q", "origin/main", env=moment.at(2, r"os\.rename .*/journal", DIE))
    assert moment.came
    clone.write("a.bin", b"the user's")
    (clone.path / "c.bin").unlink()
    clone.data("pull")
    assert clone.read("a.bin") == b"the user's"
    assert not (clone.path / "c.bin").exists()
    assert clone.read("d/b.bin") == LARGE
    assert clone.status() == " M a.bin\n D c.bin\n"
    assert leftovers(clone) == []


def test_a_clone_that_was_killed_is_finished_by_pull(world, origin, repo, moment):
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    for number, place in enumerate(
        [r"git-data/objects", r"os\.link .*index\.lock", r"exchange .*bin"]
    ):
        env = moment.at(1, place, DIE)
        copy = world.clone(origin, f"copy{number}", env=env)
        assert moment.came
        only_ours_or_gits(copy, FILES)
        copy.data("pull")
        check_healed(copy, FILES)


# While data is sent


def stored_bytes(origin):
    return sum(
        p.stat().st_size for p in origin.path.rglob("*") if p.is_file() and "data" in p.parts
    )


def test_killed_pushes_of_a_large_file_are_not_stored_twice(world, origin, repo, moment):
    size = 200_000_000
    content = random_bytes(size, 9)
    repo.commit(**{"large.bin": content})
    moment.become_hook(repo)
    before = origin.git("rev-parse", "main").out
    for number in (1, 2, 2):  # a pack has up to 64 MiB
        env = moment.at(number, r"os\.rename .*/data/packs/", DIE)
        said = repo.git("push", "origin", "main", env=env, code=None)
        assert moment.came and said.code != 0
        assert origin.git("rev-parse", "main").out == before
    left = sum(p.stat().st_size for p in origin.path.rglob("*") if p.is_file())
    assert left < 1.4 * size
    repo.git("push", "-q", "origin", "main")
    assert stored_bytes(origin) < 1.02 * size
    assert not [p for p in (origin.path / "tmp").rglob("*") if p.is_file()]
    copy = world.clone(origin)
    assert copy.said.err == ""
    assert copy.read("large.bin") == content


def test_a_push_killed_at_any_change(world, origin, repo, moment):
    """No ref without its data; and the data that came is used."""
    repo.commit(**FILES)
    moment.become_hook(repo)
    before = origin.git("rev-parse", "main").out

    def attempt(env):
        said = repo.git("push", "-q", "origin", "main", env=env, code=None)
        assert (said.code == 0) == (not moment.came)
        if moment.came:
            assert origin.git("rev-parse", "main").out == before

    until_it_survives(moment, "", DIE, attempt, step=3)
    copy = world.clone(origin)
    assert copy.said.err == ""
    check_healed(copy, FILES)
    assert stored_bytes(origin) < 2.1 * len(LARGE)


def test_git_killed_after_the_data_and_before_the_ref(world, origin, repo, moment):
    repo.commit(**FILES)
    moment.become_hook(repo)
    env = moment.at(2, r"os\.rename .*/data/manifest", KILL_GIT)
    repo.git("push", "-q", "origin", "main", env=env, code=None)
    repo.git("push", "-q", "origin", "main")
    copy = world.clone(origin)
    check_healed(copy, FILES)


# What nobody thought of


def test_an_error_that_nobody_foresaw_is_one_line_and_a_log(world, clone, moment):
    env = moment.at(1, r"os\.link .*index\.lock", "raise RuntimeError('what is this?')")
    said = clone.git("checkout", "-q", "origin/main", env=env)
    [line] = said.err.splitlines()
    log = re.search(r"\S+/error\.log", line)
    assert "unforeseen: RuntimeError: what is this?" in line
    assert log and "Traceback" in Path(log[0]).read_text()
    clone.data("pull")
    check_healed(clone, {**FILES, "old.bin": b"new"})
