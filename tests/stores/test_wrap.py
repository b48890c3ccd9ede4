"""What the wrappers add; that they are stores is in test_contract.py."""

import pytest

from git_data.errors import Conflict, NotFound
from git_data.stores import open_store
from git_data.stores.base import HasCopies, HasPaths, Parallel, Resumes, copies_of
from git_data.stores.pace import MOST, Paced
from git_data.stores.retry import Retrying
from git_data.stores.wrap import Around, Call, Counting, Existing


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


class Able:
    """A store with every optional ability."""

    url = "able://store"
    at_once = 7
    copies = ("another",)

    def local_path(self, name):
        return f"/{name}"

    def resume(self, name, start, length, version):
        return b"x" * length


ABILITIES = (HasPaths, Resumes, Parallel, HasCopies)
WRAPPERS = (Around, Existing, Counting, Retrying, Paced)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_has_the_abilities_of_what_is_in_it(wrapper):
    store = Existing(wrapper(Able()))
    assert all(isinstance(store, ability) for ability in ABILITIES)
    assert store.local_path("a") == "/a"
    assert store.resume("a", 1, 3, "v") == b"xxx"
    assert store.at_once == (MOST if wrapper is Paced else 7)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_has_no_other_abilities(wrapper):
    store = Existing(wrapper(object()))
    own = {Paced: {Parallel}, Retrying: {HasCopies}}.get(wrapper, set())
    assert {one for one in ABILITIES if isinstance(store, one)} == own


def test_whom_to_ask_when_bytes_are_wrong():
    assert copies_of(Existing(Able())) == ("another",)
    assert copies_of(Existing(object())) == ()
    again = Retrying(Able())
    assert copies_of(Counting(again)) == (again,)


def test_a_body_that_is_gone_on_with_is_counted():
    counting = Counting(Able())
    assert counting.resume("a", 5, 2, "v") == b"xx"
    assert counting.calls == [Call("resume", "a", 2)]
