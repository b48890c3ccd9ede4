"""`git data fsck`."""

from __future__ import annotations

import argparse

from .. import checking
from ..errors import UsageError
from ..repo import Repo
from .findings import as_json, tell
from .options import add_json, add_quiet, count, describe, write_json
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Check commits as the hooks do, without their data, in a shallow clone too: every path "
        "that is data has a canonical pointer, no large file is in Git itself, imports are what "
        "they are locked to, and a store has each object. For CI. Exit status 1 when something "
        "is wrong.",
        "git data fsck --pointers origin/main..HEAD",
        "git data fsck --pointers --limit 5MiB --json HEAD~3..HEAD",
    )
    parser.add_argument("--pointers", action="store_true", help="check the pointers of commits")
    parser.add_argument("--limit", metavar="SIZE", help=checking.LIMIT_HELP)
    parser.add_argument("--offline", action="store_true", help="ask no store")
    parser.add_argument("revisions", nargs="*", metavar="REV", help="BASE..HEAD; else all of HEAD")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    if not arguments.pointers:
        raise UsageError("say what to check", "git data fsck --pointers BASE..HEAD")
    repo = Repo.open()
    checks = checking.OF_INDEX if arguments.offline else checking.ALL
    limit = checking.limit_of(repo, arguments.limit)
    looked = checking.of_range(repo, arguments.revisions, checks, limit)
    if looked.lacking:
        screen.note(
            f"git-data: this shallow clone lacks {looked.lacking[0]}: "
            "every commit that is here was checked"
        )
    if looked.unseen:
        files = count(looked.unseen, "file")
        screen.note(f"git-data: {files} of this partial clone are not here and were not checked")
    if arguments.json:
        write_json(screen, _json(looked))
        return 1 if looked.findings else 0
    status = tell(looked.findings, screen)
    what = f"{count(looked.commits, 'commit')}, {count(looked.files, 'file')} checked"
    problems = count(len(looked.findings), "problem") if looked.findings else "nothing is wrong"
    screen.say(f"{what}: {problems}")
    return status


def _json(looked: checking.Looked) -> dict[str, object]:
    return {
        "commits": looked.commits,
        "files": looked.files,
        "not_checked": looked.unseen,
        "bases_not_here": looked.lacking,
        "problems": as_json(looked.findings),
    }
