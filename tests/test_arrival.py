"""A large object on its way: threads that come late do no harm."""

import os

import pytest

from git_data.arrival import Arrival
from git_data.cache import Cache
from git_data.oid import hash_bytes
from git_data.transfer import Wanted

DATA = b"0123456789"


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def arrival(cache):
    return Arrival(Wanted(hash_bytes(DATA), len(DATA), "a/path"), None, cache)


def test_pieces_in_any_order(arrival, cache):
    arrival.write([DATA[5:8], memoryview(DATA)[8:]], 5)
    arrival.write([DATA[:5]], 0)
    assert arrival.read(3, 4) == DATA[3:7]
    assert arrival.is_right_now()
    arrival.hash([DATA[:5], DATA[5:]])
    assert arrival.is_right()
    arrival.keep(cache)
    with cache.open(hash_bytes(DATA), len(DATA)) as file:
        assert file.read() == DATA


@pytest.mark.parametrize("end", ["drop", "keep"])
def test_what_comes_late_is_not_written_anywhere(arrival, cache, tmp_path, end):
    arrival.write([DATA], 0)
    number = arrival._fd
    if end == "keep":
        arrival.keep(cache)
    else:
        arrival.drop()
    with (tmp_path / "another").open("w+b") as another:
        if another.fileno() != number:  # the system gives numbers out again, the lowest first
            os.dup2(another.fileno(), number)
        arrival.write([b"late"], 0)
        if another.fileno() != number:
            os.close(number)
        assert another.read() == b""
    assert cache.has(hash_bytes(DATA), len(DATA)) == (end == "keep")
    assert os.listdir(cache.root + "/tmp") == []


def test_bytes_that_changed_in_the_file_are_seen(arrival):
    arrival.write([DATA], 0)
    arrival.write([b"X"], 4)
    assert not arrival.is_right_now()
