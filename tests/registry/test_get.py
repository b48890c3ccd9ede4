"""`git data get`: files of any repository, straight to where one wants them."""

import os
import shutil

import pytest

from ..helpers.world import random_bytes
from .conftest import FILES, NEW_SONG, SONG, kept_folders

SONGS = {name.removeprefix("music/songs/"): data for name, data in FILES.items() if "songs" in name}


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def get(world, *words, **how):
    return world.git("data", "get", "registry.git", *words, **how)


def test_a_folder(world, registry):
    done = get(world, "music/songs", "--rev", "v1")
    assert content(world.root / "songs") == SONGS
    assert done.out == "3 files written (75.0 KB)\n" and done.err == ""


def test_a_file_to_a_name_to_a_folder_and_here(world, registry):
    get(world, "music/songs/1.flac", "-o", "mine/song.flac")
    get(world, "music/songs/1.flac", "-o", "new/", "--rev", "v1")
    (world.root / "there").mkdir()
    get(world, "music/songs/1.flac", "-o", "there")
    get(world, "music/songs/1.flac")
    assert (world.root / "mine/song.flac").read_bytes() == NEW_SONG
    assert (world.root / "new/1.flac").read_bytes() == SONG
    assert (world.root / "there/1.flac").read_bytes() == NEW_SONG
    assert (world.root / "1.flac").read_bytes() == NEW_SONG


def test_all_of_it_with_plain_files_modes_and_links(world, registry):
    get(world, "--rev", "v1", "-o", "all")
    out = world.root / "all"
    found = content(out)
    assert {name: found[name] for name in FILES} == FILES
    assert os.access(out / "music/play.sh", os.X_OK)
    assert not os.access(out / "music/README", os.X_OK)
    assert os.readlink(out / "music/latest") == "songs/2.flac"
    assert (out / "music/latest").read_bytes() == FILES["music/songs/2.flac"]
    get(world)
    assert (world.root / "registry" / "images/dog.jpg").exists()


def test_no_copy_is_kept_anywhere(world, registry):
    get(world, "music/songs", "--rev", "v1")
    assert sorted(os.listdir(world.root)) == ["registry.git", "songs", "work"]
    assert sorted(os.listdir(world.root / "songs")) == ["1.flac", "2.flac", "cover.jpg"]
    cache = world.home / ".cache" / "git-data"
    assert not [
        path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 50_000
    ]
    assert len(kept_folders(world)) >= 2


def test_again_does_only_the_rest(world, registry):
    get(world, "music", "-o", "m", "--rev", "v1")
    before = {path: path.stat().st_ino for path in (world.root / "m").rglob("*")}
    (world.root / "m/songs/1.flac").unlink()
    (world.root / "m/notes.txt").unlink()
    told = get(world, "music", "-o", "m", "--rev", "v1", "--json").json()
    assert told["written"] == ["notes.txt", "songs/1.flac"]
    assert told["kept"] == ["README", "latest", "play.sh", "songs/2.flac", "songs/cover.jpg"]
    assert told["failed"] == []
    after = {path: path.stat().st_ino for path in (world.root / "m").rglob("*")}
    assert before.keys() == after.keys()
    assert sum(before[path] != after[path] for path in before) <= 2
    # Everything is there: the store is not needed for this.
    shutil.rmtree(registry.path / "data")
    assert (
        "0 files written (0 B), 7 files there already"
        in get(world, "music", "-o", "m", "--rev", "v1").out
    )


def test_what_differs_is_not_replaced_without_force(world, registry):
    get(world, "music", "-o", "m", "--rev", "v1")
    (world.root / "m/songs/1.flac").write_bytes(b"x" * len(SONG))
    (world.root / "m/README").write_bytes(b"mine")
    (world.root / "m/songs/2.flac").unlink()
    (world.root / "m/latest").unlink()
    (world.root / "m/latest").symlink_to("README")
    done = get(world, "music", "-o", "m", "--rev", "v1", code=3)
    assert "songs/1.flac is there already, and differs" in done.err and "--force" in done.err
    assert "latest is there already" in done.err
    assert (world.root / "m/README").read_bytes() == b"mine"
    assert os.readlink(world.root / "m/latest") == "README"
    assert (world.root / "m/songs/2.flac").exists()
    would = get(world, "music", "-o", "m", "--rev", "v1", "--dry-run")
    assert "m/README" not in would.out and "3 files differ" in would.err
    done = get(world, "music", "-o", "m", "--rev", "v1", "--force")
    assert "3 files written" in done.out and "4 files there already" in done.out
    assert content(world.root / "m")["songs/1.flac"] == SONG
    assert os.readlink(world.root / "m/latest") == "songs/2.flac"


def test_dry_run_writes_nothing(world, registry):
    done = get(world, "music/songs", "--rev", "v1", "-n")
    assert [line.split()[-1] for line in done.lines] == [f"songs/{name}" for name in SONGS]
    assert not (world.root / "songs").exists()


def test_files_with_the_same_content(world, registry, work):
    data = random_bytes(600_000, 9)
    work.commit(**{f"same/{name}.flac": data for name in "abc"} | {"same/x.sh.flac": data})
    (work.path / "same/a.flac").chmod(0o755)
    work.commit()
    work.git("push", "-q", "origin", "main")
    get(world, "same")
    assert set(content(world.root / "same").values()) == {data}
    assert len({path.stat().st_ino for path in (world.root / "same").iterdir()}) == 4
    assert [os.access(p, os.X_OK) for p in sorted((world.root / "same").iterdir())] == [
        True,
        False,
        False,
        False,
    ]


