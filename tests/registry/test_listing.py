"""The files of a tree, of a source's and of one's own."""

import pytest

from git_data import listing, listings, sources
from git_data.errors import FormatError, NotFound, UsageError
from git_data.git import Git

from .conftest import FILES


@pytest.fixture
def source(world, registry, asking):
    """(source, commit) of v1."""
    found, (commit,) = sources.fetch(str(registry.path), ["v1"], str(world.root), asking)
    return found, commit


def find(source, path):
    return listing.find(source[0].git, source[1], path, "the registry")


def test_files_with_sizes_modes_and_pointers(source):
    found = {e.path: e for e in listing.files(source[0].git, find(source, ""))}
    assert {p: e.size for p, e in found.items() if e.pointer} == {
        name: len(content) for name, content in FILES.items() if name.endswith((".flac", ".jpg"))
    }
    assert found["music/README"].size == len(FILES["music/README"])
    assert found["music/notes.txt"].size is None  # it was left away
    assert found["music/play.sh"].mode == "100755"
    assert (found["music/latest"].mode, found["music/latest"].size) == (listing.LINK, 12)
    assert [*found] == sorted(found)
    source[0].bring_blobs([found["music/notes.txt"].blob])
    (again,) = listing.complete(source[0].git, [found["music/notes.txt"]])
    assert again.size == 6500


def test_one_file_a_folder_and_one_level(source):
    song = find(source, "music/songs/1.flac")
    assert listing.files(source[0].git, song) == [song] and song.size == 70_000
    songs = find(source, "music/songs")
    names = ["music/songs/1.flac", "music/songs/2.flac", "music/songs/cover.jpg"]
    assert [e.path for e in listing.files(source[0].git, songs)] == names
    level = listing.level(source[0].git, find(source, "music"))
    assert [e.path for e in level if e.is_folder] == ["music/songs"]
    assert len(level) == 5


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("music/songs/1.flak", "near: music/songs/1.flac"),
        ("music/song", "near: music/songs"),
        ("musik/songs", "near: music"),
        ("music/songs/1.flac/x", "near: music/songs/1.flac"),
        ("zzz", "what is there (at its top): .gitattributes, images, music"),
        ("images/zzz", "what is there (images): cat.jpg"),
        ("*", "what is there"),
        (":(top)zzzz", "what is there"),
    ],
)
def test_a_path_that_is_not_there_names_what_is_near(source, path, near):
    with pytest.raises(NotFound) as caught:
        find(source, path)
    assert repr(path) in caught.value.message and near in caught.value.hint


@pytest.mark.parametrize("word", ["..", "../x", "/etc", "a/../../b"])
def test_paths_do_not_lead_out(word):
    with pytest.raises(UsageError):
        listing.clean(word)


@pytest.mark.parametrize(
    ("word", "path"), [("", ""), (".", ""), ("./a/", "a"), ("a//b/../c", "a/c"), ("a/..", "")]
)
def test_paths_are_tidied(word, path):
    assert listing.clean(word) == path


def test_a_listing_is_kept_and_made_again_when_it_is_damaged(source):
    there, _ = source
    folder = find(source, "music")
    (made := listings.files(there, folder))
    kept = there.location.git_dir + "/listings"
    assert made == listing.files(there.git, folder)
    listings._write(f"{kept}/{folder.blob}", listing.files(there.git, folder._replace(path="")))
    there.git.environ["PATH"] = "/nowhere"  # now nobody can ask Git
    assert listings.files(there, folder) == made
    with open(f"{kept}/{folder.blob}", "r+b") as file:
        file.seek(100)
        file.write(b"x")
    assert listings._read(f"{kept}/{folder.blob}") is None


def test_a_tree_that_claims_endless_files_is_refused(world):
    """Ten folders, each of which has ten times the same folder, and so on."""
    world.git("init", "-q", "--bare", "bomb.git")
    git = Git(str(world.root / "bomb.git"), world.env)
    blob = git.run("hash-object", "-w", "--stdin", input=b"x").decode().strip()
    mode, kind, oid = "100644", "blob", blob
    for _ in range(9):
        lines = "".join(f"{mode} {kind} {oid}\t{number}\n" for number in range(10))
        oid = git.run("mktree", input=lines.encode()).decode().strip()
        mode, kind = "040000", "tree"
    with pytest.raises(FormatError, match="more than"):
        listing.files(git, listing.Entry("", listing.TREE, oid), most=100_000)
