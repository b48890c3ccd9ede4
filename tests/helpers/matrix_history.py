"""The repositories that the command matrix starts from, made by `git fast-import` in one go.

Data files are `*.bin`; their blobs are pointers, their contents lie in a folder by hash (for the
reference) and in the upstream's cache (for us). Some versions have the same size on purpose: Git
trusts a size, so a wrong entry hides best behind an equal one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

Content = bytes | str | None  # bytes: data; str: as it is (or what a link or submodule says)


class Commit(NamedTuple):
    branch: str
    parent: str
    changes: dict[str, Content]
    modes: dict[str, str] = {}  # noqa: RUF012 - never changed


def data(name: str, size: int) -> bytes:
    return random.Random(name).randbytes(size)


ODD = 'od d/ü "quote".bin'
_ATTRIBUTES = "*.bin filter=data -text\n"
_BASE: dict[str, Content] = {
    ".gitattributes": _ATTRIBUTES,
    "a.bin": data("a1", 2000),
    "b.bin": data("b1", 3000),
    "sub/s.bin": data("s1", 1500),
    "x.bin": data("x1", 1200),
    "df.bin": data("df", 1100),
    "ln.bin": data("ln", 1050),
    "sdir/q.bin": data("q", 1010),
    "far/f.bin": data("f1", 900),
    "empty.bin": b"",
    ODD: data("odd", 800),
    "t.txt": "text 1\n",
}
_TOPIC = {1: data("b2", 3100), 2: data("b3", 3100), 3: data("b4", 2900)}
HISTORY = (
    Commit("base", "", _BASE, {"x.bin": "100755"}),
    Commit("mid", "base", {"a.bin": data("a2", 2000), "t.txt": "text 2\n"}),
    Commit(
        "main",
        "mid",
        {
            "a.bin": data("a3", 2500),
            "sub/s.bin": data("s2", 1500),
            "far/f.bin": data("f2", 900),
            "new.bin": data("n1", 1000),
        },
    ),
    Commit("topic", "base", {"b.bin": _TOPIC[1]}),
    Commit("topic", "topic", {"b.bin": _TOPIC[2]}),
    Commit("topic", "topic", {"b.bin": _TOPIC[3], "n2.bin": data("n2", 700)}),
    Commit("conf", "base", {"a.bin": data("ac", 2000), "own.bin": data("own", 650)}),
    Commit("other", "base", {"y.bin": data("y1", 600), "b.bin": data("bo", 3000)}),
    Commit(
        "swap",
        "base",
        {
            "df.bin": None,
            "df.bin/in.bin": data("in", 550),
            "ln.bin": "a.bin",
            "sdir/q.bin": None,
            "sdir": "sub",
        },
        {"ln.bin": "120000", "sdir": "120000"},
    ),
    Commit(
        "modes",
        "base",
        {"x.bin": data("x1", 1200), "b.bin": data("b1", 3000)},
        {"b.bin": "100755"},
    ),
    Commit(
        "renamed",
        "base",
        {"b.bin": None, "moved/b2.bin": data("b1", 3000), "x.bin": data("x2", 1200)},
        {"x.bin": "100755"},
    ),
    Commit("plain", "base", {".gitattributes": "*.bin -filter -text\n", "t.txt": "text p\n"}),
    Commit(
        "driver",
        "base",
        {".gitattributes": "*.bin filter=data diff=data merge=data -text\n"},
    ),
    Commit("driver2", "driver", {"a.bin": data("d2", 2200), "sub/s.bin": data("ds", 1500)}),
    Commit("driver3", "driver", {"a.bin": data("d3", 2200), "b.bin": data("db", 3000)}),
)


def all_contents() -> list[bytes]:
    """Every data content of the history, the empty one aside."""
    return [c for commit in HISTORY for c in commit.changes.values() if isinstance(c, bytes) and c]


def pointer_text(content: bytes) -> bytes:
    if not content:
        return b""
    name = blake3(content).hexdigest()
    return b"version git-data/1\noid blake3:%s\nsize %d\n" % (name.encode(), len(content))


def import_stream(history: tuple[Commit, ...]) -> bytes:
    """What `git fast-import` reads. Every date is the same: so are the commits' ids."""
    return b"".join(piece for commit in history for piece in _commit(commit))


def _commit(commit: Commit) -> Iterator[bytes]:
    who = "A Person <person@example.org> 1704164645 +0000"
    yield f"commit refs/heads/{commit.branch}\nauthor {who}\ncommitter {who}\n".encode()
    yield _block(f"on {commit.branch}: {', '.join(commit.changes)}\n".encode())
    if commit.parent not in ("", commit.branch):
        yield f"from refs/heads/{commit.parent}\n".encode()
    for path, content in commit.changes.items():
        quoted = '"' + path.replace('"', '\\"') + '"'
        mode = commit.modes.get(path, "100644")
        if content is None:
            yield f"D {quoted}\n".encode()
        elif mode == "160000":
            yield f"M {mode} {content} {quoted}\n".encode()
        else:
            blob = pointer_text(content) if isinstance(content, bytes) else content.encode()
            yield f"M {mode} inline {quoted}\n".encode() + _block(blob)
    yield b"\n"


def _block(text: bytes) -> bytes:
    return b"data %d\n" % len(text) + text + b"\n"


def superproject(url: Path, commits: dict[str, str]) -> tuple[Commit, ...]:
    """A repository with the submodule `dep`: at base, and on `next` at main."""
    modules = f'[submodule "dep"]\n\tpath = dep\n\turl = {url}\n'
    first = {".gitmodules": modules, ".gitattributes": _ATTRIBUTES, "dep": commits["base"]}
    return (
        Commit("main", "", {**first, "top.bin": data("top1", 500)}, {"dep": "160000"}),
        Commit(
            "next",
            "main",
            {"dep": commits["main"], "top.bin": data("top2", 500)},
            {"dep": "160000"},
        ),
    )
