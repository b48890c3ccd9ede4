import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_data import pktline
from git_data.conversation import Conversation, greet
from git_data.errors import FormatError

PAIRS = [
    (b"0007abc0000", [b"abc", None]),
    (b"0004", [b""]),
    (b"0000", [None]),
    (b"", []),
    (b"0010pathname=a\nb", [b"pathname=a\nb"]),
    (b"0008a\n\n\n0000", [b"a\n\n\n", None]),
]


@pytest.mark.parametrize(("data", "expected"), PAIRS)
def test_packets(data, expected):
    assert [*pktline.packets(data)] == expected


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_both_directions(payloads):
    data = b"".join(map(pktline.encode, payloads)) + pktline.FLUSH
    assert [*pktline.packets(data)] == [*payloads, None]


@given(st.binary(max_size=200_000))
def test_content_both_directions(content):
    got = [*pktline.packets(pktline.encode_content(content))]
    assert got[-1] is None
    assert b"".join(got[:-1]) == content
    assert all(len(p) <= pktline.MAX_PAYLOAD for p in got[:-1])


@pytest.mark.parametrize(
    "data",
    [b"0001", b"0003", b"fff5", b"ffff", b"0x1f", b"+010", b" 010", b"00", b"zzzz", b"0008abc"],
)
def test_what_is_no_packet_is_refused(data):
    with pytest.raises(FormatError):
        [*pktline.packets(data)]


def test_a_value_may_hold_newlines_and_signs():
    assert pktline.pair(b"pathname=a\nb=c\n") == (b"pathname", b"a\nb=c")
    with pytest.raises(FormatError):
        pktline.pair(b"pathname")


HELLO = pktline.encode_list(b"git-filter-client", b"version=2")


def conversation(data):
    return Conversation(io.BytesIO(data), io.BytesIO())


def test_greeting_offers_what_both_can():
    talk = conversation(HELLO + pktline.encode_list(b"capability=clean", b"capability=other"))
    greet(talk)
    assert talk.sink.getvalue() == pktline.encode_list(
        b"git-filter-server", b"version=2"
    ) + pktline.encode_list(b"capability=clean")


@pytest.mark.parametrize(
    "data",
    [
        pktline.encode_list(b"git-filter-server", b"version=2"),
        pktline.encode_list(b"git-filter-client", b"version=3"),
        pktline.encode_list(),
    ],
)
def test_greeting_refuses_strangers(data):
    with pytest.raises(FormatError):
        greet(conversation(data))


def test_a_closed_or_cut_off_stream_ends_the_conversation():
    for cut in range(len(HELLO)):
        with pytest.raises((EOFError, FormatError)):
            greet(conversation(HELLO[:cut]))
