"""Plain Git with the data in a bucket: SeaweedFS, seen through a proxy that counts; and rclone,
which cannot be trusted with more than one writer.
"""

import json
import os
import uuid

import pytest

from git_data import proving
from git_data.repo import Address, Repo
from git_data.stores.access import Access
from git_data.stores.s3 import open_s3
from git_data.transfer import ObjectStore

from ..helpers import servers
from ..helpers.faults import FaultProxy
from ..helpers.recording import Answer, Recorder
from ..helpers.world import random_bytes

GOOD = Access(trusted=True, profile=servers.PROFILE)
FILES = {
    "a.bin": b"one",
    "d/b.bin": random_bytes(70_000),
    "c.bin": random_bytes(9_000_000, 2),
    "empty.bin": b"",
}


@pytest.fixture
def proxy(seaweed):
    with FaultProxy(int(seaweed.url.rpartition(":")[2])) as made:
        yield made


@pytest.fixture
def url(seaweed, proxy):
    """An address that no other test has, through the proxy."""
    return f"s3://{seaweed.bucket}/registry {uuid.uuid4().hex}?endpoint={proxy.url}"


@pytest.fixture
def world(world):
    world.env |= servers.S3Server.environment
    return world


@pytest.fixture
def trusting(world, proxy):
    """A user who named the endpoint as his own."""
    world.git("config", "--global", f"data.{proxy.url}.trust", "true")
    return world


@pytest.fixture
def repo(world):
    return repository(world)


def repository(world, name="work"):
    world.bare("origin.git")
    made = world.repo(name)
    made.git("remote", "add", "origin", str(world.root / "origin.git"))
    made.data("track", "*.bin")
    return made


def adopt(repo, url):
    """A store that is there, and was tried out from here: as `git data store` does, but sooner (a
    trial takes seconds in SeaweedFS, where who loses a race has to wait)."""
    found = Repo.open(repo.path, repo.world.env)
    ObjectStore(open_s3(url, GOOD), repo.world.root / "adopting").create()
    proving.proof(found, found.store_to_try(Address(url, "a test"))).remember(proving.SWAPS, url)
    repo.git("config", "-f", ".gitdata", "store.url", url)


def written(url):
    """The names in a store, seen by somebody else."""
    return dict(open_s3(url, GOOD).list(""))


def arrives(world, name="copy", files=FILES):
    copy = world.clone(world.root / "origin.git", name)
    assert copy.said.err == ""
    assert {path: copy.read(path) for path in files} == files
    assert copy.status() == ""
    return copy


def test_the_whole_way(trusting, repo, proxy, url):
    said = repo.data("store", url)
    assert f"{url} is a store now" in said.out
    assert repo.git("config", "-f", ".gitdata", "store.url").out == f"{url}\n"
    repo.commit(**FILES)
    proxy.forget()
    said = repo.git("push", "-q", "origin", "main")
    assert servers.SECRET not in said.err
    assert proxy.count() <= 15
    assert {name.partition("/")[0] for name in written(url)} == {"data"}  # nothing of a trial
    copy = arrives(trusting)

    proxy.forget()
    repo.git("push", "-q", "origin", "main:other")
    assert proxy.count() <= 2
    proxy.forget()
    repo.commit(text="no data in it")
    repo.git("push", "-q", "origin", "main")
    assert proxy.count() <= 2

    repo.commit(**{"a.bin": b"two"})
    repo.git("push", "-q", "origin", "main")
    copy.git("pull", "-q")
    assert copy.read("a.bin") == b"two"
    assert copy.status() == ""


def test_a_plain_push_makes_no_store_that_others_named(trusting, repo, proxy, url):
    repo.git("config", "-f", ".gitdata", "store.url", url)
    repo.commit(**FILES)
    said = repo.git("push", "-q", "origin", "main", code=1)
    assert f"there is no store at {url}" in said.err
    assert f"git data store '{url}'" in said.err
    assert proxy.count("PUT") == 0
    assert repo.git("ls-remote", "origin").out == ""
    repo.data("store", url)
    repo.git("push", "-q", "origin", "main")
    arrives(trusting)


def test_the_users_own_setting_makes_one(trusting, repo, url):
    trusting.git("config", "--global", "data.store", url)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    assert "data/manifest" in written(url)
    arrives(trusting)


