import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_data import pointer
from git_data.oid import ObjectId, hash_bytes
from git_data.pointer import Pointer

GOLDEN = (
    b"version git-data/1\n"
    b"oid blake3:8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99\n"
    b"size 6\n"
)


def test_golden_vector():
    assert Pointer(hash_bytes(b"hello\n"), 6).encode() == GOLDEN
    assert pointer.parse(GOLDEN) == Pointer(hash_bytes(b"hello\n"), 6)


@given(st.binary(min_size=32, max_size=32), st.integers(1, (1 << 63) - 1))
def test_both_directions(digest, size):
    made = Pointer(ObjectId(digest), size)
    assert pointer.parse(made.encode()) == made
    assert len(made.encode()) <= pointer.MAX_BYTES
    assert pointer.parse_any_eol(made.encode().replace(b"\n", b"\r\n")) == made


@pytest.mark.parametrize(
    "text",
    [
        b"",
        GOLDEN[:-1],
        GOLDEN + b"\n",
        b"\n" + GOLDEN,
        GOLDEN.replace(b"\n", b"\r\n"),
        GOLDEN.replace(b"git-data/1", b"git-data/2"),
        GOLDEN.replace(b"8e4c", b"8E4C"),
        GOLDEN.replace(b"blake3", b"sha256"),
        GOLDEN.replace(b"size 6", b"size 06"),
        GOLDEN.replace(b"size 6", b"size 0"),
        GOLDEN.replace(b"size 6", b"size -6"),
        GOLDEN.replace(b"size 6", b"size 6 "),
        GOLDEN.replace(b"size 6", b"size 9223372036854775808"),
        GOLDEN.replace(b"size 6", "size \u0666".encode()),
        GOLDEN + b"size 6\n",
    ],
)
def test_whatever_is_not_exactly_a_pointer_is_content(text):
    assert pointer.parse(text) is None


@pytest.mark.parametrize(
    "text", [GOLDEN.replace(b"\n", b"\r\n", 1), GOLDEN.replace(b"\n", b"\r"), GOLDEN + b"\r\n"]
)
def test_mixed_line_ends_are_content(text):
    assert pointer.parse_any_eol(text) is None
