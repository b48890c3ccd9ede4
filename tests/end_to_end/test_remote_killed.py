"""A remote helper that dies, or whose Git dies, just before any change to a file that it makes.

The registry stays readable, and the next command completes what this one began.
"""

import shutil

import pytest

from ..helpers.trouble import DIE, KILL_GIT, Moment
from ..helpers.twins import Twins
from ..helpers.world import random_bytes

EVER = 60  # more changes than a command makes


@pytest.fixture
def moment(world):
    return Moment(world)


@pytest.fixture
def twins(world):
    return Twins.make(world)


@pytest.fixture
def repo(twins):
    made = twins.repo()
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    made.commit("one", **{"a.bin": random_bytes(1000), "file": "one\n"})
    return made


def whole(twins, *heads):
    """The registry can be cloned, has one of these heads, and all of its data. The head."""
    world = twins.world
    copy = world.clone(twins.address, "witness")
    head = copy.head()
    assert head in heads
    assert copy.said.err == "" and copy.status() == ""
    assert copy.git("fsck", "--full", "--strict").err == ""
    shutil.rmtree(copy.path)
    return head


@pytest.mark.parametrize("death", [DIE, KILL_GIT], ids=["helper", "git"])
def test_a_push_at_every_moment(twins, repo, moment, death):
    """But those of sending data, which have tests of their own."""
    repo.git("push", "-q", "origin", "main")
    before = repo.head()
    for number in range(1, EVER):
        repo.commit("more", file=f"{number}\n")
        env = moment.in_remote(number, "registry/|/git-data/tmp/", death)
        said = repo.git("push", "-q", "origin", "main", env=env, code=None)
        came = moment.came
        head = whole(twins, before, repo.head())
        if not came:
            assert said.code == 0 and head == repo.head()
            assert number > 8
            return
        repo.git("push", "-q", "origin", "main")
        before = repo.head()
    pytest.fail("the pushes never ended")


@pytest.mark.parametrize("number", [1, 2, 4, 6, 8, 10, 14, 18, 22])
def test_the_first_push_with_data(twins, repo, moment, number):
    env = moment.in_remote(number, "registry/", DIE)
    repo.git("push", "-q", "origin", "main", env=env, code=None)
    assert moment.came
    repo.git("push", "-q", "origin", "main")
    whole(twins, repo.head())


def test_a_fetch_at_every_moment(twins, repo, moment):
    repo.git("push", "-q", "origin", "main")
    copy = twins.world.clone(twins.address)
    for number in range(1, EVER):
        repo.commit("more", file=f"{number}\n")
        repo.git("push", "-q", "origin", "main")
        copy.git("fetch", "-q", env=moment.in_remote(number, ".", DIE), code=None)
        came = moment.came
        copy.git("pull", "-q")
        assert copy.head() == repo.head()
        assert copy.git("fsck", "--full").err == ""
        if not came:
            assert [*copy.git_dir.rglob("git-data/tmp/*")] == []
            return
    pytest.fail("the fetches never ended")


def test_what_killed_pushers_left_is_removed(twins, repo, moment):
    repo.git("push", "-q", "origin", "main")
    repo.commit("two", file="two\n")
    env = moment.in_remote(1, "os.rename .*bundles", DIE)
    repo.git("push", "-q", "origin", "main", env=env, code=None)
    assert moment.came
    assert [*(twins.root / "tmp").iterdir()] != []
    assert [*(repo.git_dir / "git-data/tmp").iterdir()] != []
    repo.git("push", "-q", "origin", "main")
    assert [*(twins.root / "tmp").iterdir()] == []
    assert [*(repo.git_dir / "git-data/tmp").iterdir()] == []
