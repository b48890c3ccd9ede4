"""`git data update`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .. import settling, standing, updating
from ..errors import DataError, Incomplete, NotFound, UsageError
from ..repo import Repo
from ..updating import Step
from . import differences
from .hooked import ensure_hook
from .import_ import pulled_later, version
from .options import (
    Here,
    add_dry_run,
    add_json,
    add_quiet,
    count,
    describe,
    need_work_tree,
    write_json,
)
from .outcome import finish
from .terminal import Screen, printable


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Bring imports to what their sources have now: the branch or tag that they follow, or "
        "another with --rev. Shows which files were added, changed and removed, fetches what "
        "changed, and stages all of it. An import that follows a commit stays as it is; one that "
        "was changed here is left alone. A merge that stopped at .gitdata is settled by it.",
        "git data update --dry-run",
        "git data update data/cats --rev v1.3",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="imports; else all of them")
    parser.add_argument("--rev", metavar="REV", help="follow this branch, tag or commit from now")
    parser.add_argument(
        "-f", "--force", action="store_true", help="also imports whose files were changed here"
    )
    add_dry_run(parser, "show what would change; fetches no data")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    repo = Repo.open()
    need_work_tree(repo)
    paths = Here.of(repo).all_to_top(arguments.paths)
    if settling.is_needed(repo):
        if arguments.dry_run:
            raise UsageError(".gitdata is in conflict", "settle it: git data update PATH")
        settling.settle(repo, paths, arguments.rev or "")
        repo = Repo.open()
    items = standing.imports(repo)
    if not items and not arguments.paths:
        raise NotFound("there are no imports here", "make one: git data import URL PATH")
    chosen = standing.chosen(items, paths)
    screen.start("Asking the sources", 0, 0)
    steps = updating.plan(repo, chosen, arguments.rev or "", arguments.force)
    screen.finish()
    failed: list[tuple[str, DataError]] = []
    for step in steps:
        _show(step, screen)
    if not arguments.dry_run:
        steps, failed = updating.carry_out(repo, steps, screen)
        screen.finish()
        if any(step.new and step.new.wanted for step in steps):
            ensure_hook(repo, screen)
    if arguments.json:
        write_json(screen, {"dry_run": arguments.dry_run, "imports": [_json(s) for s in steps]})
    elif not arguments.dry_run and any(step.new for step in steps):
        screen.say("all of it is staged: git commit -m 'Update imports'")
    return _end(steps, failed, screen)


def _show(step: Step, screen: Screen) -> None:
    name, old = printable(step.item.name), printable(version(step.item))
    if step.problem:
        return
    if step.new is None:
        screen.say(f"{name}: {old} is what there is")
        return
    screen.say(f"{name}: {old} -> {printable(version(step.new.item))}")
    differences.write(step.differences, step.item.name + "/", screen)


def _json(step: Step) -> dict[str, Any]:
    item, new = step.item, step.new.item if step.new else None
    return {
        "name": item.name,
        "url": item.url,
        "old": {"rev": item.rev or None, "commit": item.commit},
        "new": {"rev": new.rev or None, "commit": new.commit} if new else None,
        "files": differences.to_json(step.differences, item.name + "/"),
        "problem": str(step.problem) if step.problem else None,
    }


def _end(steps: Sequence[Step], failed: Sequence[tuple[str, DataError]], screen: Screen) -> int:
    problems = [step for step in steps if step.problem]
    if not problems:
        return finish(pulled_later(failed), _files(steps), "fetched", screen)
    told = [f"{step.item.name}: {step.problem.message}" for step in problems if step.problem]
    if len(steps) == 1 and problems[0].problem:
        raise type(problems[0].problem)(told[0], problems[0].problem.hint)
    for text, step in zip(told, problems, strict=True):
        hint = step.problem.hint if step.problem else ""
        screen.note(f"git-data: {text}; {hint}" if hint else f"git-data: {text}")
    kind = Incomplete if len(problems) < len(steps) else DataError
    raise kind(f"{len(problems)} of {count(len(steps), 'import')} could not be updated")


def _files(steps: Sequence[Step]) -> int:
    return sum(len(step.differences) for step in steps)
