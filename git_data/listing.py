"""The files of a tree: all of them by two commands of Git, however many they are.

A file is data when its blob is a pointer. Blobs are read only where they have a pointer's size. The
size of a larger plain file is not known before it was fetched: it was promised, and left away.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import IO, NamedTuple

from . import pointer
from .errors import FormatError, GitError, NotFound, UsageError
from .git import Git
from .pointer import Pointer

MOST_FILES = 3_000_000  # of one tree: a tree of trees of trees can claim any number
TREE, LINK, SUBMODULE = "040000", "120000", "160000"
_MODES = ("100644", "100755")
_BATCH = 50_000  # blobs asked for at once
_PIECE = 1 << 20  # bytes

Known = tuple[int | None, Pointer | None]  # what one can tell of a blob


def clean(word: str) -> str:
    """A path that a user wrote, from a repository's top; UsageError when it leads out of it."""
    path = posixpath.normpath(word) if word else ""
    if path.startswith(("/", "../")) or path == "..":
        raise UsageError(f"{word!r} leads out of the repository", "paths start at its top")
    return "" if path == "." else path


class Entry(NamedTuple):
    """A file, as Git has it. Paths start at the top of the repository."""

    path: str
    mode: str  # 100644, 100755, LINK or SUBMODULE; TREE for a folder
    blob: str  # Git's id
    size: int | None = None  # bytes of the content; None: not known here
    pointer: Pointer | None = None  # None: a plain file of Git's

    @property
    def is_folder(self) -> bool:
        return self.mode == TREE


def find(git: Git, commit: str, path: str, where: str) -> Entry:
    """What lies at a path of a commit, "" is its top: a folder, or a file with its size.

    NotFound names what is near. `where` is the repository's name, for messages.
    """
    if not path:
        tree = git.run("rev-parse", "--verify", "--end-of-options", commit + "^{tree}")
        return Entry("", TREE, tree.decode().strip())
    listed = _split(
        git.run("ls-tree", "-z", "--full-tree", commit, path.encode(errors="surrogateescape"))
    )
    found = [entry for entry in listed if entry.path == path]
    if not found:
        raise NotFound(f"there is no {path!r} in {where}", _near(git, commit, path))
    return found[0] if found[0].is_folder else complete(git, found)[0]


def files(git: Git, folder: Entry, most: int = MOST_FILES) -> list[Entry]:
    """Every file below a folder, or the one file itself, in Git's order. FormatError when there are
    more than `most`."""
    if not folder.is_folder:
        return [folder]
    before = folder.path + "/" if folder.path else ""
    listed = [e._replace(path=before + e.path) for e in _list(git, folder.blob, most)]
    return complete(git, listed)


def level(git: Git, folder: Entry) -> list[Entry]:
    """What lies directly in a folder."""
    before = folder.path + "/" if folder.path else ""
    found = _split(git.run("ls-tree", "-z", "--full-tree", folder.blob))
    return complete(git, [e._replace(path=before + e.path) for e in found])


def staged(git: Git) -> list[Entry]:
    """Every file in the index; of a conflict, our side."""
    entries = []
    for line in os.fsdecode(git.run("ls-files", "-s", "-z", "--full-name")).split("\0")[:-1]:
        head, _, path = line.partition("\t")
        mode, blob, stage = head.split(" ")
        if stage in ("0", "2"):
            entries.append(Entry(path, mode, blob))
    return complete(git, entries)


def _list(git: Git, tree: str, most: int) -> list[Entry]:
    process = git.start("ls-tree", "-r", "-z", "--full-tree", tree, stdin=None)
    output = process.stdout
    assert output is not None
    found: list[Entry] = []
    try:
        for piece in _pieces(output):
            found += _split(piece)
            if len(found) > most:
                raise FormatError(f"the tree {tree} has more than {most:,} files")
    finally:
        output.close()
        status = process.wait()
    if status != 0:
        raise GitError(f"git ls-tree could not read {tree}", "try: git fsck")
    return found


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """What is read, cut behind a NUL."""
    rest = b""
    while block := stream.read(_PIECE):
        whole, nul, rest = (rest + block).rpartition(b"\0")
        yield whole + nul
    if rest:
        raise GitError("git ls-tree ended early", "try: git fsck")


