"""One contract, every store: a new store is added to `STORES` and gets every test."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from git_data.errors import Conflict, Damaged, NotFound, StoreError, Unreachable
from git_data.stores import open_store
from git_data.stores.access import Access
from git_data.stores.base import NAME_CHARACTERS, READ_BYTES, HasPaths, Resumes
from git_data.stores.filestore import FileStore
from git_data.stores.filesystems import SpecFiles
from git_data.stores.local import LocalStore
from git_data.stores.mirrored import Mirrored
from git_data.stores.pace import Paced
from git_data.stores.probe import Probe, probe
from git_data.stores.retry import Retrying
from git_data.stores.s3 import open_s3
from git_data.stores.sftp import open_sftp
from git_data.stores.wrap import Counting
from git_data.tracing import Traced

from ..helpers import servers


class Flaky:
    """A store that loses every other request before it arrives, as a bad network does."""

    def __init__(self, inner):
        self.inner = inner
        self.requests = 0

    def __getattr__(self, name):
        found = getattr(self.inner, name)
        if name not in ("read", "read_small", "write", "size", "list", "delete"):
            return found

        def ask(*arguments):
            self.requests += 1
            if self.requests % 2:
                raise Unreachable("the network is bad")
            return found(*arguments)

        return ask


def local(request):
    folder = request.getfixturevalue("tmp_path")
    return open_store("store", base=str(folder), create=True)


def s3(request):
    """Each test in a prefix of its own, whose name is none too easy."""
    server = request.getfixturevalue("seaweed")
    address = server.address(f"contract ü/{uuid.uuid4().hex}")
    return open_s3(address, Access(trusted=True, profile=servers.PROFILE))


def apache(request):
    return open_store(request.getfixturevalue("apache").fresh()[1], base="", create=True)


ALONE = Access(trusted=True, single_writer=True)  # without it these stores are only read


def sftp(request):
    server = request.getfixturevalue("sshd")
    return open_sftp(server.fresh()[1], ALONE, str(server.ssh_folder))


def memory(request):
    """Of fsspec's own file systems that which behaves as those of clouds do."""
    import fsspec

    root = f"/{uuid.uuid4().hex}/store"
    load = lambda: fsspec.filesystem("memory")  # noqa: E731
    return FileStore(SpecFiles(load, root, f"memory:/{root}"), single_writer=True)


def flaky(store):
    return Retrying(Flaky(store), sleep=lambda seconds: None)


def mirrored(request):
    """The mirror is empty: nothing may be asked of it but what the first has not."""
    mirror = request.getfixturevalue("tmp_path") / "mirror"
    return Mirrored(local(request), [lambda: LocalStore(mirror, create=True)])


STORES = {
    "local": local,
    "mirrored": mirrored,
    "traced": lambda request: Traced(local(request), [].append),
    "counting": lambda request: Counting(local(request)),
    "retrying": lambda request: Retrying(local(request)),
    "retrying over a bad network": lambda request: flaky(local(request)),
    "paced": lambda request: Paced(local(request), 2, 4),
    "http": apache,
    "http over a bad network": lambda request: flaky(apache(request)),
    "sftp": sftp,
    "sftp over a bad network": lambda request: flaky(sftp(request)),
    "memory": memory,
    "s3": s3,
    "s3 over a bad network": lambda request: flaky(s3(request)),
}
FOLDERS = {name for name in STORES if not name.startswith(("s3", "http", "sftp", "memory"))}
BUCKETS = {name for name in STORES if name.startswith("s3")}
SLOW_RACES = BUCKETS  # who loses waits for seconds in SeaweedFS
NAME = "data/packs/ab/abcdef"


@pytest.fixture(params=STORES)
def kind(request):
    return request.param


@pytest.fixture
def store(request, kind):
    return STORES[kind](request)


# Immutable files


@pytest.mark.parametrize(
    "parts", [[], [b""], [b"abc"], [b"a", bytearray(b"b"), memoryview(b"xcx")[1:2]]]
)
def test_what_is_written_is_read(store, parts):
    store.write(NAME, parts)
    content = b"".join(parts)
    assert store.read(NAME) == content
    assert store.size(NAME) == len(content)


def test_a_long_file_in_ranges(store):
    content = os.urandom(READ_BYTES + 5)
    store.write(NAME, [content[:1000], memoryview(content)[1000:]])
    assert store.read(NAME, 0, READ_BYTES) == content[:READ_BYTES]
    assert store.read(NAME, READ_BYTES) == content[READ_BYTES:]
    assert store.read(NAME, 999, 3) == content[999:1002]


