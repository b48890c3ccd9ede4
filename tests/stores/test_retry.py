"""Trying again. No test takes time: the clock is a list of pauses."""

import pytest

from git_data.errors import Conflict, Damaged, Denied, NotFound, Unreachable
from git_data.stores.base import Busy, Interrupted
from git_data.stores.retry import FIRST_PATIENCE, LEAST_TRIES, LONGEST, PATIENCE, Retrying


class Clock:
    """Time that passes only when somebody sleeps, or when a test says so."""

    def __init__(self):
        self.now = 1000.0
        self.pauses = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0
        self.pauses.append(seconds)
        self.now += seconds


class Saying:
    """A store that answers every question with the next of these: errors are raised, what can be
    called is. The last one stays. `asked` has the questions."""

    url = "bad://store"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __getattr__(self, name):
        if name.startswith("_") or name in ("resume", "local_path", "at_once", "copies"):
            raise AttributeError(name)
        return lambda *arguments: self.answer(name, *arguments)

    def answer(self, *question):
        self.asked.append(question)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer


class Resuming(Saying):
    def resume(self, *arguments):
        return self.answer("resume", *arguments)


VERBS = {
    "read": ("a", 0, 1),
    "read_small": ("a", 1),
    "write": ("a", [b"x"]),
    "size": ("a",),
    "delete": ("a",),
}
AWAY = Unreachable("no answer")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def retrying(clock):
    def make(inner, patience=None, heard=True):
        store = Retrying(inner, patience, clock=clock, sleep=clock.sleep)
        if heard:  # it has answered before
            answers, inner.answers = inner.answers, [1]
            store.size("a")
            inner.answers = answers
            inner.asked.clear()
        return store

    return make


@pytest.mark.parametrize("verb", VERBS)
def test_what_was_unreachable_is_tried_again(verb, retrying, clock):
    inner = Saying(AWAY, AWAY, AWAY, b"answer")
    assert getattr(retrying(inner), verb)(*VERBS[verb]) in (b"answer", None)
    assert len(inner.asked) == 4
    assert len(clock.pauses) == 3


@pytest.mark.parametrize("verb", VERBS)
def test_when_its_patience_is_over_the_error_is_told(verb, retrying, clock):
    inner = Saying(AWAY)
    store = retrying(inner)
    with pytest.raises(Unreachable, match="no answer"):
        getattr(store, verb)(*VERBS[verb])
    assert PATIENCE - LONGEST < sum(clock.pauses) <= PATIENCE
    assert 9 <= len(inner.asked) < 40


@pytest.mark.parametrize("error", [NotFound("x"), Denied("x"), Conflict("x"), Damaged("x")])
def test_other_errors_are_told_at_once(error, retrying, clock):
    inner = Saying(error)
    with pytest.raises(type(error)):
        retrying(inner).read("a", 0, 1)
    assert len(inner.asked) == 1
    assert clock.pauses == []


def test_a_store_that_never_answered_is_given_less(retrying, clock):
    with pytest.raises(Unreachable):
        retrying(Saying(AWAY), heard=False).read_small("a", 1)
    assert FIRST_PATIENCE - LONGEST < sum(clock.pauses) <= FIRST_PATIENCE


def test_who_says_how_long_is_obeyed_from_the_start(retrying, clock):
    with pytest.raises(Unreachable):
        retrying(Saying(AWAY), patience=300, heard=False).read_small("a", 1)
    assert 300 - LONGEST < sum(clock.pauses) <= 300


@pytest.mark.parametrize(
    "answer", [NotFound("x"), Denied("x"), Busy("x"), Interrupted("x", b"", None), 5]
)
def test_any_word_of_it_is_an_answer(answer, retrying, clock):
    store = retrying(Saying(answer, AWAY), heard=False)
    for _ in range(2):
        with pytest.raises((Unreachable, NotFound, Denied)):
            store.size("a")
            raise Unreachable("5")
    assert sum(clock.pauses) > FIRST_PATIENCE


