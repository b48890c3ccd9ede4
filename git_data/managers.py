"""Tools that manage a repository's hooks, and how each of them is made to run ours.

Where the hooks folder is a tool's, or a person's, nothing is written: the command that adds our
line is told instead.
"""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from .hookfiles import calls_us, read

_LEFTHOOK = [
    folder + name + kind
    for folder, name in (("", "lefthook"), ("", ".lefthook"), (".config/", "lefthook"))
    for local in ("", "-local")
    for name in [name + local]
    for kind in (".yml", ".yaml", ".toml", ".json", ".jsonc")
]
_FRAMEWORK = ".pre-commit-config.yaml"
_ARGUMENTS = {"pre-push": " {0}"}  # of lefthook: what Git gave to the hook


class Manager(NamedTuple):
    """A tool that was found, whether it runs our hook, and the step that makes it."""

    name: str
    runs_ours: bool
    mend: str


def line(name: str) -> str:
    """What a shell script needs to run our hook; it stops the script when ours refuses."""
    return f'git-data hook {name} "$@" || exit 1'


def husky(hooks_folder: str, name: str, top: str) -> Manager | None:
    """husky's hooks folder is its own, made anew each time; a person's hooks lie beside it."""
    if not (os.path.isfile(os.path.join(hooks_folder, "h")) and hooks_folder.endswith("/_")):
        return None
    path = os.path.join(os.path.dirname(hooks_folder), name)
    return Manager("husky", calls_us(path, name), append(path, name, top, bare=True))


def lefthook(top: str, name: str) -> Manager | None:
    """lefthook writes its hooks anew whenever its configuration has changed."""
    there = [path for path in _LEFTHOOK if os.path.isfile(os.path.join(top, path))]
    if not there:
        return None
    command = f"git-data hook {name}{_ARGUMENTS.get(name, '')}"
    entry = f"{name}: commands: git-data: {{run: '{command}', use_stdin: true}}"
    runs = any(calls_us(os.path.join(top, path), name) for path in there)
    return Manager("lefthook", runs, f"add to {there[0]}: {entry}")


def framework(top: str) -> str:
    """The text of the pre-commit framework's configuration, "" when there is none."""
    return read(os.path.join(top, _FRAMEWORK)).decode(errors="replace")


def append(path: str, name: str, top: str, bare: bool = False) -> str:
    """The command that adds our line to a hook file, which need not be there. `bare`: a file that
    needs neither a first line nor a mode."""
    shown = os.path.relpath(path, top) if path.startswith(top + os.sep) else path
    word = shlex.quote(shown)
    if bare or os.path.exists(path):
        return f"echo '{line(name)}' >> {word}"
    return f"printf '%s\\n' '#!/bin/sh' '{line(name)}' > {word} && chmod +x {word}"
