"""`gitdata://` for fsspec: its own tests of file systems, and the programs that read through it."""

import multiprocessing
import os
import pickle
import shutil
from hashlib import md5
from pathlib import Path

import fsspec
import pytest
from fsspec.tests.abstract import AbstractFixtures, AbstractGetTests

from git_data.filesystem import GitDataFileSystem

from ..helpers.world import Checkout, World, isolated, random_bytes
from .conftest import FILES, NEW_SONG, SONG
from .test_api import counted, large, url  # noqa: F401


@pytest.fixture
def fs(url):  # noqa: F811
    fsspec.filesystem("gitdata", repo=url).clear_instance_cache()
    return fsspec.filesystem("gitdata", repo=url, rev="v1")


def test_its_address_is_registered(url):  # noqa: F811
    with fsspec.open("gitdata://music/songs/1.flac", repo=url, rev="v1") as file:
        assert file.read() == SONG
    with fsspec.open("gitdata://music/README", "r", repo=url) as file:
        assert file.read() == "What this is\n"
    assert isinstance(fsspec.filesystem("gitdata", repo=url), GitDataFileSystem)


def test_ls_and_info(fs):
    found = {info["name"]: info for info in fs.ls("gitdata://music")}
    assert {name: info["type"] for name, info in found.items()} == {
        "music/README": "file",
        "music/latest": "file",
        "music/notes.txt": "file",
        "music/play.sh": "file",
        "music/songs": "directory",
    }
    assert found["music/latest"]["islink"] and found["music/latest"]["size"] == 3000
    assert found["music/notes.txt"]["size"] is None
    assert fs.info("music/notes.txt")["size"] == fs.size("music/notes.txt") == 6500
    assert fs.info("music/songs/1.flac")["oid"].startswith("blake3:")
    assert fs.ls("", detail=False) == [".gitattributes", "images", "music"]
    assert fs.ls("music/README", detail=False) == ["music/README"]
    assert fs.info("")["type"] == "directory"
    assert fs.isdir("music") and fs.isfile("music/README") and not fs.exists("nothing")
    for wrong in (fs.ls, fs.info, fs.open, fs.cat):
        with pytest.raises(FileNotFoundError, match="near: music"):
            wrong("musik/x")


def test_find_glob_and_walk(fs):
    assert fs.find("") == [".gitattributes", *sorted([*FILES, "music/latest"])]
    assert fs.find("music/songs") == [f"music/songs/{n}" for n in ("1.flac", "2.flac", "cover.jpg")]
    assert fs.find("music", maxdepth=1, withdirs=True)[-1] == "music/songs"
    assert fs.find("music/README") == ["music/README"] and fs.find("nothing") == []
    assert fs.find("music", withdirs=True, detail=True)["music/songs"]["type"] == "directory"
    assert fs.glob("**/*.flac") == ["music/songs/1.flac", "music/songs/2.flac"]
    assert fs.glob("music/*") == sorted(fs.ls("music", detail=False))
    assert fs.glob("*/cat.jpg") == ["images/cat.jpg"]
    walked = {folder: sorted(files) for folder, _, files in fs.walk("")}
    assert walked["music/songs"] == ["1.flac", "2.flac", "cover.jpg"]
    assert fs.du("music/songs") == 75_000


