"""Conflict markers round pointers, and what is wrong with blobs that should be pointers."""

import pytest

from git_data.conflict import Sides, has_markers, sides
from git_data.faults import LONGEST, Fault, fault_of
from git_data.oid import hash_bytes
from git_data.pointer import Pointer

OURS, BASE, THEIRS = (Pointer(hash_bytes(text), len(text)) for text in (b"ours", b"b", b"theirs!"))
O_TEXT, B_TEXT, T_TEXT = (one.encode() for one in (OURS, BASE, THEIRS))


def lines(text):
    return text.splitlines(keepends=True)


def merged(style=b""):
    """As Git merges two pointers that differ in both lines."""
    base = b"||||||| 1234567\n" + b"".join(lines(B_TEXT)[1:]) if style == b"diff3" else b""
    ours, theirs = lines(O_TEXT), b"".join(lines(T_TEXT)[1:])
    start = ours[0] + b"<<<<<<< HEAD\n" + b"".join(ours[1:]) + base
    return start + b"=======\n" + theirs + b">>>>>>> topic with a name\n"


def whole():
    return b"<<<<<<< HEAD\n" + O_TEXT + b"=======\n" + T_TEXT + b">>>>>>> topic\n"


@pytest.mark.parametrize("text", [merged(), merged(b"diff3"), whole()])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_both_sides_are_in_the_text(text, ends):
    text = text.replace(b"\n", ends)
    assert has_markers(text)
    assert sides(text) == Sides(OURS, THEIRS)


def test_a_side_that_is_no_pointer():
    text = whole().replace(T_TEXT, b"some text\n")
    assert sides(text) == Sides(OURS, None)


def test_what_only_looks_like_markers():
    assert not has_markers(O_TEXT)
    assert not has_markers(b"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic\n")
    assert not has_markers(whole() + b"x" * 5000)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", None),
        (O_TEXT, None),
        (merged(), Fault.CONFLICT),
        (O_TEXT.replace(b"\n", b"\r\n"), Fault.CRLF),
        (O_TEXT.replace(b"\n", b"\r\n", 1), Fault.BROKEN),
        (O_TEXT[:-1], Fault.BROKEN),
        (O_TEXT + b"\n", Fault.BROKEN),
        (O_TEXT[:40], Fault.BROKEN),
        (O_TEXT[:10], Fault.BROKEN),
        (O_TEXT.upper(), Fault.BROKEN),
        (b"\xef\xbb\xbf" + O_TEXT, Fault.BROKEN),
        (O_TEXT + T_TEXT, Fault.BROKEN),
        (O_TEXT.replace(b"size 4", b"size 04"), Fault.BROKEN),
        (O_TEXT.replace(b"git-data/1", b"git-data/2"), Fault.NEWER),
        (b"version git-data/12\r\nhash x:1\r\n", Fault.NEWER),
        (b"version git-data/2\n" + b"x" * LONGEST, Fault.RAW),
        (b"version git-data/two\n", Fault.BROKEN),
        (b"version git-data/0\n", Fault.BROKEN),
        (O_TEXT.replace(b"\n", b" "), Fault.BROKEN),
        (O_TEXT.replace(b"git-data/", b"git-data/ "), Fault.BROKEN),
        (O_TEXT[:18], Fault.BROKEN),
        (b"version git-data/1 is told of in docs/formats/pointer.md\n", Fault.RAW),
        (b"version 1.2 of something", Fault.RAW),
        (b"vers", Fault.RAW),
        (b"any content", Fault.RAW),
        (b"\0\1\2" * 900, Fault.RAW),
        (O_TEXT + b"x" * LONGEST, Fault.RAW),
    ],
)
def test_each_fault_is_told_from_the_others(text, fault):
    assert fault_of(text) == fault
