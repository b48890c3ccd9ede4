"""Commits whose every object a store was seen to hold, so that a push walks only what is new.

One file a store: its state on the first line, then commit ids, newest last. What is remembered is
void when something was deleted from the store since, or when the store no longer knows the change
that was seen: somebody put an older copy of it back. A store is known by its id and its address,
for a copy of a folder has the same id, and by the other stores that were believed to hold a part.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from .errors import DataError
from .files import write_file
from .git import is_full_id
from .oid import hash_bytes

_STATE = "deletions {} generation {} transaction {}"
_MOST = 1000  # commits kept; older ones are nearly always behind newer ones


class State(NamedTuple):
    """What a store's manifest says of itself."""

    deletions: int = 0
    generation: int = 0
    transactions: tuple[str, ...] = ("",)  # ids of the last changes, newest last

    def follows(self, line: str) -> bool:
        """True when `line` is this state, or an earlier one of the same store."""
        words = line.split(" ")
        if len(words) != 6 or not words[3].isdigit() or words[1] != str(self.deletions):
            return False
        forgotten = int(words[3]) + len(self.transactions) <= self.generation
        return forgotten or words[5] in self.transactions

    def __str__(self) -> str:
        newest = self.transactions[-1] if self.transactions else ""
        return _STATE.format(self.deletions, self.generation, newest)


class Confirmed:
    def __init__(self, folder: str, identity: Sequence[str], state: State) -> None:
        # It comes from outside: its hash is the name, whatever it holds.
        name = hash_bytes("\n".join(identity).encode(errors="surrogateescape")).hex()
        self.path = os.path.join(folder, "confirmed", name)
        self.state = state

    def commits(self) -> list[str]:
        """The remembered commits; some may be gone from this repository."""
        try:
            with open(self.path, encoding="ascii") as file:
                head, *commits = file.read(1 << 20).splitlines()
        except (OSError, ValueError):
            return []
        return [c for c in commits if is_full_id(c)] if self.state.follows(head) else []

    def add(self, commits: list[str]) -> None:
        """Remember; that it fails costs the next push a longer walk, no more."""
        known = [c for c in self.commits() if c not in commits]
        lines = [str(self.state), *[*known, *commits][-_MOST:], ""]
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            write_file(self.path, "\n".join(lines).encode())
        except (DataError, OSError):
            pass
