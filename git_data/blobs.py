"""The content of blobs of Git's, large ones too, by one process and a piece at a time."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, BinaryIO

from .errors import GitError, NotFound
from .git import Git

PIECE = 1 << 20  # bytes


def stream(git: Git, blobs: Sequence[str]) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Id, size in bytes and content of each, in their order; NotFound for one that is not here.

    The pieces of one are taken before the next is asked for.
    """
    with tempfile.TemporaryFile() as names:  # a pipe would have to be fed while one reads
        names.write("".join(f"{blob}\n" for blob in blobs).encode())
        names.seek(0)
        process = git.start("cat-file", "--batch", "--buffer", stdin=names.fileno())
    output = process.stdout
    assert output is not None
    try:
        for blob in blobs:
            size = _size(output.readline(), blob)
            yield blob, size, _pieces(output, size)
            output.read(1)
    finally:
        output.close()
        process.wait()


def _size(head: bytes, blob: str) -> int:
    words = head.split()
    if len(words) != 3 or words[1] != b"blob":
        raise NotFound(f"the blob {blob} is not here ({head.decode(errors='replace').strip()})")
    return int(words[2])


def _pieces(output: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        piece = output.read(min(size, PIECE))
        if not piece:
            raise GitError("git cat-file ended early", "try: git fsck")
        size -= len(piece)
        yield piece


def id_of(file: BinaryIO, size: int, object_format: str) -> str:
    """What Git would call this content."""
    state = hashlib.new(object_format, b"blob %d\0" % size, usedforsecurity=False)
    while piece := file.read(PIECE):
        state.update(piece)
    return state.hexdigest()
