"""`git data guard CHECK [FILE...]`: the checks as the pre-commit framework runs them.

The framework puts the names of files behind our words as they are, so after CHECK and its limit a
word is a name, whatever it begins with.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .. import checking
from ..repo import Repo
from .findings import tell
from .terminal import Screen

_LIMIT = "--limit"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run by the pre-commit framework (.pre-commit-hooks.yaml). It looks at the files named, "
        "as they are staged; with none at what the next commit changes. Options stand before the "
        "first file."
    )
    parser.epilog = "example: git data guard large-files --limit 5MiB"
    parser.add_argument("check", choices=checking.ALL)
    parser.add_argument(_LIMIT, metavar="SIZE", help=checking.LIMIT_HELP)
    parser.add_argument("files", nargs="*", metavar="FILE")


def end_options(words: Sequence[str]) -> list[str]:
    """The words with `--` where the files begin. A `--` that stood there already stays: it may be
    one of the files, and a name that is not there is passed over."""
    at = _after_limit(words, 0)
    if words[at : at + 1] and not words[at].startswith("-"):
        at += 1
        at = _after_limit(words, at) if at == 1 else at
        files = [] if [*words[at:]] == ["--"] else words[at:]
        return [*words[:at], "--", *files]
    return [*words]


def _after_limit(words: Sequence[str], at: int) -> int:
    if words[at : at + 1] == [_LIMIT]:
        return at + 2
    return at + 1 if at < len(words) and words[at].startswith(_LIMIT + "=") else at


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    repo = Repo.open()
    limit = checking.limit_of(repo, arguments.limit)
    found = checking.of_pre_commit(repo, arguments.files, arguments.check, limit)
    return tell(found, screen)