def test_from_the_repository_one_is_in(work):
    work.data("get", ".", "songs/1.flac", "-o", "/tmp/x", "--dry-run", cwd=work.path / "music")
    work.data("get", ".", "music", "-o", "../old", "--rev", "HEAD~2")
    assert content(work.path / "../old")["songs/1.flac"] == SONG
    work.forget_data()
    work.data("get", ".", "music/songs", "-o", "../new")
    assert content(work.path / "../new")["1.flac"] == NEW_SONG
    (work.path / "../old/songs/1.flac").write_bytes(b"edited")  # shares nothing with the cache
    assert work.data("doctor", code=None).code in (0, 1)
    assert work.git("status", "--porcelain").out == ""


def test_from_a_working_repository_that_never_pushed(world):
    repo = world.repo("mine")
    repo.data("track", "*.bin")
    repo.commit(**{"a.bin": b"never pushed", "b.txt": b"plain"})
    world.git("data", "get", "mine", "-o", "out")
    assert content(world.root / "out")["a.bin"] == b"never pushed"


def test_over_a_url(world, registry):
    url = f"file://{registry.path}"
    world.git("data", "get", url, "images", "--rev", "v1")
    assert content(world.root / "images") == {"cat.jpg": FILES["images/cat.jpg"]}


def test_inside_another_repository(world, registry, repo):
    """Neither its variables nor its cache have to do with it."""
    env = {"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": str(repo.path)}
    repo.data("get", str(registry.path), "images", "-o", "x", env=env)
    assert content(repo.path / "x")["cat.jpg"] == FILES["images/cat.jpg"]
    assert not (repo.path / ".git" / "git-data").exists()


# What goes wrong


def test_a_store_that_is_gone(world, registry):
    """What can still be had is had, the rest is named."""
    shutil.rmtree(registry.path / "data")
    done = get(world, "music", "--rev", "v1", code=3)
    assert content(world.root / "music") == {
        name: FILES[f"music/{name}"] for name in ("README", "notes.txt", "play.sh")
    }
    assert "songs/1.flac" in done.err and "3 of 7 files could not be written" in done.err
    done = get(world, "music/songs", "--rev", "v1", code=1)
    assert not [*(world.root / "songs").iterdir()]


def test_a_source_without_a_store(world, registry, work):
    """Over a URL that is no folder, with a .gitdata that names none."""
    world.git("config", "--global", f"url.{registry.path}.insteadOf", "https://example.org/r")
    done = world.git("data", "get", "https://example.org/r", "music", code=3)
    assert "is in no store that this repository names" in done.err
    assert (world.root / "music/README").exists()


def test_damage_in_the_store_reaches_no_file(world, registry):
    for pack in (registry.path / "data" / "packs").rglob("*"):
        if pack.is_file():
            pack.chmod(0o644)
            data = bytearray(pack.read_bytes())
            data[1000:60_000:100] = b"x" * len(data[1000:60_000:100])
            pack.write_bytes(data)
    done = get(world, "music", "--rev", "v1", code=3)
    assert "is damaged" in done.err
    assert not (world.root / "music/songs/1.flac").exists()
    assert not [*(world.root / "music").rglob(".git-data*")]


def test_a_folder_behind_a_link_is_not_followed(world, registry):
    (world.root / "elsewhere").mkdir()
    (world.root / "m").mkdir()
    (world.root / "m/songs").symlink_to("../elsewhere")
    done = get(world, "music", "-o", "m", "--force", code=3)
    assert "songs/1.flac" in done.err
    assert os.listdir(world.root / "elsewhere") == []


def test_a_folder_in_place_of_a_file_stays(world, registry):
    (world.root / "m/README/x").mkdir(parents=True)
    done = get(world, "music", "-o", "m", "--force", code=3)
    assert "README" in done.err and (world.root / "m/README/x").is_dir()
    (world.root / "file").write_text("x")
    assert "cannot write in" in get(world, "music", "-o", "file", code=1).err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["musik"], 1, "near: music"),
        (["music", "--rev", "nope"], 1, "has no revision 'nope'"),
        (["../x"], 2, "leads out"),
        ([], 0, ""),
    ],
)
def test_what_is_wrong_is_said(world, registry, words, code, told):
    done = get(world, *words, code=code)
    assert told in done.err and "Traceback" not in done.err


def test_a_killed_one_is_gone_on_with(world, registry):
    """Its temporary files go, what it had written is kept."""
    get(world, "music", "--rev", "v1")
    (world.root / "music/songs/1.flac").unlink()
    scratch = world.root / "music/.git-data-get"
    scratch.mkdir()
    host = "".join(c if c.isalnum() else "." for c in os.uname().nodename[:64].lower())
    (scratch / f"tmp-{host}-{2**22 + 1}-00112233445566ff").write_bytes(SONG[:1000])
    assert "6 files there already" in get(world, "music", "--rev", "v1").out
    assert not scratch.exists()
    assert content(world.root / "music")["songs/1.flac"] == SONG
