"""What is built around a store, over real connections that break."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from git_data.errors import Damaged, Denied, Unreachable
from git_data.stores.access import Access
from git_data.stores.base import READ_BYTES, Interrupted
from git_data.stores.http import open_http
from git_data.stores.pace import Paced
from git_data.stores.retry import Retrying

from ..helpers.faults import (
    Answer,
    Cut,
    FaultProxy,
    Flip,
    LoseAnswer,
    LoseRequest,
    Reset,
    broken,
    busy,
    expired,
)
from ..helpers.webfolder import WebFolder
from ..helpers.webstore import WebStore

NAME = "data/packs/ab/abcdef"
CONTENT = os.urandom(3 << 20)


@pytest.fixture
def server(tmp_path):
    with WebFolder(tmp_path) as made:
        made.file = tmp_path / NAME
        made.file.parent.mkdir(parents=True)
        made.file.write_bytes(CONTENT)
        yield made


@pytest.fixture
def proxy(server):
    with FaultProxy(server.port) as made:
        yield made


@pytest.fixture(params=[WebStore, lambda url: open_http(url, Access())], ids=["small", "http"])
def opened(request):
    return request.param


@pytest.fixture
def store(proxy, opened):
    return Retrying(Paced(opened(proxy.url)), sleep=lambda seconds: None)


@pytest.mark.parametrize("fault", [Reset(1 << 20), Cut(1 << 20)])
def test_a_body_is_gone_on_with_where_it_broke_off(proxy, store, fault):
    proxy.add(fault, times=2)
    assert store.read(NAME, 5, len(CONTENT) - 5) == CONTENT[5:]
    assert proxy.count("GET") == 3


def test_a_file_that_was_replaced_meanwhile_is_read_anew(server, proxy, store):
    proxy.add(Cut(1 << 20))
    with pytest.raises(Interrupted) as caught:
        store.inner.read(NAME, 0, len(CONTENT))
    assert caught.value.data == CONTENT[: 1 << 20]
    server.file.write_bytes(CONTENT[::-1])
    with pytest.raises(Damaged):
        store.resume(NAME, 1 << 20, 5, caught.value.version)
    proxy.add(Cut(1 << 20))
    proxy.forget()
    assert store.read(NAME, 0, len(CONTENT)) == CONTENT[::-1]
    assert proxy.count("GET") == 2


@pytest.mark.parametrize(
    "fault",
    [busy(503), busy(429), busy(503, 1), broken(500), Answer(502), LoseRequest(), LoseAnswer()],
)
def test_requests_that_fail_are_made_again(server, proxy, store, fault):
    proxy.add(fault, method="PUT", times=3)
    store.write("data/packs/cd/cdef", [CONTENT, b"more"])
    assert (server.root / "data/packs/cd/cdef").read_bytes() == CONTENT + b"more"
    proxy.add(fault, times=3)
    assert store.size(NAME) == len(CONTENT)
    proxy.add(fault, times=3)
    assert store.read(NAME, 1, 2) == CONTENT[1:3]
    proxy.add(fault, method="DELETE", times=3)
    store.delete(NAME)
    assert not server.file.exists()
    assert proxy.count("GET") == 4
    assert proxy.count("PUT") == 4 or isinstance(fault, LoseAnswer)  # who looks need not send


def test_refused_is_refused(proxy, store):
    proxy.add(expired())
    with pytest.raises(Denied):
        store.read(NAME, 0, 1)
    assert proxy.count() == 1


def test_bytes_that_are_wrong_are_for_others_to_find(proxy, store):
    proxy.add(Flip(3))
    assert store.read(NAME, 0, 5) != CONTENT[:5]
    assert store.copies[0].read(NAME, 0, 5) == CONTENT[:5]


def test_a_server_that_is_down_for_good(proxy, server):
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    store = Retrying(WebStore(proxy.url), clock=lambda: now[0], sleep=sleep)
    assert store.size(NAME) == len(CONTENT)
    proxy.is_down = True
    with pytest.raises(Unreachable):
        store.read(NAME, 0, 1)
    assert 50 < now[0] <= 60


def test_a_busy_server_gets_fewer_at_once(server, proxy, store):
    proxy.add(busy(503), times=1)
    proxy.latency = 0.005
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda n: store.read(NAME, n, 9), range(30)))
    assert found == [CONTENT[n : n + 9] for n in range(30)]
    assert proxy.most_at_once <= 8
    assert 4 <= store.inner.limit <= 8


def test_one_in_three_requests_fails_and_all_arrives(server, proxy, store):
    proxy.fail_some(33, seed=3)
    data = os.urandom(READ_BYTES + 100)
    with ThreadPoolExecutor(8) as pool:
        names = [f"data/packs/ee/{n:04x}" for n in range(20)]
        list(pool.map(lambda name: store.write(name, [data[:500_000], name.encode()]), names))
        sizes = list(pool.map(store.size, names))
        found = list(pool.map(lambda name: store.read(name, 100_000, 400_004), names))
    assert sizes == [500_000 + len(name) for name in names]
    assert found == [data[100_000:500_000] + name.encode()[:4] for name in names]
    assert any(one.fault for one in proxy.seen)
