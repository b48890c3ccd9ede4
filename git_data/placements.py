"""What is to be put in place, and the journal that lets a later start finish it.

A folder for each process that places files, `<git dir>/git-data/placing/<id>/`:

    lock      locked while its process lives: unlocked, the process is dead or gave up
    journal   docs/formats/journal.md; renamed into place, so it is whole or absent
    index     the new index; linked as Git's index.lock while that is held (indexlock.py)
    <number>  the content of entry <number> of the journal, until it is put in the work tree

A work tree on another file system than the Git folder has its temporaries beside the files, named
`.git-data-<id>-<number>`, so that the journal tells them too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import pointer
from .errors import Conflict, DataError
from .files import PathLike, remove_quietly, write_file
from .locks import Lock
from .oid import hash_bytes, hasher
from .pointer import Pointer

_MAGIC = b"git-data placing 1\n"
_FIELDS = 5


class Placement(NamedTuple):
    path: bytes  # from the top of the work tree, as Git has it
    pointer_text: bytes  # the file's whole content as Git left it
    pointer: Pointer
    blob: str  # Git's id of the pointer, hex: only entries that name it get new stat data


class Entry(NamedTuple):
    """A placement, and the file that takes its place: 0, 0 until that is prepared."""

    placement: Placement
    inode: int = 0
    mtime: int = 0  # nanoseconds


class Journal(NamedTuple):
    index_file: str  # from the Git folder, or absolute
    entries: Sequence[Entry]

    def encode(self) -> Iterator[bytes]:
        """Its bytes, an entry at a time: there may be a million."""
        state = hasher()
        for part in self._parts():
            state.update(part)
            yield part
        yield state.digest().hex().encode()

    def _parts(self) -> Iterator[bytes]:
        yield _MAGIC + os.fsencode(self.index_file) + b"\0"
        for (path, text, _, blob), inode, mtime in self.entries:
            yield b"%s\0%s\0%s\0%d\0%d\0" % (path, text, blob.encode(), inode, mtime)


def decode(data: bytes) -> Journal | None:
    """The journal that these bytes are; None when they are damaged, or of another version."""
    body, check = data[:-64], data[-64:]
    if not body.startswith(_MAGIC) or check != hash_bytes(body).hex().encode():
        return None
    index_file, *fields = body[len(_MAGIC) :].split(b"\0")[:-1]
    entries = []
    for at in range(0, len(fields), _FIELDS):
        path, text, blob, inode, mtime = fields[at : at + _FIELDS]
        if found := pointer.parse_any_eol(text):
            placement = Placement(path, text, found, blob.decode())
            entries.append(Entry(placement, int(inode), int(mtime)))
    return Journal(os.fsdecode(index_file), entries)


class Folder:
    """A process's folder, locked. `leave` is for a later start to go on; `remove` takes it away."""

    def __init__(self, path: str) -> None:
        """Raises Conflict when its process lives."""
        self.path = path
        self._lock = Lock(os.path.join(path, "lock"), timeout=0)
        self._lock.__enter__()

    @property
    def id(self) -> str:
        return os.path.basename(self.path)

    @property
    def index(self) -> str:
        return os.path.join(self.path, "index")

    def beside(self, number: int) -> bytes:
        """The name of a temporary file that lies in the work tree."""
        return b".git-data-%s-%d" % (self.id.encode(), number)

    def write(self, journal: Journal) -> None:
        path = os.path.join(self.path, "journal")
        write_file(path, journal.encode(), durable=False)

    def read(self) -> Journal | None:
        try:
            with open(os.path.join(self.path, "journal"), "rb") as file:
                return decode(file.read())
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Remove the temporaries; the journal stays."""
        for name in os.listdir(self.path):
            if name not in ("lock", "journal"):
                remove_quietly(os.path.join(self.path, name))

    def close(self) -> None:
        self._lock.release()

    def leave(self) -> None:
        """Let a later start go on from the journal."""
        self.clear()
        self.close()

    def remove(self) -> None:
        """The lock file goes last, and while it is held: nobody takes half a folder for one."""
        self.clear()
        remove_quietly(os.path.join(self.path, "journal"))
        remove_quietly(os.path.join(self.path, "lock"))
        self.close()
        try:
            os.rmdir(self.path)
        except OSError:
            pass  # somebody looks at it just now, and will remove it


def _home(git_dir: PathLike) -> str:
    return os.path.join(git_dir, "git-data", "placing")


def create(git_dir: PathLike) -> Folder:
    """A new folder of this process."""
    while True:
        try:
            return Folder(os.path.join(_home(git_dir), os.urandom(6).hex()))
        except Conflict:
            pass  # somebody who finishes what the dead left was quicker: another name


def left_behind(git_dir: PathLike) -> bool:
    """True when there are folders, of the dead or of the living."""
    try:
        return bool(os.listdir(_home(git_dir)))
    except OSError:
        return False


def of_the_dead(git_dir: PathLike) -> Iterator[Folder]:
    """The folders whose process is gone, each locked for the caller."""
    try:
        names = sorted(os.listdir(_home(git_dir)))
    except OSError:
        return
    for name in names:
        try:
            yield Folder(os.path.join(_home(git_dir), name))
        except DataError:
            continue  # alive, or not ours to touch
