"""`git data import`: a path of another repository, taken in and locked."""

import os
import shutil

import pytest

from git_data.applying import check_attributes
from git_data.incoming import Incoming
from git_data.listing import Entry
from git_data.project import Import
from git_data.repo import Repo

from ..helpers.world import Checkout, random_bytes
from .conftest import FILES, SONG
from .test_get import SONGS, content


def head(repo, revision="main"):
    return repo.git("rev-parse", f"{revision}^{{commit}}").out.strip()


@pytest.fixture
def ours(world, registry):
    """A repository with a bare remote, that imports from `registry`."""
    world.bare("ours.git")
    repo = world.repo("ours")
    repo.git("remote", "add", "origin", "../ours.git")
    repo.commit(**{"README": "ours", "own/x.txt": "x"})
    return repo


def take(repo, path, *words, **how):
    return repo.data("import", "../registry.git", path, *words, **how)


def section(repo, name, revision=""):
    """An import's section as it is staged, or committed."""
    listed = repo.git("config", "--blob", f"{revision}:.gitdata", "--list").out.splitlines()
    start = f"import.{name}."
    pairs = (line.removeprefix(start).split("=", 1) for line in listed if line.startswith(start))
    return {key: value for key, value in pairs}


def tree_of(repo, revision, path):
    return repo.git("rev-parse", f"{revision}:{path}").out.strip()


def test_a_folder_of_data(ours, registry):
    done = take(ours, "music/songs", "--rev", "v1")
    assert "songs: 3 files, 75.0 KB of data, from " in done.out and "at v1 (" in done.out
    assert "git commit -m 'Import songs'" in done.out
    assert content(ours.path / "songs") == SONGS
    assert ours.git("diff").out == "" and done.err == ""
    assert ours.git("diff", "--cached", "--name-status").out.splitlines() == [
        "A\t.gitattributes",
        "A\t.gitdata",
        "A\tsongs/1.flac",
        "A\tsongs/2.flac",
        "A\tsongs/cover.jpg",
    ]
    assert ours.read(".gitattributes") == b"/songs/** filter=data diff=data merge=data -text\n"
    assert section(ours, "songs") == {
        "url": "../registry.git",
        "path": "music/songs",
        "rev": "v1",
        "commit": head(registry, "v1"),
        "tree": tree_of(registry, "v1", "music/songs"),
        "store": "../registry.git",
    }
    ours.git("commit", "-q", "-m", "Import songs")
    assert tree_of(ours, "HEAD", "songs") == tree_of(registry, "v1", "music/songs")
    assert ours.status() == ""


def test_plain_files_stay_plain(ours, registry):
    take(ours, "music", "-o", "data/mu sic", "--rev", "v1")
    assert ours.staged("data/mu sic/README") == FILES["music/README"]
    assert ours.read("data/mu sic/notes.txt") == FILES["music/notes.txt"]
    assert os.readlink(ours.path / "data/mu sic/latest") == "songs/2.flac"
    assert os.access(ours.path / "data/mu sic/play.sh", os.X_OK)
    assert content(ours.path / "data/mu sic/songs") == SONGS
    ours.git("commit", "-q", "-m", "x")
    assert tree_of(ours, "HEAD", "data/mu sic") == tree_of(registry, "v1", "music")
    lines = ours.read(".gitattributes").decode().splitlines()
    data, plain = "filter=data diff=data merge=data -text", "-filter !diff !merge -text"
    assert lines == [f'"/data/mu sic/**" {plain}', f'"/data/mu sic/songs/**" {data}']
    # Nothing changes when Git looks at all of it anew, whatever it does with line ends.
    for name in ("core.autocrlf", "core.safecrlf"):
        ours.git("config", name, "true")
    ours.git("add", "--renormalize", ".")
    assert ours.status() == ""


