"""Settings of the user and of `.gitdata`: which of them counts when, and over which."""

import pytest

from ..helpers.world import random_bytes

BIN = "*.bin filter=data diff=data merge=data -text\n"
BIG = random_bytes(1_500_000)


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", BIN)
    return made


def packs(folder):
    return [path for path in (folder / "data" / "packs").rglob("*") if path.is_file()]


def is_pointer(data):
    return data.startswith(b"version git-data/1\n") and len(data) < 200


def make_store(world, name):
    """A folder store, made by somebody else."""
    other = world.repo(f"maker-of-{name}")
    other.data("store", str(world.root / name))
    return world.root / name


def has_data(world, origin, name, **files):
    clone = world.clone(origin, name)
    assert clone.said.err == ""
    assert {path: clone.read(path) for path in files} == files
    assert clone.status() == ""
    return clone


# Where data goes


def test_the_users_setting_wins_over_gitdata_for_writing(world, origin, repo):
    named = make_store(world, "named")
    repo.data("store", str(named))
    repo.git("config", "data.store", str(world.root / "mine"))
    repo.commit(**{"a.bin": b"a"})
    repo.git("push", "-q", "origin", "main")
    assert packs(world.root / "mine") and not packs(named)
    repo.git("config", "--unset", "data.store")
    repo.git("push", "-q", "origin", "main:other")
    assert packs(named)
    has_data(world, origin, "clone", **{"a.bin": b"a"})


def test_reading_tries_both(world, origin, repo):
    named = make_store(world, "named")
    repo.data("store", str(named))
    repo.commit(**{"a.bin": b"in the named one"})
    repo.git("push", "-q", "origin", "main")
    mine = make_store(world, "mine")
    world.git("config", "--global", "data.store", str(mine))
    repo.commit(**{"b.bin": b"in mine"})
    repo.git("push", "-q", "origin", "main")
    assert packs(mine) and packs(named)
    has_data(world, origin, "clone", **{"a.bin": b"in the named one", "b.bin": b"in mine"})


def test_a_mirror_is_read_when_the_first_is_down(world, origin, repo):
    repo.data("store", str(make_store(world, "first")))
    repo.git("config", "-f", ".gitdata", "store.mirror", str(world.root / "mirror"))
    repo.commit(**{"a.bin": b"a"})
    repo.git("push", "-q", "origin", "main")
    (world.root / "first").rename(world.root / "mirror")
    has_data(world, origin, "clone", **{"a.bin": b"a"})


def test_a_relative_store_starts_at_the_top_of_the_repository(world, origin, repo):
    (repo.path / "sub").mkdir()
    repo.data("store", "../../store", cwd=repo.path / "sub")
    assert repo.git("config", "-f", ".gitdata", "store.url").out == "../store\n"
    repo.commit(**{"sub/a.bin": b"a"})
    repo.git("push", "-q", "origin", "main", cwd=repo.path / "sub")
    assert packs(world.root / "store")
    has_data(world, origin, "clone", **{"sub/a.bin": b"a"})


def test_a_push_of_two_branches_goes_to_the_store_of_each(world, origin, repo):
    first, second = make_store(world, "first"), make_store(world, "second")
    repo.data("store", str(first))
    repo.commit(**{"a.bin": b"a"})
    repo.git("checkout", "-q", "-b", "side")
    repo.data("store", str(second))
    repo.commit(**{"b.bin": b"b"})
    repo.git("push", "-q", "origin", "main", "side")
    assert len(packs(first)) == 1 and len(packs(second)) == 1
    (first / "data").rename(world.root / "away")
    clone = world.clone(origin, "clone", "-b", "side")  # what a reader of side needs is in second
    assert (clone.read("a.bin"), clone.read("b.bin")) == (b"a", b"b")


def test_insteadOf_is_honoured_for_a_remote_that_is_a_folder(world, repo):
    world.bare("real.git")
    world.git("config", "--global", f"url.{world.root}/real.insteadOf", "short:x")
    repo.git("remote", "set-url", "origin", "short:x.git")
    repo.commit(**{"a.bin": b"a"})
    repo.git("push", "-q", "origin", "main")
    assert packs(world.root / "real.git")


# Which `.gitdata` counts


