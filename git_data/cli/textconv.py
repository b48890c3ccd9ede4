"""`git data textconv FILE`: a file as text to compare, run by Git for each side of a diff."""

from __future__ import annotations

import argparse
import sys

from ..errors import DataError
from ..repo import Repo
from ..showing import SIGN, Depicter
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Run by Git. Example: git data textconv a.bin"
    parser.add_argument("file")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    sys.stdout.buffer.write(_text(arguments.file))
    sys.stdout.buffer.flush()
    return 0


def _text(path: str) -> bytes:
    """A failure is shown as text: with any other answer Git would end at once."""
    try:
        with open(path, "rb") as file:
            return Depicter(Repo.open()).of_file(file, path)
    except (DataError, OSError) as error:
        return SIGN + f" {error}\n".encode(errors="replace")