def test_a_file_alone_and_to_a_folder(ours, registry):
    take(ours, "music/songs/1.flac", "-o", "song.flac", "--rev", "v1")
    take(ours, "music/play.sh", "-o", "own/")
    assert ours.read("song.flac") == SONG and os.access(ours.path / "own/play.sh", os.X_OK)
    ours.git("commit", "-q", "-m", "x")
    blob = tree_of(registry, "v1", "music/songs/1.flac")
    assert tree_of(ours, "HEAD", "song.flac") == section(ours, "song.flac")["tree"] == blob
    assert section(ours, "own/play.sh")["commit"] == head(registry)
    assert "rev" not in section(ours, "own/play.sh")
    assert "store" not in section(ours, "own/play.sh")


def test_all_of_a_repository(ours, registry):
    ours.data("import", str(registry.path))
    assert (ours.path / "registry/images/dog.jpg").exists()
    ours.git("commit", "-q", "-m", "x")
    assert tree_of(ours, "HEAD", "registry") == tree_of(registry, "main", "")
    assert section(ours, "registry")["url"] == str(registry.path)


def test_from_a_folder_below(ours, registry):
    ours.data("import", "../../registry.git", "images", "-o", "pics", cwd=ours.path / "own")
    assert section(ours, "own/pics")["url"] == "../registry.git"
    assert ours.read("own/pics/cat.jpg") == FILES["images/cat.jpg"]


def test_a_commit_is_recorded_whole(ours, registry):
    take(ours, "images", "--rev", head(registry, "v1")[:9])
    found = section(ours, "images")
    assert found["rev"] == found["commit"] == head(registry, "v1")


def test_pointers_alone(ours, registry):
    done = take(ours, "music/songs", "--no-download", "--rev", "v1")
    assert ours.read("songs/1.flac").startswith(b"version git-data/1\n")
    assert ours.status() == "".join(
        f"A  {n}\n" for n in [".gitattributes", ".gitdata", *(f"songs/{n}" for n in SONGS)]
    )
    assert section(ours, "songs")["store"] == "../registry.git" and done.code == 0
    ours.git("commit", "-q", "-m", "x")
    ours.data("pull")
    assert content(ours.path / "songs") == SONGS and ours.status() == ""


def test_clones_take_the_data_from_the_source_and_a_push_leaves_it_there(world, ours, registry):
    take(ours, "music/songs", "--rev", "v1")
    ours.git("commit", "-q", "-m", "x")
    pushed = ours.git("push", "origin", "main")
    assert "0 objects" in pushed.err or "objects" not in pushed.err
    assert not (world.root / "ours.git" / "data").exists()
    clone = world.clone("ours.git")
    assert content(clone.path / "songs") == SONGS and clone.status() == ""
    assert not (world.home / ".cache/git-data/sources" / "clone").exists()


def test_an_edited_import_is_pushed_as_far_as_it_differs(world, ours, registry):
    take(ours, "music/songs", "--rev", "v1")
    ours.commit(**{"songs/1.flac": b"edited here"})
    assert "1 object" in ours.git("push", "origin", "main").err
    assert world.clone("ours.git").read("songs/1.flac") == b"edited here"


def test_copied_to_our_own_store_as_well(world, ours, registry):
    take(ours, "music/songs", "--rev", "v1", "--copy")
    assert section(ours, "songs")["copy"] == "true"
    ours.git("commit", "-q", "-m", "x")
    assert "3 objects" in ours.git("push", "origin", "main").err
    shutil.rmtree(registry.path)
    assert content(world.clone("ours.git").path / "songs") == SONGS


def test_copied_from_store_to_store_and_not_over_the_disk(world, ours, registry):
    take(ours, "music/songs", "--rev", "v1", "--copy", "--no-download")
    ours.git("commit", "-q", "-m", "x")
    assert "3 objects (75.0 KB" in ours.git("push", "origin", "main").err
    assert not [path for path in ours.objects.rglob("*") if path.is_file()]
    shutil.rmtree(registry.path)
    assert content(world.clone("ours.git").path / "songs") == SONGS


def test_an_import_of_an_import(world, ours, registry):
    """What is recorded is where the bytes are, so the one in the middle may go."""
    take(ours, "music", "--rev", "v1")
    ours.commit(**{"own/y.flac": b"plain here"})
    ours.git("push", "-q", "origin", "main")
    third = world.repo("third")
    third.data("import", str(world.root / "ours.git"), "music")
    assert section(third, "music")["store"] == str(registry.path)
    third.git("commit", "-q", "-m", "x")
    shutil.rmtree(world.root / "ours.git")
    shutil.rmtree(ours.path)
    clone = world.clone(third)
    clone.forget_data()
    shutil.rmtree(third.path)
    (clone.path / "music/songs/1.flac").unlink()
    clone.git("checkout", "music/songs/1.flac")
    assert clone.read("music/songs/1.flac") == SONG


