"""A merge that stopped at `.gitdata` is settled by `git data update`."""

import pytest

from git_data.settling import merge

from ..helpers.world import random_bytes
from .conftest import NEW_SONG
from .test_import import head, ours, section, take, tree_of  # noqa: F401
from .test_update import publish


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "conflicts"),
    [
        ({}, {"a": ("1",)}, {"b": ("2",)}, {"a": ("1",), "b": ("2",)}, []),
        ({"a": ("1",)}, {"a": ("1",)}, {"a": ("2",)}, {"a": ("2",)}, []),
        ({"a": ("1",)}, {"a": ("2",)}, {"a": ("1",)}, {"a": ("2",)}, []),
        ({"a": ("1",)}, {"a": ("2",)}, {"a": ("2",)}, {"a": ("2",)}, []),
        ({"a": ("1",)}, {"a": ("2",)}, {"a": ("3",)}, {"a": ("2",)}, ["a"]),
        ({"a": ("1",)}, {"a": ("1",)}, {}, {}, []),
        ({"a": ("1",)}, {}, {"a": ("1",)}, {}, []),
        ({"a": ("1",)}, {"a": ("1", "2")}, {"a": ("1",)}, {"a": ("1", "2")}, []),
    ],
)
def test_keys_are_merged_one_by_one(base, ours, theirs, merged, conflicts):  # noqa: F811
    found = merge(base, ours, theirs)
    assert (found.entries, [*found.conflicts]) == (merged, conflicts)


@pytest.fixture
def forked(ours, registry, work):  # noqa: F811
    """`ours` with music, which follows main, and a branch `other` from there."""
    take(ours, "music", "--rev", "main")
    ours.git("commit", "-q", "-m", "Import")
    ours.git("branch", "other")
    return ours


def update_on(repo, branch, *words):
    repo.git("checkout", "-q", branch)
    repo.data("update", *words)
    repo.git("commit", "-q", "-m", f"Update on {branch}")


def test_both_sides_added_an_import(forked):
    take(forked, "images", "-o", "one")
    forked.git("commit", "-q", "-m", "one")
    forked.git("checkout", "-q", "other")
    take(forked, "images", "-o", "two")
    forked.git("commit", "-q", "-m", "two")
    forked.git("merge", "main", code=1)
    assert "UU .gitdata" in forked.status() or "AA .gitdata" in forked.status()
    forked.data("update", "two")
    assert "U" not in forked.status().replace("UPDATE", "")
    forked.git("commit", "-q", "-m", "merged")
    for name in ("one", "two"):
        assert section(forked, name)["path"] == "images"
        assert (forked.path / name / "cat.jpg").exists()
    forked.git("add", "--renormalize", ".")
    assert forked.status() == ""


def test_both_sides_moved_the_same_import(forked, registry, work):
    publish(work, **{"music/songs/1.flac": b"theirs", "music/songs/x.flac": b"x"})
    update_on(forked, "other")
    publish(work, **{"music/songs/1.flac": random_bytes(800, 1), "music/README": "newer"})
    work.git("rm", "-q", "music/songs/x.flac")
    publish(work)
    update_on(forked, "main")
    publish(work, **{"music/songs/1.flac": random_bytes(900, 2)})
    forked.git("merge", "other", code=1)
    assert "UU .gitdata" in forked.status()
    done = forked.data("update", "music")
    assert "music: main (" in done.out
    assert forked.git("ls-files", "-u").out == ""
    forked.git("commit", "-q", "-m", "merged")
    assert forked.read("music/songs/1.flac") == random_bytes(900, 2)
    assert not (forked.path / "music/songs/x.flac").exists()
    assert tree_of(forked, "HEAD", "music") == tree_of(registry, "main", "music")
    assert section(forked, "music")["commit"] == head(registry)
    assert forked.status() == ""


def test_nothing_newer_than_our_side(forked, registry, work):
    publish(work, **{"music/songs/1.flac": b"theirs"})
    update_on(forked, "other")
    publish(work, **{"music/songs/1.flac": b"the newest"})
    update_on(forked, "main")
    forked.git("merge", "other", code=1)
    forked.data("update", "music")
    assert forked.git("ls-files", "-u").out == ""
    forked.git("commit", "-q", "-m", "merged")
    assert forked.read("music/songs/1.flac") == b"the newest" and forked.status() == ""


def test_both_sides_chose_another_version(forked, registry):
    update_on(forked, "other", "--rev", "v1")
    update_on(forked, "main", "--rev", "v2")
    forked.git("merge", "other", code=1)
    before = forked.status()
    done = forked.data("update", "music", code=2)
    assert "both sides changed import.music.rev, to v2 or v1; say which: --rev" in done.err
    assert forked.status() == before
    forked.data("update", "music", "--rev", "v2")
    forked.git("commit", "-q", "-m", "merged")
    assert section(forked, "music")["rev"] == "v2"
    assert forked.read("music/songs/1.flac") == NEW_SONG and forked.status() == ""


def test_in_a_rebase(forked, registry, work):
    publish(work, **{"music/songs/1.flac": b"theirs"})
    update_on(forked, "other")
    publish(work, **{"music/songs/1.flac": b"the newest"})
    update_on(forked, "main")
    forked.git("checkout", "-q", "other")
    forked.git("rebase", "main", code=1)
    forked.data("update", "music")
    forked.git("rebase", "--skip", env={"GIT_EDITOR": "true"})
    assert forked.read("music/songs/1.flac") == b"the newest" and forked.status() == ""


def refused(repo, *words):
    before = repo.status()
    done = repo.data("update", *words, code=None)
    assert done.code in (1, 2) and repo.status() == before and "Traceback" not in done.err
    return done.err


def test_what_is_not_for_us_to_decide(forked, work):
    take(forked, "images", "--rev", "main")
    forked.commit(**{"plain": "1"})
    forked.git("branch", "-f", "other")
    publish(work, **{"music/songs/1.flac": b"theirs", "images/a.jpg": b"theirs"})
    update_on(forked, "other")
    forked.commit(**{"plain": "2"})
    publish(work, **{"music/songs/1.flac": b"the newest", "images/a.jpg": b"the newest"})
    update_on(forked, "main")
    forked.commit(**{"plain": "3"})
    forked.git("merge", "other", code=1)
    assert "is none of music" in refused(forked, "music")
    assert "other files are in conflict too: plain" in refused(forked, "music", "images")
    forked.git("checkout", "--ours", "plain")
    forked.git("add", "plain")
    forked.write("music/README", "an edit in between")
    assert "music/README has changes that are not committed" in refused(forked)
    forked.git("checkout", "music/README")
    assert "is in conflict" in refused(forked, "--dry-run")
    forked.data("update")
    forked.git("commit", "-q", "-m", "merged")
    assert forked.read("images/a.jpg") == b"the newest"


def test_without_the_source_nothing_is_settled(forked, registry, work):
    publish(work, **{"music/songs/1.flac": b"theirs"})
    update_on(forked, "other")
    publish(work, **{"music/songs/1.flac": b"the newest"})
    update_on(forked, "main")
    forked.git("merge", "other", code=1)
    registry.path.rename(registry.path.with_name("away"))
    assert "is not there" in refused(forked, "music")
    assert "UU .gitdata" in forked.status()
