"""How a command that works on many files says what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import DataError, Incomplete
from .options import count
from .terminal import Screen, human_size, printable


class Failed(NamedTuple):
    """A file that could not be done, why, and what helps ("" when nothing is known to)."""

    path: str
    reason: str
    hint: str


def failed_of(failures: Iterable[tuple[str, DataError]]) -> list[Failed]:
    """One for each path, in the order of the paths."""
    return sorted({path: Failed(path, e.message, e.hint) for path, e in failures}.values())


def tell_sizes(path: str, size: int, screen: Screen) -> None:
    screen.say(f"{human_size(size):>9}  {printable(path)}")


def finish(failed: Sequence[Failed], total: int, done: str, screen: Screen) -> int:
    """Names each failed file; Incomplete if others were done, DataError if none was."""
    if not failed:
        return 0
    _name(failed, screen)
    hints = {item.hint for item in failed}
    hint = hints.pop() if len(hints) == 1 else ""
    message = f"{len(failed)} of {count(total, 'file')} could not be {done}, nothing was lost"
    kind = Incomplete if len(failed) < total else DataError
    raise kind(message, hint or "see: git data doctor")


def _name(failed: Sequence[Failed], screen: Screen) -> None:
    """A line for each file; a reason that many have is said once."""
    of_reason: dict[str, list[str]] = {}
    for item in failed:
        of_reason.setdefault(item.reason, []).append(item.path)
    for reason, paths in of_reason.items():
        if len(paths) == 1:
            shown = reason if reason.startswith(paths[0]) else f"{paths[0]}: {reason}"
            screen.note(f"git-data: {shown}")
            continue
        screen.note(f"git-data: {reason}:")
        for path in paths:
            screen.note(f"  {printable(path)}")