def test_data_from_several_stores(world, ours, registry):
    """A folder that holds an import and files of its own: two stores, and both are recorded."""
    take(ours, "music/songs", "-o", "all/songs", "--rev", "v1")
    ours.write(".gitattributes", ours.read(".gitattributes") + b"*.own filter=data\n")
    ours.commit(**{"all/mine.own": b"of our own"})
    ours.git("push", "-q", "origin", "main")
    third = world.repo("third")
    third.data("import", "../ours.git", "all")
    listed = third.git("config", "-f", ".gitdata", "--get-all", "import.all.store").lines
    assert sorted(listed) == ["../ours.git", "../registry.git"]
    third.git("commit", "-q", "-m", "x")
    clone = world.clone(third)
    assert clone.read("all/mine.own") == b"of our own"
    assert clone.read("all/songs/1.flac") == SONG


def test_from_a_working_repository_whose_data_nobody_else_has(world, ours):
    """Its cache is no store: so our push takes the data along."""
    other = world.repo("other")
    other.data("track", "*.bin")
    other.commit(**{"d/a.bin": b"only here"})
    ours.data("import", "../other", "d")
    assert "store" not in section(ours, "d")
    ours.git("commit", "-q", "-m", "x")
    ours.git("push", "-q", "origin", "main")
    shutil.rmtree(other.path)
    assert world.clone("ours.git").read("d/a.bin") == b"only here"


def test_what_was_staged_and_changed_stays_so(ours, registry):
    ours.write("staged", "staged")
    ours.git("add", "staged")
    ours.write("README", "changed, not staged")
    ours.write("new", "not added")
    take(ours, "images")
    assert ours.git("status", "--porcelain").out.splitlines() == [
        "A  .gitattributes",
        "A  .gitdata",
        " M README",
        "A  images/cat.jpg",
        "A  images/dog.jpg",
        "A  staged",
        "?? new",
    ]


def test_comments_and_unstaged_lines_of_the_two_files_stay(ours, registry):
    ours.write(".gitdata", "# why\n[track]\n\tabove = 1MB  # large\n")
    ours.write(".gitattributes", "# first\n*.x text\n")
    ours.commit()
    ours.write(".gitdata", "# why\n[track]\n\tabove = 2MB  # larger\n")
    ours.write(".gitattributes", "# first\n*.x text\n*.y text\n")
    take(ours, "images")
    assert ours.staged(".gitdata").startswith(b"# why\n[track]\n\tabove = 1MB  # large\n[import ")
    assert ours.read(".gitdata").startswith(b"# why\n[track]\n\tabove = 2MB  # larger\n[import ")
    assert b"*.y text" not in ours.staged(".gitattributes")
    assert b"# first\n*.x text\n*.y text\n/images/** " in ours.read(".gitattributes")
    assert ours.git("diff", "--name-only").out.splitlines() == [".gitattributes", ".gitdata"]


def test_the_lines_go_where_they_have_the_last_word(ours, registry):
    ours.write("own/.gitattributes", "*.jpg -filter\n")
    take(ours, "images", "-o", "own/images")
    assert ours.read("own/.gitattributes").splitlines()[1].startswith(b"/images/** filter=data")
    assert not (ours.path / ".gitattributes").exists()
    ours.git("add", "-A")
    assert ours.staged("own/images/cat.jpg").startswith(b"version git-data/1")


def test_a_new_repository_without_commits(world, registry):
    repo = world.repo("fresh")
    take(repo, "images")
    repo.git("commit", "-q", "-m", "x")
    assert repo.status() == "" and content(repo.path / "images").keys() == {"cat.jpg", "dog.jpg"}


