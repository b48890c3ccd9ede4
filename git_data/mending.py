"""The command that mends what a check found, ready to be copied.

What is only staged is added again; the last commit is amended; an older one and those after it
become one commit anew. A rebase would not do: with raw content in HEAD, Git calls the file changed
whatever one does, and refuses.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection

from .entries import INDEX, Entry
from .faults import UPGRADE, Fault


class Cures:
    """Cures for one repository. `tips` are commits that can be amended; `ready`: the filter is set
    up; `head_is_good`: the paths that HEAD has a pointer of."""

    def __init__(self, tips: Collection[str], ready: bool, head_is_good: Collection[bytes]) -> None:
        self._tips = tips
        self._setup = "" if ready else "git data install && "
        self._head_is_good = head_is_good

    def of(self, fault: Fault, entry: Entry) -> str:
        """What mends a blob that should be a pointer."""
        path = quoted(entry.path)
        if fault is Fault.CONFLICT:
            return self._in_commit(f"git data resolve --ours {path}", entry)
        if fault is Fault.NEWER:
            return UPGRADE
        if fault is Fault.BROKEN:
            return self._in_commit(self._restore(entry, path), entry)
        return self._in_commit(f"{self._setup}git add --renormalize {path}", entry)

    def of_large(self, entry: Entry) -> str:
        """What makes a large plain file a data file."""
        path = quoted(entry.path)
        track = f"{self._setup}git data track {path} && git add --renormalize {path}"
        return self._in_commit(f"{track} .gitattributes", entry)

    def _restore(self, entry: Entry, path: str) -> str:
        if entry.commit in self._tips:
            return f"git checkout {entry.commit[:12]}~ -- {path}"
        if entry.commit == INDEX and entry.path in self._head_is_good:
            return f"git checkout HEAD -- {path}"
        return f"put the content of {path} there again && git add {path}"

    def _in_commit(self, command: str, entry: Entry) -> str:
        """The command, where this commit can be changed."""
        if entry.commit == INDEX:
            return command
        if entry.commit in self._tips:
            return f"{command} && git commit --amend --no-edit"
        return f"git reset --soft {entry.commit[:12]}~ && {command} && git commit"


def quoted(path: bytes) -> str:
    """A path as a word of a shell, on one line and never an option."""
    text = os.fsdecode(b"./" + path if path.startswith(b"-") else path)
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(letter: str) -> str:
    if letter in "'\\":
        return "\\" + letter
    if letter.isprintable():
        return letter
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))
