"""The commands, as a user meets them through `git data`."""

import os
import re
import shutil

import pytest

from git_data.cli import COMMANDS

from .helpers.world import Checkout, World, isolated, random_bytes

FILES = {"a.bin": random_bytes(1500, 1), "sub/b.bin": random_bytes(300, 2), "sub/c.bin": b"c"}


def make(tmp_path_factory, commands, installed_config):
    """A world in which the fixtures below are made once; tests get copies of its folders."""
    root, home = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(installed_config)
    world = World(root, isolated(home, commands))
    repo = world.repo("songs")
    repo.data("track", "*.bin")
    repo.commit("songs", **FILES)
    repo.git("remote", "add", "origin", "../remote.git")
    world.bare()
    return repo


@pytest.fixture(scope="module")
def made(tmp_path_factory, commands, installed_config):
    return make(tmp_path_factory, commands, installed_config).world.root


@pytest.fixture(scope="module")
def made_and_pushed(tmp_path_factory, commands, installed_config):
    songs = make(tmp_path_factory, commands, installed_config)
    songs.git("push", "-q", "origin", "main")
    clone = songs.world.clone("remote.git", "clone", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    clone.git("remote", "set-url", "origin", "../remote.git")
    return songs.world.root


def copy(source, world):
    shutil.copytree(source, world.root, symlinks=True, dirs_exist_ok=True)
    return world


@pytest.fixture
def songs(request, world):
    """A repository with three data files, committed, and its bare remote `origin` without them.

    Together with `pointers` they are pushed.
    """
    name = "made_and_pushed" if "pointers" in request.fixturenames else "made"
    return Checkout(copy(request.getfixturevalue(name), world), world.root / "songs")


@pytest.fixture
def pointers(songs):
    """A clone of the pushed songs that has nothing but pointers."""
    return Checkout(songs.world, songs.world.root / "clone")


def is_pointer(repo, name):
    return repo.read(name).startswith(b"version git-data/1\n")


def cached(repo):
    """How many objects the cache has."""
    return sum(path.is_file() for path in repo.objects.rglob("*"))


# The frame


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(world, command):
    told = world.git("data", command, "-h").out
    assert re.search(rf"examples?:\s+.*(git data|git-data) {command}", told)


def test_the_overview_names_every_command(world):
    told = world.git("data", "-h").out
    assert all(f"  {command} " in told for command in COMMANDS)
    assert world.git("data", code=2).out == told
    assert re.fullmatch(r"git-data \d+\.\d+\.\d+\n", world.git("data", "--version").out)
    assert "no command 'nonsense\\x1b'" in world.git("data", "nonsense\x1b", code=2).err


@pytest.mark.parametrize("command", ["track", "store", "list", "status", "fetch", "pull", "push"])
def test_outside_of_a_repository(world, command):
    refused = world.git("data", command, code=1)
    assert "not a git repository" in refused.err and "git init" in refused.err
    assert refused.out == ""


def test_a_closed_pipe_is_no_failure_to_report(songs):
    done = songs.world.run("sh", "-c", "git data list -R | true; git data list", cwd=songs.path)
    assert "Traceback" not in done.err and "BrokenPipe" not in done.err


def test_names_that_the_output_cannot_hold_are_escaped(repo):
    repo.data("track", "*.bin")
    repo.commit("odd", **{"ü.bin": b"x"})
    done = repo.data("list", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert done.lines == ["\\xfc.bin"]


# store


def test_store_is_created_named_and_shown(songs):
    registry = songs.world.root / "registry"
    would = songs.data("store", str(registry), "--dry-run").out
    assert "would be a store" in would
    assert not registry.exists() and not (songs.path / ".gitdata").exists()
    done = songs.data("store", str(registry))
    assert f"{registry} is a store now" in done.out
    assert "git add .gitdata" in done.out
    assert (registry / "data" / "manifest").is_file()
    assert songs.git("config", "-f", ".gitdata", "store.url").out == f"{registry}\n"
    assert "is a store now" not in songs.data("store", str(registry)).out
    shown = songs.data("store").out
    assert f"data goes to: {registry}\n  named by: .gitdata" in shown
    assert "can be written, compares and swaps" in shown
    assert not [*(registry / "tmp").glob("*")]
    first, second = songs.data("store", "--json").json()
    assert (first["url"], first["writes_here"], first["problem"]) == (str(registry), True, None)
    assert len(first["store_id"]) > 8
    assert (second["named_by"], second["writes_here"]) == ("remote origin", False)


def test_a_relative_store_is_meant_from_where_the_user_is(songs):
    songs.data("store", "../../registry", cwd=songs.path / "sub")
    assert (songs.world.root / "registry" / "data" / "manifest").is_file()
    assert songs.git("config", "-f", ".gitdata", "store.url").out == "../registry\n"
    assert "data goes to: ../registry" in songs.data("store", cwd=songs.path / "sub").out


def test_without_a_named_store_the_remote_is_shown(songs):
    told = songs.data("store").out
    assert f"data goes to: {songs.world.root / 'remote.git'}\n  named by: remote origin" in told
    assert "the first push makes it one" in told
    songs.data("push")
    assert "can be written" in songs.data("store").out


def test_a_store_that_does_not_answer(songs):
    registry = songs.world.root / "registry"
    songs.data("store", str(registry))
    shutil.rmtree(registry)
    refused = songs.data("store", code=1)
    assert f"{registry} is not there" in refused.out and "git data store" in refused.out
    assert songs.data("store", "--json", code=1).json()[0]["problem"]


def test_what_cannot_be_a_store(songs):
    assert "gopher" in songs.data("store", "gopher://x/y", code=2).err
    inside = songs.data("store", "sub", code=2)
    assert "work tree" in inside.err and "outside" in inside.err
    assert not (songs.path / ".gitdata").exists()
    songs.world.root.joinpath("file").write_text("x")
    assert str(songs.world.root / "file") in songs.data("store", "../file", code=1).err
    assert not (songs.path / ".gitdata").exists()


def test_the_own_setting_wins_and_says_so(songs):
    songs.git("config", "data.store", "../own")
    done = songs.data("store", "../registry")
    assert "data.store = ../own wins" in done.err
    assert "data goes to: ../own\n  named by: data.store" in songs.data("store").out


def test_a_store_is_unset(songs):
    songs.data("store", "../registry")
    songs.data("store", "--unset")
    assert "remote origin" in songs.data("store").out
    assert "registry" not in songs.data("store").out


def test_gitdata_is_never_written_through_a_link(songs):
    elsewhere = songs.world.root / "elsewhere"
    elsewhere.write_text("")
    os.symlink(elsewhere, songs.path / ".gitdata")
    assert "regular file" in songs.data("store", "../registry", code=1).err
    assert elsewhere.read_text() == ""


# push


def test_push_sends_and_moves_no_ref(songs):
    told = songs.data("push", "--dry-run").out
    assert "would send 3 objects (1.8 KB)" in told
    assert not (songs.world.root / "remote.git" / "data").exists()
    done = songs.data("push")
    assert "3 objects (1.8 KB" in done.err
    assert songs.git("ls-remote", "origin").out == ""
    assert songs.data("push", "origin").out == "the store has everything already\n"
    assert songs.data("push", "--json").json()["sent"][0]["objects"] == 0


def test_push_of_all_refs(songs):
    songs.git("switch", "-q", "-c", "side")
    songs.commit("side", **{"side.bin": b"side"})
    songs.git("switch", "-q", "main")
    assert "3 objects" in songs.data("push", "--dry-run").out
    sent = songs.data("push", "--all", "--json").json()["sent"]
    assert sum(part["objects"] for part in sent) == 4


def test_moving_to_another_store(songs, pointers):
    """Everything comes from the old store, also what was never here."""
    new = songs.world.root / "new"
    pointers.data("store", str(new))
    pointers.commit("move")
    assert "3 objects" in pointers.data("push").err
    shutil.rmtree(songs.world.root / "remote.git" / "data")
    pointers.git("push", "-q", "origin", "main")
    clone = songs.world.clone("remote.git", "last")
    assert all(clone.read(name) == content for name, content in FILES.items())


def test_moving_from_a_store_that_nothing_names_any_more(songs):
    songs.git("remote", "set-url", "origin", "https://example.invalid/songs.git")
    songs.data("store", "../old")
    songs.commit("store")
    songs.data("push")
    clone = songs.world.clone(songs, "clone", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    songs.forget_data()
    clone.data("store", "../new")
    clone.commit("move")
    assert "3 objects" in clone.data("push").err
    shutil.rmtree(songs.world.root / "old")
    assert cached(clone) == 0  # it went from store to store
    assert clone.data("pull").out == "3 files put in place\n"


def test_push_to_nowhere(songs):
    assert "there is no remote 'nowhere'" in songs.data("push", "nowhere", code=2).err
    songs.git("remote", "set-url", "origin", "https://example.invalid/songs.git")
    refused = songs.data("push", code=1)
    assert "no store is named" in refused.err and "git data store URL" in refused.err
    songs.git("remote", "remove", "origin")
    assert "no store is named" in songs.data("push", code=1).err


def test_push_of_what_is_nowhere_names_the_path(songs):
    songs.forget_data()
    refused = songs.data("push", code=1)
    assert re.search(r"(a|sub/b|sub/c)\.bin: its content", refused.err)
    assert not (songs.world.root / "remote.git" / "data" / "manifest").exists()


def test_push_before_the_first_commit(repo):
    assert "no commit 'HEAD'" in repo.data("push", code=1).err


# fetch


def test_fetch_fills_the_cache_alone(pointers):
    assert len(pointers.data("fetch", "--dry-run").lines) == 3
    assert cached(pointers) == 0
    assert pointers.data("fetch").out == "fetched 3 of 3 objects\n"
    assert cached(pointers) == 3
    assert is_pointer(pointers, "a.bin") and pointers.status() == ""
    assert pointers.data("fetch").out == "everything is here already\n"


def test_fetch_below_paths_and_of_revisions(songs, pointers):
    done = pointers.data("fetch", "--json", "b.bin", cwd=pointers.path / "sub").json()
    assert [entry["path"] for entry in done["fetched"]] == ["sub/b.bin"]
    songs.commit("later", **{"a.bin": b"later"})
    songs.git("push", "-q", "origin", "main")
    pointers.git("fetch", "-q")
    done = pointers.data("fetch", "--json", "origin/main", "a.bin").json()
    assert [entry["size"] for entry in done["fetched"]] == [5]
    assert cached(pointers) == 2
    assert len(pointers.data("fetch", "--json", "--all").json()["fetched"]) == 2
    assert cached(pointers) == 4


def test_fetch_of_what_is_recent(songs, pointers):
    songs.commit("later", **{"a.bin": b"later"})
    songs.git("branch", "old")
    new = {"GIT_COMMITTER_DATE": "2099-01-01T00:00:00Z"}
    songs.git("switch", "-q", "-c", "new")
    songs.write("a.bin", b"newest")
    songs.git("commit", "-q", "-am", "new", env=new)
    songs.git("push", "-q", "origin", "old", "new")
    pointers.git("fetch", "-q")
    done = pointers.data("fetch", "--recent", "--json").json()
    assert sorted(entry["size"] for entry in done["fetched"]) == [1, 6, 300, 1500]


def test_fetch_tells_a_path_from_a_revision(pointers):
    pointers.write("main", b"x")
    refused = pointers.data("fetch", "main", code=2)
    assert "'main' is a revision and a path" in refused.err and "--" in refused.err
    assert pointers.data("fetch", "main", "-n", "--", "a.bin").lines == ["   1.5 KB  a.bin"]
    assert "no commit 'a.bin'" in pointers.data("fetch", "a.bin", "--", "x", code=1).err


def test_fetch_of_what_is_wanted_here(pointers):
    pointers.git("config", "data.fetchExclude", "sub")
    assert [line.split()[-1] for line in pointers.data("fetch", "-n").lines] == ["a.bin"]
    named = pointers.data("fetch", "-n", "sub/b.bin").lines
    assert [line.split()[-1] for line in named] == ["sub/b.bin"]


def test_fetch_says_what_failed_and_does_the_rest(songs, pointers):
    songs.commit("later", **{"d.bin": b"never pushed", "e.bin": b"neither"})
    done = pointers.world.clone("remote.git", "other")
    done.git("pull", "-q", str(songs.path), "main", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    done.forget_data()
    told = done.data("fetch", "--json", code=3)
    assert [entry["path"] for entry in told.json()["failed"]] == ["d.bin", "e.bin"]
    assert len(told.json()["fetched"]) == 3
    assert "2 of 5 files could not be fetched, nothing was lost" in told.err


def test_what_is_neither_a_revision_nor_a_path_of_data(pointers):
    for command in ("fetch", "pull"):
        refused = pointers.data(command, "nonsense", code=1)
        assert "nonsense: no data files there" in refused.err and refused.out == ""


def test_a_reason_that_many_files_have_is_said_once(pointers):
    pointers.git("remote", "remove", "origin")
    pointers.git("config", "data.store", "../away")
    told = pointers.data("pull", code=1).err
    assert told.count("the folder") == 1 and "git data store" in told
    assert all(f"  {name}\n" in told for name in FILES)


def test_fetch_in_a_bare_repository(songs, pointers):
    world = songs.world
    mirror = world.clone("remote.git", "mirror.git", "--mirror")
    assert mirror.data("fetch").out == "fetched 3 of 3 objects\n"
    assert mirror.data("fetch", "--all").out == "everything is here already\n"


# pull


def test_pull_puts_everything_in_place(pointers):
    assert len(pointers.data("pull", "--dry-run").lines) == 3
    assert is_pointer(pointers, "a.bin")
    assert pointers.data("pull").out == "3 files put in place\n"
    assert all(pointers.read(name) == content for name, content in FILES.items())
    assert pointers.status() == ""
    assert pointers.data("pull").out == "everything is in place already\n"
    assert pointers.data("pull", "-q").out == ""


def test_pull_below_paths_from_a_subfolder(pointers):
    done = pointers.data("pull", "b.bin", "--json", cwd=pointers.path / "sub").json()
    assert done == {"placed": ["sub/b.bin"], "skipped": [], "failed": []}
    assert is_pointer(pointers, "sub/c.bin") and is_pointer(pointers, "a.bin")


def test_pull_honours_what_is_wanted_here(pointers):
    pointers.git("config", "data.fetchInclude", "sub/")
    pointers.git("config", "data.fetchExclude", "c.bin")
    assert pointers.data("pull", "--json").json()["placed"] == ["sub/b.bin"]
    assert pointers.data("pull", "c.bin", "--json", cwd=pointers.path / "sub").json()["placed"]
    assert is_pointer(pointers, "a.bin")


def test_pull_leaves_what_the_user_changed(pointers):
    pointers.write("a.bin", b"mine")
    (pointers.path / "sub" / "b.bin").unlink()
    assert pointers.data("pull", "--json").json()["placed"] == ["sub/c.bin"]
    assert pointers.read("a.bin") == b"mine"
    assert not (pointers.path / "sub" / "b.bin").exists()


def test_pull_of_a_pointer_with_other_line_endings(pointers):
    text = pointers.read("a.bin")
    pointers.write("a.bin", text.replace(b"\n", b"\r\n"))
    pointers.data("pull", "a.bin")
    assert pointers.read("a.bin") == FILES["a.bin"]


def test_pull_of_a_pointer_that_git_does_not_have(pointers):
    """The user copied an older pointer there: its content comes, and stays a change."""
    text = pointers.read("sub/b.bin")
    pointers.write("a.bin", text)
    pointers.data("pull", "a.bin")
    assert pointers.read("a.bin") == FILES["sub/b.bin"]
    assert pointers.status() == " M a.bin\n"


def test_pull_says_which_file_failed_and_does_the_others(songs, pointers):
    songs.commit("later", **{"d.bin": b"never pushed"})
    songs.git("push", "-q", "--no-verify", "origin", "main")
    pointers.git("pull", "-q", "--ff-only", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    done = pointers.data("pull", code=3)
    assert "d.bin: " in done.err and "1 of 4 files could not be put in place" in done.err
    assert done.out == "3 files put in place\n"
    assert is_pointer(pointers, "d.bin") and pointers.status() == ""
    failed = pointers.data("pull", "--json", code=1).json()["failed"]
    assert [entry["path"] for entry in failed] == ["d.bin"]


def test_pull_when_the_store_is_away(songs, pointers):
    shutil.rmtree(songs.world.root / "remote.git" / "data")
    done = pointers.data("pull", code=1)
    assert "3 of 3 files" in done.err and "a.bin" in done.err and "nothing was lost" in done.err
    assert pointers.status() == ""


def test_pull_without_the_filter_says_what_to_do(songs, pointers):
    (songs.world.home / ".gitconfig").write_text("")
    assert "git data install" in pointers.data("pull", code=1).err
    assert is_pointer(pointers, "a.bin")


def test_a_pointer_that_is_no_data_stays(songs, pointers):
    pointers.write("example.txt", pointers.read("a.bin"))
    pointers.git("add", "example.txt")
    pointers.data("pull")
    assert is_pointer(pointers, "example.txt")


def test_pull_in_a_linked_work_tree(pointers):
    pointers.git("worktree", "add", "-q", "../linked", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    linked = pointers.path.parent / "linked"
    assert pointers.data("pull", cwd=linked).out == "3 files put in place\n"
    assert (linked / "a.bin").read_bytes() == FILES["a.bin"]
    assert pointers.git("status", "--porcelain", cwd=linked).out == ""
    assert is_pointer(pointers, "a.bin")
