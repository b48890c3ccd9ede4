"""How imports stand: what `.gitdata` says of them, and what is here now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import grafting
from .errors import NotFound
from .git import Git
from .inventory import left_as_pointers
from .listing import LINK, Entry
from .project import Import
from .repo import Repo


class Here(NamedTuple):
    """What lies at an import's path."""

    files: list[Entry]  # as staged; their paths start at the import, "" for a single file
    tree: str | None  # Git's id of what is staged there; None: nothing, or a merge is not settled
    edited: list[str]  # paths in the work tree that are not as they are staged


def imports(repo: Repo) -> list[Import]:
    """Those that `.gitdata` has: that of the work tree, else of the index, else of HEAD."""
    return [*repo.project_to_clean.imports]


def chosen(items: Sequence[Import], paths: Sequence[str]) -> list[Import]:
    """The imports that paths mean: at them, below them, or around them. All without paths."""
    if not paths:
        return [*items]
    found = {item.name: item for item in items for path in paths if _meets(item.name, path)}
    for path in paths:
        if not any(_meets(name, path) for name in found):
            names = ", ".join(item.name for item in items) or "there are none"
            raise NotFound(f"{path or '.'} is no import", f"imports: {names}")
    return [*found.values()]


def _meets(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(path + "/") or path.startswith(name + "/")


def look(repo: Repo, item: Import, staged: Sequence[Entry]) -> Here:
    """`staged`: all of the index."""
    files = inside(staged, item.name)
    literal = f":(literal){item.name}"
    options = ("--name-only", "-z", "--no-ext-diff", "--ignore-submodules")
    listed = os.fsdecode(repo.git.run("diff", *options, "--", literal))
    unmerged = repo.git.run("ls-files", "-u", "-z", "--", literal)
    tree = None if unmerged or not files else _tree(repo.git, files)
    return Here(files, tree, sorted({*listed.split("\0")[:-1]}))


def inside(staged: Iterable[Entry], name: str) -> list[Entry]:
    """The files at a path and below it, their paths from there."""
    found = (e for e in staged if e.path == name or e.path.startswith(name + "/"))
    return [entry._replace(path=entry.path[len(name) + 1 :]) for entry in found]


def kinds(files: Iterable[Entry]) -> dict[str, bool]:
    """Which files are data; links are neither."""
    return {e.path: e.pointer is not None for e in files if e.mode != LINK}


def _tree(git: Git, files: Sequence[Entry]) -> str:
    """As `.gitdata` records it: a blob's id for a single file."""
    if not files[0].path:
        return files[0].blob
    return grafting.tree_of(git, files)


def is_pointers(repo: Repo, item: Import, here: Here) -> bool:
    """True when none of its data is here: whoever took pointers alone wants no more of them."""
    data = sum(entry.pointer is not None for entry in here.files)
    return data > 0 and len(left_as_pointers(repo, [item.name])) == data
