"""`git data update`: imports follow what they came from."""

import os
import re
import shutil

import pytest

from ..helpers.world import random_bytes
from .conftest import FILES, NEW_SONG, SONG
from .test_import import head, ours, section, take, tree_of  # noqa: F401


@pytest.fixture
def imported(ours, registry):  # noqa: F811
    """`ours` with music at v1 and images at the default branch, committed."""
    take(ours, "music", "--rev", "v1")
    take(ours, "images")
    ours.git("commit", "-q", "-m", "Import")
    return ours


def publish(work, message="more", **files):
    """A new commit on the registry's main."""
    made = work.commit(message, **files)
    work.git("push", "-q", "origin", "main")
    return made


def fetched(repo, *words, **how):
    """The command's outcome, and how often a source was asked."""
    log = repo.world.root / "trace"
    log.unlink(missing_ok=True)
    done = repo.data(*words, env={"GIT_TRACE": str(log)}, **how)
    return done, sum("built-in: git upload-pack" in line for line in log.read_text().splitlines())


def test_a_tag_moves_when_told_and_all_is_one_change(imported, registry):
    before = imported.head()
    done = imported.data("update", "music", "--rev", "v2")
    assert [" ".join(line.split()) for line in done.lines] == [
        f"music: v1 ({head(registry, 'v1')[:10]}) -> v2 ({head(registry, 'v2')[:10]})",
        "removed 12 B music/latest",
        "changed 70.0 KB -> 90.0 KB music/songs/1.flac",
        "removed 3.0 KB music/songs/2.flac",
        "added 5 B music/songs/3.flac",
        "1 added (5 B), 1 changed (70.0 KB to 90.0 KB), 2 removed (3.0 KB)",
        "all of it is staged: git commit -m 'Update imports'",
    ]
    assert imported.read("music/songs/1.flac") == NEW_SONG
    assert not (imported.path / "music/songs/2.flac").exists()
    assert not os.path.lexists(imported.path / "music/latest")
    assert imported.git("diff").out == ""
    assert imported.git("diff", "--cached", "--name-status").out.splitlines() == [
        "M\t.gitdata",
        "D\tmusic/latest",
        "M\tmusic/songs/1.flac",
        "D\tmusic/songs/2.flac",
        "A\tmusic/songs/3.flac",
    ]
    assert section(imported, "music")["rev"] == "v2"
    imported.git("commit", "-q", "-m", "x")
    assert tree_of(imported, "HEAD", "music") == tree_of(registry, "v2", "music")
    imported.git("reset", "-q", "--hard", before)
    assert imported.read("music/songs/1.flac") == SONG and imported.status() == ""


def test_the_default_branch_is_followed(imported, registry, work):
    assert "is what there is" in imported.data("update").out
    assert imported.status() == ""
    publish(work, **{"images/new.jpg": random_bytes(700, 8), "music/other": "not of ours"})
    done, asked = fetched(imported, "update")
    assert asked == 1  # both imports are of one source
    assert re.search(r"added +700 B  images/new.jpg", done.out)
    assert f"music: v1 ({head(registry, 'v1')[:10]}) is what there is" in done.out
    assert section(imported, "images")["commit"] == head(registry)
    assert imported.read("images/new.jpg") == random_bytes(700, 8)


def test_commits_that_do_not_touch_it_change_nothing(imported, work):
    publish(work, **{"other": "x"})
    imported.data("update")
    assert imported.status() == ""


def test_a_commit_stays_and_asks_nobody(ours, registry):  # noqa: F811
    take(ours, "music", "--rev", head(registry, "v1"))
    ours.git("commit", "-q", "-m", "x")
    done, asked = fetched(ours, "update")
    assert asked == 0 and "is what there is" in done.out
    ours.data("update", "--rev", "v2")
    assert section(ours, "music")["rev"] == "v2"
    ours.data("update", "--rev", head(registry, "v1")[:8])
    assert section(ours, "music")["rev"] == head(registry, "v1")
    assert ours.git("diff", "--cached").out == ""  # as it was


