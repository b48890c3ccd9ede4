"""`git data merge-driver BASE OURS THEIRS`: texts merge as ever, pointers never into a half one."""

from __future__ import annotations

import argparse

from ..merging import Merge
from ..repo import Repo
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Run by Git. Example: git data merge-driver %O %A %B %L %P"
    for name in ("base", "ours", "theirs", "marker_size", "path"):
        parser.add_argument(name)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    versions = (arguments.base, arguments.ours, arguments.theirs)
    merged = Merge(Repo.open(), versions, arguments.marker_size, arguments.path).run()
    if merged.message:
        screen.note(f"git-data: {merged.message}")
    return 0 if merged.clean else 1
