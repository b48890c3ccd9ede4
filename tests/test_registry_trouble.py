"""A registry over a store in trouble: answers that are lost, verbs that fail, others in between."""

import os

import pytest

from git_data import gitmanifest
from git_data.errors import Conflict, DataError, NotFound, Unreachable
from git_data.refs import Registry
from git_data.stores.wrap import Around

from .helpers.sides import MAIN, files_in

pytest_plugins = ["tests.helpers.engine_fixtures"]

# What the store does


class LosesAnswers(Around):
    """Does what it is asked for, and the answer is lost; or the request is."""

    def __init__(self, inner, answers=0, requests=0):
        super().__init__(inner)
        self.answers, self.requests = answers, requests

    def replace_if(self, name, data, version):
        if self.requests:
            self.requests -= 1
            raise Unreachable("the request was lost")
        done = self.inner.replace_if(name, data, version)
        if self.answers:
            self.answers -= 1
            raise Unreachable("the answer was lost")
        return done


@pytest.mark.parametrize("lost", [{"answers": 1}, {"requests": 1}, {"requests": 2, "answers": 1}])
def test_a_lost_answer_is_settled(side, root, lost):
    side.push(MAIN)
    side.repo.commit("two", file="two\n")
    side.store = LosesAnswers(side.store, **lost)
    assert side.push(MAIN) == [""]
    manifest = Registry(side.store).need()
    assert manifest.refs["refs/heads/main"] == side.repo.head()
    assert manifest.generation == 3


def test_a_lost_answer_of_the_first_push(clone, side):
    side.store = LosesAnswers(side.store, answers=2)
    assert side.push(MAIN) == [""]
    assert clone().repo.git("rev-parse", "origin/main").out.strip() == side.repo.head()


def test_a_lost_answer_and_somebody_who_came_after(clone, side):
    """Ours is not the newest change any more, but it is among the last."""
    side.push(MAIN)
    other = clone()
    other.repo.git("checkout", "-q", "-b", "other")
    other.repo.commit("other", other="other\n")

    class Then(LosesAnswers):
        def replace_if(self, name, data, version):
            try:
                return super().replace_if(name, data, version)
            except Unreachable:
                other.push("push other:refs/heads/main")
                raise

    side.repo.commit("two", file="two\n")
    other.fetch()
    side.store = Then(side.store, answers=1)
    assert side.push("push main:refs/heads/mine") == [""]
    refs = Registry(side.store).need().refs
    assert refs["refs/heads/mine"] == side.repo.head()
    assert refs["refs/heads/main"] == other.repo.head()


def test_a_store_that_stays_away_leaves_it_open(side):
    side.push(MAIN)
    side.repo.commit("two", file="two\n")
    side.store = LosesAnswers(side.store, requests=100)
    with pytest.raises(Unreachable, match="may have been done or not"):
        side.push(MAIN)
    side.store = side.store.inner
    assert side.push(MAIN) == [""]


class Fails(Around):
    """A store that fails before a verb, for good."""

    def __init__(self, inner, verb):
        super().__init__(inner)
        self.verb = verb

    def __getattribute__(self, name):
        if name == object.__getattribute__(self, "verb"):
            raise Unreachable(f"no {name}")
        return object.__getattribute__(self, name)


@pytest.mark.parametrize("verb", ["write", "size", "read_small"])
def test_a_store_that_fails_moves_no_ref_and_the_next_push_completes(clone, side, verb):
    side.push(MAIN)
    before = Registry(side.store).need()
    side.repo.commit("two", file="two\n")
    whole, side.store = side.store, Fails(side.store, verb)
    with pytest.raises(Unreachable):
        side.push(MAIN)
    side.store = whole
    assert Registry(whole).need() == before
    assert side.push(MAIN) == [""]
    clone().check()
    assert os.listdir(side.folder) == []


def test_data_that_cannot_be_sent_stops_the_push(side, root):
    side.push(MAIN)
    before = files_in(root)
    side.repo.commit("two", file="two\n")

    def fail():
        raise NotFound("an object is nowhere")

    side.before_bundle = fail
    with pytest.raises(NotFound):
        side.push(MAIN)
    assert files_in(root) == before


def test_a_bundle_that_is_cut_off_by_the_store_is_noticed(side):
    class Cuts(Around):
        def size(self, name):
            return 5

    side.store = Cuts(side.store)
    with pytest.raises(DataError, match="5 bytes"):
        side.push(MAIN)
    assert Registry(side.store).need().refs == {}


def test_another_registry_in_its_place_is_not_built_on(side, root):
    side.push(MAIN)
    side.repo.commit("two", file="two\n")

    def replaced():
        (root / "git/manifest").unlink()
        Registry(side.store).create(gitmanifest.create("sha1", "refs/heads/main"))

    side.before_bundle = replaced
    with pytest.raises(Conflict, match="replaced"):
        side.push(MAIN)
