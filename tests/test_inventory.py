"""`git data list` and `status`: which files, how large, where."""

import pytest

from git_data.inventory import Folder, Item, one_level
from git_data.oid import hash_bytes
from git_data.pointer import Pointer

from .helpers.world import random_bytes


def item(path):
    return Item(path, Pointer(hash_bytes(path.encode()), len(path)), "")


def shape(entries):
    return [
        (entry.path, [i.path for i in entry.items]) if isinstance(entry, Folder) else entry.path
        for entry in entries
    ]


def test_one_level_is_as_ls_shows_it():
    items = [item(path) for path in ("a", "d/b", "d/e/c", "d/e/f", "dx")]
    assert shape(one_level(items, [""])) == ["a", ("d/", ["d/b", "d/e/c", "d/e/f"]), "dx"]
    below = [i for i in items if i.path.startswith("d/")]
    assert shape(one_level(below, ["d"])) == ["d/b", ("d/e/", ["d/e/c", "d/e/f"])]
    assert shape(one_level(below, ["d", "d/e"])) == ["d/b", "d/e/c", "d/e/f"]
    assert shape(one_level([items[2]], ["d/e/c"])) == ["d/e/c"]


@pytest.fixture
def songs(world):
    """A repository with three data files in two levels, and a plain one; no remote."""
    repo = world.repo("songs")
    repo.data("track", "*.bin")
    repo.commit(
        "songs",
        **{"a.bin": b"a" * 1500, "sub/b.bin": b"b" * 300, "sub/deep/c.bin": b"c", "text": "plain"},
    )
    return repo


def test_list_of_one_level_and_of_all(songs):
    assert songs.data("list").lines == ["a.bin", "sub/"]
    assert songs.data("list", "-R").lines == ["a.bin", "sub/b.bin", "sub/deep/c.bin"]
    assert songs.data("list", "sub").lines == ["sub/b.bin", "sub/deep/"]
    assert songs.data("list", "sub/deep/c.bin", "a.bin").lines == ["a.bin", "sub/deep/c.bin"]
    assert songs.data("list", "-R", "*b.bin").lines == ["sub/b.bin"]
    missing = songs.data("list", "text", code=1)
    assert "text: no data files there" in missing.err and missing.out == ""


def test_list_in_a_subfolder_is_relative_to_it(songs):
    folder = songs.path / "sub"
    assert songs.data("list", "-R", cwd=folder).lines == ["b.bin", "deep/c.bin"]
    assert songs.data("list", "..", cwd=folder).lines == ["../a.bin", "./"]
    assert songs.data("list", str(songs.path / "a.bin"), cwd=folder).lines == ["../a.bin"]
    assert "outside" in songs.data("list", "../..", cwd=folder, code=2).err


def test_list_tells_size_object_and_place(songs):
    oid = hash_bytes(b"a" * 1500)
    first, second = songs.data("list", "--long").lines
    assert first.split() == ["1.5", "KB", oid.hex()[:12], "here", "a.bin"]
    assert second.split() == ["301", "B", "2", "files", "here", "sub/"]
    assert songs.data("list", "--json").json() == {
        "revision": None,
        "entries": [
            {"path": "a.bin", "type": "file", "size": 1500, "oid": str(oid), "place": "here"},
            {"path": "sub/", "type": "folder", "size": 301, "files": 2, "here": 2},
        ],
    }


def test_list_of_a_revision(songs):
    songs.commit("more", **{"d.bin": b"d"})
    assert songs.data("list", "--rev", "HEAD~1").lines == ["a.bin", "sub/"]
    assert songs.data("list", "--rev", "main", "d.bin", "--json").json()["revision"] == "main"
    wrong = songs.data("list", "--rev", "--nowhere", code=2)
    assert wrong.out == ""
    assert "no commit 'nowhere'" in songs.data("list", "--rev=nowhere", code=1).err


def test_list_before_anything_is_there(repo):
    assert repo.data("list").out == ""
    assert repo.data("list", "--json").json() == {"revision": None, "entries": []}
    assert "no commit 'HEAD'" in repo.data("list", "--rev", "HEAD", code=1).err


def test_names_are_harmless_on_a_terminal(repo):
    repo.data("track", "*.bin")
    repo.commit("odd", **{"red\x1b[31m\n.bin": b"x", "caf\udce9.bin": b"y"})
    assert repo.data("list").lines == ["caf\\udce9.bin", "red\\x1b[31m\\n.bin"]
    names = [entry["path"] for entry in repo.data("list", "--json").json()["entries"]]
    assert names == ["caf\udce9.bin", "red\x1b[31m\n.bin"]


