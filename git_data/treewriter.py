"""The one writer of work-tree files: no symlink followed, Git's path rules, file and rename.

Every folder on the way is opened from the one above it, never through a link, so that a path from
a repository cannot lead out of the work tree. What is to be visible is prepared as a temporary
file first, then changes places with the old one.
"""

from __future__ import annotations

import errno
import os
import re
import stat

from .disk import exchange, rename_new
from .errors import Denied

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FOLDERS = 64
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)

# As verify_path() of Git's read-cache.c: what a file system may take for ".git" is never a part.
_NO_PART = re.compile(rb"(?:^|/)\.{0,2}(?:/|\Z)|\0")
_DOT_GIT = re.compile(rb"(?:^|[/\\])(?:\.git|git~1)[ .]*(?::[^/\\]*)?(?:[/\\]|\Z)", re.IGNORECASE)
_HFS_IGNORES = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def is_safe(path: bytes) -> bool:
    """True for a path that Git itself would write."""
    if not path.isascii():
        plain = _HFS_IGNORES.sub("", path.decode("utf-8", "surrogateescape"))
        if _DOT_GIT.search(plain.encode("utf-8", "surrogateescape")):
            return False
    return not (_NO_PART.search(path) or _DOT_GIT.search(path))


class Tree:
    """A work tree, its folders opened safely. Methods raise OSError; Denied for a bad path."""

    def __init__(self, top: str | os.PathLike[str]) -> None:
        self._top = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folders: dict[bytes, int] = {}

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._folders.values():
            os.close(fd)
        os.close(self._top)

    def parent(self, path: bytes) -> tuple[int, bytes]:
        """The open folder that holds `path`, good until the next call, and the last part."""
        if not is_safe(path):
            raise Denied(f"{path!r} is no path that Git would write; nothing was written")
        folder, _, name = path.rpartition(b"/")
        return self._open(folder), name

    def make_parent(self, path: bytes) -> tuple[int, bytes]:
        """As `parent`; folders that are missing are made."""
        if not is_safe(path):
            raise Denied(f"{path!r} is no path that Git would write; nothing was written")
        folder, _, name = path.rpartition(b"/")
        return self._open(folder, make=True), name

    def _open(self, folder: bytes, make: bool = False) -> int:
        """One folder after the other, from the nearest that is open already."""
        missing = []
        while folder and folder not in self._folders:
            folder, _, name = folder.rpartition(b"/")
            missing.append(name)
        fd = self._folders[folder] if folder else self._top
        for name in reversed(missing):
            folder = folder + b"/" + name if folder else name
            fd = _open_folder(name, fd, make)
            if len(self._folders) >= _OPEN_FOLDERS:
                os.close(self._folders.pop(next(iter(self._folders))))
            self._folders[folder] = fd
        return fd

    def stat(self, path: bytes) -> os.stat_result | None:
        """A regular file's stat data; None when there is no such file."""
        try:
            folder, name = self.parent(path)
        except OSError as error:
            _raise_unless_absent(error)
            return None
        return _stat(name, folder)

    def look(self, path: bytes) -> os.stat_result | None:
        """What is there, a link or a folder too; None when there is nothing."""
        try:
            folder, name = self.parent(path)
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            _raise_unless_absent(error)
            return None

    def read_link(self, path: bytes) -> bytes:
        """Where a symbolic link leads."""
        folder, name = self.parent(path)
        return os.readlink(name, dir_fd=folder)

    def move_in(self, source: str, path: bytes, replace: bool) -> None:
        """A file of the same file system takes its place. FileExistsError where something is
        already; with `replace` a file or a link is replaced, and a folder never."""
        folder, name = self.make_parent(path)
        if replace:
            os.rename(source, name, dst_dir_fd=folder)
        else:
            rename_new(source, name, folder)

    def open(self, path: bytes) -> int | None:
        """A regular file, open for reading; None when there is no such file."""
        try:
            folder, name = self.parent(path)
            fd = os.open(name, _READ, dir_fd=folder)
        except OSError as error:
            _raise_unless_absent(error)
            return None
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
        return None

    def create(self, path: bytes, name: bytes, mode: int = 0o600) -> int:
        """A new file beside `path`, open for writing."""
        return os.open(name, _CREATE, mode, dir_fd=self.parent(path)[0])

    def name_new(self, path: bytes, temporary: bytes) -> bool:
        """Give a file that `create` made its name; False when that name is taken. The temporary
        name is left for `remove`."""
        folder, name = self.parent(path)
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                raise
            # A file system without hard links: the name is claimed, then filled by the rename.
            try:
                os.close(os.open(name, _CREATE, 0o600, dir_fd=folder))
            except FileExistsError:
                return False
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return True

    def remove(self, path: bytes, name: bytes) -> None:
        """Remove a file beside `path`; nothing happens when it is not there."""
        try:
            os.unlink(name, dir_fd=self.parent(path)[0])
        except OSError as error:
            _raise_unless_absent(error)

    def replace(
        self, path: bytes, expected: bytes, source: bytes, source_folder: int
    ) -> os.stat_result | None:
        """Put `source` at `path` in place of a file that holds exactly `expected`.

        The stat data of the file that is there now; None when `path` held something else, which
        then it still does. `source` may be left, holding `expected`: its folder is cleared anyway.
        """
        folder, name = self.parent(path)
        if not _holds(folder, name, expected):
            return None
        if not exchange(source, source_folder, name, folder):
            os.rename(source, name, src_dir_fd=source_folder, dst_dir_fd=folder)
        elif not _still_holds(source_folder, source, expected):  # written since we looked
            exchange(source, source_folder, name, folder)
            return None
        return os.stat(name, dir_fd=folder, follow_symlinks=False)


def _stat(name: bytes, folder: int) -> os.stat_result | None:
    """A regular file's stat data; None when there is no such file."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        _raise_unless_absent(error)
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _open_folder(name: bytes, above: int, make: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        pass  # somebody else was quicker
    return os.open(name, _FOLDER, dir_fd=above)


def _holds(folder: int, name: bytes, expected: bytes) -> bool:
    """True for a regular file with exactly this content."""
    try:
        fd = os.open(name, _READ, dir_fd=folder)
    except OSError as error:
        _raise_unless_absent(error)
        return False
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size != len(expected):
            return False
        return os.read(fd, len(expected) + 1) == expected
    finally:
        os.close(fd)


def _still_holds(folder: int, name: bytes, expected: bytes) -> bool:
    """As `_holds`; what cannot be looked at is not ours to remove."""
    try:
        return _holds(folder, name, expected)
    except OSError:
        return False


def _raise_unless_absent(error: OSError) -> None:
    if error.errno not in _ABSENT:
        raise error
