"""The Python face: open, read, list, get, import_, update, diff."""

import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import git_data
from git_data import api
from git_data.errors import DataError, Incomplete, NotFound, UsageError
from git_data.stores.wrap import Counting
from git_data.transfer import ObjectStore

from ..helpers.world import PROJECT, random_bytes
from .conftest import FILES, NEW_SONG, SONG
from .test_import import head, ours, section  # noqa: F401


@pytest.fixture
def url(user, registry):
    return str(registry.path)


def counted(url, rev=None):
    """A view whose reads of stores are counted."""
    view = api.view(url, rev)
    address = next(a for a in view.repo.reading_addresses(view.commit))
    counting = Counting(view.repo.open_store(address))
    key = (address.url, *address.mirrors)
    view.repo._stores[key] = ObjectStore(counting, view.repo.folder, held_bytes=0)
    return counting


def test_nothing_slow_is_imported_before_it_is_used():
    script = "import sys, git_data; print(*sys.modules)"
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, cwd=PROJECT, check=True)
    assert {"dulwich", "git_data.api", "blake3", "subprocess"}.isdisjoint(done.stdout.split())
    assert {*git_data.__all__} <= {*dir(git_data)}
    with pytest.raises(AttributeError):
        git_data.nothing  # noqa: B018


def test_a_program_ends_in_silence(url, user):
    script = "import sys, git_data; print(len(git_data.read(sys.argv[2], repo=sys.argv[1])))"
    words = [sys.executable, "-c", script, url, "music/README"]
    done = user.run(*words, env={"PYTHONPATH": str(PROJECT)})
    assert (done.out, done.err) == ("13\n", "")


def test_open_is_a_seekable_file(url):
    with git_data.open("music/songs/1.flac", repo=url, rev="v1") as file:
        assert file.readable() and file.seekable() and not file.writable()
        assert file.read(10) == SONG[:10] and file.tell() == 10
        assert file.seek(-10, io.SEEK_END) == len(SONG) - 10
        assert file.read() == SONG[-10:] and file.read() == b""
        file.seek(100_000)
        assert file.read(1) == b""
        file.seek(5)
        file.seek(5, io.SEEK_CUR)
        assert file.read(3) == SONG[10:13]
        with pytest.raises((OSError, ValueError)):
            file.seek(-1)
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_revisions(url):
    assert git_data.read("music/songs/1.flac", repo=url, rev="v1") == SONG
    assert git_data.read("music/songs/1.flac", repo=url) == NEW_SONG
    assert git_data.read("music/songs/1.flac", repo="file://" + url, rev="v2") == NEW_SONG


def test_plain_files_links_and_text(url):
    assert git_data.read("music/notes.txt", repo=url, rev="v1") == FILES["music/notes.txt"]
    assert git_data.read("music/latest", repo=url, rev="v1") == FILES["music/songs/2.flac"]
    with git_data.open("music/README", repo=url, mode="r") as file:
        assert [*file] == ["What this is\n"]
    with pytest.raises(ValueError, match="mode is 'wb'"):
        git_data.open("music/README", repo=url, mode="wb")


def test_the_repository_one_is_in(user, work, monkeypatch):
    monkeypatch.chdir(work.path / "music")
    assert git_data.read("music/songs/1.flac") == NEW_SONG  # paths start at the top
    assert git_data.read("music/songs/1.flac", rev="HEAD~2") == SONG
    work.write("images/new.jpg", "staged")
    with pytest.raises(NotFound):
        git_data.read("images/new.jpg")
    work.git("add", ".")
    assert git_data.read("images/new.jpg") == b"staged"
    work.write("images/new.jpg", "staged again")
    work.git("add", ".")
    assert git_data.read("images/new.jpg") == b"staged again"
    assert [file.path for file in git_data.list(path="images")] == [
        "images/cat.jpg",
        "images/dog.jpg",
        "images/new.jpg",
    ]
    assert len(git_data.list(path="images", rev="HEAD")) == 2
    assert git_data.list(path="music/play.sh")[0].mode == "100755"
    work.forget_data()
    assert git_data.read("music/songs/1.flac") == NEW_SONG  # from the store


def test_list(url):
    files = {file.path: file for file in git_data.list(url, rev="v1")}
    assert {*FILES} <= {*files}
    assert files["music/songs/1.flac"].size == 70_000
    assert files["music/songs/1.flac"].oid.startswith("blake3:")
    assert files["music/notes.txt"] == git_data.File("music/notes.txt", None, None, "100644")
    assert [file.path for file in git_data.list(url, "images", "v1")] == ["images/cat.jpg"]


def test_get(url, user):
    out = user.root / "songs"
    written = git_data.get("music/songs", url, "v1", out=out)
    assert written == [str(out / name) for name in ("1.flac", "2.flac", "cover.jpg")]
    assert git_data.get("music/songs", url, "v1", out=out) == []
    (out / "1.flac").write_bytes(b"mine")
    with pytest.raises(Incomplete) as caught:
        git_data.get("music/songs", url, "v1", out=out)
    assert [path for path, _ in caught.value.failed] == ["1.flac"]
    assert git_data.get("music/songs", url, "v1", out=out, force=True) == [str(out / "1.flac")]


