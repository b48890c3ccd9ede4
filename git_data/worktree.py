"""Put files in place of their pointers after Git is done, so that Git takes them for its own work.

How to think about it. Git wrote pointers and remembers each file's size and times in its index.
A file that is replaced must therefore be replaced together with its entry's stat data, while
nobody else changes either: under the lock of the index in use. Everything slow comes before:

    1  the journal: what is to be done (placements.py)
    2  each content is copied to a temporary file; the journal is written again, with inodes
    3  under the lock, briefly: each file that still holds exactly its pointer changes places with
       its content, whose stat data the entry gets that still names this pointer's blob
    4  the new index is renamed into place, which unlocks it; the journal is removed

Killed before 3, the work tree is as Git left it. Killed within 3, each file is whole, the one or
the other, and the journal tells by inode which are ours. `recover` does the rest in both cases:
within 3 at once, by a fork that stands by (survivor.py), else at the next start.
When the lock stays held, nothing is placed: a pointer that Git calls clean is a state that
every command understands, and without the lock another checkout could be overwritten with older
content. The journal stays, and the next start goes on. See docs/decisions/0003-racy-entries.md
for the times that files get.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from . import gitindex, indexupdate, placements
from .copies import Copies, remove_beside
from .errors import Damaged, DataError
from .files import PathLike, failure
from .git import Git
from .indexlock import IndexLock, break_own, inode_of, lock_inode, lock_of
from .placements import Entry, Folder, Journal, Placement
from .pointer import Pointer
from .preparing import Preparing, is_ours
from .progress import SILENT, Progress
from .survivor import survivor
from .treewriter import Tree

__all__ = [
    "Placed",
    "Placement",
    "Site",
    "inode_of",
    "lock_inode",
    "lock_of",
    "needs_recovery",
    "place",
    "recover",
]

PATIENCE = 3.0  # seconds for others to let go of the index
# What reading files again costs `git status`: seconds to start a filter, files and bytes a second.
READ_START, READ_FILES, READ_BYTES = 0.1, 500, 32 << 20
_SECOND = 10**9  # nanoseconds
_TICK = 20_000_000  # nanoseconds by which a file system's clock may be behind
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Site(NamedTuple):
    """Where files are placed, and where their content comes from."""

    git: Git
    work_tree: str
    git_dir: str  # this work tree's own
    index_file: str  # the one in use
    open_object: Callable[[Pointer], BinaryIO]  # verified content; raises DataError


class Placed(NamedTuple):
    done: list[Placement]
    skipped: list[Placement]  # no longer their pointer: somebody else's content now
    failed: list[tuple[Placement, DataError]]  # still pointers
    index_error: DataError | None = None  # files are in place, but Git's index could not be told


def needs_recovery(git_dir: PathLike) -> bool:
    """True when some process has not finished placing files, be it dead or alive."""
    return placements.left_behind(git_dir)


def place(
    wanted: Iterable[Placement],
    site: Site,
    *,
    since: int | None = None,
    patience: float = PATIENCE,
    progress: Progress = SILENT,
) -> Placed:
    """Put each file in place that still holds its pointer. A file that fails fails alone.

    `since`: when the running Git command began, in nanoseconds. A pointer written later was
    written by it, and the file keeps its time; others get the time of now.
    """
    entries = [Entry(item) for item in wanted]
    return _carry_out(entries, site, since, patience, progress) if entries else Placed([], [], [])


def recover(site: Site, *, progress: Progress = SILENT) -> Placed:
    """Finish what processes that are dead, or found the index locked, have left."""
    total = Placed([], [], [])
    for folder in placements.of_the_dead(site.git_dir):
        journal = folder.read()
        if journal is None:
            folder.remove()
            continue
        index_file = _index_of(journal, site.git_dir)
        break_own(index_file, folder.index)
        if lock_inode(index_file) is not None:
            folder.close()
            continue
        _clear(folder, journal, site)
        here = site._replace(index_file=index_file)
        one = _carry_out(list(journal.entries), here, None, 0.0, progress)
        folder.remove()
        total = Placed(
            total.done + one.done,
            total.skipped + one.skipped,
            total.failed + one.failed,
            one.index_error or total.index_error,
        )
    return total


def _index_of(journal: Journal, git_dir: str) -> str:
    """The index that was in use; the usual one if that was of one command only."""
    index_file = os.path.join(git_dir, journal.index_file)
    # A hook sees Git's own lock as the index: one of that name is another command's by now.
    if index_file.endswith(".lock") or not os.path.exists(index_file):
        return os.path.join(git_dir, "index")
    return index_file


def _clear(folder: Folder, journal: Journal, site: Site) -> None:
    """Remove the temporaries of the dead, also those in the work tree."""
    folder.clear()
    paths = (entry.placement.path for entry in journal.entries)
    with Tree(site.work_tree) as tree:
        remove_beside(tree, folder, enumerate(paths))


def _carry_out(
    entries: list[Entry], site: Site, since: int | None, patience: float, progress: Progress
) -> Placed:
    try:
        folder = placements.create(site.git_dir)
    except DataError as error:
        return Placed([], [], [(entry.placement, error) for entry in entries])
    progress.start("Placing", len(entries), sum(e.placement.pointer.size for e in entries))
    try:
        with Tree(site.work_tree) as tree:
            copies = Copies(folder, site.open_object, time.time_ns() if since is None else since)
            try:
                work = _Work(entries, site, folder, tree, copies)
                work.run(patience, progress)
            finally:
                copies.close(tree)
    except BaseException:
        folder.remove()
        raise
    finally:
        progress.finish()
    if work.unfinished:
        folder.leave()
    else:
        folder.remove()
    return Placed(work.done, work.skipped, work.failed, work.index_error)


class _Work:
    """One round of placing, in its own folder."""

    def __init__(
        self, entries: list[Entry], site: Site, folder: Folder, tree: Tree, copies: Copies
    ) -> None:
        self.entries = entries
        self.site = site
        self.folder = folder
        self.tree = tree
        self.copies = copies
        self.ready: list[int] = []  # numbers of entries whose content is prepared
        self.done: list[Placement] = []
        self.skipped: list[Placement] = []
        self.failed: list[tuple[Placement, DataError]] = []
        self.index_error: DataError | None = None
        self.unfinished = False  # a later start has something left to do

    def run(self, patience: float, progress: Progress) -> None:
        try:
            self._write_journal()
            self._prepare(progress)
            if self.ready:
                self._write_journal()
                self._wait_for_next_second()
                self._replace_all(patience)
        except DataError as error:
            self._give_up(error)
        except OSError as error:
            self._give_up(failure(error, "place files in", self.site.work_tree))

    def _give_up(self, error: DataError) -> None:
        """What is not done yet stays for a later start."""
        self.unfinished = True
        told = {id(item) for item in (*self.done, *self.skipped, *(i for i, _ in self.failed))}
        left = (entry.placement for entry in self.entries if id(entry.placement) not in told)
        self.failed += [(placement, error) for placement in left]

    def _write_journal(self) -> None:
        # From the Git folder, where it lies there: a repository may be moved.
        index_file = self.site.index_file
        if index_file.startswith(self.site.git_dir + os.sep):
            index_file = os.path.relpath(index_file, self.site.git_dir)
        self.folder.write(Journal(index_file, self.entries))

    # Before the lock

    def _prepare(self, progress: Progress) -> None:
        work = Preparing(self.entries, self.tree, self.copies)
        try:
            work.run(progress)
        finally:
            self.ready, self.skipped, self.failed = work.ready, work.skipped, work.failed

    def _wait_for_next_second(self) -> None:
        """Git reads a file again whose time is not older, in seconds, than its index: spare it
        that where waiting is cheaper (docs/decisions/0003-racy-entries.md)."""
        now = time.time_ns()
        this_second = now // _SECOND * _SECOND
        left = (this_second + _SECOND + _TICK - now) / _SECOND
        racy = [entry for entry in self._prepared() if entry.mtime >= this_second]
        size = sum(entry.placement.pointer.size for entry in racy)
        if racy and READ_START + len(racy) / READ_FILES + size / READ_BYTES >= left:
            time.sleep(left)

    def _prepared(self) -> Iterator[Entry]:
        return (self.entries[number] for number in self.ready)

    # Under the lock

    def _replace_all(self, patience: float) -> None:
        lock = IndexLock(self.site.index_file, self.folder.index, patience)
        top = self.site.work_tree
        with _undisturbed(), survivor(self._finish_for_the_dead), lock:
            stats = {}
            for number in self.ready:
                if placed := self._replace(number, self.entries[number]):
                    item = self.entries[number].placement
                    stats[item.path] = (item.blob, gitindex.pack_stat(placed))
            try:
                indexupdate.set_stats(lock, stats, top, self.site.git, self.folder.path)
            except DataError as error:
                self.index_error = error
                self.unfinished = not isinstance(error, Damaged)

    def _finish_for_the_dead(self) -> None:
        self.folder.close()
        recover(self.site)

    def _replace(self, number: int, entry: Entry) -> os.stat_result | None:
        """The stat data of the file that is in place now; None when it is not ours."""
        item = entry.placement
        try:
            placed = self.copies.put(self.tree, number, item)
            if placed is None:
                found = self.tree.stat(item.path)
                placed = found if found is not None and is_ours(found, entry) else None
        except OSError as error:
            self.failed.append((item, failure(error, "place", os.fsdecode(item.path))))
            return None
        (self.skipped if placed is None else self.done).append(item)
        return placed


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait: half of what is done under the lock would show as the user's change."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
