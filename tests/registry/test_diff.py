"""`git data diff`, and how imports stand in `git data status`."""

import shutil

import pytest

from .conftest import FILES
from .test_import import head, ours, take  # noqa: F401
from .test_update import fetched, publish


def squeezed(done):
    return [" ".join(line.split()) for line in done.lines]


V1_TO_V2 = [
    "changed 70.0 KB -> 90.0 KB music/songs/1.flac",
    "removed 3.0 KB music/songs/2.flac",
    "added 5 B music/songs/3.flac",
    "1 added (5 B), 1 changed (70.0 KB to 90.0 KB), 1 removed (3.0 KB)",
]


def test_between_two_revisions(work):
    assert squeezed(work.data("diff", "v1", "v2")) == V1_TO_V2
    assert squeezed(work.data("diff", "v1", "v2", "music/songs")) == V1_TO_V2
    assert work.data("diff", "v1", "v2", "images").out == ""
    assert (
        squeezed(work.data("diff", "v1", "v2", "--", "songs", cwd=work.path / "music")) == V1_TO_V2
    )
    assert "removed 12 B music/latest" in squeezed(work.data("diff", "-a", "v1", "v2"))


def test_to_the_work_tree(work):
    assert work.data("diff").out == ""
    work.write("music/songs/1.flac", b"x" * 100)
    (work.path / "images/cat.jpg").unlink()
    work.write("images/new.jpg", "12345")
    work.write("images/never-added.jpg", "12345")
    work.git("add", "images/new.jpg")
    changes = [
        "removed 5.0 KB images/cat.jpg",
        "added 5 B images/new.jpg",
        "changed 90.0 KB -> 100 B music/songs/1.flac",
    ]
    assert squeezed(work.data("diff"))[:3] == changes
    assert squeezed(work.data("diff", "HEAD"))[:3] == changes
    assert squeezed(work.data("diff", "HEAD", "images"))[:2] == changes[:2]
    (work.path / "music/songs/3.flac").chmod(0o755)
    assert squeezed(work.data("diff", "music/songs/3.flac"))[0] == "changed 5 B music/songs/3.flac"


def test_of_another_repository(world, registry):
    found = world.git("data", "diff", "--repo", "registry.git", "v1", "v2")
    assert squeezed(found) == V1_TO_V2
    found = world.git("data", "diff", "--repo", "registry.git", "v2")
    assert squeezed(found)[0] == "added 4.0 KB images/dog.jpg"
    words = ("--repo", "registry.git", "v1", "main", "--", "images/dog.jpg")
    assert squeezed(world.git("data", "diff", *words))[0] == "added 4.0 KB images/dog.jpg"
    _, asked = fetched(registry, "diff", "--repo", str(registry.path), "v1", "v2")
    assert asked == 1


def test_json(work):
    told = work.data("diff", "v1", "v2", "--json").json()
    assert told["old"] == head(work, "v1") and told["new"] == head(work, "v2")
    song = told["files"][0]
    assert (song["path"], song["change"]) == ("music/songs/1.flac", "changed")
    assert song["old"]["size"] == 70_000 and song["new"]["oid"].startswith("blake3:")
    assert told["files"][2]["old"] is None


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nope"], 1, "'nope' is no revision here and no path"),
        (["a", "b", "c", "--", "x"], 2, "two revisions at most"),
        (["nope", "--"], 1, "no commit 'nope'"),
        (["--repo", "../registry.git"], 2, "name one or two revisions"),
        (["--repo", "../registry.git", "v1", "nope"], 1, "has no revision 'nope'"),
        (["--repo", "../registry.git", "v1", "v2", "musik"], 1, "near: music"),
    ],
)
def test_what_is_wrong_is_said(work, words, code, told):
    assert told in work.data("diff", *words, code=code).err


def test_before_the_first_commit(world):
    repo = world.repo("fresh")
    assert repo.data("diff").out == ""
    repo.data("track", "*.bin")
    repo.write("a.bin", "12345")
    repo.git("add", ".")
    assert squeezed(repo.data("diff"))[0] == "added 5 B a.bin"


# status


@pytest.fixture
def imported(ours, registry):  # noqa: F811
    take(ours, "music", "--rev", "main")
    take(ours, "images", "--rev", head(registry, "v1"))
    ours.git("commit", "-q", "-m", "Import")
    ours.git("push", "-q", "origin", "main")
    return ours


def imports(repo, *words):
    lines = repo.data("status", *words).lines
    return [line.strip() for line in lines[lines.index("Imports:") + 1 :] if line.startswith("  ")]


def test_how_imports_stand(imported, registry, work):
    music = f"music  locked at main ({head(registry)[:10]})"
    images = f"images  locked at {head(registry, 'v1')[:10]}"
    done, asked = fetched(imported, "status")
    assert asked == 0 and "All data is committed" in done.out
    assert imports(imported) == [f"{music}, newer commits: git data status --fetch", images]
    assert imports(imported, "--fetch") == [music, images]
    publish(work, **{"music/new.flac": b"1"})
    publish(work, **{"other": "2"})
    publish(work, **{"music/README": "3"})
    assert imports(imported) == [music, images]  # as last asked
    assert imports(imported, "--fetch")[0] == f"{music}, 2 newer commits touch it"
    assert imports(imported)[0] == f"{music}, 2 newer commits touch it"
    told = imported.data("status", "--json").json()["imports"]
    assert [(one["name"], one["newer_commits"]) for one in told] == [("music", 2), ("images", 0)]
    imported.data("update")
    assert imports(imported)[0] == f"music  locked at main ({head(registry)[:10]})"


def test_imports_that_were_changed_or_are_gone(imported):
    imported.write("music/README", "mine")
    imported.git("rm", "-rq", "images")
    assert [
        "changed here" in imports(imported)[0],
        "not here any more" in imports(imported)[1],
    ] == [
        True,
        True,
    ]


def test_a_source_that_cannot_be_asked(imported, registry):
    shutil.rmtree(registry.path)
    assert "its source could not be asked" in imports(imported, "--fetch")[0]
    assert FILES  # and nothing else fails
