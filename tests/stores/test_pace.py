"""How many requests at once: a store that answers only when the test lets it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from git_data.errors import NotFound, Unreachable
from git_data.stores.base import Busy
from git_data.stores.pace import FIRST, MOST, Paced

SECONDS = 60  # to wait for a thread; never in full


class Gate:
    """A store whose answers the test gives one by one, in any order."""

    url = "held://store"

    def __init__(self):
        self.asked = []
        self._changed = threading.Condition()

    def size(self, name):
        answer, given = [], threading.Event()
        with self._changed:
            self.asked.append((name, answer, given))
            self._changed.notify_all()
        assert given.wait(SECONDS)
        if answer[0] is not None:
            raise answer[0]
        return 1

    def wait_for(self, count):
        """Until so many requests have come, answered ones among them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= count, SECONDS)
            assert len(self.asked) == count

    def answer(self, number, error=None):
        _, answer, given = self.asked[number]
        answer.append(error)
        given.set()


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(40) as made:
        yield made


class Asking:
    """Many requests through a pace; how they ended."""

    def __init__(self, pool, store, count):
        self.futures = [pool.submit(store.size, f"{n}") for n in range(count)]

    def errors(self):
        return [type(future.exception(SECONDS)) for future in self.futures]


def ask(store, error=None):
    """One request that is answered at once."""
    store.inner = Answering(error)
    try:
        store.size("a")
    except Unreachable:
        pass
    except NotFound:
        pass


class Answering:
    def __init__(self, error):
        self.error = error

    def size(self, name):
        if self.error:
            raise self.error


def test_no_more_than_the_limit_are_let_through(gate, pool):
    store = Paced(gate, first=3, most=3)
    asking = Asking(pool, store, 10)
    gate.wait_for(3)
    for number in range(10):
        gate.answer(number)
        gate.wait_for(min(number + 4, 10))
    assert asking.errors() == [type(None)] * 10


def test_the_usual_limits():
    store = Paced(Gate())
    assert (store.limit, store.at_once) == (FIRST, MOST) == (8, 16)
    assert Paced(Gate(), first=8, most=2).limit == 2


def test_answers_let_more_in_one_a_round():
    store = Paced(Gate(), first=2, most=5)
    limits = []
    for _ in range(20):
        ask(store)
        limits.append(store.limit)
    assert limits == sorted(limits)
    assert limits[0] == 2
    assert limits[-1] == 5
    # A round of two, of three, of four: one more after each, roughly.
    assert [limits.count(limit) for limit in (2, 3, 4)] == pytest.approx([2, 3, 4], abs=1)


def test_an_error_that_is_an_answer_lets_more_in():
    store = Paced(Gate(), first=1, most=4)
    ask(store, NotFound("x"))
    assert store.limit == 2


def test_no_answer_lets_nobody_in():
    store = Paced(Gate(), first=1, most=4)
    for _ in range(9):
        ask(store, Unreachable("x"))
    assert store.limit == 1


def test_a_busy_store_halves_it_down_to_one():
    store = Paced(Gate(), first=8, most=8)
    limits = []
    for _ in range(5):
        ask(store, Busy("x"))
        limits.append(store.limit)
    assert limits == [4, 2, 1, 1, 1]


def test_those_under_way_together_halve_it_once(gate, pool):
    store = Paced(gate, first=8, most=8)
    asking = Asking(pool, store, 8)
    gate.wait_for(8)
    for number in range(8):
        gate.answer(number, Busy("slow down"))
    assert asking.errors() == [Busy] * 8
    assert store.limit == 4


def test_one_that_started_after_it_was_halved_halves_it_again(gate, pool):
    store = Paced(gate, first=4, most=4)
    asking = Asking(pool, store, 5)
    gate.wait_for(4)
    for number in range(4):
        gate.answer(number, Busy("slow down"))
    gate.wait_for(5)
    assert store.limit == 2
    gate.answer(4, Busy("slow down"))
    assert asking.errors() == [Busy] * 5
    assert store.limit == 1


def test_answers_to_what_started_before_it_was_halved_count_for_nothing(gate, pool):
    store = Paced(gate, first=4, most=8)
    asking = Asking(pool, store, 4)
    gate.wait_for(4)
    gate.answer(0, Busy("slow down"))
    asking.futures[0].exception(SECONDS)
    for number in range(1, 4):
        gate.answer(number)
    assert asking.errors() == [Busy] + 3 * [type(None)]
    assert store.limit == 2
    assert store._limit == 2.0


def test_a_smaller_limit_holds_for_those_who_wait(gate, pool):
    store = Paced(gate, first=4, most=4)
    asking = Asking(pool, store, 8)
    gate.wait_for(4)
    gate.answer(0, Busy("slow down"))  # two may be under way now, and three are
    asking.futures[0].exception(SECONDS)
    gate.answer(1)
    asking.futures[1].result(SECONDS)
    gate.wait_for(4)
    gate.answer(2)
    gate.wait_for(5)
    for number in range(3, 8):
        gate.answer(number)
        gate.wait_for(min(number + 3, 8))
    assert asking.errors() == [Busy] + 7 * [type(None)]


def test_a_listing_lets_others_in_between_its_entries():
    class Listing(Answering):
        def list(self, prefix):
            yield from [("a", 1), ("b", 2)]

    store = Paced(Listing(None), first=1, most=1)
    found = []
    for name, _ in store.list(""):
        found.append((name, store.size(name)))
    assert found == [("a", None), ("b", None)]