def test_reading(fs):
    assert fs.cat("music/songs/1.flac") == SONG
    assert fs.cat_file("music/songs/1.flac", 10, 20) == SONG[10:20]
    assert fs.cat_file("music/songs/1.flac", -10, None) == SONG[-10:]
    assert fs.cat_file("music/notes.txt", 2, 7) == b"plain"
    assert fs.head("music/songs/1.flac", 5) == SONG[:5]
    assert fs.cat(["music/README", "images/cat.jpg"])["images/cat.jpg"] == FILES["images/cat.jpg"]
    song = ["music/songs/1.flac"]
    paths = [*song * 3, "music/README", "nothing"]
    found = fs.cat_ranges(paths, [0, 100, 69_990, 0, 0], [10, 200, 80_000, 4, 4])
    assert found[:4] == [SONG[:10], SONG[100:200], SONG[69_990:], b"What"]
    assert isinstance(found[4], FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        fs.cat_ranges(["nothing"], 0, 4, on_error="raise")
    assert fs.checksum("music/README") != fs.checksum("music/notes.txt")


@pytest.mark.parametrize("what", ["open", "touch", "rm", "mkdir", "mv", "pipe"])
def test_nothing_can_be_written(fs, what):
    given = {"open": ("x", "wb"), "mv": ("music/README", "x"), "pipe": ("x", b"")}.get(what, ("x",))
    with pytest.raises(OSError, match="can only be read"):
        getattr(fs, what)(*given)


def test_ranges_of_one_file_are_read_together(url, large):  # noqa: F811
    fs = GitDataFileSystem(url, skip_instance_cache=True)
    store = counted(url)
    starts = [*range(0, 2_000_000, 1000)]
    ends = [start + 500 for start in starts]
    found = fs.cat_ranges(["large.flac"] * len(starts), starts, ends)
    assert found == [large[start : start + 500] for start in starts]
    assert 0 < store.count("read") < 20 and store.moved("read") < 4_000_000


def test_pickled_it_is_of_the_same_commit(url, user, work):  # noqa: F811
    fs = GitDataFileSystem(url, skip_instance_cache=True)
    sent = pickle.dumps(fs)
    work.commit(**{"music/README": "newer"})
    work.git("push", "-q", "origin", "main")
    again = pickle.loads(sent)
    assert again.cat("music/README") == FILES["music/README"]
    assert again.rev == fs.view.commit


def _size_of(fs, name):
    return os.getpid(), len(fs.cat(name))


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_many_processes(fs, how):
    fs.cat("music/README")
    with multiprocessing.get_context(how).Pool(2) as pool:
        work = [(fs, name) for name in ("music/songs/1.flac", "music/songs/2.flac")] * 4
        found = pool.starmap(_size_of, work)
    assert [size for _, size in found] == [70_000, 3000] * 4
    assert os.getpid() not in {pid for pid, _ in found}


def test_the_repository_one_is_in(user, work, monkeypatch):
    monkeypatch.chdir(work.path / "music")
    fs = GitDataFileSystem(skip_instance_cache=True)
    work.write("images/new.jpg", "staged")
    work.git("add", ".")
    assert fs.cat("images/new.jpg") == b"staged"
    assert fs.find("images")[-1] == "images/new.jpg"
    assert fs.ls("images", detail=False)[-1] == "images/new.jpg"
    assert pickle.loads(pickle.dumps(fs)).cat("images/new.jpg") == b"staged"
    pinned = pickle.loads(pickle.dumps(GitDataFileSystem(rev="v1", skip_instance_cache=True)))
    monkeypatch.chdir("/")
    assert pinned.cat("music/songs/1.flac") == SONG


def test_links_to_folders_are_not_walked(world, user):
    repo = world.repo("links")
    (repo.path / "folder").mkdir()
    (repo.path / "again").symlink_to(".")
    (repo.path / "away").symlink_to("nowhere")
    repo.commit(**{"folder/file": "content"})
    fs = GitDataFileSystem("links", skip_instance_cache=True)
    assert {i["name"]: i["type"] for i in fs.ls("")} == {
        "again": "link",
        "away": "link",
        "folder": "directory",
    }
    assert fs.ls("again/folder", detail=False) == ["again/folder/file"]
    assert fs.cat("again/folder/file") == b"content"
    assert len([*fs.walk("")]) == 2


# fsspec's own tests of file systems, those that read


class Prepared(GitDataFileSystem):
    """Where a test makes something, it has to be there already."""

    def mkdir(self, path, *given, **options):
        assert self.isdir(path)

    def touch(self, path, *given, **options):
        assert self.isfile(path)


class OfGitData(AbstractFixtures):
    """What those tests make by writing, made once by Git."""

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, tmp_path_factory, commands, installed_config):
        root, home = tmp_path_factory.mktemp("abstract"), tmp_path_factory.mktemp("home")
        (home / ".gitconfig").write_text(installed_config)
        repo = World(root, isolated(home, commands)).repo()
        repo.data("track", "*")
        deep = (
            "file1",
            "file2",
            "subdir/subfile1",
            "subdir/subfile2",
            "subdir/nesteddir/nestedfile",
        )
        for name in deep:
            repo.write(f"bulk/source/{name}", "")
        for number in range(2):
            for name in deep:
                repo.write(f"globs/source/{name}".replace("subdir", f"subdir{number}"), "")
        for name in ("file1", "file2"):
            repo.write(f"globs/source/{name}", "")
        for name in ("subdir.txt", "subdir/subfile.txt"):
            repo.write(f"prefix/source/{name}", "")
        repo.write("base/src/file", "")
        for number in range(10):
            name = md5(str(number).encode()).hexdigest()
            repo.write(f"hashed/source/{name}.txt", str(number))
        repo.commit()
        return repo

    @pytest.fixture
    def fs(self, made: Checkout, user: World):
        return Prepared(str(made.path), skip_instance_cache=True)

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def fs_path(self):
        return "base"

    @pytest.fixture
    def fs_bulk_operations_scenario_0(self):
        return "bulk/source"

    @pytest.fixture
    def fs_glob_edge_cases_files(self):
        return "globs/source"

    @pytest.fixture
    def fs_dir_and_file_with_same_name_prefix(self):
        return "prefix/source"

    @pytest.fixture
    def fs_10_files_with_hashed_names(self):
        return "hashed/source"