def test_a_store_is_tried_out_once_before_the_first_push_from_a_clone(trusting, repo, proxy, url):
    adopt(repo, url)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    copy = arrives(trusting)

    def push(content):
        proxy.forget()
        copy.commit(**{"a.bin": content})
        copy.git("push", "-q", "origin", "main")
        return proxy.count(path="/tmp/probe-")

    assert push(b"two") > 10
    assert push(b"three") == 0
    assert len([*(copy.git_dir / "git-data" / "proven").iterdir()]) == 1
    assert not [name for name in written(url) if name.startswith("tmp/")]


def test_credentials_go_where_the_user_says(world, repo, proxy, url):
    allow = f"git config --global data.{proxy.url}.trust true"
    said = repo.data("store", url, code=1)
    assert allow in said.err
    assert not (repo.path / ".gitdata").exists()
    world.git("config", "--global", f"data.{proxy.url}.trust", "true")
    adopt(repo, url)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    world.git("config", "--global", f"data.{proxy.url}.trust", "false")
    copy = world.clone(world.root / "origin.git", "copy")
    assert allow in copy.said.err
    assert copy.read("a.bin").startswith(b"version git-data/1\n")
    assert copy.status() == ""
    world.git("config", "--global", "--unset", f"data.{proxy.url}.trust")
    world.git("config", "--global", f"data.{proxy.url}.profile", servers.PROFILE)
    for name in servers.S3Server.environment:
        del world.env[name]
    copy.data("pull")
    assert copy.read("d/b.bin") == FILES["d/b.bin"]


def test_a_hostile_gitdata_gets_no_credentials(world, repo):
    """The user has a bucket of that name at AWS, and says so: it is another one."""
    world.git("config", "--global", "data.s3://bucket.profile", servers.PROFILE)
    world.git("config", "--global", "data.s3://bucket/registry.trust", "true")
    with Recorder(lambda request: Answer(403)) as hostile:
        where = f"s3://bucket/registry?endpoint={hostile.url}"
        repo.commit(**FILES)
        repo.git("push", "-q", "origin", "main")
        repo.git("config", "-f", ".gitdata", "store.url", where)
        repo.commit("hostile")
        repo.git("push", "-q", "--no-verify", "origin", "main")
        (world.root / "origin.git" / "data").rename(world.root / "away")
        copy = world.clone(world.root / "origin.git", "copy")
        assert "no credentials were sent" in copy.said.err
        assert hostile.requests
        for request in hostile.requests:
            assert "Authorization" not in request.headers
            assert servers.KEY not in str(request.headers)


def test_an_endpoint_of_the_users_own_aws_setup(world, repo, seaweed, proxy):
    """No endpoint in the address, nothing to allow: where it leads is the user's own word."""
    world.env["AWS_ENDPOINT_URL_S3"] = seaweed.url
    where = f"s3://{seaweed.bucket}/{uuid.uuid4().hex}"
    repo.data("store", where)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    arrives(world)
    assert "compares and swaps" in repo.data("store").out
    # Elsewhere the same address may be another store: that one was not tried out yet.
    world.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    assert "compares and swaps" not in repo.data("store").out


