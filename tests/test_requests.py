"""What a push and a clone cost a store over a network in requests, and how many it gets at once."""

import threading

import pytest

from git_data.ahead import AHEAD_BYTES, Ahead, Width, width_of
from git_data.sending import PACK_BYTES
from git_data.stores.local import LocalStore
from git_data.stores.pace import MOST, Paced
from git_data.stores.retry import Retrying
from git_data.stores.wrap import Counting, Existing
from git_data.unpacking import READ_BYTES

from .helpers.engine import Clone, arrives, calls, content, count, ids, pack_reads, send

MIB = 1 << 20


def far(folder, root, create=False) -> Clone:
    """A clone whose store is reached as one over a network is."""
    return Clone(folder, Counting(Retrying(Paced(LocalStore(str(root), create=create)))))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


def test_ten_thousand_small_files_are_few_requests(tmp_path, root):
    """Thirty are promised, each way, and some are the commands' own."""
    files = {f"d{n % 100}/{n:05}.bin": content(f"{n}", 10 << 10) for n in range(10_000)}
    here = far(tmp_path / "here", root, create=True)
    wanted = send(here, files)
    assert len(calls(here)) <= 22
    there = far(tmp_path / "there", root)
    assert there.objects.fetch(wanted, there.cache) == []
    assert len(calls(there)) <= 20
    assert all(there.cache.has(one.oid, one.size) for one in wanted)
    # Two reads for each pack, and none that brings a few bytes.
    assert len(pack_reads(there)) <= 2 * count(here, "write", "/packs/")
    calls(here).clear()
    here.objects.send(wanted, here.cache)
    here.objects.missing(ids(wanted))
    here.objects.missing([])
    assert len(calls(here)) == 2


def test_a_large_file_is_few_large_requests(tmp_path, root):
    here = far(tmp_path / "here", root, create=True)
    files = {"f": content("f", 60 * MIB)}
    wanted = send(here, files)
    there = far(tmp_path / "there", root)
    assert count(here, "write", "/packs/") == 60 * MIB // PACK_BYTES + 1
    arrives(there, wanted, files)
    assert len(pack_reads(there)) <= 2 * count(here, "write", "/packs/")
    assert max(pack_reads(there)) <= READ_BYTES


class Meeting(LocalStore):
    """Remembers how many requests for packs were under way at once. Nothing is answered before
    so many of them have come together."""

    def __init__(self, root, expected):
        super().__init__(root)
        self.expected = expected
        self.most = self.now = 0
        self.changed = threading.Condition()

    def meet(self):
        with self.changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.most >= self.expected, 60)
            self.now -= 1

    def read(self, name, start=0, length=None):
        if "/packs/" in name:
            self.meet()
        return super().read(name, start, length)


def test_as_many_reads_at_once_as_memory_has_room_for(tmp_path, root):
    wanted = send(far(tmp_path / "here", root, create=True), {"f": content("f", 60 * MIB)})
    store = Meeting(str(root), 6)
    there = Clone(tmp_path / "there", Paced(store))
    assert there.objects.fetch(wanted, there.cache) == []
    assert 6 <= store.most <= AHEAD_BYTES // (6 * MIB)


def test_small_reads_are_as_many_as_the_store_wants(tmp_path, root):
    here = far(tmp_path / "here", root, create=True)
    # Files that lie too far from each other for one read.
    files = {f"{n:03}": content(f"{n}", 30_000 if n % 5 == 0 else 32_000) for n in range(160)}
    wanted = [one for n, one in enumerate(send(here, files)) if n % 5 == 0]
    store = Meeting(str(root), 8)
    there = Clone(tmp_path / "there", Paced(store, 16, 16))
    assert there.objects.fetch(wanted, there.cache) == []
    assert 8 <= store.most <= 16


def test_how_much_at_once():
    folder = LocalStore("/nowhere", create=True)
    assert width_of(folder) == Width(2, 2, 4)
    assert width_of(Existing(Counting(Retrying(Paced(folder))))) == Width(MOST, 4, MOST + 4)
    assert width_of(Paced(folder, 1, 1)) == Width(1, 1, 5)


def test_what_is_under_way_is_bounded_by_number_and_bytes():
    waiting = Ahead(2, 100)
    waiting.add("a", 60)
    waiting.add("b", 40)
    assert not waiting.is_over
    waiting.add("c", 0)
    assert waiting.is_over
    assert waiting.take() == "a"
    assert not waiting.is_over
    waiting.add("d", 61)
    assert waiting.is_over
    assert [waiting.take() for _ in range(len(waiting))] == ["b", "c", "d"]
    waiting.add("e", 1000)  # alone it may be as large as it is
    assert waiting.is_over
