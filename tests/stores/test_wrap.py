"""What the wrappers add; that they are stores is in test_contract.py."""

import pytest

from git_data.errors import Conflict, Denied, NotFound, Unreachable
from git_data.stores import open_store
from git_data.stores.retry import Retrying
from git_data.stores.wrap import Call, Counting


class Failing:
    """A store whose every answer is this error; it counts how often it was asked."""

    url = "bad://store"

    def __init__(self, error, times=1 << 30):
        self.error = error
        self.times = times
        self.asked = 0

    def __getattr__(self, name):
        def ask(*arguments):
            self.asked += 1
            if self.asked <= self.times:
                raise self.error
            return iter([("a", 1), ("b", 2)]) if name == "list" else b"answer"

        return ask


VERBS = {
    "read": ("a", 0, 1),
    "read_small": ("a", 1),
    "write": ("a", [b"x"]),
    "size": ("a",),
    "delete": ("a",),
}


@pytest.fixture
def counting(tmp_path):
    return Counting(open_store("store", base=str(tmp_path), create=True))


def test_requests_are_counted_with_their_bytes(counting):
    counting.write("a", [b"abc", b"de"])
    counting.read("a", 1, 2)
    counting.read("a", 0, 5)
    counting.size("a")
    list(counting.list(""))
    version = counting.replace_if("m", b"1234", None)
    counting.read_small("m", 10)
    counting.delete("a")
    assert counting.calls == [
        Call("write", "a", 5),
        Call("read", "a", 2),
        Call("read", "a", 5),
        Call("size", "a", 0),
        Call("list", "", 0),
        Call("replace_if", "m", 4),
        Call("read_small", "m", 4),
        Call("delete", "a", 0),
    ]
    assert (counting.count("read"), counting.moved("read")) == (2, 7)
    assert version == counting.inner.read_small("m", 10).version


def test_requests_that_fail_are_counted_too(counting):
    with pytest.raises(NotFound):
        counting.read("a", 0, 1)
    with pytest.raises(Conflict):
        counting.replace_if("m", b"1", "2")
    assert counting.read_small("m", 9) is None
    assert [call.verb for call in counting.calls] == ["read", "replace_if", "read_small"]


@pytest.mark.parametrize("verb", VERBS)
def test_what_was_unreachable_is_tried_again(verb):
    inner, pauses = Failing(Unreachable("no answer"), times=3), []
    store = Retrying(inner, attempts=4, sleep=pauses.append)
    assert getattr(store, verb)(*VERBS[verb]) in (b"answer", None)
    assert inner.asked == 4
    assert len(pauses) == 3


@pytest.mark.parametrize("verb", VERBS)
def test_after_the_last_attempt_the_error_is_told(verb):
    inner = Failing(Unreachable("no answer"))
    store = Retrying(inner, attempts=3, sleep=lambda seconds: None)
    with pytest.raises(Unreachable, match="no answer"):
        getattr(store, verb)(*VERBS[verb])
    assert inner.asked == 3


@pytest.mark.parametrize("error", [NotFound("x"), Denied("x"), Conflict("x")])
def test_other_errors_are_told_at_once(error):
    inner = Failing(error)
    with pytest.raises(type(error)):
        Retrying(inner, sleep=pytest.fail).read("a", 0, 1)
    assert inner.asked == 1


def test_a_swap_is_never_repeated():
    """It may have been done though the answer was lost: only reading again can tell."""
    inner = Failing(Unreachable("no answer"))
    with pytest.raises(Unreachable):
        Retrying(inner, sleep=pytest.fail).replace_if("m", b"x", None)
    assert inner.asked == 1


def test_pauses_grow_up_to_a_limit():
    pauses = []
    store = Retrying(Failing(Unreachable("x")), attempts=60, longest=2.0, sleep=pauses.append)
    with pytest.raises(Unreachable):
        store.size("a")
    assert len(pauses) == 59
    assert all(0 <= pause <= 2.0 for pause in pauses)
    assert pauses[0] <= 0.5
    assert len(set(pauses)) > 50  # random, so that many do not come back together
    assert max(pauses) > 1.0


def test_a_listing_is_tried_again_until_it_begins():
    inner = Failing(Unreachable("x"), times=2)
    assert list(Retrying(inner, sleep=lambda seconds: None).list("")) == [("a", 1), ("b", 2)]


def test_a_listing_that_breaks_off_is_not_begun_anew():
    class Breaking:
        def list(self, prefix):
            yield ("a", 1)
            raise Unreachable("broke off")

    entries = Retrying(Breaking(), sleep=pytest.fail).list("")
    assert next(entries) == ("a", 1)
    with pytest.raises(Unreachable):
        next(entries)


def test_no_attempts_is_one_attempt():
    assert Retrying(Failing(Unreachable("x"), times=0), attempts=1).size("a") == b"answer"


def test_a_store_without_paths_has_none(counting):
    assert Counting(object()).local_path("a") is None
    counting.write("a", [b"x"])
    assert Retrying(counting).local_path("a") == counting.inner.local_path("a")
