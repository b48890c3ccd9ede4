"""Bytes at the start of a Git bundle (git's gitformat-bundle): what it holds, and what it needs.

# v2 git bundle LF                      v3 for SHA-256, then @object-format=sha256 LF
-<commit> [comment] LF                  prerequisites: the reader must have these already
<object> <ref name> LF                  tips
LF
PACK…                                   thin: its deltas may be of objects of the prerequisites
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import BinaryIO, NamedTuple

from .errors import Damaged, FormatError
from .refnames import decode, encode

MAX_LINE = 4096
MAX_LINES = 1 << 20
_PACK_HEADER = 12
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Header(NamedTuple):
    object_format: str
    prerequisites: tuple[str, ...]  # sorted
    tips: tuple[str, ...]  # sorted, each once
    start: int  # of the pack in the file
    objects: int  # that the pack says it has


def encode_header(
    object_format: str, prerequisites: Iterable[str], tips: Mapping[str, str]
) -> bytes:
    """`tips`: ref name -> object id."""
    sha256 = object_format == "sha256"
    lines = [b"# v3 git bundle", b"@object-format=sha256"] if sha256 else [b"# v2 git bundle"]
    lines += [b"-" + oid.encode() for oid in sorted(prerequisites)]
    lines += [oid.encode() + b" " + encode(name) for name, oid in tips.items()]
    return b"\n".join([*lines, b"", b""])


def read_header(file: BinaryIO, name: str) -> Header:
    """From the start of a file; Damaged if it is none, FormatError for what we cannot use."""
    version = _line(file, name)
    if version not in ("# v2 git bundle", "# v3 git bundle"):
        raise Damaged(f"{name} is no Git bundle")
    object_format, prerequisites, tips = "sha1", set[str](), set[str]()
    for _ in range(MAX_LINES):
        line = _line(file, name)
        if not line:
            return _finish(file, name, object_format, prerequisites, tips)
        if line.startswith("@"):
            object_format = _capability(line, name)
        elif line.startswith("-"):
            prerequisites.add(_oid(line[1:], name))
        else:
            tips.add(_oid(line, name))
    raise Damaged(f"{name} has no end of its header")


def _finish(
    file: BinaryIO, name: str, object_format: str, prerequisites: set[str], tips: set[str]
) -> Header:
    start = file.tell()
    pack = file.read(_PACK_HEADER)
    if len(pack) < _PACK_HEADER or not pack.startswith(b"PACK"):
        raise Damaged(f"{name} has no pack after its header")
    objects = int.from_bytes(pack[8:12], "big")
    return Header(object_format, tuple(sorted(prerequisites)), tuple(sorted(tips)), start, objects)


def _line(file: BinaryIO, name: str) -> str:
    line = file.readline(MAX_LINE)
    if not line.endswith(b"\n"):
        raise Damaged(f"{name} has no end of its header")
    return decode(line[:-1])


def _capability(line: str, name: str) -> str:
    key, _, value = line[1:].partition("=")
    if key != "object-format" or value not in ("sha1", "sha256"):
        raise FormatError(f"{name} is a bundle of a kind that cannot be used: {line[:80]!r}")
    return value


def _oid(line: str, name: str) -> str:
    oid = line.partition(" ")[0]
    if not _OID.fullmatch(oid):
        raise Damaged(f"{name} has a line in its header that is no object")
    return oid
