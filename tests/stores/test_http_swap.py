"""Compare and swap over HTTP: whom the probe believes, and how Apache is made to let in one."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from git_data.errors import Conflict, Denied, StoreError, Unreachable
from git_data.stores.access import Access
from git_data.stores.http import open_http
from git_data.stores.local import LocalStore
from git_data.stores.probe import Probe, probe
from git_data.stores.web.body import Sent
from git_data.stores.web.claims import STALE_SECONDS
from git_data.stores.web.wire import Timeouts
from git_data.stores.wrap import Around

from ..helpers.scripted import Asked, Keeper, Reply, Scripted

NAME = "data/manifest"
HASTY = Timeouts(turn=0.2)


def store_at(url, timeouts=None):
    return open_http(url, Access(), timeouts)


# Servers that answer as the protocol says, and some that only seem to


class Careless(Keeper):
    """Looks at the conditions when it has the headers, as mod_dav does."""

    def early(self, asked):
        return Reply(412) if asked.verb == "PUT" and self.refuses(asked) else None

    def PUT(self, asked):
        self.files[asked.path] = asked.body
        return Reply(201, {"ETag": self.etag(asked.body)})


class Blurred(Keeper):
    """Its ETags are strong, it says, and made of no more than the size."""

    def etag(self, content):
        return f'"{len(content)}"'


class Halfway(Keeper):
    """Knows `If-None-Match: *`, and not `If-Match`; nor does it tell what it made."""

    def PUT(self, asked):
        reply = super().PUT(asked)
        return Reply(reply.status)

    def refuses(self, asked):
        return asked.headers.get("If-None-Match") == "*" and asked.path in self.files


class Weak(Keeper):
    def etag(self, content):
        return f"W/{super().etag(content)}"


class Queue(Keeper):
    """One request after the other, as a server of one thread: what comes second has to wait."""

    def __init__(self):
        super().__init__()
        self.turn = threading.Lock()

    def early(self, asked):
        self.turn.acquire()

    def answer(self, asked):
        try:
            return super().answer(asked)
        finally:
            self.turn.release()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Keeper, ""),
        (Queue, ""),
        # Found by overtaking it or, where it was slow to look, by racing.
        (Careless, "two who push at once would lose data"),
        (Blurred, "replaced a file that had changed"),
        (Halfway, "replaced a file that"),
        (Weak, "gives no strong ETag"),
    ],
)
@pytest.mark.parametrize("wrapped", [lambda store: store, Around])
def test_whom_the_probe_believes(kind, reason, wrapped):
    keeper = kind()
    with Scripted(keeper.answer, early=keeper.early) as server:
        # Who queues is not answered before it gives up; a busy machine needs its time.
        patience = Timeouts(stall=2 if kind is Queue else 60)
        store = wrapped(store_at(f"{server.url}/r", patience))
        found = probe(store)
        assert found.can_write
        assert found.can_compare_and_swap == (reason == "")
        assert reason in found.reason
        assert keeper.files == {}


# Apache


@pytest.fixture
def dav(apache):
    return apache.fresh()


def test_the_conditions_of_apache_alone_let_two_win(dav):
    """The fact that `claims.py` is for. Once this fails, it may go."""
    folder, url = dav
    store = store_at(url)
    first = store.replace_if(NAME, b"first", None)
    os.utime(folder / NAME, (1e9, 1e9))  # older than a second: its ETag is a strong one
    etag = store._swapper.look(NAME, 100).etag
    assert etag and not etag.startswith("W/")
    reached, go_on = threading.Event(), threading.Event()

    def slowly():
        yield b"sl"
        reached.set()
        go_on.wait(10)
        yield b"ow"

    class Body:
        __iter__ = staticmethod(slowly)
        __len__ = staticmethod(lambda: 4)

    put = lambda data: requests.put(f"{url}/{NAME}", data, headers={"If-Match": etag})  # noqa: E731
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(put, Body())
        reached.wait(10)
        while put(b"quick").status_code == 412:  # not before its headers have arrived
            pass
        go_on.set()
        assert slow.result().status_code == 204
    assert store.read(NAME) == b"slow"
    assert first


def test_a_claim_is_gone_when_its_work_is_done(dav):
    folder, url = dav
    store = store_at(url)
    version = store.replace_if(NAME, b"one", None)
    store.replace_if(NAME, b"two", version)
    with pytest.raises(Conflict):
        store.replace_if(NAME, b"lost", version)
    assert os.listdir(folder / "tmp") == []
    assert dict(store.list("")) == {NAME: 3}


def held(dav, version):
    """Somebody has a claim on this version of the manifest, and does not come back."""
    folder, url = dav
    store = store_at(url)
    claims = store._swapper._claims
    claim = claims.take(NAME, version, lambda: False)
    path = folder / claim
    assert path.is_dir()
    return path


def test_while_somebody_replaces_a_file_others_wait_and_then_say_so(dav):
    _, url = dav
    version = store_at(url).replace_if(NAME, b"one", None)
    path = held(dav, version)
    with pytest.raises(StoreError, match="is being replaced by another push") as caught:
        store_at(url, HASTY).replace_if(NAME, b"two", version)
    assert "5 minutes" in caught.value.hint
    assert store_at(url).read(NAME) == b"one"
    assert path.is_dir()


def test_who_waits_learns_that_the_file_was_replaced(dav):
    folder, url = dav
    store = store_at(url)
    version = store.replace_if(NAME, b"one", None)
    held(dav, version)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(store_at(url).replace_if, NAME, b"late", version)
        (folder / NAME).write_bytes(b"two")
        with pytest.raises(Conflict):
            late.result()


def test_a_claim_that_was_left_behind_gives_way(dav):
    """By the clock of the server, whatever ours says."""
    folder, url = dav
    store = store_at(url, HASTY)
    version = store.replace_if(NAME, b"one", None)
    path = held(dav, version)
    old = path.stat().st_mtime - STALE_SECONDS - 5
    os.utime(path, (old, old))
    newer = store.replace_if(NAME, b"two", version)
    assert store.read(NAME) == b"two"
    assert os.listdir(folder / "tmp") == []
    assert newer != version


def test_a_claim_on_a_store_that_is_being_made_gives_way_too(dav):
    folder, url = dav
    path = held(dav, None)
    old = path.stat().st_mtime - STALE_SECONDS - 5
    os.utime(path, (old, old))
    store_at(url, HASTY).replace_if(NAME, b"one", None)
    assert os.listdir(folder / "tmp") == []


def test_of_many_who_find_a_stale_claim_one_gets_through(dav):
    _, url = dav
    store = store_at(url)
    version = store.replace_if(NAME, b"one", None)
    path = held(dav, version)
    old = path.stat().st_mtime - STALE_SECONDS - 5
    os.utime(path, (old, old))

    def attempt(number):
        try:
            store_at(url).replace_if(NAME, b"by %d" % number, version)
        except Conflict:
            return None
        return b"by %d" % number

    with ThreadPoolExecutor(6) as pool:
        won = [data for data in pool.map(attempt, range(6)) if data]
    assert won == [store.read(NAME)]


def test_whoever_comes_back_late_replaces_nothing(dav):
    """It had the claim, and its request is on its way only now."""
    _, url = dav
    store, late = store_at(url), store_at(url)
    version = store.replace_if(NAME, b"one", None)
    assert late.read_small(NAME, 10).version == version
    store.replace_if(NAME, b"two", version)
    with pytest.raises(Conflict):
        late._swapper._put(NAME, Sent([b"late"]), "", version)
    assert store.read(NAME) == b"two"


_PASSED = ("ETag", "DAV", "Date", "Content-Type", "Content-Range")


def lossy(apache, lose):
    """In front of Apache; loses the answer to a request of which `lose` is true."""

    def answer(asked: Asked):
        url = f"{apache.url}{asked.path}"
        kept = {k: v for k, v in asked.headers.items() if k not in ("Host", "Connection")}
        there = requests.request(asked.verb, url, headers=kept, data=asked.body)
        if lose(asked):
            return None
        passed = {k: v for k, v in there.headers.items() if k in _PASSED}
        return Reply(there.status_code, passed, there.content)

    return Scripted(answer)


def test_an_answer_that_was_lost(apache, dav):
    """Nobody knows if it was done, so the claim stays; whoever tries again has it already."""
    folder, url = dav
    lost = []

    def lose(asked):
        if asked.verb == "PUT" and asked.body == b"two" and not lost:
            lost.append(asked)
            return True
        return False

    with lossy(apache, lose) as server:
        store = store_at(url.replace(apache.url, server.url), HASTY)
        version = store.replace_if(NAME, b"one", None)
        with pytest.raises(Unreachable):
            store.replace_if(NAME, b"two", version)
        assert store.read(NAME) == b"two"
        assert len(os.listdir(folder / "tmp")) == 1
        with pytest.raises(Conflict):
            store.replace_if(NAME, b"two again", version)
        assert os.listdir(folder / "tmp") == []


def test_a_request_that_was_lost(apache, dav):
    folder, url = dav
    lost = []

    def answer(asked):
        if asked.verb == "PUT" and asked.body == b"two" and not lost:
            lost.append(asked)
            return None
        return inner.answer(asked)

    inner = lossy(apache, lambda asked: False)
    with inner, Scripted(answer) as server:
        store = store_at(url.replace(apache.url, server.url), HASTY)
        version = store.replace_if(NAME, b"one", None)
        with pytest.raises(Unreachable):
            store.replace_if(NAME, b"two", version)
        store.replace_if(NAME, b"two", version)
        assert store.read(NAME) == b"two"
        assert os.listdir(folder / "tmp") == []


@pytest.mark.parametrize("status", [403, 404, 423, 507])
def test_a_server_that_lets_nobody_make_a_claim(status):
    def answer(asked):
        if asked.verb == "MKCOL":
            return Reply(status)
        if asked.verb == "OPTIONS":
            return Reply(200, {"DAV": "1, 2"})
        return Reply(404)

    with Scripted(answer) as server:
        with pytest.raises((Denied, StoreError), match=str(status) if status != 404 else "tmp"):
            store_at(server.url).replace_if(NAME, b"x", None)
        assert "PUT" not in server.verbs()


def test_pushes_by_many_processes_of_one_store_over_apache(dav):
    """Each has its own connections, as each pusher has."""
    _, url = dav

    def push(number):
        store = store_at(url)
        while True:
            found = store.read_small(NAME, 1 << 20)
            data = found.data if found else b""
            try:
                store.replace_if(NAME, data + b"%02d " % number, found.version if found else None)
                return
            except Conflict:
                continue

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(push, range(18)))
    numbers = store_at(url).read(NAME).split()
    assert sorted(map(int, numbers)) == list(range(18))


def test_what_apache_wrote_is_a_store_in_a_folder(dav):
    folder, url = dav
    store = store_at(url)
    store.replace_if(NAME, b"{}", None)
    store.write("data/packs/ab/abcdef", [b"abc"])
    there = LocalStore(folder)
    assert dict(there.list("")) == {NAME: 2, "data/packs/ab/abcdef": 3}
    assert there.read_small(NAME, 10) == store.read_small(NAME, 10)


def test_the_probe_trusts_apache(dav):
    assert probe(store_at(dav[1])) == Probe(True, True, "")
