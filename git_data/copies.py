"""Contents that wait, as temporary files, to change places with their pointers.

They lie in the process's own folder (placements.py), or beside the file where that is another file
system: a rename cannot leave one.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from typing import BinaryIO

from .errors import Damaged, DataError
from .files import copy_file, copy_open
from .placements import Entry, Folder, Placement
from .pointer import Pointer
from .treewriter import Tree

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Copies:
    """The temporary files of one round of placing, by their entry's number.

    `since`: a pointer written at or after this moment (nanoseconds) hands down its time.
    Methods raise OSError, and what `open_object` raises.
    """

    def __init__(
        self, folder: Folder, open_object: Callable[[Pointer], BinaryIO], since: int
    ) -> None:
        self._folder = folder
        self._open_object = open_object
        self._since = since
        self._fd = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._device = os.fstat(self._fd).st_dev
        self._beside: dict[int, bytes] = {}  # number -> path it lies beside
        self._alike: set[tuple[int, int]] = set()  # groups and modes that new files have anyway

    def close(self, tree: Tree) -> None:
        """Remove those beside their files: pointers by now, or contents that were not used."""
        remove_beside(tree, self._folder, self._beside.items())
        os.close(self._fd)

    def is_beside(self, old: os.stat_result) -> bool:
        """True where the temporary file for this pointer has to lie beside it."""
        return old.st_dev != self._device

    def make(self, tree: Tree, number: int, item: Placement, old: os.stat_result) -> Entry:
        """Copy the content for a pointer file that was found as `old`. Safe in threads, but for
        those that lie beside."""
        with self._open_object(item.pointer) as source:
            fd = self._create(tree, number, item.path, old)
            try:
                copied = copy_open(source, fd)
                made = self._dress(fd, old)
            finally:
                os.close(fd)
        if not copied == made.st_size == item.pointer.size:
            raise Damaged(
                f"{os.fsdecode(item.path)}: {made.st_size} of {item.pointer.size} bytes were copied"
            )
        return Entry(item, made.st_ino, made.st_mtime_ns)

    def _create(self, tree: Tree, number: int, path: bytes, old: os.stat_result) -> int:
        if not self.is_beside(old):
            return os.open(str(number), _CREATE, stat.S_IMODE(old.st_mode), dir_fd=self._fd)
        self._beside[number] = path
        return tree.create(path, self._folder.beside(number))

    def _dress(self, fd: int, old: os.stat_result) -> os.stat_result:
        """Group, mode and time of the pointer file for the one that takes its place."""
        if (old.st_gid, old.st_mode) not in self._alike:
            self._make_alike(fd, old)
        if old.st_mtime_ns >= self._since:
            os.utime(fd, ns=(old.st_mtime_ns, old.st_mtime_ns))
        return os.fstat(fd)

    def _make_alike(self, fd: int, old: os.stat_result) -> None:
        made = os.fstat(fd)
        if made.st_gid != old.st_gid:
            try:
                os.fchown(fd, -1, old.st_gid)
            except PermissionError:
                pass
        if made.st_mode != old.st_mode:
            os.fchmod(fd, stat.S_IMODE(old.st_mode))
        elif made.st_gid == old.st_gid and not self.is_beside(old):
            self._alike.add((old.st_gid, old.st_mode))

    def put(self, tree: Tree, number: int, item: Placement) -> os.stat_result | None:
        """Put the content in place; its stat data, or None where the pointer is no longer there."""
        path, text = item.path, item.pointer_text
        if number not in self._beside:
            try:
                return tree.replace(path, text, b"%d" % number, self._fd)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
            self._move_beside(tree, number, path)
        return tree.replace(path, text, self._folder.beside(number), tree.parent(path)[0])

    def _move_beside(self, tree: Tree, number: int, path: bytes) -> None:
        """For a mount point in the work tree that looks as the same file system."""
        self._beside[number] = path
        source = os.open(str(number), os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._fd)
        target = tree.create(path, self._folder.beside(number))
        try:
            old = os.fstat(source)
            if copy_file(source, target) != old.st_size:
                raise OSError(errno.EIO, "a copy came out short")
            os.fchmod(target, stat.S_IMODE(old.st_mode))
            os.utime(target, ns=(old.st_mtime_ns, old.st_mtime_ns))
        finally:
            os.close(source)
            os.close(target)


def remove_beside(tree: Tree, folder: Folder, paths: Iterable[tuple[int, bytes]]) -> None:
    """Remove temporaries that lie in the work tree, for (number, path)."""
    for number, path in paths:
        try:
            tree.remove(path, folder.beside(number))
        except (OSError, DataError):
            pass  # then it cannot be there either
