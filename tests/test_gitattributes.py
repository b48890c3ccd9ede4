import pytest

from git_data.gitattributes import (
    Line,
    add_everything,
    add_lines,
    parse_line,
    patterns_in,
    quote,
    remove_lines,
)

OURS = b" filter=data diff=data merge=data -text"

# pattern as Git matches it, as the file has it
QUOTED = [
    (b"*.bin", b"*.bin"),
    (b"images/**", b"images/**"),
    (b"a\\*b", b"a\\*b"),
    ("ü*.bin".encode(), "ü*.bin".encode()),
    (b"with space", b'"with space"'),
    (b'a"b', b'"a\\"b"'),
    (b"tab\tnewline\n", b'"tab\\tnewline\\n"'),
    (b"bell\x01\x7f", b'"bell\\001\\177"'),
    (b"space and \\*", b'"space and \\\\*"'),
    (b"#hash", b'"#hash"'),
    (b"[attr]x", b'"[attr]x"'),
]


@pytest.mark.parametrize(("pattern", "text"), QUOTED)
def test_a_pattern_and_its_text(pattern, text):
    assert quote(pattern) == text
    assert parse_line(text + OURS) == Line(pattern, tuple(OURS.split()))


@pytest.mark.parametrize("text", [b"", b"  ", b"# *.bin filter=data", b"[attr]big filter=data"])
def test_what_gives_no_pattern_attributes(text):
    assert parse_line(text) is None


def test_lines_are_added_at_the_end_once():
    text = b"# kept\n\n*.txt text\n"
    once = add_lines(text, [b"*.bin", b"a b"])
    assert once == text + b"*.bin" + OURS + b'\n"a b"' + OURS + b"\n"
    assert add_lines(once, [b"a b", b"*.bin"]) == once


def test_line_endings_stay_and_a_missing_last_one_is_made():
    assert add_lines(b"*.txt text\r\n", [b"x"]) == b"*.txt text\r\nx" + OURS + b"\r\n"
    assert add_lines(b"*.txt text", [b"x"]) == b"*.txt text\nx" + OURS + b"\n"
    assert patterns_in(add_lines(b"*.txt text\r\n", [b"x"])) == [b"x"]


def test_everything_goes_to_the_top_once():
    once = add_everything(b"*.txt -filter\n")
    assert once == b"* filter=data merge=data\n*.txt -filter\n"
    assert add_everything(once) == once


def test_a_pattern_is_added_again_when_a_later_line_undoes_it():
    text = b"*.bin" + OURS + b"\n*.bin -filter\n"
    assert patterns_in(text) == []
    assert patterns_in(add_lines(text, [b"*.bin"])) == [b"*.bin"]


def test_what_is_taken_out_is_ours_alone():
    text = b"# c\n*.bin" + OURS + b" lockable\n*.bin  -delta\n*.lfs filter=lfs\n*.o" + OURS + b"\n"
    assert remove_lines(text, [b"*.bin", b"*.lfs", b"*.o"]) == (
        b"# c\n*.bin lockable\n*.bin  -delta\n*.lfs filter=lfs\n"
    )
    assert remove_lines(text, [b"*.none"]) == text
