"""The same plain Git commands over a network that is bad: it costs time, never data."""

import pytest

from ..helpers.faults import (
    Answer,
    Cut,
    Flip,
    LoseAnswer,
    Reset,
    Stall,
    Trickle,
    broken,
    busy,
    expired,
)
from ..helpers.trouble import leftovers
from ..helpers.world import random_bytes

BIG = random_bytes(20_000_000)
OTHER = random_bytes(3_000_000, 7)
FILES = {"a.bin": b"one", "d/b.bin": random_bytes(70_000, 1), "big.bin": BIG}


def contents(checkout, files=FILES):
    return {name: checkout.read(name) for name in files}


def is_pointer(data):
    return data.startswith(b"version git-data/1\n") and len(data) < 200


def push(repo, *words, **how):
    return repo.git("push", "-q", *words, "origin", "main", **how)


@pytest.fixture(params=["http", "s3"])
def network(request):
    return request.getfixturevalue("network" if request.param == "http" else "s3_network")


@pytest.fixture
def repo(network):
    return network.repo(**FILES)


@pytest.fixture
def pushed(network, repo):
    push(repo)
    network.proxy.forget()
    return repo


# Without faults


def test_there_and_back(network, repo):
    push(repo)
    copy = network.clone()
    assert copy.said.err == ""
    assert contents(copy) == FILES
    assert copy.status() == ""
    assert leftovers(copy) == leftovers(repo) == []


def test_many_small_files_are_few_requests(network):
    files = {f"d{n % 20}/{n:04}.bin": random_bytes(10_240, n) for n in range(1000)}
    repo = network.repo(**files)
    network.proxy.forget()
    push(repo)
    assert network.proxy.count() <= 12  # thirty are promised for ten thousand files
    network.proxy.forget()
    copy = network.clone()
    assert contents(copy, files) == files
    assert network.proxy.count() <= 4
    network.proxy.forget()
    push(repo)
    repo.commit(text=b"no data")
    push(repo)
    assert network.proxy.count() <= 2


# Faults that pass


@pytest.mark.parametrize(
    "fault",
    [
        *(Reset(1_000_000), Cut(2_000_000), Flip(500_000), busy(503), busy(429, 1), broken()),
        *(Stall(1_000_000), Trickle(1_000_000, 1 << 16, 0.01)),
    ],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "status", "")),
)
def test_a_clone_gets_over_it(network, pushed, fault):
    if isinstance(fault, Stall):
        network.patience(2)  # else a minute
    in_a_body = not isinstance(fault, Answer)  # of a large one; the first two reads are short
    network.proxy.add(fault, "GET", "/packs/", times=4 if in_a_body else 2)
    copy = network.clone()
    assert copy.said.err == ""
    assert contents(copy) == FILES
    if in_a_body:
        assert network.proxy.bodies_hit == 2
    else:
        assert sum(one.fault == fault for one in network.proxy.seen) == 2


@pytest.mark.parametrize("fault", [LoseAnswer(), busy(503), broken()])
def test_a_push_gets_over_it(network, repo, fault):
    network.proxy.add(fault, "PUT", "/packs/", times=2)
    network.proxy.add(fault, "PUT", "/index/")
    network.proxy.add(fault, "PUT", "/manifest")
    push(repo)
    network.proxy.heal()
    assert contents(network.clone()) == FILES
    assert len(network.packs()) == 2


@pytest.mark.parametrize("seed", [1, 2])
def test_a_tenth_of_all_requests_fails(network, repo, seed):
    network.proxy.fail_some(10, seed)
    push(repo)
    copy = network.clone()
    assert contents(copy) == FILES
    assert copy.status() == ""


# Faults that stay


@pytest.fixture
def bad(network, pushed):
    """A second push with one file, and the pack that only this one needs."""
    before = network.packs()
    pushed.commit(**{"other.bin": OTHER})
    push(pushed)
    network.proxy.forget()
    [name] = network.packs().keys() - before
    return name


def test_a_clone_of_which_one_file_fails(network, bad):
    network.patience(0.5)
    network.proxy.add(broken(), "GET", bad, times=None)
    copy = network.clone()
    [line] = copy.said.err.splitlines()
    assert "other.bin is left as its pointer" in line and "git data pull" in line
    assert contents(copy) == FILES
    assert is_pointer(copy.read("other.bin"))
    assert copy.status() == ""
    network.proxy.heal()
    network.proxy.forget()
    assert copy.data("pull").err == ""
    assert copy.read("other.bin") == OTHER
    assert network.proxy.count("GET", "/packs/") == 1


@pytest.mark.parametrize("fault", [broken(), Answer(404), expired(), Cut(0), Flip(1000)])
def test_a_pull_of_which_one_file_fails_exits_with_3(network, bad, fault):
    copy = network.clone("copy", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    assert all(map(is_pointer, contents(copy).values()))
    network.patience(0.5)
    network.proxy.add(fault, "GET", bad, times=None)
    for command, done in (("fetch", "fetched"), ("pull", "put in place")):
        said = copy.data(command, code=3)
        [line, summary] = said.err.splitlines()
        assert "other.bin" in line and bad in line
        assert f"1 of 4 files could not be {done}, nothing was lost" in summary
        copy.forget_data()
    assert contents(copy) == FILES
    assert is_pointer(copy.read("other.bin"))
    network.proxy.heal()
    network.proxy.forget()
    copy.data("pull")
    assert copy.read("other.bin") == OTHER
    assert network.proxy.count("GET", "/packs/") == 1


def test_a_store_that_goes_away_in_the_middle(network, pushed):
    network.patience(0)
    network.proxy.add(Answer(200), "GET", "/packs/", skip=1, times=None)  # no length we asked for
    network.proxy.add(broken(), "GET", "/packs/", skip=1, times=None)
    copy = network.clone()
    assert "git data pull" in copy.said.err
    network.proxy.heal()
    copy.data("pull")
    assert contents(copy) == FILES


def test_a_server_that_is_not_there(network, pushed):
    network.patience(0)
    network.proxy.is_down = True
    copy = network.clone()
    [line] = copy.said.err.splitlines()
    assert "3 files" in line and network.proxy.url in line
    before = pushed.git("rev-parse", "origin/main").out
    pushed.commit(**{"a.bin": b"two"})
    said = push(pushed, code=1)
    assert "nothing was pushed, your commits are safe here" in said.err
    assert said.err.count("commits are safe here") == 1
    assert network.proxy.url in said.err
    network.proxy.heal()
    assert network.world.git("-C", network.origin, "rev-parse", "main").out == before
    push(pushed)
    copy.git("pull", "-q")
    copy.data("pull")
    assert contents(copy) == {**FILES, "a.bin": b"two"}


def test_credentials_that_have_expired(network, pushed):
    network.proxy.add(expired(), times=None)
    copy = network.clone()
    [line] = copy.said.err.splitlines()
    assert network.proxy.url in line
    assert all(map(is_pointer, contents(copy).values()))
    pushed.commit(**{"a.bin": b"two"})
    assert "your commits are safe here" in push(pushed, code=1).err
