"""Data files in conflict, and settling them: one side is kept, whole.

A conflict is an index entry with stages, or a pointer that was added with conflict markers in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from . import beside, conflict, faults, pointer, scan
from .entries import indexed
from .errors import GitError
from .git import Git
from .oid import hash_stream
from .pointer import MAX_BYTES as POINTER_BYTES
from .pointer import Pointer
from .repo import Repo
from .treewriter import Tree

OURS, THEIRS = "ours", "theirs"
_LARGEST_PLAIN = 10 << 20  # bytes of a plain file that is read to know it again
_STAGES = {b"2": OURS, b"3": THEIRS}


class Side(NamedTuple):
    """One version of a file in conflict, as Git has it."""

    mode: str
    blob: str
    pointer: Pointer | None  # None: it is no pointer


class Conflict(NamedTuple):
    """A data file that two sides changed; None where a side has deleted it."""

    path: str  # from the top
    ours: Side | None
    theirs: Side | None
    has_markers: bool  # both sides are in a text that was added

    def side(self, which: str) -> Side | None:
        return self.ours if which == OURS else self.theirs


class Settled(NamedTuple):
    """What was done with one conflict."""

    path: str
    kept: str
    deleted: bool  # that side has no such file
    removed: list[str]  # files beside it that held their version
    left: list[str]  # files beside it that somebody has changed


def conflicts(repo: Repo, paths: Sequence[str] = ()) -> list[Conflict]:
    """The data files in conflict, below some paths, in the order of the index."""
    with scan.BlobReader(repo.git) as reader:
        found = [*_unmerged(repo.git, reader, paths), *_marked(repo.git, reader, paths)]
    return sorted(found, key=lambda one: one.path)


def _unmerged(git: Git, reader: scan.BlobReader, paths: Sequence[str]) -> Iterator[Conflict]:
    stages: dict[str, dict[str, tuple[str, str]]] = {}
    for entry in git.run("ls-files", "-u", "-z", "--full-name", "--", ":/").split(b"\0")[:-1]:
        head, _, name = entry.partition(b"\t")
        mode, blob, stage = head.split(b" ")
        path = os.fsdecode(name)
        if scan.lies_below(path, paths):
            sides = stages.setdefault(path, {})
            if stage in _STAGES and mode.startswith(b"100"):
                sides[_STAGES[stage]] = (mode.decode(), blob.decode())
    texts = _small_texts(git, reader, {b for sides in stages.values() for _, b in sides.values()})
    for path, sides in stages.items():
        made = {which: _side(mode, blob, texts) for which, (mode, blob) in sides.items()}
        if any(side.pointer or _is_kept(texts.get(side.blob, b"")) for side in made.values()):
            yield Conflict(path, made.get(OURS), made.get(THEIRS), False)


def _marked(git: Git, reader: scan.BlobReader, paths: Sequence[str]) -> Iterator[Conflict]:
    """Texts with conflict markers round two pointers, added as if they were settled."""
    entries = {os.fsdecode(entry.path): entry for entry in indexed(git)}
    entries = {path: e for path, e in entries.items() if scan.lies_below(path, paths)}
    texts = _small_texts(git, reader, {entry.blob for entry in entries.values()})
    for path, entry in entries.items():
        text = texts.get(entry.blob, b"")
        if conflict.has_markers(text):
            ours, theirs = (one and Side("100644", "", one) for one in conflict.sides(text))
            yield Conflict(path, ours, theirs, has_markers=True)


def _small_texts(git: Git, reader: scan.BlobReader, blobs: set[str]) -> dict[str, bytes]:
    """The content of those that may hold a pointer."""
    sizes = zip(blobs, scan.sizes(git, blobs), strict=True)
    small = [blob for blob, size in sizes if size and size < faults.LONGEST]
    found = zip(small, reader.read(small), strict=True)
    return {blob: text for blob, text in found if text is not None}


def _is_kept(text: bytes) -> bool:
    return faults.fault_of(text) in faults.KEPT


def _side(mode: str, blob: str, texts: dict[str, bytes]) -> Side:
    return Side(mode, blob, pointer.parse(texts.get(blob, b"")))


# Settling


def settle(repo: Repo, found: Sequence[Conflict], which: str) -> list[Settled]:
    """Keep one side of each: in the index and in the work tree. Their versions that the merge put
    beside them are removed, unless somebody has changed them."""
    git = repo.git
    kept = [one for one in found if one.side(which)]
    gone = [one for one in found if not one.side(which)]
    names = b"".join(_index_line(git, one, one.side(which)) for one in kept)
    if names:
        git.run("update-index", "-z", "--index-info", input=names)
        _from_stdin(git, ("checkout", "-q", "-f"), kept)
    if gone:
        _from_stdin(git, ("rm", "-q", "-f", "--ignore-unmatch"), gone)
    return [clear(repo, one, which) for one in found]


def _index_line(git: Git, one: Conflict, side: Side | None) -> bytes:
    assert side is not None
    blob = side.blob
    if not blob and side.pointer:
        text = side.pointer.encode()
        blob = git.run("hash-object", "-w", "--stdin", input=text).decode().strip()
    return f"{side.mode} {blob} 0\t".encode() + os.fsencode(one.path) + b"\0"


def _from_stdin(git: Git, command: tuple[str, ...], items: Sequence[Conflict]) -> None:
    """Run a command on paths, whatever signs they hold. What it and the filter say is shown."""
    names = b"".join(os.fsencode(one.path) + b"\0" for one in items)
    paths = ("--pathspec-from-file=-", "--pathspec-file-nul")
    process = git.start("--literal-pathspecs", *command, *paths)
    process.communicate(names)
    if process.returncode:
        raise GitError(f"git {command[0]} could not settle {items[0].path}", "see: git status")


def clear(repo: Repo, one: Conflict, which: str) -> Settled:
    """Remove what the merge put beside a file that is settled, unless somebody has changed it."""
    removed: list[str] = []
    left: list[str] = []
    with Tree(repo.top) as tree:
        for name in beside.names(one.path):
            path = os.fsencode(name)
            fd = tree.open(path)
            if fd is None:
                break
            with open(fd, "rb") as file:
                is_theirs = _is_theirs(repo.git, one, file)
            if is_theirs:
                tree.remove(path, path.rpartition(b"/")[2])
            (removed if is_theirs else left).append(name)
    return Settled(one.path, which, one.side(which) is None, removed, left)


def _is_theirs(git: Git, one: Conflict, file: BinaryIO) -> bool:
    """True for exactly their version: its content, or its pointer where that was all there was."""
    theirs = one.theirs
    if theirs is None:
        return False
    size = os.fstat(file.fileno()).st_size
    found = theirs.pointer
    if found and size == found.size and hash_stream(file)[0] == found.oid:
        return True
    if size > max(POINTER_BYTES, 0 if found else _LARGEST_PLAIN):
        return False
    file.seek(0)
    text = file.read()
    if found:
        return text == found.encode()
    return git.run("hash-object", "--stdin", input=text).decode().strip() == theirs.blob
