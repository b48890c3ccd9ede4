"""Plain Git commands with the data on a web server."""

import uuid

import pytest

from ..helpers.scripted import Keeper, Scripted
from ..helpers.web import PASSWORD, USER
from ..helpers.world import random_bytes

BIN = "*.bin filter=data diff=data merge=data -text\n"
BIG = random_bytes(3_000_000)
FILES = {"big.bin": BIG, "a/small.bin": b"small", "b/same.bin": b"small", "empty.bin": b""}


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", BIN)
    return made


def has_data(clone, files):
    assert {name: clone.read(name) for name in files} == files
    assert clone.status() == ""


def ref(origin):
    return origin.git("rev-parse", "--verify", "-q", "refs/heads/main", code=None).out


# Read-only: a folder that nginx serves


def name_store(repo, url):
    repo.git("config", "-f", ".gitdata", "store.url", url)


def test_a_folder_that_is_served_is_a_store_to_read(world, origin, repo, nginx):
    """Who keeps the registry pushes into its folder; everybody else reads it over the web."""
    folder, url = nginx.fresh()
    name_store(repo, url)
    repo.git("config", "data.store", str(folder))
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "reader")
    assert clone.said.err == ""
    has_data(clone, FILES)
    assert list(clone.objects.rglob("*"))


def test_a_push_to_what_can_only_be_read_stops_before_a_ref_moves(world, origin, repo, nginx):
    folder, url = nginx.fresh()
    name_store(repo, url)
    repo.git("config", "data.store", str(folder))
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    before = ref(origin)
    clone = world.clone(origin, "reader")
    clone.commit(**{"new.bin": random_bytes(1000)})
    said = clone.git("push", "origin", "main", code=1).err.splitlines()
    ours = [line for line in said if line.startswith("git-data:")]
    assert len(ours) == 1
    assert f"{url.replace(' ', '%20').replace('ü', '%C3%BC')} is read-only" in ours[0]
    assert "git data store URL" in ours[0]
    assert ref(origin) == before


def test_what_is_not_there_says_how_to_make_it(world, origin, repo, nginx):
    name_store(repo, nginx.fresh()[1])
    repo.commit(**FILES)
    said = repo.git("push", "origin", "main", code=1).err
    assert "there is no store at http://" in said or "is read-only" in said
    assert ref(origin) == ""


def test_a_server_that_is_away_leaves_pointers(world, origin, repo, nginx):
    folder, url = nginx.fresh()
    repo.git("config", "data.store", str(folder))
    name_store(repo, url.replace(f":{nginx.port}", ":1"))
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "reader", "-c", "data.skipSmudge=true")
    assert clone.read("big.bin").startswith(b"version git-data/1\n")
    clone.git("config", "data.store", url)
    clone.data("pull")
    has_data(clone, FILES)


# To be written: Apache with WebDAV


def test_pushes_and_clones(world, origin, repo, apache):
    _, url = apache.fresh()
    repo.git("config", "data.store", url)
    repo.commit(**FILES)
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "clone", "-c", f"data.store={url}")
    assert clone.said.err == ""
    has_data(clone, FILES)
    edited = BIG[:1_000_000] + b"edited" + BIG[1_000_000:]
    clone.commit(**{"big.bin": edited})
    clone.git("push", "-q", "origin", "main")
    repo.git("pull", "-q", "origin", "main")
    has_data(repo, {**FILES, "big.bin": edited})


def test_a_store_in_gitdata_has_to_be_one_already(world, origin, repo, apache):
    """A committed address creates nothing; the user's own setting does."""
    folder, url = apache.fresh()
    name_store(repo, url)
    repo.commit(**FILES)
    said = repo.git("push", "origin", "main", code=1).err
    assert "there is no store at http://" in said
    assert ref(origin) == ""
    assert not (folder / "data" / "manifest").exists()


def test_a_login_from_gits_helpers(world, origin, repo, apache):
    logins = world.home / "logins"
    coded = PASSWORD.replace(" ", "%20").replace(":", "%3a")
    logins.write_text(f"http://{USER}:{coded}@127.0.0.1%3a{apache.port}\n")
    url = f"{apache.url}/private/{uuid.uuid4().hex}"
    repo.git("config", "data.store", url)
    repo.commit(**FILES)
    said = repo.git("push", "origin", "main", code=1)
    assert f"{apache.url} wants a login, and Git has none for it" in said.err
    assert ref(origin) == ""
    world.git("config", "--global", "credential.helper", f"store --file={logins}")
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "clone", "-c", f"data.store={url}")
    has_data(clone, FILES)
    assert "s3cret" not in said.err + said.out
    logins.write_text(f"http://{USER}:wrong@127.0.0.1%3a{apache.port}\n")
    other = world.clone(origin, "other", "-c", f"data.store={url}")
    assert "does not accept the login" in other.said.err
    assert other.read("big.bin").startswith(b"version git-data/1\n")
    assert logins.read_text() == ""  # what was refused is forgotten, as Git does


def test_a_server_that_ignores_conditions_gets_nothing(origin, repo):
    """It takes every PUT, and so it would take that of one pusher over another's."""

    class Ignoring(Keeper):
        def refuses(self, asked):
            return False

    keeper = Ignoring()
    with Scripted(keeper.answer) as server:
        repo.git("config", "data.store", f"{server.url}/r")
        repo.commit(**FILES)
        said = repo.git("push", "origin", "main", code=1).err
        assert "two who push at once would lose data" in said
        assert "singleWriter" in said
        assert ref(origin) == "" and keeper.files == {}
        repo.git("config", f"data.{server.url}/r.singleWriter", "true")
        repo.git("push", "-q", "origin", "main")
        assert "/r/data/manifest" in keeper.files
