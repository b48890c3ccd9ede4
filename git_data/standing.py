"""How imports stand: what `.gitdata` says of them, and what is here now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import grafting, listing, sources
from .errors import DataError, NotFound
from .git import Git, is_full_id
from .inventory import left_as_pointers
from .listing import LINK, Entry
from .project import Import
from .repo import Repo


class State(NamedTuple):
    """One import, for people who wonder how it stands."""

    item: Import
    is_here: bool
    is_edited: bool  # staged or not: it is not what it was locked to
    newer: int | None  # commits of its source that touch it; None: not known without asking
    problem: DataError | None = None  # why its source could not be asked


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


# Newer versions


def states(repo: Repo, ask: bool) -> list[State]:
    """How each import stands. `ask`: each source once, for its history; else what was last seen."""
    items = imports(repo)
    staged = listing.staged(repo.git) if items else []
    tips: dict[str, dict[str, str]] = {}
    problems: dict[str, DataError] = {}
    if ask:
        for url in {item.url: None for item in items}:
            group = [item for item in items if item.url == url and _follows(item)]
            try:
                tips[url] = _ask(repo, url, group)
            except DataError as error:
                problems[url] = error
    return [_state(repo, item, look(repo, item, staged), tips, problems) for item in items]


def _follows(item: Import) -> bool:
    return not is_full_id(item.rev) and bool(item.commit)


def _ask(repo: Repo, url: str, group: Sequence[Import]) -> dict[str, str]:
    """What the revisions that are followed are now, by name."""
    if not group:
        return {}
    names = [*dict.fromkeys(item.rev or sources.HEAD for item in group)]
    locked = [*dict.fromkeys(item.commit for item in group)]
    history = sources.keep(url, repo.top, repo.git).history
    return dict(zip(names, history.fetch([*names, *locked]), strict=False))


def _state(
    repo: Repo,
    item: Import,
    here: Here,
    tips: dict[str, dict[str, str]],
    problems: dict[str, DataError],
) -> State:
    edited = bool(here.edited) or here.tree != item.tree
    try:
        newer = _newer(repo, item, tips.get(item.url, {}))
    except DataError as error:
        return State(item, bool(here.files), edited, None, error)
    return State(item, bool(here.files), edited, newer, problems.get(item.url))


def _newer(repo: Repo, item: Import, tips: dict[str, str]) -> int | None:
    """The commits that touch it, from the one it is locked to up to what it follows."""
    if not _follows(item):
        return 0
    history = sources.keep(item.url, repo.top, repo.git).history
    tip = tips.get(item.rev or sources.HEAD) or history.last_seen(item.rev or sources.HEAD)
    if tip is None or not history.has(item.commit):
        return None
    paths = [item.path] if item.path else []
    counted = history.git.line("rev-list", "--count", f"{item.commit}..{tip}", "--", *paths)
    return int(counted) if counted else None
