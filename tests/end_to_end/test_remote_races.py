"""Many pushers at once, through Git: nothing that was acknowledged is lost.

The full size, four clones with 25 commits each, is in benchmarks/contention.py.
"""

import pytest

from git_data.errors import DataError
from git_data.registryservice import check_folder

from ..helpers.contenders import check_nothing_lost, contend
from ..helpers.twins import Twins

CLONES, ROUNDS = 3, 3


@pytest.fixture
def twins(world):
    return Twins.make(world)


@pytest.fixture
def clones(twins):
    repo = twins.repo()
    repo.commit("one", file="one\n")
    repo.git("push", "-q", "origin", "main")
    return [twins.world.clone(twins.address, f"clone{number}") for number in range(CLONES)]


def test_to_branches_of_their_own(world, twins, clones):
    told = contend(world, clones, "own-{}", ROUNDS)
    assert [len(commits) for commits in told] == [ROUNDS] * CLONES
    check_nothing_lost(world, twins.address, [f"own-{n}" for n in range(CLONES)], told)


def test_to_the_same_branch(world, twins, clones):
    told = contend(world, clones, "main", ROUNDS)
    check_nothing_lost(world, twins.address, ["main"] * CLONES, told)
    refs = world.git("ls-remote", "--heads", twins.address).lines
    [line] = [line for line in refs if line.endswith("/main")]
    copy = world.clone(twins.address)
    assert copy.git("rev-list", "--count", line.split()[0]).out == f"{CLONES * ROUNDS + 1}\n"


def test_the_first_push_of_several(world, twins):
    """Nobody was here before: all of them make the registry, and it is one."""
    repos = []
    for number in range(CLONES):
        repo = twins.repo(f"first{number}")
        repo.commit(f"root {number}", **{f"f{number}": "x\n"})
        repos.append(repo)
    told = contend(world, repos, "own-{}", 1)
    check_nothing_lost(world, twins.address, [f"own-{n}" for n in range(CLONES)], told)


def test_a_registry_that_was_made_since_we_looked_is_no_foreign_folder(world, twins):
    repo = twins.repo()
    repo.commit("one", file="one\n")
    repo.git("push", "-q", "origin", "main")
    check_folder(str(world.root / "registry"))
    (world.root / "registry" / "thesis.tex").touch()
    with pytest.raises(DataError, match="holds other files"):
        check_folder(str(world.root / "registry"))