def test_import_update_and_diff(ours, user, registry, monkeypatch):  # noqa: F811
    monkeypatch.chdir(ours.path)
    item = git_data.import_("../registry.git", "music", rev="v1")
    assert (item.name, item.rev, item.commit) == ("music", "v1", head(registry, "v1"))
    assert section(ours, "music")["url"] == "../registry.git"
    ours.git("commit", "-q", "-m", "x")
    would = git_data.update("music", rev="v2", dry_run=True)
    assert [(one.path, one.kind) for one in would] == [
        ("music/latest", "removed"),
        ("music/songs/1.flac", "changed"),
        ("music/songs/2.flac", "removed"),
        ("music/songs/3.flac", "added"),
    ]
    assert would[1].old.size == 70_000 and would[1].new.size == 90_000
    assert git_data.read("music/songs/1.flac") == SONG
    assert git_data.update("music", rev="v2") == would
    assert git_data.read("music/songs/1.flac") == NEW_SONG
    assert [one.path for one in git_data.diff(paths=["music"])] == [one.path for one in would]
    assert len(git_data.diff("v1", "v2", ["music/songs"], repo="../registry.git")) == 3
    with pytest.raises(UsageError):
        git_data.diff(repo="../registry.git")
    ours.write("music/README", "mine")
    with pytest.raises(DataError, match="not committed"):
        git_data.update(rev="v1")


@pytest.mark.parametrize(
    ("path", "rev", "told"),
    [
        ("musik", None, "near: music"),
        ("music/songs/1.flak", None, "near: music/songs/1.flac"),
        ("music", "nope", "has no revision 'nope'"),
        ("../x", None, "leads out"),
        ("music/README/x", None, "near: music/README"),
    ],
)
def test_failures_say_what_where_and_what_next(url, path, rev, told):
    with pytest.raises(DataError, match=told):
        git_data.read(path, repo=url, rev=rev)


def test_a_folder_is_no_file(url):
    with pytest.raises(IsADirectoryError):
        git_data.open("music", repo=url)


def test_an_object_that_no_store_has(url, registry):
    for path in (registry.path / "data/packs").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(DataError, match="packs"):
        git_data.read("music/songs/1.flac", repo=url)


# What is asked of whom


def test_a_branch_is_looked_up_once_in_a_process(url, user, work, monkeypatch):
    log = user.root / "trace"
    monkeypatch.setenv("GIT_TRACE", str(log))
    for name in ("music/songs/1.flac", "images/cat.jpg", "music/README"):
        git_data.read(name, repo=url)
    git_data.list(url)
    assert log.read_text().count("built-in: git upload-pack") == 1
    work.commit(**{"music/README": "newer"})
    work.git("push", "-q", "origin", "main")
    assert git_data.read("music/README", repo=url) == FILES["music/README"]
    git_data.forget()
    assert git_data.read("music/README", repo=url) == b"newer"


@pytest.fixture
def large(work, registry):
    """A file of 24 MB in the registry, of chunks that are all different."""
    data = random_bytes(24_000_000, 11)
    work.commit(**{"large.flac": data})
    work.git("push", "-q", "origin", "main")
    return data


def test_only_what_is_read_is_fetched(url, large):
    store = counted(url)
    with git_data.open("large.flac", repo=url) as file:
        assert file.read(1) == large[:1]
        first = store.moved("read")
        assert 0 < first < 1 << 20  # look-ups in the index and one chunk
        file.seek(12_000_000)
        assert file.read(100_000) == large[12_000_000:12_100_000]
        assert store.moved("read") - first < 1 << 20
        reads = store.count("read")
        file.seek(12_000_000)
        assert file.read(100_000) == large[12_000_000:12_100_000]
        assert store.count("read") == reads  # it was still here


def test_reading_on_in_small_pieces_takes_few_reads_and_no_chunk_twice(url, large):
    store = counted(url)
    with git_data.open("large.flac", repo=url) as file:
        pieces = [*iter(lambda: file.read(50_000), b"")]
    assert b"".join(pieces) == large
    packs = [call for call in store.calls if call.verb == "read" and "/packs/" in call.name]
    assert len(packs) < 40  # of 480 pieces
    assert sum(call.size for call in packs) < 1.05 * len(large)
    with git_data.open("large.flac", repo=url) as file:
        assert file.read() == large


def test_many_threads_at_once(url, large):
    counted(url)

    def part(at):
        with git_data.open("large.flac", repo=url) as file:
            file.seek(at)
            return file.read(300_000) == large[at : at + 300_000]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(part, range(0, 24_000_000, 500_000)))


def test_many_threads_share_one_look(user, registry):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(git_data.read("music/README", "registry.git")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [FILES["music/README"]] * 8


def test_a_fork_reads_on(url, large):
    assert git_data.read("music/songs/1.flac", repo=url) == NEW_SONG
    pid = os.fork()
    if pid == 0:
        os._exit(git_data.read("large.flac", repo=url) != large)
    assert os.waitpid(pid, 0)[1] == 0


def test_links_in_a_circle_and_out(world, user):
    repo = world.repo("links")
    for name, target in {"a": "b", "b": "a", "out": "../x", "up/in": "../file"}.items():
        (repo.path / name).parent.mkdir(exist_ok=True)
        (repo.path / name).symlink_to(target)
    (repo.path / "folder").symlink_to("up")
    repo.commit(file="content")
    for name in ("a", "out"):
        with pytest.raises(NotFound, match="is a link"):
            git_data.read(name, repo="links")
    assert git_data.read("up/in", repo="links") == b"content"
    assert git_data.read("folder/in", repo="links") == b"content"
    assert len(git_data.list("links")) == 6


def test_another_object_format(world, user):
    world.git("init", "-q", "-b", "main", "--object-format=sha256", "new")
    world.run("sh", "-c", "echo x > f && git add f && git commit -qm x", cwd=world.root / "new")
    assert git_data.read("f", repo="new") == b"x\n"
