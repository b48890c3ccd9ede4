"""Which Git command is at work above this process.

Git does not say to a filter or a merge driver what it wants the result for, and some commands only
look: then nothing large is fetched for them, and no file is written. Between Git and us may be a
shell, or `git data` itself.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

_GENERATIONS = 6
_WITH_VALUE = {"-c", "-C", "--git-dir", "--work-tree", "--namespace", "--super-prefix"}
_WITH_VALUE |= {"--config-env", "--attr-source"}


class Process(NamedTuple):
    parent: int
    words: list[str]  # the command line


def process(pid: int) -> Process | None:
    """A process of this machine; None when there is none, or it cannot be asked."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat, open(f"/proc/{pid}/cmdline", "rb") as line:
            parent = int(stat.read().rpartition(b")")[2].split()[1])
            return Process(parent, [os.fsdecode(word) for word in line.read().split(b"\0")[:-1]])
    except (OSError, ValueError, IndexError):
        pass
    if os.path.isdir("/proc/self"):
        return None
    try:  # macOS and others: words with spaces fall apart, which no reader of them minds
        asked = ["ps", "-o", "ppid=", "-o", "command=", "-p", str(pid)]
        done = subprocess.run(asked, capture_output=True, text=True, errors="replace", check=False)
        parent_word, *words = done.stdout.split()
        return Process(int(parent_word), words)
    except (OSError, ValueError):
        return None


def command_above() -> list[str]:
    """The nearest Git command and its arguments, such as `["log", "-p"]`; empty when none is
    found, or this system does not tell."""
    pid = os.getppid()
    for _ in range(_GENERATIONS):
        found = process(pid)
        if found is None or pid <= 1:
            return []
        words = git_command(found.words)
        if words and words[0] not in ("data", "data.exe"):
            return words
        pid = found.parent
    return []


def git_command(words: Sequence[str]) -> list[str]:
    """The command of a process that is Git, without the options before it; else nothing."""
    name = os.path.basename(words[0]) if words else ""
    if name.startswith("git-") and name != "git-data":
        return [name[4:], *words[1:]]
    if name != "git":
        return []
    rest = [*words[1:]]
    while rest and rest[0].startswith("-"):
        taken = 2 if rest[0] in _WITH_VALUE else 1
        rest = rest[taken:]
    return rest