def _split(listed: bytes) -> list[Entry]:
    entries = []
    for line in os.fsdecode(listed).split("\0")[:-1]:
        head, _, path = line.partition("\t")
        mode, _, blob = head.split(" ")
        entries.append(Entry(path, canonical_mode(mode), blob))
    return entries


def canonical_mode(mode: str) -> str:
    """As Git writes it today; old trees have others."""
    if mode.startswith("100") and mode not in _MODES:
        return _MODES[bool(int(mode, 8) & 0o100)]
    return mode


def complete(git: Git, entries: Sequence[Entry]) -> list[Entry]:
    """The same entries with sizes and pointers, as far as their blobs are here."""
    known: dict[str, Known] = {}
    blobs = [*dict.fromkeys(e.blob for e in entries if e.mode not in (TREE, SUBMODULE))]
    for at in range(0, len(blobs), _BATCH):
        known.update(_look(git, blobs[at : at + _BATCH]))
    return [_completed(entry, *known.get(entry.blob, (None, None))) for entry in entries]


def _completed(entry: Entry, size: int | None, found: Pointer | None) -> Entry:
    if found and entry.mode != LINK:
        return entry._replace(size=found.size, pointer=found)
    return entry._replace(size=size)


def described(entry: Entry, text: bytes) -> Entry:
    """The same entry, whose blob has this content."""
    return _completed(entry, len(text), pointer.parse(text))


def _look(
    git: Git, blobs: Sequence[str]
) -> Iterator[tuple[str, tuple[int | None, Pointer | None]]]:
    names = "".join(f"{blob}\n" for blob in blobs).encode()
    out = git.run("cat-file", "--buffer", "--batch-check=%(objectsize)", input=names)
    sizes = [int(line) if line.isdigit() else None for line in out.split(b"\n")[:-1]]
    small = [blob for blob, size in zip(blobs, sizes, strict=True) if size in pointer.SIZES]
    pointers = dict(zip(small, map(pointer.parse, _texts(git, small)), strict=True))
    for blob, size in zip(blobs, sizes, strict=True):
        yield blob, (size, pointers.get(blob))


def _texts(git: Git, blobs: Sequence[str]) -> Iterator[bytes]:
    """The content of small blobs that are here."""
    if not blobs:
        return
    names = "".join(f"{blob}\n" for blob in blobs).encode()
    out = git.run("cat-file", "--buffer", "--batch", input=names)
    at = 0
    for _ in blobs:
        end = out.index(b"\n", at)
        size = int(out[out.rindex(b" ", at, end) + 1 : end])
        yield out[end + 1 : end + 1 + size]
        at = end + size + 2


# A path that is not there


def _near(git: Git, commit: str, path: str) -> str:
    """What a user may have meant: names like it in the nearest folder that is there."""
    folder, names = commit, path.split("/")
    before: list[str] = []
    while True:
        listed = _split(git.run("ls-tree", "-z", "--full-tree", folder))
        there = {entry.path: entry for entry in listed}
        name = names[len(before)]
        if name not in there or not there[name].is_folder or len(before) == len(names) - 1:
            break
        before.append(name)
        folder = there[name].blob
    near = get_close_matches(name, [*there][:10_000], n=3, cutoff=0.5)
    if not near:
        where = "/".join(before) or "at its top"
        return f"what is there ({where}): {_some(there)}" if there else "it is empty"
    return "near: " + ", ".join("/".join([*before, one]) for one in near)


def _some(names: Iterable[str]) -> str:
    first = [*names]
    return ", ".join(first[:5]) + (", …" if len(first) > 5 else "")
