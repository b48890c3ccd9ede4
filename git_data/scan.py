"""Which pointers some commits need: one pipeline of Git, not a process a file."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import IO, NamedTuple

from . import pointer
from .errors import GitError
from .git import Git
from .pointer import Pointer

_SMALLEST, _LARGEST = pointer.SIZES[0], pointer.MAX_BYTES  # other blobs are not read
_FORMAT = "--batch-check=%(objecttype) %(objectsize) %(objectname) %(rest)"
_MANY = 10_000  # pointers that are held at once
_BATCH = 500  # names written before the answers are read: fits the smallest pipe


class Found(NamedTuple):
    """A pointer in history, under one of the paths that it has or had."""

    path: bytes
    blob: str
    pointer: Pointer


def pointers_in_history(
    git: Git, tips: Iterable[str], known: Iterable[str] = ()
) -> Iterator[Found]:
    """Every pointer blob that is reachable from `tips` and not from `known` commits.

    In a partial clone nothing is fetched: what is not here came from the remote. Replaced objects
    (`git replace`) are taken as they are, for so they are pushed.
    """
    names = b"".join(tip.encode() + b"\n" for tip in tips)
    names += b"".join(b"^" + commit.encode() + b"\n" for commit in commits_here(git, known))
    yield from _read_pointers(git, _small_blobs(git, names))


def commits_here(git: Git, revisions: Iterable[str]) -> list[str]:
    """The ids of those revisions that are commits, or tags of commits, and exist here."""
    return _peeled(git, revisions, "commit")


def trees_here(git: Git, revisions: Iterable[str]) -> list[str]:
    """The trees of those revisions that have one and exist here: a tag may be of a blob."""
    return _peeled(git, revisions, "tree")


def holders(git: Git, blob: str, tips: Iterable[str]) -> Iterator[tuple[str, list[bytes]]]:
    """Trees of history that hold a blob, and its paths there: those of the tips, and of each commit
    that put it somewhere. Dear: reads all of history."""
    tips = [*tips]
    commits = commits_here(git, tips)
    wanted = ("log", "-m", "--no-renames", "--format=%H", "-s", f"--find-object={blob}", "--stdin")
    names = "".join(f"{commit}\n" for commit in commits).encode()
    added = git.run("--no-replace-objects", *wanted, input=names).decode().split() if names else []
    for tree in dict.fromkeys(trees_here(git, [*tips, *added])):
        entries = git.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]
        parts = (entry.partition(b"\t") for entry in entries)
        paths = [path for head, _, path in parts if head.endswith(b" " + blob.encode())]
        if paths:
            yield tree, paths


def _peeled(git: Git, revisions: Iterable[str], kind: str) -> list[str]:
    names = "".join(f"{revision}^{{{kind}}}\n" for revision in revisions).encode()
    answers = git.run("cat-file", "--batch-check", input=names).splitlines() if names else []
    return [a.split()[0].decode() for a in answers if f" {kind} ".encode() in a]


def _small_blobs(git: Git, names: bytes) -> Iterator[tuple[str, bytes]]:
    """Blob ids and paths of the size of a pointer, by rev-list piped into cat-file."""
    walk = git.start(
        "--no-replace-objects",
        "rev-list",
        "--objects",
        "--stdin",
        "--missing=allow-promisor",
        f"--filter=blob:limit={_LARGEST + 1}",
    )
    check = git.start(
        *("--no-replace-objects", "cat-file", "--buffer", _FORMAT), stdin=_output(walk).fileno()
    )
    _output(walk).close()  # only the second command reads it
    _feed(walk, names)
    for line in _output(check):
        kind, size, blob, path = (line.removesuffix(b"\n") + b"   ").split(b" ", 3)
        path = path[:-3]
        if kind == b"blob" and _SMALLEST <= int(size) <= _LARGEST:
            yield blob.decode(), path
    _end(walk, "rev-list")
    _end(check, "cat-file")


def _feed(process: subprocess.Popen[bytes], text: bytes) -> None:
    if process.stdin is not None:
        try:
            process.stdin.write(text)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it died: its exit status says so


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _end(process: subprocess.Popen[bytes], name: str) -> None:
    _output(process).close()
    if process.wait() != 0:
        raise GitError(f"git {name} failed while the commits were read", "try: git fsck")


def _read_pointers(git: Git, blobs: Iterator[tuple[str, bytes]]) -> Iterator[Found]:
    while batch := [*islice(blobs, _MANY)]:
        texts = _texts(git, [blob for blob, _ in batch])
        for (blob, path), text in zip(batch, texts, strict=True):
            if found := pointer.parse(text):
                yield Found(path, blob, found)


def _texts(git: Git, blobs: Sequence[str]) -> Iterator[bytes]:
    """The content of small blobs that are here, in a stream: Git need not answer one by one."""
    with tempfile.TemporaryFile() as names:  # a pipe would have to be fed while one reads
        names.write("".join(f"{blob}\n" for blob in blobs).encode())
        names.seek(0)
        words = ("--no-replace-objects", "cat-file", "--batch", "--buffer")
        process = git.start(*words, stdin=names.fileno())
    output = _output(process)
    try:
        for _ in blobs:
            head = output.readline().split()
            if len(head) != 3:
                raise GitError("git cat-file lost a pointer that was there", "try: git fsck")
            text = output.read(int(head[2]) + 1)
            if len(text) != int(head[2]) + 1:
                raise GitError("git cat-file ended early", "try: git fsck")
            yield text[:-1]
    finally:
        output.close()
        process.wait()


class BlobReader:
    """`git cat-file --batch`, kept running: misses nothing, even while others repack."""

    def __init__(self, git: Git) -> None:
        self._process = git.start("--no-replace-objects", "cat-file", "--batch")

    def __enter__(self) -> BlobReader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        _output(self._process).close()
        self._process.wait()

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """The content of objects, by id or other name; None for one that is not here."""
        stdin, texts = self._process.stdin, list[bytes | None]()
        assert stdin is not None
        for at in range(0, len(names), _BATCH):
            part = names[at : at + _BATCH]
            stdin.write("".join(f"{name}\n" for name in part).encode(errors="surrogateescape"))
            stdin.flush()
            texts += [self._read_one() for _ in part]
        return texts

    def _read_one(self) -> bytes | None:
        stdout = _output(self._process)
        line = stdout.readline()
        if not line:
            raise GitError("git cat-file ended early", "try: git fsck")
        if line.endswith((b" missing\n", b" ambiguous\n")):  # after the name, which may hold spaces
            return None
        return stdout.read(int(line.split()[2]) + 1)[:-1]


def pointers_in_commit(git: Git, revision: str, paths: Sequence[str] = ()) -> Iterator[Found]:
    """The pointers in a commit's tree, below some paths, in the order of the tree."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", revision)
    entries = {}
    for entry in listed.split(b"\0")[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, kind, blob = head.split(b" ")
        if kind == b"blob" and mode != b"120000" and _below(path, paths):
            entries[path] = blob.decode()
    yield from _read_pointers(git, _of_pointer_size(git, entries))


def pointers_in_index(git: Git, paths: Sequence[str] = ()) -> Iterator[Found]:
    """The pointers that are staged, below some paths; of a conflict, our side."""
    entries = {path: blob for path, blob in _staged(git).items() if _below(path, paths)}
    yield from _read_pointers(git, _of_pointer_size(git, entries))


def sizes_in_index(git: Git) -> dict[bytes, int]:
    """The size of the blob of every staged file, in the order of the index."""
    entries = _staged(git)
    pairs = zip(entries, sizes(git, entries.values()), strict=True)
    return {path: size for path, size in pairs if size is not None}


def _staged(git: Git) -> dict[bytes, str]:
    """Path and blob of every regular file in the index; of a conflict, our side."""
    entries: dict[bytes, str] = {}
    for entry in git.run("ls-files", "-s", "-z", "--full-name").split(b"\0")[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, blob, stage = head.split(b" ")
        if mode.startswith(b"100") and stage in (b"0", b"2"):
            entries[path] = blob.decode()
    return entries


def _below(path: bytes, paths: Sequence[str]) -> bool:
    return lies_below(path.decode(errors="surrogateescape"), paths)


def lies_below(name: str, paths: Sequence[str]) -> bool:
    """True for a path that is one of `paths`, lies below one, or matches a pattern among them."""
    return not paths or any(
        where in ("", ".")
        or name == where
        or name.startswith(where + "/")
        or fnmatchcase(name, where)
        for where in paths
    )


def _of_pointer_size(git: Git, entries: dict[bytes, str]) -> Iterator[tuple[str, bytes]]:
    """Those of the blobs that have the size of a pointer."""
    for (path, blob), size in zip(entries.items(), sizes(git, entries.values()), strict=True):
        if size is not None and _SMALLEST <= size <= _LARGEST:
            yield blob, path


def sizes(git: Git, blobs: Iterable[str]) -> Iterator[int | None]:
    """Bytes of each blob, None for one that is not here."""
    names = "".join(f"{blob}\n" for blob in blobs).encode()
    out = git.run("cat-file", "--buffer", "--batch-check=%(objectsize)", input=names)
    return (int(size) if size.isdigit() else None for size in out.split(b"\n")[:-1])
