"""Files on a server that speaks SFTP.

fsspec's file system for it is not used: it reads 32 KiB a round trip, and takes any host's key
unless it is told better, which older versions cannot be.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, LifoQueue
from threading import BoundedSemaphore
from typing import Any

from ..errors import DataError
from .access import Access
from .base import Part
from .filestore import FileStore, Found
from .ssh import Connection, Place, parse

SESSIONS = 4  # at once, over one connection: servers allow ten
_PIECE = 32 << 10  # the most that one request may read or write
_ANSWERS = (errno.ENOENT, errno.EACCES, errno.EISDIR)  # after which a session is as good as before
_EXTENDED = 200  # SSH_FXP_EXTENDED


def open_sftp(url: str, access: Access, ssh_folder: str = "~/.ssh") -> FileStore:
    """The store at `sftp://…`; nothing is asked yet. UsageError for no address."""
    place = parse(url)
    connection = Connection(place, access, ssh_folder)
    return FileStore(SftpFiles(place, connection), access.single_writer)


class SftpFiles:
    def __init__(self, place: Place, connection: Connection) -> None:
        self._place = place
        self._connection = connection
        self._idle: LifoQueue[Any] = LifoQueue()
        self._permits = BoundedSemaphore(SESSIONS)

    @property
    def url(self) -> str:
        return self._place.url

    def _path(self, path: str) -> str:
        return posixpath.join(self._place.folder, path)

    # The verbs

    def read(self, path: str, start: int, length: int) -> bytes:
        with self._session() as sftp, sftp.open(self._path(path), "rb") as file:
            found = file.stat()
            if stat.S_ISDIR(found.st_mode or 0):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            end = min(start + length, found.st_size or 0)
            # All asked for at once, and not a piece a round trip.
            pieces = [(at, min(_PIECE, end - at)) for at in range(start, end, _PIECE)]
            return b"".join(file.readv(pieces))

    def look(self, path: str) -> Found | None:
        with self._session() as sftp:
            try:
                return _found(path, sftp.stat(self._path(path)))
            except FileNotFoundError:
                return None

    def list(self, path: str) -> Iterator[Found]:
        with self._session() as sftp:
            try:
                entries = sftp.listdir_attr(self._path(path))
            except FileNotFoundError:
                return
        for entry in entries:
            if stat.S_ISDIR(entry.st_mode or 0) or stat.S_ISREG(entry.st_mode or 0):
                yield _found(entry.filename, entry)

    def put(self, path: str, parts: Sequence[Part]) -> None:
        temporary = self._path(f"tmp/put-{os.urandom(8).hex()}")
        with self._session() as sftp:
            try:
                _with_folders(sftp, temporary, lambda: _fill(sftp, temporary, parts))
                target = self._path(path)
                _with_folders(sftp, target, lambda: _rename(sftp, temporary, target))
            except OSError as error:
                if not isinstance(error, TimeoutError):
                    with suppress(Exception):
                        sftp.remove(temporary)
                raise

    def delete(self, path: str) -> None:
        with self._session() as sftp:
            sftp.remove(self._path(path))

    # Sessions

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """A session of one's own. It is used again unless it broke, or nobody knows if it did."""
        with self._permits:
            sftp = self._take()
            try:
                yield sftp
            except OSError as error:
                if error.errno in _ANSWERS:
                    self._idle.put(sftp)
                else:
                    sftp.close()
                raise
            except BaseException:
                sftp.close()
                raise
            self._idle.put(sftp)

    def _take(self) -> Any:
        while True:
            try:
                sftp = self._idle.get_nowait()
            except Empty:
                break
            if sftp.get_channel().get_transport().is_active():
                return sftp
        return self._connection.open_sftp()

    def explain(self, error: Exception, doing: str, address: str) -> DataError:
        return self._connection.explain(error, doing, address)


# What is done with one session


def _found(name: str, attributes: Any) -> Found:
    return Found(name, stat.S_ISDIR(attributes.st_mode or 0), attributes.st_size or 0)


def _fill(sftp: Any, path: str, parts: Sequence[Part]) -> None:
    with sftp.open(path, "wxb") as file:
        size = _send(file, parts)
        if file.stat().st_size != size:
            raise OSError(errno.EIO, "the server has other bytes than were sent")
        with suppress(OSError):  # a server that does not know how has its own ways
            sftp._request(_EXTENDED, "fsync@openssh.com", file.handle)


def _send(file: Any, parts: Sequence[Part]) -> int:
    """The bytes, many requests on their way at once. Only a request that is waited for looks at
    the answers to those before it: so the last one is."""
    size, last = 0, b""
    file.set_pipelined(True)
    for part in parts:
        view = memoryview(part).cast("B")
        for start in range(0, view.nbytes, _PIECE):
            if last:
                file.write(last)
            last = bytes(view[start : start + _PIECE])
            size += len(last)
    file.set_pipelined(False)
    if last:
        file.write(last)
    return size


def _rename(sftp: Any, source: str, target: str) -> None:
    try:
        sftp.posix_rename(source, target)
    except OSError as error:
        if error.errno in _ANSWERS:
            raise
        try:
            sftp.rename(source, target)  # where the extension is not known: if nothing is there
        except OSError:
            raise error from None


def _with_folders(sftp: Any, path: str, work: Callable[[], None]) -> None:
    try:
        work()
    except FileNotFoundError:
        _make(sftp, posixpath.dirname(path))
        work()


def _make(sftp: Any, folder: str) -> None:
    try:
        sftp.mkdir(folder)
    except FileNotFoundError:
        if folder in ("", "/", posixpath.dirname(folder)):
            raise
        _make(sftp, posixpath.dirname(folder))
        _make(sftp, folder)
    except OSError:
        if not stat.S_ISDIR(sftp.stat(folder).st_mode or 0):
            raise
