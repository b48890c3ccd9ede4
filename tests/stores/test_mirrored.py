"""A store with mirrors: what it does not give, or gives wrong, they are asked for."""

import pytest

from git_data.errors import Conflict, Damaged, Denied, NotFound, StoreError, Unreachable, UsageError
from git_data.stores.base import Busy, HasCopies, HasPaths, Parallel, copies_of
from git_data.stores.local import LocalStore
from git_data.stores.mirrored import Mirrored
from git_data.stores.pace import Paced
from git_data.stores.wrap import Counting

NAME = "data/packs/ab/abcdef"
CONTENT = b"0123456789"


class Bad(LocalStore):
    """Fails in some way where a name matches."""

    error = None
    bad = "packs"

    def read(self, name, start=0, length=None):
        if self.error and self.bad in name:
            raise self.error
        return super().read(name, start, length)

    def read_small(self, name, limit):
        if self.error:
            raise self.error
        return super().read_small(name, limit)


def made(folder, content=CONTENT):
    store = Bad(folder, create=True)
    store.write(NAME, [content])
    store.replace_if("data/manifest", str(folder).encode(), None)
    return store


@pytest.fixture
def first(tmp_path):
    return made(tmp_path / "first")


@pytest.fixture
def mirrors(tmp_path):
    return [Counting(made(tmp_path / name)) for name in ("one", "two")]


@pytest.fixture
def store(first, mirrors):
    return Mirrored(Counting(first), [lambda: mirrors[0], lambda: mirrors[1]])


def reads(store, mirrors):
    return [one.count("read") for one in (store.inner, *mirrors)]


def test_a_store_that_is_well_is_asked_alone(store, mirrors):
    assert store.read(NAME, 2, 3) == b"234"
    assert reads(store, mirrors) == [1, 0, 0]


@pytest.mark.parametrize("error", [NotFound("x"), Denied("x"), Damaged("x"), StoreError("x")])
def test_what_it_does_not_give_comes_from_a_mirror(store, first, mirrors, error):
    first.error = error
    assert [store.read(NAME, n, 3) for n in range(3)] == [b"012", b"123", b"234"]
    assert reads(store, mirrors) == [3, 3, 0]
    assert store.read("data/manifest", 0, 1) == b"/"  # the others it gives itself
    assert reads(store, mirrors) == [4, 3, 0]


@pytest.mark.parametrize("error", [Unreachable("is away"), Busy("is busy", after=3.0)])
def test_a_place_that_is_down_is_asked_once(store, first, mirrors, error):
    first.error = mirrors[0].inner.error = error
    assert [store.read(NAME, n, 3) for n in range(3)] == [b"012", b"123", b"234"]
    assert reads(store, mirrors) == [1, 1, 3]
    with pytest.raises(Unreachable, match=error.message):
        store.read_small("data/manifest", 100)
    assert store.inner.count("read_small") == 0


def test_the_manifest_is_that_of_the_first_alone(store, first):
    assert store.read_small("data/manifest", 1000).data == str(first.root).encode()
    first.error = Unreachable("away")
    with pytest.raises(Unreachable):
        store.read_small("data/manifest", 1000)


def test_a_short_file_is_read_from_a_mirror(tmp_path, store, first):
    (tmp_path / "first" / NAME).write_bytes(CONTENT[:4])
    assert store.read(NAME, 2, 2) == b"23"
    assert store.read(NAME, 2, 6) == b"234567"


def test_when_nobody_has_it_the_first_ones_reason_is_told(store, first, mirrors):
    first.error = NotFound("not in the first")
    mirrors[0].inner.error = Unreachable("the mirror is away")
    mirrors[1].inner.error = Denied("the mirror is closed")
    with pytest.raises(NotFound, match="not in the first"):
        store.read(NAME, 0, 1)
    first.error = Unreachable("the first is away", "wait")
    for _ in range(2):
        with pytest.raises(Unreachable, match="the first is away") as caught:
            store.read(NAME, 0, 1)
        assert caught.value.hint == "wait"


def test_a_mirror_is_opened_when_it_is_needed_and_once(first, mirrors):
    opened = []

    def open_mirror():
        opened.append(1)
        return mirrors[0]

    store = Mirrored(first, [open_mirror])
    store.read(NAME, 0, 1)
    assert opened == []
    first.error = NotFound("x")
    store.read(NAME, 0, 1)
    store.read(NAME, 0, 1)
    assert opened == [1]


def test_a_mirror_that_cannot_be_opened_is_passed_over(first, mirrors):
    opened = []

    def open_nothing():
        opened.append(1)
        raise UsageError("no such kind of store")

    first.error = NotFound("x")
    store = Mirrored(first, [open_nothing, lambda: mirrors[0]])
    assert store.read(NAME, 0, 1) == store.read(NAME, 0, 1) == b"0"
    assert opened == [1]


def test_writing_is_for_the_first_alone(store, first, mirrors):
    store.write("data/packs/cd/cdef", [b"x"])
    version = store.read_small("data/manifest", 1000).version
    version = store.replace_if("data/manifest", b"new", version)
    store.delete(NAME)
    assert first.size("data/packs/cd/cdef") == 1
    assert store.size(NAME) is None
    assert not [call for one in mirrors for call in one.calls]
    with pytest.raises(Conflict):
        store.replace_if("data/manifest", b"newer", "another version")


def test_whom_to_ask_when_bytes_are_wrong(tmp_path, store, first, mirrors):
    (tmp_path / "one" / NAME).write_bytes(b"wrong" + CONTENT[5:])
    first.error = NotFound("x")
    found = []
    for copy in copies_of(store):
        try:
            found.append(copy.read(NAME, 0, 5))
        except NotFound:
            found.append(None)
    assert found == [b"wrong", b"01234", None]


def test_its_abilities_are_those_of_the_first(first, mirrors):
    store = Mirrored(Paced(first, 1, 3), [lambda: mirrors[0]])
    assert isinstance(store, HasCopies) and isinstance(store, HasPaths)
    assert isinstance(store, Parallel) and store.at_once == 3
    assert store.url == first.url
