"""A registry on a web server: nginx serves a folder to read, Apache with WebDAV is written to."""

import pytest

from ..helpers.world import random_bytes

TRACKED = "*.bin filter=data diff=data merge=data -text\n"
ONE = random_bytes(60_000, 1)


@pytest.fixture
def repo(world):
    made = world.repo("work")
    made.write(".gitattributes", TRACKED)
    made.commit("one", **{"a.bin": ONE, "text": "one\n"})
    return made


def test_a_folder_that_is_served_is_a_registry_to_read(world, repo, nginx):
    folder, url = nginx.fresh()
    folder.parent.mkdir(parents=True)
    repo.git("push", "-q", f"data::file://{folder}", "main")
    (world.home / ".gitconfig").write_text("")
    copy = world.clone(f"data::{url}")
    assert copy.said.err == ""
    assert copy.read("a.bin") == ONE
    assert copy.status() == ""
    repo.commit("two", **{"a.bin": b"two"})
    repo.git("push", "-q", f"data::file://{folder}", "main")
    copy.git("pull", "-q")
    assert copy.read("a.bin") == b"two"
    copy.commit("three", text="three\n")
    said = copy.git("push", code=1)
    assert "read-only" in said.err and "Traceback" not in said.err


def test_a_store_on_the_web_becomes_a_registry(world, repo, apache):
    """An address that holds nothing of ours is Git's; one that holds a store is not."""
    _, url = apache.fresh()
    repo.git("remote", "add", "origin", f"data::{url}")
    said = repo.git("push", "origin", "main", code=128)
    assert said.err.startswith("fatal: ")
    repo.data("store", url)  # makes one, and names it, which a registry does not need
    repo.data("store", "--unset")
    (repo.path / ".gitdata").unlink(missing_ok=True)
    repo.git("push", "-q", "origin", "main")
    (world.home / ".gitconfig").write_text("")
    copy = world.clone(f"data::{url}")
    assert copy.said.err == ""
    assert copy.read("a.bin") == ONE
    copy.commit("two", **{"b.bin": b"two"})
    copy.git("push", "-q")
    repo.git("pull", "-q", "origin", "main")
    assert repo.read("b.bin") == b"two"


def test_webdav_by_its_scheme_is_made_by_the_first_push(world, repo, apache):
    _, url = apache.fresh()
    address = url.replace("http://", "webdav://")
    repo.git("push", "-q", f"data::{address}", "main")
    assert world.clone(f"data::{address}").read("a.bin") == ONE
    assert world.clone(f"data::{url}", "by-http").read("a.bin") == ONE
