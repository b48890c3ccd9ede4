"""`git data install` and `git data uninstall`."""

from __future__ import annotations

import argparse

from .. import hooking, installation
from ..config import environment
from ..errors import DataError
from ..git import Git
from ..repo import Repo
from .options import add_quiet, describe
from .terminal import Screen, printable


def configure(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    what = (
        "Set Git's filter, diff and merge drivers for git-data, or put one of its hooks into this "
        "repository: pre-commit stops broken pointers, pre-receive guards a server. The pre-push "
        "hook comes by itself."
        if command == "install"
        else "Take back exactly what `git data install` set; data and pointers stay as they are, "
        "and without --local the hooks of repositories too."
    )
    examples = (f"git data {command} --local", f"git data {command} --hook pre-commit")
    describe(parser, what, *examples)
    parser.add_argument("--local", action="store_true", help="in this repository only")
    parser.add_argument(
        "--hook", action="append", choices=hooking.NAMES, help="only this hook, in this repository"
    )
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet
    if arguments.hook:
        return _hooks(arguments, screen)
    scope = "--local" if arguments.local else "--global"
    git = Git(".", environment())
    where = "this repository" if arguments.local else "this user"
    if arguments.command == "install":
        for name, value in installation.install(git, scope).items():
            screen.note(f"git-data: {name} was {printable(value)}; it is replaced")
        if arguments.local:
            hooking.ensure(Repo.open(), installation.launch_command())
        undo = f"git data uninstall{_flag(arguments)}"
        screen.say(f"git-data is set up for {where}; undo it with: {undo}")
        return 0
    removed = installation.uninstall(git, scope)
    hooks = [hooking.remove(Repo.open(), name) for name in hooking.NAMES if arguments.local]
    done = "is no longer set up" if removed or any(hooks) else "was not set up"
    screen.say(f"git-data {done} for {where}; pointers and data are untouched")
    if not arguments.local:
        screen.say("hooks stay in their repositories: git data uninstall --local there")
    elif git.line("config", "--get", installation.COMMANDS[0]):
        screen.say("this user's filter will bring the pre-push hook back")
    return 0


def _flag(arguments: argparse.Namespace) -> str:
    return " --local" if arguments.local else ""


def _hooks(arguments: argparse.Namespace, screen: Screen) -> int:
    repo = Repo.open()
    for name in arguments.hook:
        if arguments.command == "uninstall":
            gone = "is gone" if hooking.remove(repo, name) else "was not there"
            screen.say(f"the {name} hook {gone}")
            continue
        found = hooking.ensure(repo, installation.launch_command(), name)
        if not found.installed:
            raise DataError(f"the {name} hook was not installed", found.advice)
        screen.say(f"the {name} hook is in place")
        if found.hint:
            screen.note(f"git-data: lefthook will put its own back some day; {found.hint}")
    return 0
