"""Ctrl-C while the network stands still: the command ends at once and leaves nothing half.

Its threads hang in reads that nothing will end for half a minute; nobody waits for them.
"""

import os
import signal
import subprocess
import time

import pytest

from ..helpers.faults import Stall
from ..helpers.trouble import leftovers
from ..helpers.world import Checkout, random_bytes

FILES = {
    **{f"small/{n:02}.bin": random_bytes(9_000, n) for n in range(20)},
    "zbig.bin": random_bytes(20_000_000),  # it ends in a second pack
}
# A second is promised; a machine with other work gets more, and a read that hangs takes thirty.
SECONDS = 10.0
IN_A_PACK = Stall(100_000)


class Running:
    """A Git command in a process group of its own, as a terminal starts it."""

    def __init__(self, network, folder, *words):
        self.network = network
        self.process = subprocess.Popen(
            ["git", *words],
            cwd=folder,
            env=network.world.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def interrupt(self, times=1):
        """The exit status and what was said, once the last process of it has ended."""
        began = time.monotonic()
        for _ in range(times):
            os.killpg(self.process.pid, signal.SIGINT)
        out, _ = self.process.communicate(timeout=60)
        took, said = time.monotonic() - began, out.decode(errors="replace")
        assert took < SECONDS, said
        assert "Traceback" not in said and "Exception ignored" not in said
        return self.process.returncode, said


def whole(checkout):
    return {name: checkout.read(name) for name in FILES} == FILES


@pytest.fixture
def repo(network):
    return network.repo(**FILES)


@pytest.fixture
def copy(network, repo):
    """A clone that has no data yet."""
    repo.git("push", "-q", "origin", "main")
    return network.clone("copy", env={"GIT_DATA_SKIP_SMUDGE": "1"})


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("stall", [(Stall(), "manifest"), (IN_A_PACK, "/packs/")])
@pytest.mark.parametrize("command", ["fetch", "pull"])
def test_bringing_data_here(network, copy, command, stall, times):
    network.proxy.add(stall[0], "GET", stall[1], times=None)
    running = Running(network, copy.path, "data", command)
    network.proxy.wait_for_stall()
    status, said = running.interrupt(times)
    assert status in (130, -signal.SIGINT)
    assert leftovers(copy) == []
    assert copy.status() == ""
    assert "interrupted; nothing is half done" in said
    network.proxy.heal()
    copy.data("pull")
    assert whole(copy)
    assert leftovers(copy) == []


@pytest.mark.parametrize("command", [("data", "push"), ("push", "-q", "origin", "main")])
@pytest.mark.parametrize("stall", [("GET", "manifest"), ("PUT", "/packs/"), ("PUT", "manifest")])
def test_sending_data(network, repo, command, stall):
    network.proxy.add(Stall(), *stall, times=None)
    running = Running(network, repo.path, *command)
    network.proxy.wait_for_stall()
    status, _ = running.interrupt()
    assert status in (1, 130, -signal.SIGINT)
    assert leftovers(repo) == []
    assert network.world.git("for-each-ref", cwd=network.origin).out == ""
    network.proxy.heal()
    repo.git("push", "-q", "origin", "main")
    assert whole(network.clone())
    assert len(network.packs()) == 2


def test_trying_a_store_out(network, repo):
    """What it would still remove is not waited for, either."""
    for method in ("PUT", "DELETE"):
        network.proxy.add(Stall(), method, "tmp/probe", times=None)
    running = Running(network, repo.path, "data", "store", "--check")
    network.proxy.wait_for_stall()
    status, said = running.interrupt()
    assert status in (130, -signal.SIGINT)
    assert "interrupted" in said


def test_a_clone(network, repo):
    repo.git("push", "-q", "origin", "main")
    network.proxy.add(IN_A_PACK, "GET", "/packs/", times=None)
    running = Running(network, network.world.root, "clone", "-q", network.origin, "c")
    network.proxy.wait_for_stall()
    running.interrupt()
    network.proxy.heal()
    if (network.world.root / "c").exists():
        made = Checkout(network.world, network.world.root / "c")
        assert leftovers(made) == []
        made.data("pull")
        assert made.status() == ""
    else:
        made = network.clone("c")
    assert whole(made)


def test_a_clone_of_a_registry(network, repo):
    """Its history comes in pieces that are read ahead."""
    registry = f"data::{network.url}"
    repo.git("push", "-q", registry, "main")
    network.proxy.add(Stall(), "GET", "git/bundles", times=None)
    running = Running(network, network.world.root, "clone", "-q", registry, "c")
    network.proxy.wait_for_stall()
    running.interrupt()
    network.proxy.heal()
    network.world.git("clone", "-q", registry, "again")
    assert whole(Checkout(network.world, network.world.root / "again"))


@pytest.mark.parametrize("times", [1, 2])
def test_a_checkout(network, repo, times):
    repo.git("push", "-q", "origin", "main")
    made = network.clone("copy", "--no-checkout")
    network.proxy.add(IN_A_PACK, "GET", "/packs/", times=None)
    running = Running(network, made.path, "checkout", "-q", "main")
    network.proxy.wait_for_stall()
    _, said = running.interrupt(times)
    assert "interrupted" in said and "git data pull" in said
    assert leftovers(made) == []
    assert made.status() == ""
    network.proxy.heal()
    made.data("pull")
    assert whole(made)


def test_what_has_arrived_is_kept(network, copy):
    """The small files lie in front of the large one, in a pack that does come."""
    sizes = network.packs()
    last = min(sizes, key=sizes.get)
    network.proxy.add(IN_A_PACK, "GET", last, times=None)
    running = Running(network, copy.path, "data", "fetch")
    network.proxy.wait_for_stall()
    running.interrupt()
    network.proxy.heal()
    assert leftovers(copy) == []
    assert sum(path.is_file() for path in copy.objects.rglob("*")) == 20
    network.proxy.forget()
    copy.data("pull")
    assert whole(copy)
    assert network.proxy.count("GET", "/packs/") == 3  # those of the large one
