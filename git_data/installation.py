"""What `git data install` writes into Git's config, and takes back."""

from __future__ import annotations

import os
import shlex
import sys

from .errors import GitError, UsageError
from .git import Git

COMMANDS = ("filter.data.process", "diff.data.textconv", "merge.data.driver")  # one a section
# A blob comes as a temporary file, which the filter has made the text to show already (showing.py):
# so most sides of a diff cost no Python.
_TEXTCONV = (
    """f() {{ case $1$(head -c 9 "$1" 2>/dev/null) in /*git-data:) exec cat "$1";; esac; """
    """exec {command} textconv "$1"; }}; f"""
)


def launch_command() -> list[str]:
    """How Git shall start us: this Python, isolated, and the console script by absolute path.

    Filters and hooks run at the top of a work tree: without -I, an empty part in PYTHONPATH would
    let a committed sitecustomize.py run (docs/decisions/0004-isolated-python.md).
    """
    script = os.path.join(os.path.dirname(sys.executable), "git-data")
    if not os.path.exists(script):
        script = os.path.abspath(sys.argv[0])
    if not os.path.isfile(script) or script.endswith((".py", ".pyc")):
        raise UsageError(
            f"the git-data command was not found beside {sys.executable}",
            "install the package: ./install.sh in a clone of git-data, or pipx install PATH of one",
        )
    return [sys.executable, "-I", script]


def entries() -> dict[str, str]:
    """Every setting that makes Git use us, name -> value."""
    command = " ".join(map(shlex.quote, launch_command()))
    return {
        "filter.data.process": f"{command} filter-process",
        "filter.data.required": "true",
        "diff.data.textconv": _TEXTCONV.format(command=command),
        "diff.data.wordRegex": "[^[:space:]]+",
        "merge.data.name": "data files: ours stays, the path is in conflict",
        "merge.data.driver": f"{command} merge-driver -- %O %A %B %L %P",
        "merge.data.recursive": "binary",
    }


def install(git: Git, scope: str) -> dict[str, str]:
    """Write the settings in `--global` or `--local` config; gives somebody else's commands that
    stood in their place, by name."""
    foreign = {name: found for name in COMMANDS if (found := _foreign(git, scope, name))}
    for name, value in entries().items():
        git.run("config", scope, "--replace-all", name, value)
    return foreign


def uninstall(git: Git, scope: str) -> list[str]:
    """Take exactly that back: our settings, no other in the same sections, and none where the
    command is somebody else's; gives their names."""
    kept = tuple(_section(name) for name in COMMANDS if _foreign(git, scope, name))
    removed = []
    for name in entries():
        if _section(name) in kept:
            continue
        status = git.attempt("config", scope, "--unset-all", name)[0]
        if status == 0:
            removed.append(name)
        elif status != 5:  # 5: it was not set
            raise GitError(f"cannot remove {name} from Git's {scope[2:]} config")
    for name in COMMANDS:
        _remove_empty(git, scope, _section(name))
    return removed


def _foreign(git: Git, scope: str, name: str) -> str:
    """The command that is set, if it is not ours, be it of another installation; else ""."""
    found = git.line("config", scope, "--get", name) or ""
    return "" if "git-data" in found else found


def _section(name: str) -> str:
    return name.rpartition(".")[0]


def _remove_empty(git: Git, scope: str, section: str) -> None:
    """Older Git leaves a heading without settings behind."""
    if git.attempt("config", scope, "--get-regexp", f"^{section}\\.")[0] != 0:
        git.attempt("config", scope, "--remove-section", section)
