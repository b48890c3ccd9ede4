"""A store with a mirror: what the first does not give comes from there, and nobody notices."""

import shutil

import pytest

from ..helpers.faults import Answer, FaultProxy, Flip, broken, expired
from ..helpers.webfolder import WebFolder
from ..helpers.world import random_bytes

FILES = {
    "a.bin": b"one",
    **{f"d/{n}.bin": random_bytes(40_000, n) for n in range(9)},
    "z.bin": random_bytes(20_000_000),
}


def contents(checkout, files=FILES):
    return {name: checkout.read(name) for name in files}


def is_pointer(data):
    return data.startswith(b"version git-data/1\n") and len(data) < 200


@pytest.fixture
def mirror(network):
    """What counts the mirror's requests."""
    (network.world.root / "mirrored").mkdir()
    with WebFolder(network.world.root / "mirrored") as server, FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def repo(network, mirror):
    """Pushed, with a mirror that is a whole copy."""
    network.patience(0)
    made = network.repo()
    made.git("config", "-f", ".gitdata", "store.mirror", f"{mirror.url}/copy")
    made.commit(**FILES)
    made.git("push", "-q", "origin", "main")
    copy(network)
    network.proxy.forget()
    return made


def copy(network):
    target = network.world.root / "mirrored" / "copy"
    shutil.copytree(network.files.root, target, dirs_exist_ok=True)


def arrives(network, name="clone"):
    made = network.clone(name)
    assert made.said.err == ""
    assert contents(made) == FILES
    assert made.status() == ""
    return made


def test_a_store_that_is_well_is_asked_alone(network, mirror, repo):
    mirror.is_down = True
    arrives(network)
    assert mirror.count() == 0


@pytest.mark.parametrize("fault", [Answer(404), Flip(20_000), broken(), expired()])
def test_one_pack_that_is_not_to_be_had(network, mirror, repo, fault):
    sizes = network.packs()
    bad = max(sizes, key=sizes.get)
    network.proxy.add(fault, "GET", bad, times=None)
    arrives(network)
    other = [name for name in sizes if name != bad]
    assert mirror.count("GET", bad) >= 1
    assert mirror.count("GET", "manifest") == 0
    if fault != broken():  # that is a server which is down
        assert network.proxy.count("GET", other[0]) >= 1
        assert mirror.count("GET", other[0]) == 0


def test_a_first_store_that_is_down(network, mirror, repo):
    network.proxy.is_down = True
    arrives(network)
    # Once for the manifest. And nothing of it is asked of every range again.
    assert mirror.count("GET", "manifest") == 1


def test_a_first_store_that_goes_down_in_the_middle(network, mirror, repo):
    network.proxy.add(broken(), "GET", "/packs/", skip=1, times=None)
    arrives(network)
    assert mirror.count("GET", "/packs/") >= 2
    assert network.proxy.count("GET", "/packs/") <= 1 + 8  # those under way, none for every range


def test_both_are_down(network, mirror, repo):
    network.proxy.is_down = mirror.is_down = True
    made = network.clone()
    [line] = made.said.err.splitlines()
    assert "11 files" in line and network.url in line
    assert all(map(is_pointer, contents(made).values()))
    mirror.heal()
    assert made.data("pull").err == ""
    assert contents(made) == FILES


def test_a_mirror_that_is_behind(network, mirror, repo):
    repo.commit(**{"new.bin": b"new"})
    repo.git("push", "-q", "origin", "main")
    network.proxy.is_down = True
    made = network.clone()
    [line] = made.said.err.splitlines()
    assert "new.bin is left as its pointer" in line
    assert network.url in line  # it is the first that would have it
    assert contents(made) == FILES
    copy(network)
    made.data("pull")
    assert made.read("new.bin") == b"new"


def test_a_mirror_that_is_not_there(network, mirror, repo):
    shutil.rmtree(network.world.root / "mirrored" / "copy")
    bad = next(iter(network.packs()))
    network.proxy.add(Answer(404), "GET", bad, times=None)
    made = network.clone()
    assert bad in made.said.err
    network.proxy.heal()
    made.data("pull")
    assert contents(made) == FILES


def test_a_push_is_for_the_first_alone(network, mirror, repo):
    repo.commit(**{"new.bin": b"new"})
    network.proxy.is_down = True
    said = repo.git("push", "-q", "origin", "main", code=1)
    assert network.url in said.err
    assert "nothing was pushed, your commits are safe here" in said.err
    assert mirror.count() == 0
    network.proxy.heal()
    repo.git("push", "-q", "origin", "main")
    assert mirror.count() == 0


def test_the_users_own_store_wins(network, mirror, repo):
    network.world.git("config", "--global", "data.store", f"{mirror.url}/copy")
    network.proxy.is_down = True
    network.proxy.forget()
    arrives(network)
    assert network.proxy.count() == 0