def test_an_empty_range(store):
    store.write(NAME, [b"abc"])
    assert store.read(NAME, 3, 0) == b""
    assert store.read(NAME, 3) == b""


@pytest.mark.parametrize(("start", "length"), [(0, 4), (2, 2), (3, 1), (4, None), (9, 1)])
def test_a_range_past_the_end_is_damage(store, start, length):
    store.write(NAME, [b"abc"])
    with pytest.raises(Damaged, match=NAME):
        store.read(NAME, start, length)


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1), (0, READ_BYTES + 1)])
def test_a_range_that_nobody_may_ask_for(store, start, length):
    store.write(NAME, [b"abc"])
    with pytest.raises(StoreError, match=NAME):
        store.read(NAME, start, length)


def test_what_is_not_there(store):
    with pytest.raises(NotFound, match=NAME):
        store.read(NAME, 0, 1)
    assert store.size(NAME) is None
    assert store.read_small(NAME, 10) is None
    store.delete(NAME)
    assert list(store.list("data")) == []


def test_writing_twice_is_once(store):
    store.write(NAME, [b"abc"])
    store.write(NAME, [b"a", b"bc"])
    assert store.read(NAME) == b"abc"


def test_a_file_cut_off_is_written_anew(store):
    """A name stands for its content, so another size is damage, and a writer heals it."""
    store.write(NAME, [b"ab"])
    store.write(NAME, [b"abc"])
    assert store.read(NAME) == b"abc"


def test_a_folder_is_no_file(store, kind):
    store.write(NAME, [b"abc"])
    assert store.size("data/packs") is None
    with pytest.raises(NotFound if kind in {*BUCKETS, "memory"} else StoreError):
        store.read("data/packs", 0, 1)
    if kind not in BUCKETS:  # there a file and a folder may have one name
        with pytest.raises(StoreError):
            store.write("data/packs", [b"abc"])
    assert store.read(NAME) == b"abc"


def test_deleting(store):
    store.write(NAME, [b"abc"])
    store.delete(NAME)
    assert store.size(NAME) is None
    store.write(NAME, [b"abcd"])
    assert store.read(NAME) == b"abcd"


def test_listing(store):
    wanted = {"data/packs/ab/abcdef": 3, "data/packs/cd/cdef": 0, "data/index/00": 2}
    for name, size in wanted.items():
        store.write(name, [bytes(size)])
    store.replace_if("data/manifest", b"{}", None)
    assert sorted(store.list("data/packs")) == [
        ("data/packs/ab/abcdef", 3),
        ("data/packs/cd/cdef", 0),
    ]
    assert sorted(store.list("data/packs/")) == sorted(store.list("data/packs"))
    assert dict(store.list("")) == {**wanted, "data/manifest": 2}
    assert list(store.list("data/pack")) == []


def test_many_threads(store):
    contents = {f"data/packs/{n:02x}/{n:04x}": os.urandom(1000 + n) for n in range(40)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.write(name, [contents[name]]), contents))
        assert list(pool.map(store.read, contents)) == list(contents.values())
    assert dict(store.list("data")) == {name: len(data) for name, data in contents.items()}


def test_many_writers_of_one_file(store):
    content = os.urandom(100_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.write(NAME, [content]), range(8)))
    assert store.read(NAME) == content
    assert list(store.list("")) == [(NAME, len(content))]


# Names

BAD_NAMES = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../up",
    "data/../../up",
    "data/./manifest",
    "data//manifest",
    "data/",
    "Data",
    "data/a b",
    "data\\up",
    "data/\0",
    "data/\n",
    "data/manifest\n",
    "dätä",
    "data/%2e%2e/up",
    "x" * (NAME_CHARACTERS + 1),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_elsewhere(store, tmp_path, name):
    for ask in (
        lambda: store.read(name, 0, 1),
        lambda: store.read_small(name, 1),
        lambda: store.size(name),
        lambda: store.write(name, [b"x"]),
        lambda: store.delete(name),
        lambda: store.replace_if(name, b"x", None),
    ):
        with pytest.raises(StoreError, match="not a name for a file in a store"):
            ask()
    assert os.listdir(tmp_path) in ([], ["store"])
    assert list(store.list("")) == []