def test_a_store_that_was_waited_for_in_vain_is_not_waited_for_again(retrying, clock):
    inner = Saying(AWAY)
    store = retrying(inner)
    with pytest.raises(Unreachable):
        store.size("a")
    clock.pauses.clear()
    inner.asked.clear()
    for verb, arguments in VERBS.items():
        with pytest.raises(Unreachable):
            getattr(store, verb)(*arguments)
    assert clock.pauses == []
    assert len(inner.asked) == len(VERBS)
    inner.answers = [7, AWAY, AWAY, 8]
    assert [store.size("a"), store.size("a")] == [7, 8]  # it is there again, with all patience
    assert len(clock.pauses) == 2


def test_one_file_that_never_comes_is_no_store_that_is_down(retrying, clock):
    """Others were answered meanwhile: their next failure is waited for."""
    inner = Saying(AWAY)
    store = retrying(inner)

    class Others:
        def read(self, *arguments):
            if arguments[0] == "bad":
                store.inner.size("others")  # as another thread would: it is answered
                store._note_answer()
                raise AWAY
            return inner.read(*arguments)

        def size(self, name):
            return 1

    store.inner = Others()
    with pytest.raises(Unreachable):
        store.read("bad", 0, 1)
    clock.pauses.clear()
    inner.answers = [AWAY, b"x"]
    assert store.read("good", 0, 1) == b"x"
    assert len(clock.pauses) == 1


def test_no_patience_is_one_try(retrying, clock):
    inner = Saying(AWAY)
    with pytest.raises(Unreachable):
        retrying(inner, patience=0).size("a")
    assert len(inner.asked) == 1


def test_tries_that_take_long_are_made_again_all_the_same(retrying, clock):
    """Sending a pack over a slow line takes longer than all patience."""

    def slow():
        clock.now += 10 * PATIENCE
        return AWAY

    inner = Saying(slow)
    with pytest.raises(Unreachable):
        retrying(inner).write("a", [b"x"])
    assert len(inner.asked) == LEAST_TRIES


def test_pauses_double_up_to_a_limit_and_are_random(retrying, clock):
    for _ in range(40):
        with pytest.raises(Unreachable):
            retrying(Saying(AWAY), patience=200).size("a")
        pauses, clock.pauses = clock.pauses, []
        assert all(p <= min(LONGEST, 0.2 * 2**n) for n, p in enumerate(pauses))
        assert len(set(pauses)) == len(pauses)
        assert max(pauses) > LONGEST / 2


# What a busy store asks for


def test_a_store_that_says_how_long_to_wait_is_obeyed(retrying, clock):
    assert retrying(Saying(Busy("x", after=12.0), 7)).size("a") == 7
    [pause] = clock.pauses
    assert 12.0 <= pause <= 12.2


def test_a_store_that_asks_for_an_hour_is_told_of_at_once(retrying, clock):
    inner = Saying(Busy("slow down", after=3600.0))
    with pytest.raises(Busy, match="slow down"):
        retrying(inner).size("a")
    assert clock.pauses == []


@pytest.mark.parametrize("after", [-5.0, 0.0, None])
def test_a_wait_that_makes_no_sense_is_ours(after, retrying, clock):
    assert retrying(Saying(Busy("x", after=after), 7)).size("a") == 7
    assert 0 <= clock.pauses[0] <= 0.2


# Bodies that break off


def broke(data, version="v"):
    return Interrupted("broke off", data, version)


def test_a_body_is_gone_on_with(retrying, clock):
    inner = Resuming(broke(b"abc"), broke(b"de"), b"fgh")
    assert retrying(inner).read("a", 10, 8) == b"abcdefgh"
    assert inner.asked == [
        ("read", "a", 10, 8),
        ("resume", "a", 13, 5, "v"),
        ("resume", "a", 15, 3, "v"),
    ]


def test_what_came_is_kept_over_other_failures(retrying):
    inner = Resuming(broke(b"abc"), AWAY, Busy("x"), broke(b""), b"de")
    assert retrying(inner).read("a", 0, 5) == b"abcde"
    assert [question[0] for question in inner.asked] == ["read"] + 4 * ["resume"]


