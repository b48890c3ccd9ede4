"""Give entries of Git's index, which is locked, the stat data of the files that are in place now.

In the bytes of the index, where they can be read (gitindex.py). A split index, or a version from
the future, Git itself rewrites: a copy of it, so that nothing but the lock's holder changes the
index in use.

A new index has a new time, and Git reads only those files again that are not older than their
index, in seconds. What was too young to be trusted must not become trusted by our rewriting: such
entries are compared with their files here, to the nanosecond, and where they differ they lose their
size, as Git does it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from . import gitindex
from .errors import FormatError
from .files import failure, write_all
from .git import Git
from .indexlock import IndexLock

_LATER = 60.0  # seconds
_QUIET = f"core.hooksPath={os.devnull}"  # no hook of the user's hears of a copy

Stats = Mapping[bytes, tuple[str, bytes]]  # path -> (blob in hex, gitindex.pack_stat)


def set_stats(lock: IndexLock, stats: Stats, work_tree: str, git: Git, scratch: str) -> None:
    """Change the entries at stage 0 that name the given blobs; others are left alone.

    `scratch` is a folder for a copy. Raises DataError; then the index is as it was.
    """
    if not stats:
        return
    try:
        data, written = _read(lock.index)
        update = _Update(stats, work_tree, written)
        changed: bytes | bytearray | None = update.patched(data)
        if changed is None:
            changed = _rewritten(data, update, git, os.path.join(scratch, "copy"))
        if changed:
            lock.commit(changed)
    except FileNotFoundError:
        return  # the index of one command, gone with it
    except OSError as error:
        raise failure(error, "write", lock.index) from error


class _Update(NamedTuple):
    stats: Stats
    work_tree: str
    written: float  # when the index was written, seconds

    def patched(self, data: bytearray) -> bytearray | None:
        """The new bytes, empty when nothing changes; None when only Git can tell."""
        blob, _ = next(iter(self.stats.values()))
        object_format = "sha256" if len(blob) == 64 else "sha1"
        try:
            found = gitindex.find(data, self.stats, object_format, int(self.written))
        except FormatError:
            return None
        if found.split:
            return None
        done = gitindex.patch(data, found, self.stats, object_format)
        others = ((path, at) for path, at in found.young.items() if path not in done)
        doubtful = [at for path, at in others if self._differs(data, path, at)]
        if doubtful:
            gitindex.patch(data, found, {}, object_format, doubtful)
        return data if done else bytearray()

    def _differs(self, data: bytearray, path: bytes, at: int) -> bool:
        """True when a file may have been changed since Git looked at it."""
        try:
            found = os.lstat(os.path.join(os.fsencode(self.work_tree), path))
        except OSError:
            return True
        coarse = found.st_mtime_ns % 10**9 == 0  # a file system that counts whole seconds
        return coarse or gitindex.pack_stat(found) != gitindex.stat_at(data, at)


def _read(path: str) -> tuple[bytearray, float]:
    """An index, and when it was written."""
    with open(path, "rb") as file:
        return bytearray(file.read()), os.fstat(file.fileno()).st_mtime


def _rewritten(data: bytearray, update: _Update, git: Git, copy: str) -> bytes | bytearray:
    """The new bytes as Git writes them, empty when nothing changes.

    A split index is made whole, changed, and split again.
    """
    there = Git(git.folder, {**git.environ, "GIT_INDEX_FILE": copy})
    _lay_out(copy, data, time.time() + _LATER)
    _run(there, "core.splitIndex=false", "--no-split-index")
    whole, _ = _read(copy)
    changed = update.patched(whole)
    if changed is None:
        _lay_out(copy, data, update.written)
        return _refreshed(there, update.stats, copy)
    if changed:
        _lay_out(copy, changed, time.time() + _LATER)
        _run(there, "core.splitIndex=true", "--split-index")
        return _read(copy)[0]
    return b""


def _refreshed(there: Git, stats: Stats, copy: str) -> bytes | bytearray:
    """For an index that only Git can read: it looks into the files itself.

    Stat data that is only zeroed would do for `git status`, but not for `git merge --abort`.
    """
    lines = there.run("ls-files", "--stage", "-z").split(b"\0")
    wanted = b"".join(line + b"\0" for line in lines if _names(line, stats))
    if not wanted:
        return b""
    there.run("-c", _QUIET, "update-index", "-z", "--index-info", input=wanted)
    there.attempt("-c", _QUIET, "update-index", "-q", "--refresh")  # 1: a file has changed
    return _read(copy)[0]


def _run(there: Git, setting: str, *arguments: str) -> None:
    there.run("-c", _QUIET, "-c", setting, "update-index", *arguments)


def _lay_out(copy: str, data: bytes | bytearray, written: float) -> None:
    """An index with a time. One to come is newer than every file: Git reads none of them."""
    fd = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)
    os.utime(copy, (written, written))


def _names(line: bytes, stats: Stats) -> bool:
    """True for `<mode> <blob> 0<TAB><path>` with a path and blob that are meant."""
    head, _, path = line.partition(b"\t")
    blob, _ = stats.get(path, ("", b""))
    return bool(blob) and head.split()[1:] == [blob.encode(), b"0"]
