"""`git data list` of another repository, as a user meets it."""

import pytest

from .conftest import FILES

DATA = sorted(name for name in FILES if name.endswith((".flac", ".jpg")))


def test_one_level_and_all(world, registry):
    url = str(registry.path)
    assert world.git("data", "list", url).lines == ["images/", "music/"]
    assert world.git("data", "list", url, "-R", "--rev", "v1").lines == DATA
    assert world.git("data", "list", url, "music").lines == ["music/songs/"]
    assert world.git("data", "list", url, "music/songs", "images/cat.jpg", "--rev", "v1").lines == [
        "music/songs/1.flac",
        "music/songs/2.flac",
        "music/songs/cover.jpg",
        "images/cat.jpg",
    ]


def test_plain_files_too(world, registry):
    url = str(registry.path)
    assert world.git("data", "list", url, "music/README").lines == ["music/README"]
    listed = world.git("data", "list", url, "-a", "music", "--rev", "v1").lines
    names = ["music/README", "music/latest", "music/notes.txt", "music/play.sh", "music/songs/"]
    assert listed == names
    assert ".gitattributes" in world.git("data", "list", url, "-aR").lines


def test_long_and_json_tell_sizes_and_places(world, registry):
    url = str(registry.path)
    listed = world.git("data", "list", url, "-a", "-l", "music", "--rev", "v1").lines
    assert listed[0].split()[:4] == ["13", "B", "in", "Git"]
    assert listed[2].split()[0] == "-"  # a large plain file that nobody has fetched yet
    assert listed[-1].split() == ["75.0", "KB", "3", "files", "in", "the", "store", "music/songs/"]
    told = world.git("data", "list", url, "-aR", "music", "--rev", "v1", "--json").json()
    assert told["repository"] == url and told["revision"] == "v1" and len(told["commit"]) == 40
    found = {entry["path"]: entry for entry in told["entries"]}
    assert found["music/latest"]["type"] == "link"
    assert found["music/notes.txt"]["size"] is None
    song = found["music/songs/1.flac"]
    assert (song["size"], song["place"]) == (70_000, "store") and song["oid"].startswith("blake3:")


def test_the_repository_one_is_in(work):
    assert work.data("list", ".").lines == work.data("list").lines == ["images/", "music/"]
    assert work.data("list", ".", "images").lines == ["images/cat.jpg", "images/dog.jpg"]
    assert work.data("list", str(work.path), "images", cwd=work.path / "music", code=1).err
    assert work.data("list", "../images", cwd=work.path / "music").lines[0] == "../images/cat.jpg"
    assert "music/README" in work.data("list", "-aR").lines
    assert "music/README" in work.data("list", "-aR", "--rev", "v1").lines
    assert work.data("list", "--", ".").lines == ["images/", "music/"]


def test_a_working_repository_elsewhere_is_taken_as_committed(world, work):
    work.write("images/new.jpg", "staged, not committed")
    work.git("add", ".")
    listed = world.git("data", "list", "work", "images").lines
    assert listed == ["images/cat.jpg", "images/dog.jpg"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["nowhere.git/"], 1, "not a git repository"),
        (["https://-x/y"], 2, "no address of a repository"),
        (["registry.git", "musik"], 1, "near: music"),
        (["registry.git", "../x"], 2, "leads out"),
        (["registry.git", "--rev", "nope"], 1, "has no revision 'nope'"),
        (["registry.git", "--rev", "main~1"], 2, "no revision of another"),
        (["ext::sh -c true"], 2, "no address of a repository"),
    ],
)
def test_what_is_wrong_is_said(world, registry, words, code, told):
    done = world.git("data", "list", *words, code=code)
    assert told in done.err and done.out == "" and "Traceback" not in done.err


def test_a_repository_without_data(world):
    repo = world.repo("plain")
    repo.commit(text="x")
    done = world.git("data", "list", "plain")
    assert done.out == "" and "-a" in done.err