def test_without_credentials_public_buckets_can_be_read(world, repo, seaweed):
    world.env["AWS_ENDPOINT_URL_S3"] = seaweed.url
    where = f"s3://{seaweed.public}/{uuid.uuid4().hex}"
    adopt(repo, f"{where}?endpoint={seaweed.url}")
    repo.commit(**FILES)
    world.git("config", "--global", f"data.{seaweed.url}.trust", "true")
    repo.git("push", "-q", "origin", "main")
    repo.git("config", "-f", ".gitdata", "store.url", where)
    repo.commit("with the endpoint of whoever reads it")
    repo.git("push", "-q", "--no-verify", "origin", "main")
    for name in servers.S3Server.environment:
        del world.env[name]
    world.env["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    copy = arrives(world)
    copy.commit(**{"a.bin": b"two"})
    said = copy.git("push", "-q", "origin", "main", code=1)
    assert "no credentials were sent" in said.err and "aws configure" in said.err


# Telling what a store can do


def test_a_check_tells_what_it_can(trusting, repo, proxy, url):
    assert "no store is named" in trusting.repo("none").data("store", "--check", code=1).out
    adopt(repo, url)
    proxy.forget()
    assert "answers, can be written, compares and swaps" in repo.data("store").out
    assert proxy.count() == 1  # it is remembered
    (repo.git_dir / "git-data" / "proven").rename(trusting.root / "away")
    assert "compares" not in repo.data("store").out
    proxy.forget()
    assert "answers, can be written, compares and swaps" in repo.data("store", "--check").out
    assert proxy.count(path="/tmp/probe-") > 10
    [found] = repo.data("store", "--check", "--json").json()[:1]
    assert (found["can_write"], found["compares_and_swaps"], found["problem"]) == (True, True, None)
    proxy.forget()
    repo.data("doctor", code=1)  # .gitdata is not committed yet
    assert proxy.count(path="/tmp/probe-") == 0


def test_a_check_of_a_store_that_can_only_be_read(world, repo, seaweed):
    where = seaweed.address(uuid.uuid4().hex, seaweed.public)
    world.git("config", "--global", f"data.{seaweed.url}.trust", "true")
    adopt(repo, where)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    world.git("config", "--global", f"data.{seaweed.url}.trust", "false")
    copy = arrives(world)  # anybody may read it
    said = copy.data("store", "--check", code=1)
    assert "answers, cannot be written" in said.out and "trust true" in said.out
    [found] = copy.data("store", "--check", "--json", code=1).json()[:1]
    assert (found["can_write"], found["compares_and_swaps"]) == (False, False)
    other = world.repo("other")
    said = other.data("store", where)  # naming it is fine
    assert "cannot" not in said.out and "not be written from here" in said.err
    assert other.git("config", "-f", ".gitdata", "store.url").out == f"{where}\n"


def test_what_is_wrong_with_an_address_is_said(world, repo):
    for url, told in {
        "s3://work/a?endpoint=https://u:hush@host": "password",
        "s3://key:hush@work/a": "password",
        "s3://work/a?secret=hush": "'secret'",
        "s3://work/a//b": "//",
        "s3://[": "address",
    }.items():
        said = repo.data("store", url, code=2)
        assert told in said.err and "hush" not in said.err
    repo.git("config", "-f", ".gitdata", "store.url", "s3://key:hush@work/a")
    said = repo.data("store", code=1)
    assert "store.url holds a password" in said.err + said.out
    assert "hush" not in said.err + said.out


# Mirrors in .gitdata


def test_mirrors_are_named_and_dropped(trusting, repo, url):
    adopt(repo, url)
    first, second = f"{url}&region=us-east-1", "../mirror"
    said = repo.data("store", "--mirror", first)
    assert f"names the mirror {first}" in said.out and said.err == ""
    said = repo.data("store", "--mirror", second)
    assert "cannot be read yet" in said.err
    repo.data("store", "--mirror", second)  # twice is once
    named = ["config", "-f", ".gitdata", "--get-all", "store.mirror"]
    assert repo.git(*named).lines == [first, second]
    assert repo.data("store", "--mirror", first, "--unset", "--dry-run").code == 0
    assert repo.git(*named).lines == [first, second]
    told = json.loads(repo.data("store", "--mirror", first, "--unset", "--json").out)
    assert told == {"mirror": first, "problem": None, "dry_run": False}
    assert repo.git(*named).lines == [second]
    assert second in repo.data("store", "--mirror", first, "--unset", code=2).err
    assert "is the store itself" in repo.data("store", "--mirror", url, code=2).err
    assert repo.git("config", "-f", ".gitdata", "store.url").out == f"{url}\n"
    assert "lies in the work tree" in repo.data("store", "--mirror", "sub", code=2).err
    assert "one thing" in repo.data("store", "x", "--mirror", "y", code=2).err


# A store that does not compare and swap


def test_who_is_alone_may_write_to_a_store_that_does_not_compare_and_swap(world, repo, rclone):
    where = rclone.address(f"a b {uuid.uuid4().hex}")
    alone = f"data.{where}.singleWriter"
    world.git("config", "--global", f"data.{rclone.url}.trust", "true")
    said = repo.data("store", where, code=1)
    assert "two who push at once would lose data" in said.err
    assert f"git config '{alone}' true" in said.err
    assert not (repo.path / ".gitdata").exists()
    assert written(where) == {}

    repo.git("config", alone, "true")
    repo.data("store", where)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    repo.commit(**{"a.bin": b"two"})
    repo.git("push", "-q", "origin", "main")
    assert "can be written by a single writer" in repo.data("store").out
    copy = arrives(world, files={**FILES, "a.bin": b"two"})

    copy.commit(**{"a.bin": b"three"})
    said = copy.git("push", "-q", "origin", "main", code=1)
    assert "two who push at once would lose data" in said.err
    copy.git("config", alone, "true")  # he was told what it means
    copy.git("push", "-q", "origin", "main")
    assert arrives(world, "another", {"a.bin": b"three"})