def test_json(ours, registry):
    told = take(ours, "music", "--rev", "v1", "--json").json()
    assert (told["name"], told["files"], told["size"]) == ("music", 7, 75_000)
    assert told["stores"] == ["../registry.git"] and told["failed"] == []


# What is refused, and then nothing was changed


def unchanged(repo):
    return repo.status() == "" and not (repo.path / ".gitdata").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["music", "-o", "own"], 1, "own is in Git already"),
        (["music", "-o", "README"], 1, "README is in Git already"),
        (["music", "-o", "README/x"], 1, "README is no folder"),
        (["music", "-o", "new"], 1, "new is there already"),
        (["music", "-o", "link/x"], 1, "is no folder, and is not followed"),
        (["music", "-o", "module/x"], 2, "is another repository"),
        (["music", "-o", "../outside"], 2, "outside of the repository"),
        (["music", "-o", "/etc/x"], 2, "outside of the repository"),
        (["music", "-o", "."], 2, "an import needs a path of its own"),
        (["music", "-o", ".git/x"], 2, "no path that Git would have"),
        (["music", "-o", "a\nb"], 2, "no path that Git would have"),
        (["musik"], 1, "near: music"),
        (["music", "--rev", "nope"], 1, "has no revision"),
    ],
)
def test_a_place_that_cannot_be(ours, registry, words, code, told):
    (ours.path / "new").mkdir()
    (ours.path / "new/file").write_text("x")
    (ours.path / "link").symlink_to("own")
    ours.git("init", "-q", "module")
    (ours.path / ".git/info/exclude").write_text("/new\n/link\n/module\n")
    done = take(ours, *words, code=code)
    assert told in done.err and "Traceback" not in done.err
    assert unchanged(ours)


def test_imports_do_not_nest(ours, registry):
    take(ours, "music")
    assert "is inside of the import music" in take(ours, "images", "-o", "music/i", code=2).err
    ours.git("commit", "-q", "-m", "x")
    ours.git("mv", "music", "deep")
    assert "would hold the import" not in take(ours, "images", "-o", "x").err
    take(ours, "images", "-o", "a/b")
    assert "would hold the import a/b" in take(ours, "images", "-o", "a", code=2).err


def test_an_import_that_was_removed_may_come_again(ours, registry):
    take(ours, "music", "--rev", "v1")
    ours.git("commit", "-q", "-m", "x")
    ours.git("rm", "-rq", "music")
    take(ours, "images", "-o", "music")
    assert section(ours, "music")["path"] == "images" and "rev" not in section(ours, "music")
    assert len(ours.read(".gitattributes").splitlines()) == 1


def test_outside_of_a_work_tree(world, registry):
    assert "not a git repository" in world.git("data", "import", "registry.git", code=1).err
    world.bare("bare.git")
    done = world.git("data", "import", "../registry.git", cwd=world.root / "bare.git", code=2)
    assert "has no work tree" in done.err


def test_without_the_filter(bare_world, made_registry):
    shutil.copytree(made_registry, bare_world.root, symlinks=True, dirs_exist_ok=True)
    repo = bare_world.repo("ours")
    assert "git data install" in take(repo, "music", code=1).err
    assert unchanged(repo)
    take(repo, "music/README")  # no data, so no filter


def test_a_merge_under_way(ours, registry):
    ours.git("checkout", "-q", "-b", "other")
    ours.commit(README="theirs")
    ours.git("checkout", "-q", "main")
    ours.commit(README="mine")
    ours.git("merge", "other", code=1)
    before = ours.status()
    assert "a merge is under way" in take(ours, "music", code=1).err
    assert ours.status() == before


def test_a_locked_index(ours, registry):
    (ours.path / ".git/index.lock").touch()
    done = take(ours, "music", code=1)
    assert "index is locked" in done.err or "index.lock" in done.err
    (ours.path / ".git/index.lock").unlink()
    assert unchanged(ours)
    take(ours, "music")


def test_a_store_that_is_gone(ours, registry):
    shutil.rmtree(registry.path / "data")
    done = take(ours, "music", code=1)
    assert "no data of" in done.err and "--no-download" in done.err
    assert unchanged(ours)
    take(ours, "music", "--no-download")
    assert "store" not in section(ours, "music")


