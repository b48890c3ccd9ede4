"""From words to a command, and from errors to text and an exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from .. import __version__
from ..config import environment
from ..errors import DataError
from . import _INTERNAL, COMMANDS
from .leaving import heed_ctrl_c_once
from .terminal import Screen
from .unforeseen import explain

_EPILOG = "Every command has -h with an example. Start with: git data track '*.bin'"

_LITERAL = "\0"  # no word of a command line holds it


class Command(Protocol):
    def configure(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace, screen: Screen) -> int: ...


def dispatch(words: Sequence[str]) -> int:
    screen = Screen(environment().get("GIT_DATA_PROGRESS"))
    heed_ctrl_c_once()
    try:
        return _run(words, screen)
    except DataError as error:
        screen.note(f"git-data: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        screen.note("git-data: interrupted; nothing is half done")
        return 130
    except BrokenPipeError:
        _silence_output()
        return 1
    except Exception as error:
        screen.note(f"git-data: {explain(error)}")
        return 1
    finally:
        screen.finish()


def _run(words: Sequence[str], screen: Screen) -> int:
    name = words[0] if words else "-h"
    if name in ("-h", "--help", "help"):
        screen.write(_overview())
        return 0 if words else 2
    if name == "--version":
        screen.write(f"git-data {__version__}\n")
        return 0
    module = COMMANDS[name][0] if name in COMMANDS else _INTERNAL.get(name)
    if module is None:
        screen.note(f"git-data: there is no command {name!r}; see: git data -h")
        return 2
    command = load(module)
    parser = parser_of(name, command)
    end_options = getattr(command, "end_options", list)  # a command whose options end earlier
    try:
        arguments = parse(parser, end_options(words[1:]))
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else 2
    return command.run(arguments, screen)


def parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Options may stand between other words, and after `--` there are no options.

    argparse forgets where `--` was: `literal` counts the words after it, None without it.
    """
    at = words.index("--") if "--" in words else len(words)
    literal = [_LITERAL + word if word[:1] == "-" else word for word in words[at + 1 :]]
    arguments = parser.parse_intermixed_args([*words[:at], *literal])
    for name, value in vars(arguments).items():
        if isinstance(value, list):
            setattr(arguments, name, [word.removeprefix(_LITERAL) for word in value])
        elif isinstance(value, str):
            setattr(arguments, name, value.removeprefix(_LITERAL))
    arguments.literal = len(literal) if at < len(words) else None
    return arguments


def load(module: str) -> Command:
    return importlib.import_module(f".{module}", __package__)


def parser_of(name: str, command: Command) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"git data {name}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(command=name)
    command.configure(parser)
    return parser


def _overview() -> str:
    lines = [f"  {name:<12} {words}" for name, (_, words) in COMMANDS.items()]
    return "\n".join(["usage: git data COMMAND [...]", "", *lines, "", _EPILOG, ""])


def _silence_output() -> None:
    """Whoever read our output is gone; the interpreter shall not complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
