"""Bring what the work tree lacks, and put it in place: what `git data pull` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from .bringing import bring
from .errors import DataError
from .inventory import Left
from .progress import Progress
from .repo import Repo
from .worktree import Placement, needs_recovery


class Pulled(NamedTuple):
    """What became of the files that were pointers."""

    done: list[str]  # paths
    skipped: list[str]  # changed by somebody meanwhile: left alone
    failed: list[tuple[str, DataError]]
    index_error: DataError | None = None  # all are in place, but `git status` calls them changed


def heal(repo: Repo) -> bool:
    """Finish what a killed command left half done in the work tree; True if there was something."""
    if not needs_recovery(repo.location.git_dir):
        return False
    repo.recover_placements()
    return True


def pull(repo: Repo, left: Sequence[Left], progress: Progress) -> Pulled:
    """Fetch the content of these files, and put in place what came.

    A file that fails stays the pointer that it is; the others are done.
    """
    failures = bring(repo, [item.wanted for item in left], None, progress)
    failed = {w.path: error for w, error in failures}
    there = [item for item in left if item.item.path not in failed]
    placed = repo.place([_placement(item) for item in there], progress)
    failed |= {os.fsdecode(item.path): error for item, error in placed.failed}
    skipped = [os.fsdecode(item.path) for item in placed.skipped]
    rest = {*failed, *skipped}
    done = [item.item.path for item in there if item.item.path not in rest]
    return Pulled(done, skipped, sorted(failed.items(), key=_path), placed.index_error)


def _path(pair: tuple[str, DataError]) -> str:
    return pair[0]


def _placement(left: Left) -> Placement:
    return Placement(os.fsencode(left.item.path), left.text, left.pointer, left.blob)
