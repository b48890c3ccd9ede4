"""Bad input: trees that no honest Git makes. Nothing is written outside, nothing is run."""

import os

import pytest

import git_data
from git_data.errors import DataError
from git_data.filesystem import GitDataFileSystem

from . import hostile


def everything(world):
    """Every file below the home and the root, but for caches and the bad repository."""
    skipped = (".cache", "bad.git")
    found = []
    for top in (world.root, world.home):
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in skipped]
            found += [os.path.join(folder, name) for name in (*folders, *files)]
    return sorted(found)


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_get_refuses_hostile_trees_whole(world, kind):
    hostile.make(world, kind)
    (world.root / "deep/er").mkdir(parents=True)
    before = everything(world)
    done = world.git("data", "get", "bad.git", "-o", "out", cwd=None, code=1)
    assert "Traceback" not in done.err and "unforeseen" not in done.err
    assert "\x1b" not in done.err
    assert everything(world) == before


@pytest.mark.parametrize("kind", hostile.LINKS)
def test_get_leaves_out_links_that_lead_out(world, kind):
    repo = world.bare("bad.git")
    link = hostile.blob(repo, hostile.LINKS[kind].encode())
    plain = hostile.blob(repo, b"fine")
    root = hostile.tree(repo, ("120000", link, "a-link"), ("100644", plain, "fine"))
    hostile.commit(repo, root)
    done = world.git("data", "get", "bad.git", "-o", "out", code=3)
    assert "a-link is a link to" in done.err
    assert os.listdir(world.root / "out") == ["fine"]


def test_a_link_and_a_folder_of_one_name(world):
    """A tree that has both: what comes second would be written through what came first."""
    repo = world.bare("bad.git")
    link = hostile.blob(repo, b"..")
    folder = hostile.tree(repo, ("100644", hostile.blob(repo, b"x"), "pwned"))
    root = hostile.tree(repo, ("120000", link, "a"), ("40000", folder, "a"))
    hostile.commit(repo, root)
    done = world.git("data", "get", "bad.git", "-o", "sub/out", code=None)
    assert done.code in (1, 3) and "Traceback" not in done.err
    written = {path.name for path in world.root.rglob("pwned")}
    assert written == set() and not (world.root / "sub" / "pwned").exists()


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_import_refuses_hostile_trees_whole(world, kind):
    hostile.make(world, kind)
    repo = world.repo()
    repo.commit("one", file="one\n")
    before = everything(world)
    done = repo.data("import", "../bad.git", "-o", "out", code=1)
    assert "Traceback" not in done.err and "unforeseen" not in done.err
    assert repo.status() == ""
    assert [path for path in everything(world) if "/.git/" not in path] == [
        path for path in before if "/.git/" not in path
    ]


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_fsspec_gets_nothing_of_hostile_trees(world, user, kind):
    hostile.make(world, kind)
    fs = GitDataFileSystem(str(world.root / "bad.git"), skip_instance_cache=True)
    (world.root / "deep/er").mkdir(parents=True)
    before = everything(world)
    with pytest.raises(OSError):
        fs.get("", str(world.root / "deep/er"), recursive=True)
    assert everything(world) == before


@pytest.mark.parametrize("kind", hostile.DISHONEST)
def test_what_no_honest_tree_has_is_not_even_listed(world, user, kind):
    hostile.make(world, kind)
    url = str(world.root / "bad.git")
    assert "bad.git" in world.git("data", "list", "-aR", url, code=1).err
    with pytest.raises(DataError):
        git_data.list(url)
    with pytest.raises(OSError):
        GitDataFileSystem(url, skip_instance_cache=True).find("")


def test_listing_hostile_names_is_harmless(world):
    hostile.make(world, "control")
    assert "\x1b" not in world.git("data", "list", "-aR", "bad.git").out


def test_a_pointer_that_lies_about_its_size(world):
    repo = world.bare("bad.git")
    huge = hostile.POINTER.replace("size 10\n", "size 9223372036854775807\n").encode()
    hostile.commit(repo, hostile.tree(repo, ("100644", hostile.blob(repo, huge), "a.bin")))
    assert "a.bin" in world.git("data", "get", "bad.git", "-o", "out", code=1).err
    assert world.git("data", "list", "bad.git").lines == ["a.bin"]