def test_dry_run_shows_it_and_fetches_no_data(imported, registry, work):
    publish(work, **{"images/new.jpg": random_bytes(700, 8)})
    shutil.rmtree(registry.path / "data")
    done = imported.data("update", "--dry-run", "--rev", "main")
    assert re.search(r"added +700 B  images/new.jpg", done.out) and done.err == ""
    told = imported.data("update", "-n", "--json").json()
    assert told["dry_run"] is True
    images = next(one for one in told["imports"] if one["name"] == "images")
    assert [(f["path"], f["change"], f["new"]["size"]) for f in images["files"]] == [
        ("images/new.jpg", "added", 700)
    ]
    assert imported.status() == ""


def test_only_what_changed_is_fetched(imported, registry, work):
    """The store has only the new object left, and that is enough."""
    shutil.rmtree(registry.path / "data")
    publish(work, **{"images/new.jpg": random_bytes(700, 8)})
    imported.data("update", "images")
    assert imported.read("images/new.jpg") == random_bytes(700, 8)


def test_modes_links_and_plain_files(imported, work):
    (work.path / "music/play.sh").chmod(0o644)
    (work.path / "music/link").symlink_to("README")
    publish(work, **{"music/README": "new words", "music/data.flac": b"new", "music/p.txt": "p"})
    imported.data("update", "music", "--rev", "main")
    assert not os.access(imported.path / "music/play.sh", os.X_OK)
    assert os.readlink(imported.path / "music/link") == "README"
    assert imported.read("music/README") == b"new words"
    assert imported.read("music/data.flac") == b"new"
    imported.git("add", "--renormalize", ".")
    imported.git("commit", "-q", "-m", "x")
    assert tree_of(imported, "HEAD", "music") == tree_of(work, "main", "music")


def test_a_plain_file_becomes_data(imported, work):
    work.write(".gitattributes", work.read(".gitattributes") + b"*.txt filter=data\n")
    work.git("add", "--renormalize", ".")
    publish(work)
    imported.data("update", "music", "--rev", "main")
    assert imported.staged("music/notes.txt").startswith(b"version git-data/1")
    assert imported.read("music/notes.txt") == FILES["music/notes.txt"]
    imported.git("add", "--renormalize", ".")
    imported.git("commit", "-q", "-m", "x")
    assert tree_of(imported, "HEAD", "music") == tree_of(work, "main", "music")


def test_a_file_alone(ours, registry):  # noqa: F811
    take(ours, "music/songs/1.flac", "-o", "song.flac", "--rev", "v1")
    ours.git("commit", "-q", "-m", "x")
    done = ours.data("update", "--rev", "v2")
    assert re.search(r"changed +70.0 KB -> 90.0 KB  song.flac", done.out)
    assert ours.read("song.flac") == NEW_SONG


def test_pointers_stay_pointers(ours, registry):  # noqa: F811
    take(ours, "music", "--rev", "v1", "--no-download")
    take(ours, "images", "--rev", "v1")
    ours.git("commit", "-q", "-m", "x")
    ours.data("update", "--rev", "main")
    assert ours.read("music/songs/1.flac").startswith(b"version git-data/1")
    assert ours.read("images/dog.jpg") == random_bytes(4000, 6)
    assert ours.git("diff").out == ""


def test_copy_is_remembered(world, ours, registry):  # noqa: F811
    take(ours, "music", "--rev", "v1", "--copy")
    ours.git("commit", "-q", "-m", "x")
    ours.data("update", "--rev", "v2")
    assert section(ours, "music")["copy"] == "true"
    ours.git("commit", "-q", "-m", "x")
    ours.git("push", "-q", "origin", "main")
    shutil.rmtree(registry.path)
    assert world.clone("ours.git").read("music/songs/1.flac") == NEW_SONG