def test_at_checkout_that_of_the_tree_being_checked_out(world, origin, repo):
    """The old branch names a store that the new one does not."""
    first, second = make_store(world, "first"), make_store(world, "second")
    repo.data("store", str(first))
    repo.commit(**{"a.bin": b"old"})
    repo.git("branch", "old")
    (repo.path / ".gitdata").unlink()
    repo.data("store", str(second))
    repo.commit(**{"a.bin": b"new"})
    repo.git("push", "-q", "origin", "main", "old")
    clone = has_data(world, origin, "clone", **{"a.bin": b"new"})
    assert clone.git("checkout", "-q", "old").err == ""
    assert clone.read("a.bin") == b"old"
    assert clone.git("checkout", "-q", "main").err == ""
    assert clone.read("a.bin") == b"new"


def test_at_add_that_of_the_work_tree(repo):
    """The limit of `track --above` counts at once, committed or not."""
    repo.write(".gitattributes", "* filter=data\n.git* -filter\n")
    repo.write(".gitdata", "[track]\n\tabove = 10\n")
    repo.commit(**{"a": b"x" * 20, "b": b"x"})
    assert is_pointer(repo.staged("a")) and repo.staged("b") == b"x"
    repo.write(".gitdata", "[track]\n\tabove = 100\n")
    repo.commit(**{"c": b"x" * 20})
    assert repo.staged("c") == b"x" * 20
    (repo.path / ".gitdata").unlink()
    repo.commit(**{"d": b"x" * 200, "e": b"x" * 20})
    assert is_pointer(repo.staged("d"))


def test_at_add_that_of_the_index_when_the_work_tree_has_none(repo):
    repo.write(".gitattributes", "* filter=data\n.git* -filter\n")
    repo.write(".gitdata", "[track]\n\tabove = 10\n")
    repo.commit()
    (repo.path / ".gitdata").unlink()
    repo.write("small", b"x")
    repo.write("large", b"x" * 20)
    repo.git("add", "small", "large")
    assert repo.staged("small") == b"x" and is_pointer(repo.staged("large"))


@pytest.mark.parametrize(
    "text",
    ["[store]\n\turl = --upload-pack=evil\n", "[core]\n\thooksPath = evil\n", "[store\n", "\0\0"],
    ids=["an option", "another section", "no syntax", "binary"],
)
def test_a_hostile_one_is_told_and_takes_no_data_away(world, origin, repo, text):
    repo.commit(**{"a.bin": b"one"})
    repo.git("push", "-q", "origin", "main")
    clone = has_data(world, origin, "before", **{"a.bin": b"one"})
    blob = repo.git("hash-object", "-w", "--stdin", input=text.encode()).out.strip()
    repo.commit(**{"a.bin": b"two", "plain": b"plain"})
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},.gitdata")
    repo.git("commit", "-q", "-m", "hostile")
    repo.git("push", "-q", "--no-verify", "origin", "main")
    said = clone.git("pull", "-q")
    assert "Traceback" not in said.err and "unforeseen" not in said.err
    assert ".gitdata" in said.err
    assert is_pointer(clone.read("a.bin"))
    assert clone.read("plain") == b"plain"
    assert not (clone.path / "evil").exists()
    assert clone.git("checkout", "-q", "HEAD~2", code=None).code == 0
    assert clone.read("a.bin") == b"one"


def test_one_that_is_a_link_is_never_followed(world, origin, repo):
    outside = world.root / "outside"
    outside.write_text(f"[store]\n\turl = {world.root}/elsewhere\n")
    repo.commit(**{"a.bin": b"a"})
    (repo.path / ".gitdata").symlink_to(outside)
    repo.git("add", ".gitdata")
    repo.git("commit", "-q", "-m", "a link")
    said = repo.git("push", "origin", "main", code=1)
    assert ".gitdata" in said.err and "Traceback" not in said.err
    assert not (world.root / "elsewhere").exists()


# One cache for the machine


def test_two_repositories_share_one_cache(world, origin, repo):
    world.git("config", "--global", "data.cache", "~/shared")
    repo.commit(**{"a.bin": BIG, "b.bin": b"small"})
    repo.git("push", "-q", "origin", "main")
    (origin.path / "data").rename(world.root / "away")  # the clone needs no store
    clone = world.clone(origin)
    assert clone.said.err == ""
    assert clone.read("a.bin") == BIG and clone.read("b.bin") == b"small"
    assert clone.status() == ""
    assert inodes(clone.objects) == inodes(repo.objects) == inodes(world.home / "shared/objects")
    clone.forget_data()
    clone.git("checkout", "-q", "--orphan", "none")
    clone.git("rm", "-rfq", ".")
    clone.git("checkout", "-q", "main")
    assert clone.read("a.bin") == BIG


