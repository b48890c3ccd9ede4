"""Errors of every kind can be told in other words, whatever they are made with."""

import pytest

from git_data import errors
from git_data.stores.base import Busy, Interrupted

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.DataError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_other_words(kind):
    error = kind("what", "do this")
    other = error.reworded("which: what")
    assert type(other) is kind
    assert (other.message, other.hint) == ("which: what", "do this")
    assert str(other) == "which: what; do this"
    assert str(error) == "what; do this"
    assert other.exit_code == error.exit_code


def test_what_else_an_error_knows_stays():
    busy = Busy("slow down", after=3.0).reworded("a.bin: slow down")
    assert (busy.after, str(busy).partition(";")[0]) == (3.0, "a.bin: slow down")
    cut = Interrupted("cut off", b"data", "v").reworded("a.bin: cut off")
    assert (cut.data, cut.version, cut.message) == (b"data", "v", "a.bin: cut off")