@pytest.mark.parametrize("prefix", ["..", "/", "data/..", "Data", "data//"])
def test_prefixes_that_lead_elsewhere(store, prefix):
    with pytest.raises(StoreError, match="not a name for a file in a store"):
        list(store.list(prefix))


@pytest.mark.parametrize("name", ["a", "data/.x", "data/a..b", "data/-a", "x" * NAME_CHARACTERS])
def test_names_that_are_fine(store, name):
    store.write(name, [b"x"])
    assert list(store.list("")) == [(name, 1)]


# Small files that change


def test_compare_and_swap(store):
    first = store.replace_if("data/manifest", b"one", None)
    assert store.read_small("data/manifest", 100) == (b"one", first)
    second = store.replace_if("data/manifest", memoryview(b"two"), first)
    assert second != first
    assert store.read_small("data/manifest", 3) == (b"two", second)


def test_a_swap_that_comes_too_late_changes_nothing(store):
    first = store.replace_if("data/manifest", b"one", None)
    second = store.replace_if("data/manifest", b"two", first)
    for version in (None, first, "no version of ours"):
        with pytest.raises(Conflict, match="data/manifest"):
            store.replace_if("data/manifest", b"lost", version)
    assert store.read_small("data/manifest", 100) == (b"two", second)


def test_a_swap_of_what_is_not_there(store):
    with pytest.raises(Conflict, match="data/manifest"):
        store.replace_if("data/manifest", b"one", "some version")
    assert store.read_small("data/manifest", 100) is None


def test_a_swap_after_a_deletion(store):
    first = store.replace_if("data/manifest", b"one", None)
    store.delete("data/manifest")
    assert list(store.list("")) == []
    with pytest.raises(Conflict):
        store.replace_if("data/manifest", b"two", first)
    store.replace_if("data/manifest", b"three", None)
    assert store.read_small("data/manifest", 100).data == b"three"


def test_a_manifest_that_is_too_large_is_not_read(store):
    store.replace_if("data/manifest", b"12345", None)
    with pytest.raises(Damaged, match="more than 4 bytes"):
        store.read_small("data/manifest", 4)


def test_one_racer_wins(store, kind):
    """Several threads, each adding its numbers once, as pushers do: none is lost."""
    threads, count = (2, 6) if kind in SLOW_RACES else (8, 24)

    def add(number):
        while True:
            found = store.read_small("data/manifest", 1 << 20)
            data = found.data if found else b""
            try:
                store.replace_if(
                    "data/manifest", data + b"%d " % number, found.version if found else None
                )
                return
            except Conflict:
                continue

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(add, range(count)))
    numbers = store.read_small("data/manifest", 1 << 20).data.split()
    assert sorted(map(int, numbers)) == list(range(count))


def test_the_probe_is_content_and_leaves_nothing(store):
    assert probe(store) == Probe(True, True, "")
    assert list(store.list("")) == []


# Optional: files that can be opened in place


def test_local_path(store):
    if not isinstance(store, HasPaths):
        return
    assert store.local_path(NAME) is None
    store.write(NAME, [b"abc"])
    path = store.local_path(NAME)
    if path is not None:
        with open(path, "rb") as file:
            assert file.read() == b"abc"


def test_every_store_says_where_it_is(store, kind, tmp_path):
    if kind in FOLDERS:
        assert str(tmp_path / "store") in store.url
    else:
        assert store.url.startswith(f"{kind.split()[0]}://")
        assert servers.SECRET not in store.url and servers.KEY not in store.url


# Optional: going on in the middle of a body


def test_resuming(store, kind):
    if not isinstance(store, Resumes) or kind not in BUCKETS:
        return  # test_http.py has its own: what it resumes by is not what it swaps by
    store.write("data/packs/ab/other", [b"0123456789"])
    version = store.read_small("data/packs/ab/other", 100).version
    assert store.resume("data/packs/ab/other", 3, 4, version) == b"3456"
    assert store.resume("data/packs/ab/other", 9, 1, version) == b"9"
    with pytest.raises(Damaged):
        store.resume("data/packs/ab/other", 9, 2, version)
    with pytest.raises(NotFound):
        store.resume(NAME, 0, 1, version)
    store.write("data/packs/ab/other", [b"another file"])
    with pytest.raises(Damaged, match="data/packs/ab/other"):
        store.resume("data/packs/ab/other", 3, 4, version)
