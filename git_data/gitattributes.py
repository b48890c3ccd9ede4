"""The text of a `.gitattributes` file: the lines that make files data, added and taken out.

Everything else stays as it is: comments, order, line endings, other attributes. Later lines win, so
tracking by size (`*`) goes to the top and patterns to the end. The format: gitattributes(5). A
pattern is in C quotes where it holds spaces or quotes; one that is not ends at the first space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

BY_PATTERN = (b"filter=data", b"diff=data", b"merge=data", b"-text")
BY_SIZE = (b"filter=data", b"merge=data")
EVERYTHING = b"*"
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPES = {b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11}
_NEEDS_QUOTES = re.compile(rb'[\x00-\x20"\x7f]|^#|^\[attr\]')


class Line(NamedTuple):
    """One line that gives attributes to a pattern; both as Git understands them."""

    pattern: bytes
    attributes: tuple[bytes, ...]

    @property
    def tracks(self) -> bool:
        return b"filter=data" in self.attributes


def quote(pattern: bytes) -> bytes:
    """The pattern as `.gitattributes` needs it: in C quotes where it has spaces or quotes."""
    if not _NEEDS_QUOTES.search(pattern):
        return pattern
    names = {value: b"\\" + name for name, value in _ESCAPES.items()} | {34: b'\\"', 92: b"\\\\"}
    letters = (
        names.get(value, b"\\%03o" % value if value < 32 or value == 127 else bytes([value]))
        for value in pattern
    )
    return b'"' + b"".join(letters) + b'"'


def _unquote(text: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3}|.)", _unescape, text, flags=re.DOTALL)


def _unescape(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if escape.isdigit():
        return bytes([int(escape, 8) & 255])
    return bytes([_ESCAPES.get(escape, escape[0])])


def parse_line(text: bytes) -> Line | None:
    """What a line says; None for comments, macros, empty lines."""
    text = text.strip(b" \t\r\n")
    if not text or text.startswith((b"#", b"[attr]")):
        return None
    quoted = _QUOTED.match(text)
    if quoted:
        pattern, rest = _unquote(quoted[1]), text[quoted.end() :]
    else:
        pattern, _, rest = re.sub(rb"[ \t\r]+", b" ", text).partition(b" ")
    return Line(pattern, tuple(rest.split()))


def add_lines(text: bytes, patterns: Sequence[bytes]) -> bytes:
    """The file's text with a line at its end for each pattern that has none yet."""
    ending = line_ending(text)
    for pattern in patterns:
        if not _is_tracked(text, pattern):
            text = ended(text, ending) + _line(pattern, BY_PATTERN) + ending
    return text


def add_everything(text: bytes) -> bytes:
    """The file's text with `* filter=data merge=data` above all else."""
    if _is_tracked(text, EVERYTHING):
        return text
    return _line(EVERYTHING, BY_SIZE) + line_ending(text) + text


def remove_lines(text: bytes, patterns: Sequence[bytes]) -> bytes:
    """The file's text without what tracks these patterns; other attributes of them stay."""
    kept = []
    for line in lines(text):
        found = parse_line(line)
        if found is None or not found.tracks or found.pattern not in patterns:
            kept.append(line)
        elif left := [word for word in found.attributes if word not in BY_PATTERN]:
            kept.append(b" ".join([quote(found.pattern), *left]) + line_ending(line))
    return b"".join(kept)


def patterns_in(text: bytes) -> list[bytes]:
    """The patterns whose last line tracks, in the order of the file."""
    last: dict[bytes, bool] = {}
    for line in map(parse_line, lines(text)):
        if line and any(map(_is_of_filter, line.attributes)):
            last.pop(line.pattern, None)
            last[line.pattern] = line.tracks
    return [pattern for pattern, tracks in last.items() if tracks]


def _is_of_filter(attribute: bytes) -> bool:
    return attribute.partition(b"=")[0].lstrip(b"-!") == b"filter"


def lines(text: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", text)


def _is_tracked(text: bytes, pattern: bytes) -> bool:
    return pattern in patterns_in(text)


def _line(pattern: bytes, attributes: Iterable[bytes]) -> bytes:
    return quote(pattern) + b" " + b" ".join(attributes)


def line_ending(text: bytes) -> bytes:
    return b"\r\n" if text.partition(b"\n")[0].endswith(b"\r") else b"\n"


def ended(text: bytes, ending: bytes) -> bytes:
    return text if not text or text.endswith(b"\n") else text + ending
