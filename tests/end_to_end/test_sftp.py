"""Plain Git commands with the data on another machine, over SFTP."""

import shutil

import pytest

from ..helpers.world import random_bytes

BIN = "*.bin filter=data diff=data merge=data -text\n"
FILES = {"big.bin": random_bytes(3_000_000), "a/small.bin": b"small", "empty.bin": b""}


@pytest.fixture
def origin(world, sshd):
    shutil.copytree(sshd.ssh_folder, world.home / ".ssh")
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", BIN)
    return made


def test_who_writes_alone_pushes_and_clones(world, origin, repo, sshd):
    url = sshd.fresh()[1]
    repo.git("config", "data.store", url)
    repo.commit(**FILES)
    said = repo.git("push", "origin", "main", code=1).err
    assert "cannot be compared and swapped" in said
    assert f"git config 'data.{url}.singleWriter' true" in said
    assert origin.git("for-each-ref").out == ""
    repo.git("config", f"data.{url}.singleWriter", "true")
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "clone", "-c", f"data.store={url}")
    assert clone.said.err == ""
    assert {name: clone.read(name) for name in FILES} == FILES
    assert clone.status() == ""


def test_an_address_in_gitdata_gets_no_keys_until_the_user_says_so(world, origin, repo, sshd):
    url = sshd.fresh()[1]
    for name, value in (("store", url), (f"{url}.singleWriter", "true")):
        repo.git("config", f"data.{name}", value)
    repo.git("config", "-f", ".gitdata", "store.url", url)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "clone")
    assert clone.read("big.bin").startswith(b"version git-data/1\n")
    assert "your SSH keys are not used" in clone.said.err
    world.git("config", "--global", f"data.{url}.trust", "true")
    clone.data("pull")
    assert {name: clone.read(name) for name in FILES} == FILES


def test_a_server_that_is_not_known_is_refused(world, origin, repo, sshd):
    (world.home / ".ssh/known_hosts").unlink()
    url = sshd.fresh()[1]
    repo.git("config", "data.store", url)
    repo.git("config", f"data.{url}.singleWriter", "true")
    repo.commit(**FILES)
    said = repo.git("push", "origin", "main", code=1).err
    ours = [line for line in said.splitlines() if line.startswith("git-data:")]
    assert len(ours) == 1 and "known_hosts does not know" in ours[0]
    assert origin.git("for-each-ref").out == ""
