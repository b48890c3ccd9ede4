"""Bodies that come in pieces, too slowly, or not at all. No test takes time."""

import pytest

from git_data.errors import DataError
from git_data.stores.base import Interrupted
from git_data.stores.body import LEAST_BYTES, PIECE_BYTES, SECONDS, Watch, read_body

WHAT = "https://example.org/data/packs/ab/abcd"


class Body:
    """Gives these pieces; a number is seconds that pass, an exception is raised."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.now = 5.0
        self.asked = []

    def clock(self):
        return self.now

    def read(self, count):
        self.asked.append(count)
        while self.pieces:
            piece = self.pieces.pop(0)
            if isinstance(piece, (int, float)):
                self.now += piece
            elif isinstance(piece, Exception):
                raise piece
            else:
                assert len(piece) <= count
                return piece
        return b""


def read(body, length, **more):
    return read_body(body.read, length, WHAT, "v1", clock=body.clock, **more)


def test_pieces_are_joined():
    assert read(Body(b"abc", b"d", b"ef"), 6) == b"abcdef"
    assert read(Body(b"abc"), 3) == b"abc"


def test_nothing_is_asked_for_when_there_is_nothing():
    body = Body()
    assert read(body, 0) == b""
    assert body.asked == []


def test_no_more_is_asked_for_than_belongs_to_it():
    body = Body(b"abc", b"de", b"next answer")
    assert read(body, 5) == b"abcde"
    assert body.asked == [5, 2]
    body = Body(bytes(PIECE_BYTES), bytes(10))
    assert len(read(body, PIECE_BYTES + 10)) == PIECE_BYTES + 10
    assert body.asked == [PIECE_BYTES, 10]


@pytest.mark.parametrize("came", [[], [b"abc"], [b"abc", b"de"]])
def test_an_early_end_keeps_what_came(came):
    with pytest.raises(Interrupted, match="ended early") as caught:
        read(Body(*came), 6)
    assert caught.value.data == b"".join(came)
    assert caught.value.version == "v1"
    assert WHAT in str(caught.value)
    assert f"{len(b''.join(came))} of 6 bytes" in str(caught.value)


@pytest.mark.parametrize("error", [ConnectionResetError(104, "Connection reset"), TimeoutError()])
def test_a_connection_that_breaks_keeps_what_came(error):
    with pytest.raises(Interrupted, match="broke off") as caught:
        read(Body(b"abc", error), 6)
    assert caught.value.data == b"abc"
    assert caught.value.__cause__ is error


def test_errors_of_a_library_are_named_by_their_kind_alone():
    class LibraryError(Exception):
        pass

    error = LibraryError("https://user:secret@example.org/?X-Amz-Signature=secret")
    with pytest.raises(Interrupted, match="LibraryError") as caught:
        read(Body(b"abc", error), 6, broken=(OSError, LibraryError))
    assert "secret" not in str(caught.value)


def test_other_errors_are_not_touched():
    with pytest.raises(DataError, match="mine"):
        read(Body(b"a", DataError("mine")), 6)


def test_a_trickle_is_not_waited_for():
    """A byte a second never meets a timeout of the connection."""
    body = Body(*[part for _ in range(3600) for part in (1, b"x")])
    with pytest.raises(Interrupted, match="too slow") as caught:
        read(body, 10_000)
    assert len(caught.value.data) == SECONDS
    assert body.now == 5 + SECONDS


def test_a_slow_line_is_waited_for():
    body = Body(*[part for _ in range(600) for part in (1, bytes(1100))])
    assert len(read(body, 600 * 1100)) == 600 * 1100


def test_a_line_that_gets_too_slow_is_noticed():
    quick = [bytes(100_000)] * 50
    body = Body(*quick, *[part for _ in range(3600) for part in (1, b"x")])
    with pytest.raises(Interrupted, match="too slow") as caught:
        read(body, 50 * 100_000 + 3600)
    assert len(caught.value.data) <= 50 * 100_000 + 2 * SECONDS


def test_the_last_piece_may_be_late():
    assert read(Body(b"abc", 3600, b"d"), 4) == b"abcd"


def test_a_watch_asks_for_all_of_a_long_silence():
    now = [0.0]
    watch = Watch(lambda: now[0])
    assert not watch.is_stalled(0)
    now[0] = SECONDS
    assert not watch.is_stalled(LEAST_BYTES)
    now[0] = 3 * SECONDS
    assert watch.is_stalled(LEAST_BYTES)  # it should be twice as much
    now[0] = 4 * SECONDS
    assert not watch.is_stalled(LEAST_BYTES)
