"""Contents are copied to temporary files before they change places with their pointers: the part of
placing files that takes time (worktree.py), and that nobody holds a lock for.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .copies import Copies
from .errors import DataError
from .files import failure
from .placements import Entry, Placement
from .progress import SILENT, Progress
from .treewriter import Tree

if TYPE_CHECKING:
    from concurrent.futures import Future

_GROUP, _GROUP_BYTES = 64, 8 << 20  # what one thread copies in one go: files, bytes
_MANY = 8  # groups that are worth threads
Results = list[tuple[int, Entry | DataError]]  # entries that were prepared, by their number


class Preparing:
    """One round of it. `entries` is changed: each gets the file that is to take its place."""

    def __init__(self, entries: list[Entry], tree: Tree, copies: Copies) -> None:
        self.entries = entries
        self.tree = tree
        self.copies = copies
        self.ready: list[int] = []  # numbers of entries whose content is prepared
        self.skipped: list[Placement] = []  # no longer their pointer
        self.failed: list[tuple[Placement, DataError]] = []

    def run(self, progress: Progress) -> None:
        """Copy each content to its temporary file, if its pointer is still there. Many of them by
        two threads: small files are waiting for the system most of the time."""
        groups = _groups(self.entries)
        if len(groups) < _MANY:
            for group in groups:
                self._take(self._copy_group(self._look(group, progress)), progress)
            return
        from concurrent.futures import ThreadPoolExecutor

        waiting: deque[Future[Results]] = deque()
        with ThreadPoolExecutor(2) as pool:
            try:
                for group in groups:
                    waiting.append(pool.submit(self._copy_group, self._look(group, progress)))
                    if len(waiting) > 3:
                        self._take(waiting.popleft().result(), progress)
                while waiting:
                    self._take(waiting.popleft().result(), progress)
            finally:
                for one in waiting:  # who is interrupted waits for no more than is under way
                    one.cancel()

    def _look(self, numbers: range, progress: Progress) -> list[tuple[int, os.stat_result]]:
        """The pointers among these that are to be copied for, as they were found."""
        found: list[tuple[int, os.stat_result]] = []
        for number in numbers:
            entry = self.entries[number]
            item = entry.placement
            try:
                old = self.tree.stat(item.path)
            except (OSError, DataError) as error:
                self.failed.append((item, _explained(error, item)))
                continue
            if old is not None and is_ours(old, entry):
                self.ready.append(number)
            elif old is None or old.st_size != len(item.pointer_text):
                self.skipped.append(item)
            elif self.copies.is_beside(old):  # for whose folder only one thread may ask
                self._take(self._copy_group([(number, old)]), SILENT)
            else:
                found.append((number, old))
        progress.advance(len(numbers) - len(found), 0)  # nothing more is done for these
        return found

    def _copy_group(self, found: Iterable[tuple[int, os.stat_result]]) -> Results:
        results: Results = []
        for number, old in found:
            item = self.entries[number].placement
            try:
                results.append((number, self.copies.make(self.tree, number, item, old)))
            except (OSError, DataError) as error:
                results.append((number, _explained(error, item)))
        return results

    def _take(self, results: Results, progress: Progress) -> None:
        for number, made in results:
            item = self.entries[number].placement
            if isinstance(made, Entry):
                self.entries[number] = made
                self.ready.append(number)
            else:
                self.failed.append((item, made))
            progress.advance(1, item.pointer.size)


def _groups(entries: Sequence[Entry]) -> list[range]:
    """Neighbours that one thread copies in one go, by their numbers."""
    groups, start, size = [], 0, 0
    for number, entry in enumerate(entries, 1):
        size += entry.placement.pointer.size
        if number - start == _GROUP or size >= _GROUP_BYTES or number == len(entries):
            groups.append(range(start, number))
            start, size = number, 0
    return groups


def _explained(error: OSError | DataError, item: Placement) -> DataError:
    if isinstance(error, DataError):
        return error
    return failure(error, "place", os.fsdecode(item.path))


def is_ours(found: os.stat_result, entry: Entry) -> bool:
    """True for the very file that was prepared for this entry, untouched since."""
    ours = (entry.inode, entry.mtime, entry.placement.pointer.size)
    return entry.inode != 0 and ours == (found.st_ino, found.st_mtime_ns, found.st_size)
