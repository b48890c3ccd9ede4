"""`git data status`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .. import standing
from ..inventory import Change, Left, changes, left_as_pointers
from ..repo import Repo
from ..standing import State
from ..transfer import Wanted
from ..unsent import Unsent, unsent
from .import_ import version
from .options import Here, add_json, count, describe, need_work_tree, write_json
from .terminal import Screen, human_size, printable

_SHOWN = 20  # paths of a kind; --json has all
_WORDS = {"A": "added", "M": "modified", "D": "deleted", "T": "type changed", "?": "not added"}
_CONFLICTS = ("DD", "AU", "UD", "UA", "DU", "AA", "UU")


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Tell which data files changed since the last commit, what the store of the next push "
        "does not hold yet, which files of the work tree are still pointers, and how imports "
        "stand. Asks; changes nothing.",
        "git data status",
        "git data status --fetch",
    )
    parser.add_argument(
        "--fetch", action="store_true", help="ask the sources of imports what is newer"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    repo = Repo.open()
    need_work_tree(repo, "git data list tells what it holds")
    here = Here.of(repo)
    changed, lacking, left = changes(repo), unsent(repo), left_as_pointers(repo)
    imports = standing.states(repo, arguments.fetch)
    if arguments.json:
        found = [_import_json(state) for state in imports]
        write_json(screen, {**_json(repo, changed, lacking, left), "imports": found})
        return 0
    _write_section(screen, "Changed since the last commit", _changed_rows(changed, here))
    _write_unsent(screen, lacking, here)
    rows = [f"{_size(item.wanted)}  {here.shown(item.item.path)}" for item in left]
    _write_section(screen, "Still pointers here, finish with: git data pull", rows)
    _write_section(screen, "Imports", [_import_row(state, here) for state in imports], most=None)
    if not (changed or lacking.items or lacking.problem or left):
        screen.write("All data is committed, in its store, and here.\n")
    return 0


def _changed_rows(changed: Sequence[Change], here: Here) -> list[str]:
    return [f"{_state(change):<22}{here.shown(change.path)}" for change in changed]


def _state(change: Change) -> str:
    if change.staged + change.unstaged in _CONFLICTS:
        return "in conflict"
    if change.staged == "?":
        return _WORDS["?"]
    staged = _WORDS.get(change.staged, "")
    rest = _WORDS.get(change.unstaged, "")
    return f"{staged}, then {rest}" if staged and rest else staged or f"{rest}, not added"


def _write_unsent(screen: Screen, lacking: Unsent, here: Here) -> None:
    if lacking.problem:
        screen.write(f"What the store lacks is not known: {lacking.problem}\n")
        return
    size = sum(w.size for w in lacking.items)
    url = lacking.address.url if lacking.address else ""
    title = f"Not yet in the store {url} ({human_size(size)}), sent by the next git push"
    rows = [f"{_size(w)}  {here.shown(w.path)}" for w in sorted(lacking.items, key=_path)]
    _write_section(screen, title, rows)


def _path(wanted: Wanted) -> str:
    return wanted.path


def _size(wanted: Wanted) -> str:
    return f"{human_size(wanted.size):>9}"


def _import_row(state: State, here: Here) -> str:
    item = state.item
    words = [f"{here.shown(item.name)}  locked at {printable(version(item))}"]
    if not state.is_here:
        words.append("not here any more")
    elif state.is_edited:
        words.append("changed here")
    if state.problem:
        words.append(f"its source could not be asked ({state.problem.message})")
    elif state.newer is None:
        words.append("newer commits: git data status --fetch")
    elif state.newer:
        touch = "touches" if state.newer == 1 else "touch"
        words.append(f"{count(state.newer, 'newer commit')} {touch} it")
    return ", ".join(words)


def _import_json(state: State) -> dict[str, Any]:
    item = state.item
    return {
        "name": item.name,
        "url": item.url,
        "path": item.path,
        "rev": item.rev or None,
        "commit": item.commit,
        "here": state.is_here,
        "changed_here": state.is_edited,
        "newer_commits": state.newer,
        "problem": str(state.problem) if state.problem else None,
    }


def _write_section(
    screen: Screen, title: str, rows: Sequence[str], most: int | None = _SHOWN
) -> None:
    if not rows:
        return
    shown = [f"  {row}\n" for row in rows[:most]]
    more = len(rows) - len(shown)
    if more > 0:
        shown.append(f"  … and {count(more, 'more file', 'more files')}; all: --json\n")
    screen.write(f"{title}:\n{''.join(shown)}\n")


def _json(
    repo: Repo, changed: Sequence[Change], lacking: Unsent, left: Sequence[Left]
) -> dict[str, Any]:
    return {
        "changed": [change._asdict() for change in changed],
        "store": lacking.address.url if lacking.address else None,
        "store_problem": str(lacking.problem) if lacking.problem else None,
        "not_in_store": [_json_of(w) for w in sorted(lacking.items, key=_path)],
        "missing_here": [
            {**_json_of(item.wanted), "in_cache": repo.cache.has(*item.pointer)} for item in left
        ],
    }


def _json_of(wanted: Wanted) -> dict[str, Any]:
    return {"path": wanted.path, "size": wanted.size, "oid": str(wanted.oid)}
