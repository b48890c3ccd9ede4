"""`git data doctor`."""

from __future__ import annotations

import argparse

from .. import checks, hooking, installation, trial
from ..config import environment
from ..errors import DataError, GitError
from ..git import Git
from ..repo import Repo
from ..teamchecks import Problem
from .options import add_json, add_quiet, count, describe, write_json
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Find what is half set up on this machine and in this repository; each problem is one "
        "line with the command that mends it. Exit status 1 when there is one.",
        "git data doctor",
        "git data doctor --round-trip",
    )
    parser.add_argument(
        "--round-trip",
        action="store_true",
        help="prove add, commit, push and clone in a temporary folder",
    )
    parser.add_argument(
        "--fix", action="store_true", help="put the pre-push hook in place first, if it is missing"
    )
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    git = Git(".", environment())
    repo, found = _open()
    if repo and arguments.fix:
        hooking.ensure(repo, installation.launch_command())
    for check in [*checks.of_machine(git), *(checks.of_repository(repo) if repo else [])]:
        wrong = checks.problems(check)
        found += wrong
        screen.say(f"{_word(wrong):<6} {check.name}")
    if arguments.round_trip:
        found += _round_trip(git, screen)
    problems = [one for one in found if not one.is_hint]
    hints = [one for one in found if one.is_hint]
    if arguments.json:
        write_json(screen, {"problems": _json(problems), "hints": _json(hints)})
    else:
        _tell(problems, hints, screen)
    return DataError.exit_code if problems else 0


def _word(found: list[Problem]) -> str:
    if not found:
        return "ok"
    return "hint" if all(one.is_hint for one in found) else "wrong"


def _json(found: list[Problem]) -> list[dict[str, str]]:
    return [{"check": one.check, "what": one.what, "mend": one.mend} for one in found]


def _open() -> tuple[Repo | None, list[Problem]]:
    """The repository here; outside of one there is none, which is no problem."""
    try:
        return Repo.open(), []
    except GitError:
        return None, []
    except DataError as error:
        return None, [Problem("settings", error.message, error.hint or "git config --list")]


def _round_trip(git: Git, screen: Screen) -> list[Problem]:
    try:
        for step in trial.round_trip(git):
            screen.say(f"{'ok':<6} round trip: {step.what}")
    except DataError as error:
        return [Problem("round trip", error.message, error.hint)]
    return []


def _tell(problems: list[Problem], hints: list[Problem], screen: Screen) -> None:
    for hint in hints:
        screen.say(f"{hint.check}: {hint.what}; {hint.mend}")
    for problem in problems:
        screen.note(f"git-data: {problem.check}: {problem.what}; {problem.mend}")
    screen.say(count(len(problems), "problem") if problems else "nothing is wrong")
