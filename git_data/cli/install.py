"""`git data install` and `git data uninstall`."""

from __future__ import annotations

import argparse

from .. import hooks, installation
from ..config import environment
from ..git import Git
from ..repo import Repo
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    parser.description = (
        "Set Git's filter, diff and merge drivers for git-data."
        if command == "install"
        else "Take back exactly what `git data install` set; data and pointers stay as they are."
    )
    parser.epilog = f"example: git data {command} --local"
    parser.add_argument("--local", action="store_true", help="in this repository only")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    scope = "--local" if arguments.local else "--global"
    git = Git(".", environment())
    where = "this repository" if arguments.local else "this user"
    if arguments.command == "install":
        installation.install(git, scope)
        if arguments.local:
            hooks.ensure(Repo.open(), installation.launch_command())
        screen.write(
            f"git-data is set up for {where}; undo it with: git data uninstall{_flag(arguments)}\n"
        )
        return 0
    removed = installation.uninstall(git, scope)
    hook = arguments.local and hooks.remove(Repo.open())
    done = "is no longer set up" if removed or hook else "was not set up"
    screen.write(f"git-data {done} for {where}; pointers and data are untouched\n")
    return 0


def _flag(arguments: argparse.Namespace) -> str:
    return " --local" if arguments.local else ""