def test_places_here_in_the_store_and_nowhere(songs):
    world = songs.world
    remote = world.bare()
    songs.git("push", "-q", str(remote.path), "main")
    clone = world.clone(remote, "clone", env={"GIT_DATA_SKIP_SMUDGE": "1"})

    def places(repo, *words):
        entries = repo.data("list", "-R", "--json", *words).json()["entries"]
        return [entry["place"] for entry in entries]

    assert places(clone) == ["store"] * 3
    clone.data("fetch", "a.bin")
    assert places(clone) == ["here", "store", "store"]
    assert [line.split()[-2] for line in clone.data("list", "-l").lines] == ["here", "store"]
    assert places(remote) == ["store"] * 3  # bare: of HEAD
    (remote.path / "data").rename(remote.path / "away")
    assert places(clone) == ["here", "missing", "missing"]
    nobody = "s3://bucket/songs?endpoint=http://127.0.0.1:9"
    world.git("config", "-f", songs.path / ".gitdata", "store.url", nobody)
    songs.git("config", "data.patience", "0")
    songs.git("add", ".gitdata")
    songs.forget_data()
    assert places(songs) == ["unknown"] * 3


def test_a_bare_repository_lists_its_head(songs):
    remote = songs.world.bare()
    songs.git("push", "-q", str(remote.path), "main")
    assert remote.data("list").lines == ["a.bin", "sub/"]
    assert remote.data("list", "sub/deep").lines == ["sub/deep/c.bin"]
    assert "has no work tree" in remote.data("status", code=2).err


def test_status_of_changes(songs):
    songs.git("remote", "add", "origin", str(songs.world.bare().path))
    songs.data("push")
    assert songs.data("status").out == "All data is committed, in its store, and here.\n"
    songs.write("text", "plain, changed")
    songs.write("a.bin", b"changed")
    songs.write("new.bin", b"new")
    songs.write("staged.bin", b"staged")
    songs.git("add", "staged.bin")
    songs.git("rm", "-q", "sub/b.bin")
    found = songs.data("status", "--json").json()
    assert found["changed"] == [
        {"path": "a.bin", "staged": " ", "unstaged": "M"},
        {"path": "new.bin", "staged": "?", "unstaged": "?"},
        {"path": "staged.bin", "staged": "A", "unstaged": " "},
        {"path": "sub/b.bin", "staged": "D", "unstaged": " "},
    ]
    assert [entry["path"] for entry in found["not_in_store"]] == ["staged.bin"]
    assert found["missing_here"] == []
    told = songs.data("status", cwd=songs.path / "sub").out
    assert "modified, not added   ../a.bin" in told and "text" not in told
    assert "deleted               b.bin" in told


def test_status_of_files_tracked_by_size(repo):
    repo.data("track", "--above", "1KB")
    repo.write("small", b"s")
    repo.write("large", b"l" * 1000)
    changed = repo.data("status", "--json").json()["changed"]
    assert [change["path"] for change in changed] == ["large"]


def test_status_says_what_no_store_holds(songs):
    told = songs.data("status").out
    assert "no store is named" in told and "git data store URL" in told
    remote = songs.world.bare()
    songs.git("remote", "add", "origin", str(remote.path))
    told = songs.data("status").out
    assert f"Not yet in the store {remote.path} (1.8 KB)" in told
    assert not (remote.path / "data").exists()
    songs.git("push", "-q", "origin", "main")
    assert songs.data("status", "--json").json()["not_in_store"] == []
    (remote.path / "data" / "manifest").write_bytes(b"nonsense")
    found = songs.data("status", "--json").json()
    assert "manifest" in found["store_problem"]


def test_status_says_what_is_missing_here(songs):
    world = songs.world
    clone = world.clone(songs, "clone", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    told = clone.data("status").out
    assert "git data pull" in told and "sub/deep/c.bin" in told
    clone.data("fetch", "a.bin")
    missing = clone.data("status", "--json").json()["missing_here"]
    assert [(entry["path"], entry["in_cache"]) for entry in missing] == [
        ("a.bin", True),
        ("sub/b.bin", False),
        ("sub/deep/c.bin", False),
    ]
    clone.git("config", "data.fetchExclude", "sub")
    missing = clone.data("status", "--json").json()["missing_here"]
    assert [entry["path"] for entry in missing] == ["a.bin"]


def test_status_of_a_conflict(songs):
    songs.git("switch", "-q", "-c", "side")
    songs.commit("side", **{"a.bin": random_bytes(400, 1)})
    songs.git("switch", "-q", "main")
    songs.commit("main", **{"a.bin": random_bytes(400, 2)})
    songs.git("merge", "side", code=1)
    assert "in conflict           a.bin" in songs.data("status").out
    songs.git("merge", "--abort")
    assert songs.data("status", "--json").json()["changed"] == []
