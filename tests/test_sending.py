"""Pushes that were killed, or failed, and go on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from git_data.chunker import MAX_BYTES
from git_data.errors import StoreError
from git_data.hashing import HashingAside
from git_data.journal import Journal
from git_data.lookup import Catalog
from git_data.oid import hash_bytes
from git_data.progress import SILENT
from git_data.publishing import create
from git_data.sending import PACK_BYTES, Sender
from git_data.stores.local import LocalStore
from git_data.transfer import Wanted

from .helpers import pusher
from .helpers.engine import (
    Clone,
    arrives,
    clone,
    content,
    count,
    counting,
    files_of,
    ids,
    manifest_of,
    stored_bytes,
)

MIB = 1 << 20


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


def test_killed_pushes_leave_nothing_twice(tmp_path, root):
    size = 80 * MIB
    for packs in (1, 1, 3):
        push = pusher.start(tmp_path / "here", root, "big", size, packs)
        assert push.wait() == -9
        assert stored_bytes(root) < 1.02 * size
    assert pusher.start(tmp_path / "here", root, "big", size).wait() == 0
    assert stored_bytes(root) < 1.02 * size
    at = clone(tmp_path / "there", root)
    wanted = Wanted(hash_bytes(content("big", size)), size, "big")
    assert at.objects.fetch([wanted], at.cache) == []


class Failing(LocalStore):
    """Has room for full packs, and not for the last one."""

    def write(self, name, parts):
        if name.startswith("data/packs/") and sum(map(len, parts)) < PACK_BYTES - MAX_BYTES:
            raise StoreError(f"{self.root} is full")
        super().write(name, parts)


def test_what_was_confirmed_is_not_sent_again(tmp_path, root):
    at = Clone(tmp_path / "here", Failing(str(root), create=True))
    wanted = [at.add(f"{n}", content(f"{n}", 30 * MIB)) for n in range(3)]
    with pytest.raises(StoreError, match="is full"):
        at.objects.send(wanted, at.cache)
    assert at.objects.missing(ids(wanted)) == ids(wanted)
    assert len(files_of(root, "packs")) == 90 * MIB // PACK_BYTES
    again = counting(tmp_path / "here", root)
    sent = again.objects.send(wanted, again.cache)
    assert sent.new_bytes < PACK_BYTES
    assert count(again, "write", "/packs/") == 1
    assert again.objects.missing(ids(wanted)) == set()
    assert files_of(tmp_path / "here", "journal") == []


def test_a_journal_is_not_believed_when_the_pack_is_gone(tmp_path, root):
    at = Clone(tmp_path / "here", Failing(str(root), create=True))
    wanted = [at.add(f"{n}", content(f"{n}", 30 * MIB)) for n in range(3)]
    with pytest.raises(StoreError):
        at.objects.send(wanted, at.cache)
    files_of(root, "packs")[1].unlink()
    again, there = clone(tmp_path / "here", root), clone(tmp_path / "there", root)
    again.objects.send(wanted, again.cache)
    assert there.objects.fetch(wanted, there.cache) == []


@pytest.mark.parametrize("change", ["cut", "flip"])
def test_a_damaged_journal_costs_time_and_nothing_else(tmp_path, root, change):
    at = Clone(tmp_path / "here", Failing(str(root), create=True))
    wanted = [at.add(f"{n}", content(f"{n}", 30 * MIB)) for n in range(3)]
    with pytest.raises(StoreError):
        at.objects.send(wanted, at.cache)
    [journal] = (tmp_path / "here" / "push").rglob("journal")
    data = bytearray(journal.read_bytes())
    middle = len(data) // 2
    assert middle > 1000
    data[middle] ^= 1
    journal.write_bytes(data[:middle] if change == "cut" else data)
    again, there = clone(tmp_path / "here", root), clone(tmp_path / "there", root)
    again.objects.send(wanted, again.cache)
    assert there.objects.fetch(wanted, there.cache) == []
    assert stored_bytes(root) < 91 * MIB


def test_a_long_push_publishes_as_it_goes(tmp_path, root):
    at = Clone(tmp_path / "here", LocalStore(str(root), create=True))
    files = {f"{n:03}": content(f"{n}", 5000) for n in range(300)}
    shared = content("shared", 3 * MIB)
    files |= {"100 large": shared + b"one", "200 large": shared + b"two"}
    wanted = sorted(at.add_all(files), key=lambda w: w.path)
    catalog = Catalog(at.objects._catalog.store, at.folder)
    store_id = create(catalog).store
    with Journal(at.folder, store_id, 0) as journal, ThreadPoolExecutor(4) as pool:
        sender = Sender(catalog, at.cache, journal, pool, SILENT)
        sender.checkpoint_chunks = 40
        sender.send(wanted)
    assert manifest_of(root).generation == 3  # an empty store, one checkpoint, the end
    assert sender.new_bytes < 300 * 5000 + 3 * MIB + 2 * MAX_BYTES  # shared chunks sent once
    arrives(clone(tmp_path / "there", root), wanted, files)


@pytest.mark.parametrize("sizes", [[1], [100, 70_000, 5_000_000]])
def test_a_hash_aside_is_the_hash(sizes):
    with ThreadPoolExecutor(1) as pool:
        with HashingAside(pool, 2) as state:
            for size in sizes:
                state.update([memoryview(content(f"{size}", size))])
        whole = b"".join(content(f"{size}", size) for size in sizes)
        assert state.digest() == hash_bytes(whole)


def test_a_hash_aside_that_nobody_takes_holds_nobody():
    """Interrupted, while every thread of the pool hangs in the network."""
    hanging = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(hanging.wait)
        try:
            with pytest.raises(KeyboardInterrupt), HashingAside(pool, 1) as state:
                state.update([memoryview(b"the queue is full now")])
                raise KeyboardInterrupt
        finally:
            hanging.set()


def test_a_file_counts_as_sent_when_its_pack_is_stored(tmp_path, root):
    told = Told()

    class Watching(LocalStore):
        def write(self, name, parts):
            super().write(name, parts)
            if "/packs/" in name:
                written.append(sum(map(len, parts)))
                seen.append(told.size)

    written, seen = [], []
    at = Clone(tmp_path / "here", Watching(str(root), create=True))
    wanted = [at.add(f"{n}", content(f"{n}", 20 * MIB)) for n in range(3)]
    at.objects.send(wanted, at.cache, told)
    assert len(written) == 5
    for number, size in enumerate(seen):
        assert size <= sum(written[:number])  # never more than was there before
    assert told.size == 60 * MIB and told.files == 3


class Told:
    files = size = 0

    def start(self, what, files, size):
        pass

    def advance(self, files, size):
        self.files += files
        self.size += size

    def finish(self):
        pass
