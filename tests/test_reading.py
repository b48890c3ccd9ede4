"""When a range fails, and when a whole store is gone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from git_data.errors import Damaged, Denied, NotFound, Unreachable
from git_data.lookup import Catalog
from git_data.oid import ObjectId
from git_data.reading import REFUSALS, Reader
from git_data.unpacking import Span

SPANS = [Span(ObjectId(bytes([n]) * 32), 0, 5) for n in range(10)]


class Store:
    """Answers five bytes; raises what `errors` has for a pack; waits for `held`."""

    url = "some://store"

    def __init__(self):
        self.errors = {}
        self.asked = []
        self.held = {}
        self.came = threading.Event()

    def read(self, name, start, length):
        self.asked.append(name)
        if name in self.held:
            self.came.set()
            assert self.held[name].wait(60)
        if name in self.errors:
            raise self.errors[name]
        return b"12345"


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def reader(store):
    return Reader(Catalog(store, Path("/nowhere")))


def fail(store, error, *numbers):
    store.errors.update((SPANS[number].name, error) for number in numbers)


def outcome(reader, number):
    try:
        return bytes(reader.read(SPANS[number]))
    except (Unreachable, Denied, NotFound, Damaged) as error:
        return type(error)


def test_an_unreachable_store_is_asked_no_more(store, reader):
    fail(store, Unreachable("away"), 1)
    assert [outcome(reader, n) for n in (0, 1, 2)] == [b"12345", Unreachable, Unreachable]
    assert len(store.asked) == 2


@pytest.mark.parametrize("answer", [None, NotFound("gone"), Damaged("short")])
def test_one_range_that_never_comes_is_no_store_that_is_gone(store, reader, answer):
    """Another was answered while it was waited for."""
    fail(store, Unreachable("no answer"), 1)
    if answer:
        fail(store, answer, 2)
    store.held[SPANS[1].name] = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(outcome, reader, 1)
        assert store.came.wait(60)
        assert outcome(reader, 2) == (type(answer) if answer else b"12345")
        store.held[SPANS[1].name].set()
        assert slow.result() is Unreachable
    assert outcome(reader, 3) == b"12345"


def test_a_few_that_are_refused_in_a_row_are_all(store, reader):
    fail(store, Denied("closed"), *range(REFUSALS))
    assert [outcome(reader, n) for n in range(REFUSALS + 1)] == [Denied] * (REFUSALS + 1)
    assert len(store.asked) == REFUSALS


def test_some_that_are_refused_here_and_there_are_no_matter(store, reader):
    fail(store, Denied("closed"), *range(0, 10, 2))
    assert [outcome(reader, n) for n in range(10)] == [Denied, b"12345"] * 5


@pytest.mark.parametrize("error", [NotFound("gone"), Damaged("short")])
def test_what_is_missing_is_missing_alone(store, reader, error):
    fail(store, error, *range(9))
    assert [outcome(reader, n) for n in range(10)] == [type(error)] * 9 + [b"12345"]