def test_a_store_that_has_a_part(ours, registry):
    """What can be had comes; the rest is named, and stays a pointer that a pull finishes."""
    backup = registry.path / "backup"
    shutil.copytree(registry.path / "data", backup)
    for pack in (registry.path / "data/packs").rglob("*"):
        if pack.is_file():
            pack.chmod(0o644)
            data = bytearray(pack.read_bytes())
            data[-30_000:-20_000] = bytes(10_000)
            pack.write_bytes(data)
    done = take(ours, "music", "--rev", "v1", code=3)
    assert "could not be fetched" in done.err
    left = ours.git("grep", "-l", "--no-index", "version git-data/1", "--", "music").out
    assert ours.status().count("A  music") == 7 and left
    assert "finish with: git data pull" in done.err
    shutil.rmtree(registry.path / "data")
    os.rename(backup, registry.path / "data")
    ours.data("pull")
    assert content(ours.path / "music/songs") == SONGS


def test_a_source_of_another_object_format(world, ours, registry):
    world.git("init", "-q", "-b", "main", "--object-format=sha256", "new")
    Checkout(world, world.root / "new").commit(f="x")
    assert "by sha256" in ours.data("import", "../new", "f", code=1).err
    assert unchanged(ours)


def test_a_gitattributes_of_its_own_that_says_otherwise(world, ours, registry, work):
    work.write("music/.gitattributes", "*.flac -filter\n")
    work.git("add", "music/.gitattributes")
    work.git("commit", "-q", "-m", "pointers that are no data")
    work.git("push", "-q", "--no-verify", "origin", "main")
    done = take(ours, "music", code=1)
    assert "a .gitattributes nearer to it has the last word" in done.err
    assert unchanged(ours)


def test_secrets_in_an_address_are_not_committed(world, ours, registry):
    url = "https://me:secret@example.org/registry"
    world.git("config", "--global", f"url.{registry.path}.insteadOf", url)
    done = ours.data("import", url, "music/play.sh")
    assert section(ours, "play.sh")["url"] == "https://example.org/registry"
    assert "secret" not in done.out + done.err


def test_a_dry_run_changes_nothing(ours, registry):
    shutil.rmtree(registry.path / "data" / "packs")  # no data is read
    done = take(ours, "music/songs", "--rev", "v1", "-n")
    assert "songs: 3 files, 75.0 KB of data, from " in done.out
    assert "nothing was changed" in done.out
    assert take(ours, "music/songs", "-n", "--json").json()["dry_run"] is True
    assert ours.status() == "" and not (ours.path / "songs").exists()
    assert "own is in Git already" in take(ours, "music/songs", "-o", "own", "-n", code=1).err


def test_many_files_are_few_processes_and_requests(world, network):
    """A folder of 100,000 files must not be 100,000 of either."""
    ours, costs = world.repo("ours"), []
    ours.commit(file="x")
    for count in (40, 600):
        files = {f"many{count}/{n % 20}/{n:05}.bin": random_bytes(2_000, n) for n in range(count)}
        if count == 40:
            source = network.repo(**files)
        else:
            source.commit("more", **files)
        source.git("push", "-q", "origin", "main")
        network.proxy.forget()
        log = world.root / f"trace{count}"
        words = ("import", str(network.origin), f"many{count}", "-o", f"in/{count}")
        ours.data(*words, env={"GIT_TRACE": str(log)})
        assert ours.read(f"in/{count}/7/00007.bin") == random_bytes(2_000, 7)
        starts = sum(" built-in: git " in line for line in log.read_text().splitlines())
        costs.append((starts, network.proxy.count()))
    (few, small), (many, large) = costs
    assert many <= few + 2
    assert large <= small + 2


def test_files_are_gone_through_once(ours):
    """With many files it took their number squared."""

    class Files(list):
        rounds = 0

        def __iter__(self):
            Files.rounds += 1
            return super().__iter__()

    files = Files(Entry(f"{n}.txt", "100644", "0" * 40) for n in range(50))
    one = Incoming(Import(name="in", url="x"), None, None, files)
    check_attributes(Repo.open(str(ours.path), ours.world.env), "HEAD", [one])
    assert Files.rounds == 2
