"""Sources that are no Git repositories at a host: registries behind `data::`, in a folder, on a web
server, in a bucket. All that one does with a source works on them."""

import shutil
import uuid

import pytest

import git_data

from ..helpers import servers
from .conftest import FILES, NEW_SONG, SONG
from .test_get import SONGS, content
from .test_import import head, ours, section  # noqa: F401


@pytest.fixture(params=["file", "http", "s3"])
def place(request, world, registry, work):
    """(address, store): a registry with the tags and branches of `registry`, and its data."""
    if request.param == "file":
        url = f"file://{world.root}/place"
        address = f"data::{url}"
        work.git("push", "-q", address, "main", "v1", "v2")
    elif request.param == "http":
        folder, url = request.getfixturevalue("nginx").fresh()
        folder.parent.mkdir(parents=True, exist_ok=True)
        address = f"data::{url}"
        work.git("push", "-q", f"data::file://{folder}", "main", "v1", "v2")
    else:
        seaweed = request.getfixturevalue("seaweed")
        world.env |= servers.S3Server.environment
        url = f"s3://{seaweed.bucket}/{uuid.uuid4().hex}?endpoint={seaweed.url}"
        world.git("config", "--global", f"data.{seaweed.url}.profile", servers.PROFILE)
        address = f"data::{url}"
        work.git("push", "-q", address, "main", "v1", "v2")
    shutil.rmtree(registry.path)
    return address, url


def test_list_get_and_diff(world, place):
    address, _ = place
    assert world.git("data", "list", address, "music/songs", "--rev", "v1").lines == [
        f"music/songs/{name}" for name in SONGS
    ]
    world.git("data", "get", address, "music", "--rev", "v1", "-o", "out")
    found = content(world.root / "out")
    assert found == {
        name.removeprefix("music/"): data for name, data in FILES.items() if "music" in name
    }
    told = world.git("data", "diff", "--repo", address, "v1", "v2").lines
    assert len(told) == 4
    assert "has no revision 'nope'" in world.git("data", "list", address, "--rev=nope", code=1).err


def test_import_clone_update(world, place, ours, work):  # noqa: F811
    address, url = place
    ours.data("import", address, "music/songs", "--rev", "v1")
    found = section(ours, "songs")
    assert (found["url"], found["store"]) == (address, url)
    ours.git("commit", "-q", "-m", "Import")
    ours.git("push", "-q", "origin", "main")
    assert not (world.root / "ours.git/data").exists()
    clone = world.clone("ours.git")
    assert content(clone.path / "songs") == SONGS and clone.status() == ""
    clone.data("update", "--rev", "v2")
    assert clone.read("songs/1.flac") == NEW_SONG
    assert section(clone, "songs")["commit"] == head(work, "v2")
    clone.git("commit", "-q", "-m", "v2")
    clone.data("update", "--rev", head(work, "v1")[:10])
    assert clone.read("songs/1.flac") == SONG
    assert "locked at" in clone.data("status", "--fetch").out


def test_from_python(place, user):
    address, _ = place
    with git_data.open("music/songs/1.flac", repo=address, rev="v1") as file:
        file.seek(60_000)
        assert file.read() == SONG[60_000:]
    assert git_data.read("music/notes.txt", repo=address) == FILES["music/notes.txt"]
    assert len(git_data.list(address, "music/songs", "v1")) == 3
