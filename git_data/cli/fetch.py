"""`git data fetch`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from ..bringing import bring
from ..errors import NotFound, UsageError
from ..inventory import commit_of, recent_tips, to_fetch
from ..repo import Repo
from ..transfer import Wanted
from .options import Here, add_dry_run, add_json, add_quiet, describe, write_json
from .outcome import Failed, failed_of, finish, tell_sizes
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Bring data into this repository's cache without touching the work tree: of what is "
        "staged, or of the revisions and below the paths that are named. data.fetchInclude and "
        "data.fetchExclude say what is wanted; a path that is named is wanted.",
        "git data fetch",
        "git data fetch v1.2 images/",
        "git data fetch --all",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="whole history, of all refs unless named")
    which.add_argument(
        "--recent", action="store_true", help="HEAD, branches and tags of the last 7 days"
    )
    parser.add_argument(
        "words", nargs="*", metavar="REF|PATH", help="revisions, then files or folders; -- between"
    )
    add_dry_run(parser, "say what would be fetched")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    repo = Repo.open()
    revisions, words = _split(repo, arguments.words, arguments.literal)
    paths = Here.of(repo).all_to_top(words)
    if arguments.recent:
        if revisions:
            raise UsageError("--recent names its revisions itself", "leave out the others")
        revisions = recent_tips(repo)
    wanted = to_fetch(repo, revisions, paths, arguments.all)
    failures = []
    if not arguments.dry_run:
        failures = bring(repo, wanted, revisions[0] if revisions else None, screen)
        screen.finish()
    failed = failed_of((w.path, error) for w, error in failures)
    if arguments.json:
        write_json(screen, _json(wanted, {w.path for w, _ in failures}, failed))
    else:
        _tell(wanted, len(failures), arguments.dry_run, screen)
    return finish(failed, len(wanted), "fetched", screen)


def _tell(wanted: Sequence[Wanted], failures: int, dry_run: bool, screen: Screen) -> None:
    if dry_run:
        for w in wanted:
            tell_sizes(w.path, w.size, screen)
    elif not wanted:
        screen.say("everything is here already")
    elif len(wanted) > failures:
        screen.say(f"fetched {len(wanted) - failures} of {len(wanted)} objects")


def _json(
    wanted: Sequence[Wanted], failed_paths: set[str], failed: Sequence[Failed]
) -> dict[str, object]:
    fetched = [
        {"path": w.path, "size": w.size, "oid": str(w.oid)}
        for w in wanted
        if w.path not in failed_paths
    ]
    return {
        "fetched": fetched,
        "failed": [{"path": item.path, "reason": item.reason} for item in failed],
    }


def _split(repo: Repo, words: Sequence[str], literal: int | None) -> tuple[list[str], list[str]]:
    """Revisions and paths, as Git tells them apart: what is both has to be made clear by `--`.

    `literal`: how many words came after `--`.
    """
    if literal is not None:
        at = len(words) - literal
        return [commit_of(repo, word) for word in words[:at]], [*words[at:]]
    revisions: list[str] = []
    for at, word in enumerate(words):
        found = _revision(repo, word)
        if found is None:
            return revisions, [*words[at:]]
        if os.path.lexists(word):
            raise UsageError(f"{word!r} is a revision and a path", "put -- before paths")
        revisions.append(found)
    return revisions, []


def _revision(repo: Repo, word: str) -> str | None:
    try:
        return commit_of(repo, word)
    except NotFound:
        return None
