"""Objects from one cache folder into another, without a second copy where that can be."""

from __future__ import annotations

import os

from .disk import copy_open
from .errors import DataError
from .files import remove_quietly
from .objects import ObjectFolder
from .oid import ObjectId
from .seal import BROKEN


def give(source: ObjectFolder, oid: ObjectId, size: int, target: ObjectFolder) -> bool:
    """Bring a verified object into another folder: by hard link, else by shared blocks, else by
    copy. False where that cannot be done."""
    try:
        target.prepare()
        _link(source.path(oid), target, oid)
    except FileExistsError:
        found = target.look(oid, size)
        return found is not None and found[1] != BROKEN
    except OSError:
        return _copy(source, oid, size, target)
    return True


def _link(path: str, target: ObjectFolder, oid: ObjectId) -> None:
    there = target.path(oid)
    try:
        os.link(path, there, follow_symlinks=False)
    except FileNotFoundError:
        target.make_parent(there)
        os.link(path, there, follow_symlinks=False)


def _copy(source: ObjectFolder, oid: ObjectId, size: int, target: ObjectFolder) -> bool:
    try:
        fd, path = target.temporary()
    except DataError:
        return False
    try:
        with source.open(oid, size) as file:
            copy_open(file, fd)
        target.adopt(path, oid, size)
    except (OSError, DataError):
        return False
    finally:
        os.close(fd)
        remove_quietly(path)
    return True