def inodes(folder):
    return {path.name: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_an_edit_in_one_work_tree_does_not_reach_the_shared_object(world, origin, repo):
    world.git("config", "--global", "data.cache", "~/shared")
    repo.commit(**{"a.bin": BIG})
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    with (clone.path / "a.bin").open("r+b") as file:
        file.write(b"edited in place")
    assert clone.status() == " M a.bin\n"
    (repo.path / "a.bin").unlink()
    repo.git("checkout", "-q", ".")
    assert repo.read("a.bin") == BIG


def test_a_shared_cache_that_is_lost_or_damaged_is_no_loss(world, origin, repo):
    world.git("config", "--global", "data.cache", "~/shared")
    repo.commit(**{"a.bin": BIG})
    repo.git("push", "-q", "origin", "main")
    for path in (world.home / "shared" / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"x" * len(BIG))  # through the link: every cache has it
    clone = world.clone(origin)
    assert clone.said.err == ""
    assert clone.read("a.bin") == BIG
    (world.home / "shared").rename(world.home / "gone")
    (repo.path / "a.bin").unlink()
    said = repo.git("checkout", "-q", ".")
    assert said.err == ""
    assert repo.read("a.bin") == BIG


# What one wants here


@pytest.fixture
def pictures(repo):
    files = ("images/cats/1.bin", "images/dogs/1.bin", "sound/a.bin", "top.bin")
    repo.commit(**{name: name.encode() for name in files})
    repo.git("push", "-q", "origin", "main")
    return files


SELECTIONS = {
    "a folder": (("images",), (), {"images/cats/1.bin", "images/dogs/1.bin"}),
    "a folder but": (("images/",), ("images/dogs",), {"images/cats/1.bin"}),
    "all but": ((), ("sound", "top.bin"), {"images/cats/1.bin", "images/dogs/1.bin"}),
    "a pattern": (("*/1.bin, top.bin",), (), {"images/cats/1.bin", "images/dogs/1.bin", "top.bin"}),
    "nothing": ((), ("*",), set()),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_only_what_is_wanted_is_fetched(world, origin, pictures, name):
    include, exclude, expected = SELECTIONS[name]
    words = [f"data.fetchInclude={pattern}" for pattern in include]
    words += [f"data.fetchExclude={pattern}" for pattern in exclude]
    options = [part for word in words for part in ("-c", word)]
    clone = world.clone(origin, "clone", *options)
    assert clone.said.err == ""
    assert {path for path in pictures if not is_pointer(clone.read(path))} == expected
    assert clone.status() == ""
    assert sum(path.is_file() for path in clone.objects.rglob("*")) == len(expected)
    clone.data("pull")
    assert {path for path in pictures if not is_pointer(clone.read(path))} == expected
    clone.data("pull", "sound")  # what is named is wanted
    assert clone.read("sound/a.bin") == b"sound/a.bin"
    assert clone.status() == ""


def test_what_gitdata_says_counts_unless_the_user_says_otherwise(world, origin, repo, pictures):
    repo.git("config", "-f", ".gitdata", "fetch.exclude", "sound")
    repo.commit()
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin)
    assert [path for path in pictures if is_pointer(clone.read(path))] == ["sound/a.bin"]
    own = world.clone(origin, "own", "-c", "data.fetchExclude=images")
    assert [p for p in pictures if is_pointer(own.read(p))] == [
        p for p in pictures if "images" in p
    ]


def test_a_push_from_where_not_all_is_wanted_loses_nothing(world, origin, repo, pictures):
    clone = world.clone(origin, "clone", "-c", "data.fetchExclude=sound")
    clone.git("mv", "sound/a.bin", "sound/b.bin")
    clone.commit(**{"new.bin": b"new"})
    clone.git("push", "-q", "origin", "main")
    again = world.clone(origin, "again")
    assert again.said.err == ""
    assert again.read("sound/b.bin") == b"sound/a.bin" and again.read("new.bin") == b"new"
