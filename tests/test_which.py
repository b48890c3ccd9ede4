"""Which is which on the web: one read of a manifest, through a store that is a folder here."""

import pytest

from git_data import gitmanifest, manifest, which
from git_data.addresses import Kind, Place, place_of
from git_data.config import settings
from git_data.git import Git
from git_data.stores.local import LocalStore
from git_data.which import _holds_data, _is_ours, open_registry


@pytest.fixture
def git(world):
    return Git(str(world.root), world.env)


@pytest.mark.parametrize(
    "address", ["/nowhere", "ssh://host/x", "host:x", "git://host/x", "../x.git"]
)
def test_gits_own_are_not_opened(git, address):
    place = place_of(address, git.folder)
    assert open_registry(place, git, settings(git), "origin") is None


def test_a_store_is_opened_whether_it_is_there_or_not(git, world):
    place = Place(Kind.STORE, f"file://{world.root}/new")
    store, access = open_registry(place, git, settings(git), None)
    assert access.trusted and store.url == f"{world.root}/new"
    assert not (world.root / "new").exists()


@pytest.mark.parametrize(
    ("name", "data", "ours"),
    [
        (gitmanifest.NAME, gitmanifest.create("sha1", "refs/heads/x").encode(), True),
        (gitmanifest.NAME, b"<html>sign in</html>", False),
        (manifest.NAME, manifest.create().encode(), True),
        ("HEAD", b"ref: refs/heads/main\n", False),
    ],
)
def test_what_lies_there_tells(tmp_path, name, data, ours):
    store = LocalStore(tmp_path, create=True)
    if name in (gitmanifest.NAME, manifest.NAME):
        store.write(name, [data])
    else:
        (tmp_path / name).write_bytes(data)
    assert _is_ours(store) is ours
    assert _holds_data(store) is (name == manifest.NAME)


def test_a_host_that_was_seen_to_be_gits_is_not_asked(git, world):
    world.git("init", "-q", "repo")
    world.git("config", "remote.origin.url", "data::http://127.0.0.1:1/x", cwd=world.root / "repo")
    there = Git(str(world.root / "repo"), world.env)
    which.remember_git(there, "origin")
    chosen = settings(there)
    assert chosen.values[which.KEY.format("origin")] == ("false",)
    place = Place(Kind.WEB, "http://127.0.0.1:1/x")
    assert open_registry(place, there, chosen, "origin") is None
