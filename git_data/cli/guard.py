"""`git data guard CHECK [FILE...]`: the checks as the pre-commit framework runs them."""

from __future__ import annotations

import argparse

from .. import checking
from ..repo import Repo
from .findings import tell
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run by the pre-commit framework (.pre-commit-hooks.yaml). It looks at the files named, "
        "as they are staged; with none at what the next commit changes."
    )
    parser.epilog = "example: git data guard large-files --limit 5MiB"
    parser.add_argument("check", choices=checking.ALL)
    parser.add_argument("--limit", metavar="SIZE", help="of a plain file; 10MiB without it")
    parser.add_argument("files", nargs="*", metavar="FILE")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    repo = Repo.open()
    limit = checking.limit_of(repo, arguments.limit)
    found = checking.of_pre_commit(repo, arguments.files, arguments.check, limit)
    return tell(found, screen)
