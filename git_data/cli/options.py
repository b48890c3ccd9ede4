"""Options that several commands have, and paths as a user in some folder writes and reads them."""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import UsageError
from ..repo import Repo
from .terminal import Screen, printable

_WIDTH = 80


def describe(parser: argparse.ArgumentParser, what: str, *examples: str) -> None:
    """What a command does, in words that end with examples."""
    parser.description = textwrap.fill(what, _WIDTH, break_on_hyphens=False)
    heading = "example:" if len(examples) == 1 else "examples:"
    parser.epilog = "\n  ".join([heading, *examples])


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def add_dry_run(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("-n", "--dry-run", action="store_true", help=what)


def write_json(screen: Screen, document: Any) -> None:
    """One document on standard output. Bytes of names that are no text are `\\udcXX` escapes."""
    screen.write(json.dumps(document, indent=2) + "\n")


def need_work_tree(repo: Repo, hint: str = "run it in a clone with files") -> str:
    """The top of the work tree; UsageError in a bare repository."""
    if repo.location.work_tree is None:
        raise UsageError(f"{repo.location.git_dir} has no work tree", hint)
    return repo.location.work_tree


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class Here(NamedTuple):
    """The folder the user is in; paths are relative to it, inside they start at the top."""

    top: str
    prefix: str  # from the top, "" at the top

    @classmethod
    def of(cls, repo: Repo) -> Here:
        top, folder = os.path.realpath(repo.top), os.path.realpath(".")
        inside = repo.location.work_tree and folder.startswith(top + os.sep)
        return cls(top, os.path.relpath(folder, top).replace(os.sep, "/") if inside else "")

    @property
    def folder(self) -> str:
        return os.path.join(self.top, self.prefix)

    def to_top(self, word: str) -> str:
        """A path of the user, from the top; "" is the top. UsageError when it leads out of it."""
        if os.path.isabs(word):
            folder, name = os.path.split(word.rstrip("/"))
            word = os.path.join(os.path.realpath(folder), name)
        path = os.path.relpath(os.path.join(self.folder, word), self.top)
        if path == ".." or path.startswith("../"):
            raise UsageError(f"{word} is outside of the repository {self.top}")
        return "" if path == "." else path

    def all_to_top(self, words: Sequence[str]) -> list[str]:
        return [self.to_top(word) for word in words]

    def shown(self, path: str) -> str:
        """A path from the top as the user would write it, harmless on a terminal."""
        if not self.prefix:
            return printable(path)
        slash = "/" if path.endswith("/") else ""
        return printable(os.path.relpath("/" + path, "/" + self.prefix) + slash)
