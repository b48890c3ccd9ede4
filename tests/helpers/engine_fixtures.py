"""Fixtures for tests of the engine: repositories that reach one registry in a folder."""

from __future__ import annotations

import pytest

from git_data.stores.local import LocalStore
from git_data.stores.wrap import Counting

from .sides import Side


@pytest.fixture
def root(world):
    return world.root / "registry"


@pytest.fixture
def make(world, root):
    """A new, empty repository; its store counts, unless it gets one of its own."""

    def side(name="work", store=None):
        return Side(world.repo(name), store or Counting(LocalStore(root, create=True)))

    return side


@pytest.fixture
def clone(make):
    def cloned(name="clone"):
        made = make(name)
        made.fetch(empty=True)
        made.repo.git("checkout", "-q", "-b", "mine", "origin/main")
        return made

    return cloned


@pytest.fixture
def side(make):
    """A repository with one commit, on main."""
    made = make()
    made.repo.commit("one", file="one\n")
    return made