def test_comments_and_other_staged_changes_stay(imported):
    text = imported.read(".gitdata").replace(b"[import", b"# why we need it\n[import", 1)
    imported.commit(**{".gitdata": text})
    imported.write("README", "staged")
    imported.git("add", "README")
    imported.data("update", "music", "--rev", "v2")
    assert imported.read(".gitdata").startswith(b"# why we need it\n[import ")
    assert "M  README" in imported.status()


def test_an_address_that_moved(imported, registry, world):
    os.rename(registry.path, world.root / "moved.git")
    assert "is not there" in imported.data("update", code=1).err
    for name in ("music", "images"):
        imported.git("config", "-f", ".gitdata", f"import.{name}.url", "../moved.git")
    imported.data("update", "--rev", "v2")
    assert section(imported, "music")["url"] == "../moved.git"
    assert section(imported, "music")["store"] == "../moved.git"


def test_a_section_written_by_hand(ours, registry):  # noqa: F811
    ours.write(".gitdata", '[import "songs"]\n\turl = ../registry.git\n\tpath = music/songs\n')
    ours.data("update")
    assert ours.read("songs/1.flac") == NEW_SONG
    assert section(ours, "songs")["commit"] == head(registry)


# What is refused


def refused(repo, *words, code=1):
    before = repo.status()
    done = repo.data("update", *words, code=code)
    assert repo.status() == before
    assert "Traceback" not in done.err
    return done.err


def test_local_changes_are_not_run_over(imported):
    imported.write("music/songs/1.flac", "mine")
    assert "has changes that are not committed, in music/songs/1.flac" in refused(
        imported, "music", "--rev", "v2"
    )
    assert imported.read("music/songs/1.flac") == b"mine"
    imported.git("add", ".")
    assert "was changed here" in refused(imported, "music", "--rev", "v2")
    imported.git("commit", "-q", "-m", "mine")
    assert "was changed here" in refused(imported, "music", "--rev", "v2")
    mine = imported.head()
    imported.data("update", "music", "--rev", "v2", "--force")
    assert imported.read("music/songs/1.flac") == NEW_SONG
    assert imported.staged("music/songs/1.flac", mine) != b""


def test_a_file_in_the_way_is_not_run_over(imported):
    imported.write("music/songs/3.flac", "mine, not added")
    assert "would be overwritten" in refused(imported, "music", "--rev", "v2")
    assert imported.read("music/songs/3.flac") == b"mine, not added"


def test_an_import_that_is_gone(imported):
    imported.git("rm", "-rq", "music")
    assert "music is not here any more" in refused(imported, "music", "--rev", "v2")


def test_one_that_fails_does_not_hold_up_the_others(imported, work):
    work.git("rm", "-rq", "music")
    publish(work, **{"images/new.jpg": b"new"})
    done = imported.data("update", "--rev", "main", code=3)
    assert "music: there is no 'music' in" in done.err
    assert "1 of 2 imports could not be updated" in done.err
    assert imported.read("images/new.jpg") == b"new"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "nothing is no import; imports: music, images"),
        (["--rev", "nope"], "has no revision 'nope'"),
        (["music", "--rev", "nope"], "music: "),
        (["--rev", "-x"], ""),
    ],
)
def test_what_is_wrong_is_said(imported, words, told):
    assert told in refused(imported, *words, code=None)


def test_without_imports(ours):  # noqa: F811
    assert "there are no imports here" in ours.data("update", code=1).err


def test_a_store_that_is_gone(imported, registry, work):
    publish(work, **{"images/new.jpg": random_bytes(700, 8)})
    shutil.rmtree(registry.path / "data")
    shutil.rmtree(work.objects)
    assert "images: " in refused(imported, "images")


@pytest.mark.parametrize("url", ["-x", "ext::sh -c 'touch pwned'", "data::ext::sh", "../nowhere"])
def test_a_hostile_address(imported, url):
    imported.git("config", "-f", ".gitdata", "import.music.url", url)
    told = imported.data("update", "music", "--rev", "v2", code=1).err
    assert "import.music.url" in told or "nowhere" in told
    assert not [*imported.world.root.rglob("pwned")]
