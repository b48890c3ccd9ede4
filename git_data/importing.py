"""Take a path of another repository in, locked to one commit: `git data import`."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from . import applying, incoming, project
from .errors import Conflict, DataError, Denied, UsageError
from .git import is_full_id
from .incoming import Incoming
from .progress import SILENT, Progress
from .project import Import, Project
from .repo import Repo
from .sources import HEAD, Source
from .treewriter import Tree, is_safe


class Imported(NamedTuple):
    """What came in."""

    item: Import
    files: int
    size: int  # bytes of its data
    failed: list[tuple[str, DataError]]  # these are pointers still


def check_place(repo: Repo, name: str) -> None:
    """UsageError or Conflict unless an import can lie at this path, from the top."""
    if not name:
        raise UsageError("an import needs a path of its own here", "name one: -o PATH")
    if not is_safe(os.fsencode(name)) or any(ord(c) < 32 or ord(c) == 127 for c in name):
        raise UsageError(f"{name!r} is no path that Git would have", "name another: -o PATH")
    for item in _imports(repo):
        inside, around = name.startswith(item.name + "/"), item.name.startswith(name + "/")
        if inside or around:
            raise UsageError(
                f"{name} {'is inside of' if inside else 'would hold'} the import {item.name}",
                "imports do not lie in each other; name another place: -o PATH",
            )
    _check_folders(repo, name)
    _check_free(repo, name)


def _imports(repo: Repo) -> list[Import]:
    """Those of the work tree and those of the index."""
    here = project.read_file(repo.git, repo.top) or Project()
    staged = project.read_blob(repo.git, "") or Project()
    return [*here.imports, *staged.imports]


def _check_folders(repo: Repo, name: str) -> None:
    """Every folder above it has to be this repository's own, and a folder."""
    folder = os.path.dirname(name)
    while folder:
        path = os.path.join(repo.top, folder)
        try:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                raise Denied(f"{path} is no folder, and is not followed", "name another place: -o")
            if os.path.lexists(os.path.join(path, ".git")):
                raise UsageError(f"{path} is another repository", "run it there")
        except FileNotFoundError:
            pass
        folder = os.path.dirname(folder)


def _check_free(repo: Repo, name: str) -> None:
    literal = f":(literal){name}"
    tracked = repo.git.run("ls-files", "-z", "--", literal)
    above = [f":(literal){folder}" for folder in _above(name)]
    blocking = repo.git.run("ls-files", "-z", "--", *above).split(b"\0") if above else []
    if tracked or any(os.fsencode(folder) in blocking for folder in _above(name)):
        raise Conflict(
            f"{name} is in Git already; nothing was changed",
            f"git rm -r {name}, or name another place: -o PATH",
        )
    with Tree(repo.top) as tree:
        found = tree.look(os.fsencode(name))
    empty = found and stat.S_ISDIR(found.st_mode) and not os.listdir(os.path.join(repo.top, name))
    if found and not empty:
        raise Conflict(
            f"{name} is there already; nothing was changed",
            "move it away, or name another place: -o PATH",
        )


def _above(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:at]) for at in range(1, len(parts))]


def bring(  # noqa: PLR0913
    repo: Repo,
    source: Source,
    commit: str,
    item: Import,
    *,
    pointers: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Imported:
    """Import what `item` names: data first, then all that changes here at once, staged.

    `pointers`: no data, its files stay pointers. Data that cannot be had is named in `failed`, and
    stays pointers too; when none can be had nothing is changed, and the reason is raised.
    """
    check_place(repo, item.name)
    one = incoming.look(repo, source, commit, item)
    wanted = one.wanted
    need_filter(repo, wanted)
    stores, places = incoming.find_stores(repo, one, wanted) if wanted else ((), [])
    one = one._replace(item=one.item._replace(stores=stores))
    if dry_run:
        return _summary(one, [])
    failed = [] if pointers else incoming.fetch(repo, wanted, places, progress)
    if failed and len(failed) == len(wanted):
        raise _nothing_came(failed[0][1], source)
    incoming.carry(repo, one)
    applying.apply(repo, [one], pointers)
    return _summary(one, [(w.path, error) for w, error in failed])


def _nothing_came(error: DataError, source: Source) -> DataError:
    return type(error)(
        f"no data of {source.origin.shown} could be had ({error.message}); nothing was changed",
        error.hint or "take its pointers alone: --no-download",
    )


def followed(revision: str, commit: str) -> str:
    """What an import records to follow: a commit by its whole id stays what it is."""
    if not revision or revision == HEAD:
        return ""
    is_short = len(revision) >= 4 and commit.startswith(revision)
    return commit if is_full_id(revision) or is_short else revision


def need_filter(repo: Repo, wanted: Sequence[object]) -> None:
    if wanted and "filter.data.process" not in repo.settings.values:
        raise DataError(
            "Git does not use git-data yet, and would call every file changed; nothing was done",
            "run: git data install",
        )


def _summary(one: Incoming, failed: list[tuple[str, DataError]]) -> Imported:
    return Imported(one.item, len(one.files), sum(w.size for w in one.wanted), failed)
