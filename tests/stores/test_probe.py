"""Stores that only look right, as there are some: the probe must say so."""

import pytest

from git_data.errors import Denied, Unreachable
from git_data.stores import open_store
from git_data.stores.probe import Probe, probe
from git_data.stores.wrap import Counting


class Ignoring(Counting):
    """Takes every replacement, as a server that does not know `If-Match`."""

    def replace_if(self, name, data, version):
        found = self.inner.read_small(name, 1 << 20)
        return self.inner.replace_if(name, data, found.version if found else None)


class IgnoringAbsence(Ignoring):
    """Knows `If-Match`, but not `If-None-Match: *`."""

    def replace_if(self, name, data, version):
        if version is None:
            return super().replace_if(name, data, version)
        return self.inner.replace_if(name, data, version)


class Late(Ignoring):
    """Compares at one moment and swaps at another: right unless somebody comes in between."""

    def replace_if(self, name, data, version):
        found = self.inner.read_small(name, 1 << 20)
        if (found.version if found else None) != version:
            return self.inner.replace_if(name, data, "no such version")
        while True:
            try:
                return super().replace_if(name, data, version)
            except Exception:
                continue


class Forgetting(Counting):
    def read(self, name, start=0, length=None):
        return bytes(length or 0)


class Keeping(Counting):
    def delete(self, name):
        pass


class Failing(Counting):
    error = Denied("you may only read here")

    def write(self, name, parts):
        raise self.error


@pytest.fixture
def inner(tmp_path):
    return open_store("store", base=str(tmp_path), create=True)


@pytest.mark.parametrize(
    ("kind", "can_write", "reason"),
    [
        (Ignoring, True, "replaced a file that should not have been there"),
        (IgnoringAbsence, True, "replaced a file that should not have been there"),
        (Late, True, "win a race"),
        (Forgetting, False, "gives back other bytes"),
        (Keeping, False, "still has a file that was deleted"),
        (Failing, False, "you may only read here"),
    ],
)
def test_what_is_wrong_is_found(inner, kind, can_write, reason):
    found = probe(kind(inner))
    assert (found.can_write, found.can_compare_and_swap) == (can_write, False)
    assert reason in found.reason


def test_a_store_that_does_not_answer_is_not_judged(inner):
    store = Failing(inner)
    store.error = Unreachable("no answer")
    with pytest.raises(Unreachable):
        probe(store)


class Losing(Counting):
    """Every third answer to a swap is lost, though it was done."""

    swaps = 0

    def replace_if(self, name, data, version):
        self.swaps += 1
        lost = self.swaps % 3 == 0
        new = super().replace_if(name, data, version)
        if lost:
            raise Unreachable("the answer was lost")
        return new


def test_lost_answers_are_no_verdict(inner, tmp_path):
    class LosingOnce(Losing):
        def replace_if(self, name, data, version):
            if self.swaps >= 6:
                return Counting.replace_if(self, name, data, version)
            return super().replace_if(name, data, version)

    assert probe(LosingOnce(inner)) == Probe(True, True, "")
    assert list(inner.list("")) == []
    with pytest.raises(Unreachable):
        probe(Losing(inner))
    assert not [*(tmp_path / "store").rglob("*probe*")]
