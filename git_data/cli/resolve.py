"""`git data resolve`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ..errors import NotFound, UsageError
from ..repo import Repo
from ..resolving import OURS, THEIRS, Conflict, Settled, Side, conflicts, settle
from .options import (
    Here,
    add_json,
    add_quiet,
    count,
    describe,
    need_work_tree,
    write_json,
)
from .terminal import Screen, human_size

_OID_DIGITS = 12


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Settle data files that both sides of a merge changed: keep ours or theirs, in the index "
        "and in the work tree, and remove the copy of theirs that the merge put beside it. "
        "Without a side: list them. In a rebase, ours is the branch you rebase onto.",
        "git data resolve",
        "git data resolve --theirs images/cat.png",
        "git data resolve --ours .",
    )
    side = parser.add_mutually_exclusive_group()
    for name in (OURS, THEIRS):
        side.add_argument(
            f"--{name}",
            dest="side",
            action="store_const",
            const=name,
            help=f"keep {name}",
        )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, folders or patterns")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    repo = Repo.open()
    need_work_tree(repo)
    here = Here.of(repo)
    found = conflicts(repo, here.all_to_top(arguments.paths))
    if arguments.paths and not found:
        raise NotFound(
            f"{' '.join(arguments.paths)}: no data file is in conflict there",
            "for other files: git checkout --ours|--theirs PATH && git add PATH",
        )
    if arguments.side is None:
        return _list(found, here, arguments.json, screen)
    if not arguments.paths:
        raise UsageError("say which files", f"git data resolve --{arguments.side} PATH")
    _check(found, arguments.side)
    done = settle(repo, found, arguments.side)
    if arguments.json:
        write_json(screen, {"settled": [one._asdict() for one in done]})
    for one in done:
        _tell(one, here, screen)
    return 0


def _check(found: Sequence[Conflict], side: str) -> None:
    """A text with markers has only the sides that can be read out of it."""
    lost = [one.path for one in found if one.has_markers and one.side(side) is None]
    if lost:
        raise NotFound(
            f"{lost[0]}: {side} is no pointer any more; nothing was done",
            f"git checkout HEAD -- {lost[0]}",
        )


def _tell(one: Settled, here: Here, screen: Screen) -> None:
    what = f"{one.kept} has no such file: removed" if one.deleted else f"{one.kept} is kept"
    screen.say(f"{here.shown(one.path)}: {what}")
    for name in one.left:
        screen.note(f"git-data: {here.shown(name)} was changed, and left alone")


def _list(found: Sequence[Conflict], here: Here, as_json: bool, screen: Screen) -> int:
    if as_json:
        write_json(screen, {"conflicts": [_json(one) for one in found]})
        return 0
    if not found:
        screen.say("no data file is in conflict")
        return 0
    for one in found:
        screen.write(f"{here.shown(one.path)}\n")
        for name in (OURS, THEIRS):
            screen.write(f"  {name:<7} {_words(one.side(name))}\n")
    screen.say(f"{count(len(found), 'file')} in conflict; git data resolve --ours|--theirs PATH")
    return 0


def _words(side: Side | None) -> str:
    if side is None:
        return "deleted"
    if side.pointer is None:
        return "a plain file"
    digits = side.pointer.oid.hex()[:_OID_DIGITS]
    return f"{human_size(side.pointer.size):>9}  blake3:{digits}"


def _json(one: Conflict) -> dict[str, Any]:
    sides = {name: _json_of(one.side(name)) for name in (OURS, THEIRS)}
    return {"path": one.path, **sides, "has_markers": one.has_markers}


def _json_of(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    found = side.pointer
    return {"oid": str(found.oid) if found else None, "size": found.size if found else None}
