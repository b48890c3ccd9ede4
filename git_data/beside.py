"""Their version of a file in conflict, written beside ours as NAME.theirs.

It is a new file: nothing that is there is ever replaced. Written as all work-tree files are, never
through a link (`treewriter`).
"""

from __future__ import annotations

import os
from typing import BinaryIO

from .disk import copy_open, write_all
from .errors import DataError
from .files import failure, temporary_name
from .oid import ObjectId, hash_stream
from .treewriter import Tree

SUFFIX = ".theirs"
_MOST = 100  # names that are tried


def names(path: str) -> list[str]:
    """Where their version of `path` may lie, the usual name first."""
    return [path + SUFFIX, *(f"{path}{SUFFIX}.{number}" for number in range(2, _MOST))]


def write(top: str, path: str, source: BinaryIO | bytes, oid: ObjectId) -> str:
    """Write their content of the file at `path`; the name it has now. One that is there already
    with the same content is taken. DataError when it cannot be written."""
    try:
        with Tree(top) as tree:
            for name in names(path):
                if holds(tree, name, oid) or _write_new(tree, name, source):
                    return name
    except OSError as error:
        raise failure(error, "write", os.path.join(top, path + SUFFIX)) from error
    raise DataError(f"there are {_MOST} files such as {path + SUFFIX}", "remove some of them")


def holds(tree: Tree, name: str, oid: ObjectId) -> bool:
    """True for a file with exactly this content."""
    fd = tree.open(os.fsencode(name))
    if fd is None:
        return False
    with open(fd, "rb") as file:
        return hash_stream(file)[0] == oid


def _write_new(tree: Tree, name: str, source: BinaryIO | bytes) -> bool:
    """False when there is a file of that name already."""
    path, temporary = os.fsencode(name), os.fsencode(f".{temporary_name()}")
    fd = tree.create(path, temporary, 0o666)
    try:
        if isinstance(source, bytes):
            write_all(fd, source)
        else:
            source.seek(0)
            copy_open(source, fd)
        return tree.name_new(path, temporary)
    finally:
        os.close(fd)
        tree.remove(path, temporary)