class TestGet(OfGitData, AbstractGetTests):
    pass


# The programs it is for


@pytest.fixture
def tables(user, work):
    """A folder of two Parquet files and a CSV, pushed; what is in them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    work.data("track", "*.parquet", "*.csv")
    (work.path / "table").mkdir()
    columns = {name: [*range(at, 40_000 + at)] for at, name in enumerate("abcd")}
    for part in range(2):
        pq.write_table(
            pa.table(columns), work.path / f"table/{part}.parquet", row_group_size=10_000
        )
    work.write("numbers.csv", "x,y\n1,2\n3,4\n")
    work.commit("tables")
    work.git("push", "-q", "origin", "main")
    return columns


def test_pandas(url, tables):  # noqa: F811
    import pandas

    options = {"repo": url}
    frame = pandas.read_parquet("gitdata://table/0.parquet", storage_options=options)
    assert frame["b"].tolist() == tables["b"]
    frame = pandas.read_csv("gitdata://numbers.csv", storage_options=options)
    assert frame["y"].tolist() == [2, 4]


def test_arrow(url, tables):  # noqa: F811
    from pyarrow import dataset

    fs = GitDataFileSystem(url, skip_instance_cache=True)
    found = dataset.dataset("table", filesystem=fs, format="parquet").to_table(columns=["c"])
    assert found.num_rows == 80_000 and found["c"].to_pylist()[:40_000] == tables["c"]


def test_arrow_reads_only_the_columns_it_needs(url, user, work):  # noqa: F811
    import pyarrow as pa
    import pyarrow.parquet as pq

    work.data("track", "*.parquet")
    columns = {
        name: pa.array([random_bytes(64, at) for at in range(20_000)]) for name in "abcdefgh"
    }
    path = work.path / "wide.parquet"
    pq.write_table(pa.table(columns), path, use_dictionary=False, compression="none")
    work.commit("table")
    work.git("push", "-q", "origin", "main")
    size = path.stat().st_size
    store = counted(url)
    fs = GitDataFileSystem(url, skip_instance_cache=True)
    with fs.open("wide.parquet") as file:
        assert pq.read_table(file, columns=["b", "g"]).num_rows == 20_000
    packs = sum(call.size for call in store.calls if call.verb == "read" and "packs" in call.name)
    assert size * 2 / 8 * 0.5 < packs < size * 2 / 8 + 6 * 524_288


def test_dask_on_two_workers(url, user, tables, monkeypatch):  # noqa: F811
    import dask
    import dask.dataframe
    from distributed import Client, LocalCluster

    monkeypatch.setenv("DASK_TEMPORARY_DIRECTORY", str(user.root / "dask"))
    shutil.rmtree(Path(user.home) / ".cache", ignore_errors=True)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}),
        LocalCluster(**options) as cluster,
        Client(cluster),
    ):
        frame = dask.dataframe.read_parquet(
            "gitdata://table/*.parquet", storage_options={"repo": url}
        )
        assert int(frame["d"].sum().compute()) == 2 * sum(tables["d"])


assert NEW_SONG  # what main has