def test_progress_starts_patience_anew(retrying, clock):
    """A byte a try: as long as something comes, it goes on."""
    inner = Resuming(*[broke(bytes([n])) for n in range(99)], b"x")

    def slow(error):
        def answer():
            clock.now += PATIENCE - 1
            return error

        return answer

    inner.answers = [slow(one) for one in inner.answers]
    assert retrying(inner).read("a", 0, 100) == bytes(range(99)) + b"x"
    assert clock.now > 99 * (PATIENCE - 1)


def test_without_progress_it_ends(retrying, clock):
    inner = Resuming(broke(b"abc"), broke(b""))
    with pytest.raises(Interrupted) as caught:
        retrying(inner).read("a", 0, 5)
    assert sum(clock.pauses) <= PATIENCE + 1
    assert caught.value.data == b""  # errors are kept; bytes that nobody wants are not


def test_a_body_of_an_unknown_version_starts_anew(retrying, clock):
    inner = Resuming(broke(b"abc", None), b"abcde")
    assert retrying(inner).read("a", 0, 5) == b"abcde"
    assert inner.asked == [("read", "a", 0, 5), ("read", "a", 0, 5)]


def test_starting_anew_again_and_again_is_no_progress(retrying, clock):
    with pytest.raises(Interrupted):
        retrying(Resuming(broke(b"abc", None))).read("a", 0, 5)
    assert sum(clock.pauses) <= PATIENCE


def test_a_store_that_cannot_go_on_starts_anew(retrying):
    inner = Saying(broke(b"abc"), b"abcde")
    assert retrying(inner).read("a", 0, 5) == b"abcde"
    assert [question[0] for question in inner.asked] == ["read", "read"]


def test_a_file_that_is_another_by_now_is_read_anew(retrying):
    inner = Resuming(broke(b"old"), Damaged("another version"), broke(b"NE", "w"), b"W!!")
    assert retrying(inner).read("a", 0, 5) == b"NEW!!"
    assert [question[0] for question in inner.asked] == ["read", "resume", "read", "resume"]
    assert inner.asked[-1] == ("resume", "a", 2, 3, "w")


def test_a_file_that_always_is_another_ends(retrying, clock):
    answers = [broke(b"abc"), Damaged("another version")] * 400
    with pytest.raises(Interrupted):
        retrying(Resuming(*answers)).read("a", 0, 5)


def test_parts_of_two_versions_are_never_joined(retrying):
    inner = Resuming(broke(b"old", "v"), broke(b"n", "w"), b"right")
    assert retrying(inner).read("a", 0, 5) == b"right"
    assert [question[0] for question in inner.asked] == ["read", "resume", "read"]


def test_more_than_was_asked_for_is_not_believed(retrying):
    inner = Resuming(broke(b"too much"), b"right")
    assert retrying(inner).read("a", 0, 5) == b"right"


def test_a_file_that_is_gone_in_the_middle_is_told(retrying):
    with pytest.raises(NotFound):
        retrying(Resuming(broke(b"abc"), NotFound("gone"))).read("a", 0, 5)


# What is not tried again


def test_a_swap_is_never_repeated(retrying, clock):
    """It may have been done though the answer was lost: only reading again can tell. Who does so
    and swaps again is held back, longer each time."""
    inner = Saying(AWAY)
    store = retrying(inner)
    for number in range(1, 5):
        with pytest.raises(Unreachable):
            store.replace_if("m", b"x", None)
        assert len(inner.asked) == len(clock.pauses) == number
    inner.answers = ["version"]
    assert store.replace_if("m", b"x", None) == "version"
    inner.answers = [Busy("x", after=3.0)]
    with pytest.raises(Busy):
        store.replace_if("m", b"x", None)
    assert 3.0 <= clock.pauses[-1] <= 3.2


def test_a_listing_is_tried_again_until_it_begins(retrying):
    inner = Saying(AWAY, AWAY, iter([("a", 1), ("b", 2)]))
    assert list(retrying(inner).list("")) == [("a", 1), ("b", 2)]


def test_a_listing_that_breaks_off_is_not_begun_anew(retrying, clock):
    def entries():
        yield ("a", 1)
        raise AWAY

    found = retrying(Saying(entries())).list("")
    assert next(found) == ("a", 1)
    with pytest.raises(Unreachable):
        next(found)
    assert clock.pauses == []
