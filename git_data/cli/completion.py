"""`git data completion`: what the parsers know, as a shell needs it to complete words."""

from __future__ import annotations

import argparse

from . import COMMANDS
from .dispatch import load, parser_of
from .options import describe
from .shells import SHELLS, Option, Shape
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Print what completes `git data` and `git-data` in a shell. For bash, put into ~/.bashrc "
        "the first line below, after Git's own completion; for zsh, write the script to a folder "
        "of $fpath.",
        "source <(git-data completion bash)",
        "git-data completion zsh > ~/.zfunc/_git-data",
    )
    parser.add_argument("shell", choices=sorted(SHELLS))


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.write(SHELLS[arguments.shell](shapes()))
    return 0


def shapes() -> list[Shape]:
    """Every command with its options and arguments."""
    return [_shape(name) for name in COMMANDS]


def _shape(name: str) -> Shape:
    module, about = COMMANDS[name]
    actions = parser_of(name, load(module))._actions
    options = [_option(action) for action in actions if action.option_strings]
    # After the first argument, which may be a repository, come paths: the shell's own business.
    kind = next((_kind(action) for action in actions if not action.option_strings), "")
    return Shape(name, about, tuple(options), kind)


def _option(action: argparse.Action) -> Option:
    takes_value = action.nargs is None
    return Option(
        tuple(action.option_strings), action.help or "", _kind(action) if takes_value else ""
    )


def _kind(action: argparse.Action) -> str:
    """What stands there: its choices with spaces between, else its name, such as PATH."""
    if action.choices:
        return " ".join(map(str, action.choices))
    return str(action.metavar or action.dest).upper()
