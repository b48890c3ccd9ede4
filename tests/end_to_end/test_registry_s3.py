"""A registry in a bucket: SeaweedFS, seen through a proxy that counts and loses answers. And
rclone, which cannot be trusted with more than one writer.
"""

import shutil
import uuid

import pytest

from git_data import gitmanifest
from git_data.refs import Registry
from git_data.stores.access import Access
from git_data.stores.s3 import open_s3

from ..helpers import servers
from ..helpers.contenders import check_nothing_lost, contend
from ..helpers.faults import FaultProxy, LoseAnswer, LoseRequest, busy
from ..helpers.trouble import DIE, Moment
from ..helpers.world import random_bytes

GOOD = Access(trusted=True, profile=servers.PROFILE)
TRACKED = "*.bin filter=data diff=data merge=data -text\n"
ONE, TWO = random_bytes(60_000, 1), random_bytes(70_000, 2)


@pytest.fixture
def proxy(seaweed):
    with FaultProxy(int(seaweed.url.rpartition(":")[2])) as made:
        yield made


@pytest.fixture
def url(seaweed, proxy):
    """An address that no other test has, through the proxy."""
    return f"s3://{seaweed.bucket}/registry-{uuid.uuid4().hex}?endpoint={proxy.url}"


@pytest.fixture
def world(world):
    world.env |= servers.S3Server.environment
    return world


@pytest.fixture
def repo(world, url):
    made = world.repo("work")
    made.git("remote", "add", "origin", f"data::{url}")
    made.write(".gitattributes", TRACKED)
    made.commit("one", text="one\n")
    return made


@pytest.fixture
def there(url):
    """A registry that is there already: to try a store out takes seconds in SeaweedFS."""
    first = gitmanifest.create("sha1", "refs/heads/main")
    return Registry(open_s3(url, GOOD)).create(first)


def current(url):
    return Registry(open_s3(url, GOOD)).need()


def test_the_whole_way(world, repo, url):
    """Nothing is configured, on either machine, but the credentials."""
    repo.commit("data", **{"a.bin": ONE})
    said = repo.git("push", "-u", "origin", "main")
    assert servers.SECRET not in said.err
    names = {name.partition("/")[0] for name, _ in open_s3(url, GOOD).list("")}
    assert names == {"data", "git"}  # nothing of the trial
    (world.home / ".gitconfig").write_text("")
    copy = world.clone(f"data::{url}")
    assert copy.said.err == ""
    assert copy.read("a.bin") == ONE
    assert copy.status() == ""
    copy.git("checkout", "-q", "-b", "side")
    copy.commit("side", **{"a.bin": TWO})
    copy.git("push", "-q", "origin", "side")
    repo.git("fetch", "-q")
    repo.git("checkout", "-q", "side")
    assert repo.read("a.bin") == TWO


def test_what_it_costs(world, repo, url, there, proxy):
    repo.git("push", "-q", "origin", "main")
    copy = world.clone(f"data::{url}")
    for number in range(5):
        repo.commit(str(number), text=f"{number}\n")
        proxy.forget()
        repo.git("push", "-q", "origin", "main")
        assert proxy.count() <= 6, proxy.seen
    proxy.forget()
    copy.git("fetch", "-q")
    assert proxy.count() <= 1 + len(current(url).bundles)
    proxy.forget()
    copy.git("fetch", "-q")
    assert proxy.count() == 1
    repo.commit("data", **{"a.bin": ONE})
    repo.git("push", "-q", "origin", "main")
    copy.git("pull", "-q")
    assert copy.read("a.bin") == ONE


@pytest.mark.parametrize(
    ("fault", "method", "path"),
    [
        (LoseAnswer(), "PUT", "/git/manifest"),
        (LoseRequest(), "PUT", "/git/manifest"),
        (LoseAnswer(), "PUT", "/git/bundles"),
        (busy(), None, ""),
    ],
    ids=["answer", "request", "bundle", "busy"],
)
def test_a_lost_answer_is_the_success_it_was(world, repo, url, there, proxy, fault, method, path):
    repo.git("push", "-q", "origin", "main")
    before = current(url).generation
    repo.commit("two", text="two\n")
    proxy.add(fault, method, path)
    repo.git("push", "-q", "origin", "main")
    after = current(url)
    assert after.refs == {"refs/heads/main": repo.head()}
    assert after.generation == before + 1
    assert world.clone(f"data::{url}").head() == repo.head()


def test_a_server_that_is_away(world, repo, url, there, proxy):
    repo.git("push", "-q", "origin", "main")
    repo.commit("two", text="two\n")
    proxy.is_down = True
    repo.git("config", "data.patience", "0.5")
    for words in (["push", "origin", "main"], ["fetch"], ["ls-remote"]):
        said = repo.git(*words, code=128)
        assert "git-data: " in said.err and "Traceback" not in said.err
    proxy.heal()
    repo.git("push", "-q", "origin", "main")


def test_many_at_once(world, repo, url, there):
    repo.git("push", "-q", "origin", "main")
    clones = [world.clone(f"data::{url}", f"clone{number}") for number in range(2)]
    told = contend(world, clones, "own-{}", 2)
    check_nothing_lost(world, f"data::{url}", ["own-0", "own-1"], told)
    told = contend(world, clones, "main", 2)
    check_nothing_lost(world, f"data::{url}", ["main", "main"], told)


def test_a_pusher_that_is_killed(world, repo, url, there):
    """Before its last writes to the repository: the bundle is made, and perhaps sent."""
    repo.git("push", "-q", "origin", "main")
    moment = Moment(world)
    for number in (1, 2, 3):
        repo.commit("more", text=f"{number}\n")
        env = moment.in_remote(number, "/git-data/tmp/", DIE)
        repo.git("push", "-q", "origin", "main", env=env, code=None)
        moment.wait()
        copy = world.clone(f"data::{url}")
        assert copy.git("fsck", "--full").err == ""
        shutil.rmtree(copy.path)
        repo.git("push", "-q", "origin", "main")
    assert current(url).refs["refs/heads/main"] == repo.head()


def test_without_credentials(world, repo, url, there):
    for name in servers.S3Server.environment:
        del world.env[name]
    world.env["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"
    said = repo.git("push", "origin", "main", code=128)
    assert "git-data: " in said.err and "Traceback" not in said.err
    assert current(url).refs == {}


def test_a_mistyped_address(world, url):
    said = world.git("clone", f"data::{url.replace('?', 'x?')}", "copy", code=128)
    assert "there is no registry at" in said.err
    assert not (world.root / "copy").exists()


def test_a_store_that_does_not_compare_and_swap(world, repo, rclone):
    where = rclone.address(f"registry-{uuid.uuid4().hex}")
    repo.git("remote", "set-url", "origin", f"data::{where}")
    said = repo.git("push", "origin", "main", code=1)
    assert "two who push at once would lose data" in said.err
    assert [*open_s3(where, GOOD).list("")] == []
    repo.git("config", f"data.{where}.singleWriter", "true")
    repo.git("push", "-q", "origin", "main")
    assert current(where).write_features == ("single-writer",)
    repo.commit("two", text="two\n")
    repo.git("push", "-q", "origin", "main")
    copy = world.clone(f"data::{where}")
    copy.commit("three", text="three\n")
    said = copy.git("push", "origin", "main", code=1)
    assert "only one clone may write there" in said.err
    copy.git("config", f"data.{where}.singleWriter", "true")
    copy.git("push", "-q", "origin", "main")
    assert current(where).refs["refs/heads/main"] == copy.head()
