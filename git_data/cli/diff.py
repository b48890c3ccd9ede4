"""`git data diff`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from .. import differing, listing, listings, sources
from ..config import environment
from ..differing import Difference
from ..errors import NotFound, UsageError
from ..git import Git
from ..inventory import commit_of
from ..listing import Entry
from ..origin import is_own
from ..repo import Repo
from . import differences
from .options import Here, add_json, describe, write_json
from .terminal import Screen, printable

_MOST_REVISIONS = 2


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Show which data files were added, changed and removed, with sizes: since the last commit, "
        "from a revision to the work tree, or from one revision to another; here, or with --repo "
        "in any repository.",
        "git data diff",
        "git data diff v1.2 v1.3 images",
        "git data diff --repo https://github.com/example/registry.git v1.2 v1.3 -- music",
    )
    parser.add_argument(
        "words", nargs="*", metavar="REV|PATH", help="up to two revisions, then paths; -- between"
    )
    parser.add_argument("--repo", metavar="URL", help="of that repository; else of the one here")
    parser.add_argument("-a", "--all", action="store_true", help="plain Git files too")
    add_json(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    git = Git(".", environment())
    old: str | None
    new: str | None
    if arguments.repo and not is_own(arguments.repo, git):
        old, new, found = _of_source(git, arguments, screen)
    else:
        old, new, found = _of_own(arguments)
    if not arguments.all:
        found = [one for one in found if one.is_data]
    if arguments.json:
        files = differences.to_json(found)
        write_json(screen, {"old": old, "new": new, "files": files})
    elif found:
        differences.write(found, "", screen, most=None)
    return 0


def _of_own(arguments: argparse.Namespace) -> tuple[str | None, str | None, list[Difference]]:
    repo = Repo.open()
    revisions, words = _split(repo, arguments)
    paths = Here.of(repo).all_to_top(words)
    old, new = [*revisions, None, None][:2]
    return old, new, differing.between(repo, old, new, paths)


def _split(repo: Repo, arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Revisions and paths, as Git tells them apart."""
    words, literal = arguments.words, arguments.literal
    if literal is not None:
        at = len(words) - literal
        _check_few(words[:at])
        return [commit_of(repo, word) for word in words[:at]], words[at:]
    revisions: list[str] = []
    for at, word in enumerate(words[:_MOST_REVISIONS]):
        try:
            found = commit_of(repo, word)
        except NotFound:
            _need_path(word)
            return revisions, words[at:]
        if os.path.lexists(word):
            raise UsageError(f"{word!r} is a revision and a path", "put -- before paths")
        revisions.append(found)
    return revisions, words[_MOST_REVISIONS:]


def _check_few(revisions: Sequence[str]) -> None:
    if len(revisions) > _MOST_REVISIONS:
        raise UsageError("two revisions at most can be compared", "put -- before paths")


def _need_path(word: str) -> None:
    if not os.path.lexists(word) and not any(letter in word for letter in "*?["):
        raise NotFound(
            f"{word!r} is no revision here and no path", "for a path of old: put -- first"
        )


def _of_source(
    git: Git, arguments: argparse.Namespace, screen: Screen
) -> tuple[str, str, list[Difference]]:
    """Of two revisions of another repository, by one fetch; the second is its default branch."""
    words, literal = arguments.words, arguments.literal
    at = min(_MOST_REVISIONS, len(words)) if literal is None else len(words) - literal
    _check_few(words[:at])
    if not at:
        raise UsageError("name one or two revisions of it", "as in: git data diff --repo URL v1 v2")
    names = [*words[:at], sources.HEAD][:_MOST_REVISIONS]
    screen.start(f"Asking {printable(arguments.repo)}", 0, 0)
    source, commits = sources.fetch(arguments.repo, names, ".", git)
    screen.finish()
    paths = [listing.clean(word) for word in words[at:]] or [""]
    old, new = (_files(source, commit, paths) for commit in commits)
    missing = [path for path, *found in zip(paths, old, new, strict=True) if found == [None, None]]
    if missing:
        listing.find(source.git, commits[1], missing[0], source.origin.shown)  # says what is near
    return commits[0], commits[1], differing.compare(_joined(old), _joined(new))


def _files(source: sources.Source, commit: str, paths: Sequence[str]) -> list[list[Entry] | None]:
    """The files at each path, None where there is nothing at that revision."""
    found: list[list[Entry] | None] = []
    for path in paths:
        try:
            entry = listing.find(source.git, commit, path, source.origin.shown)
            found.append(listings.files(source, entry))
        except NotFound:
            found.append(None)
    return found


def _joined(found: Sequence[list[Entry] | None]) -> list[Entry]:
    return [entry for entries in found for entry in entries or ()]
