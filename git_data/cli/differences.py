"""How differences are shown: a line for each file, and their sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..differing import ADDED, CHANGED, REMOVED, Difference, totals
from ..listing import Entry
from .options import count
from .terminal import Screen, human_size, printable

_SHOWN = 20  # files of one import


def write(
    differences: Sequence[Difference], prefix: str, screen: Screen, most: int | None = _SHOWN
) -> None:
    """A line for each file, then how many there are; `prefix` stands before their paths."""
    for one in differences[:most]:
        path = printable(prefix + one.path if one.path else prefix.rstrip("/"))
        screen.say(f"  {one.kind:<8}{_sizes(one):>21}  {path}")
    left = len(differences) - len(differences[:most])
    if left:
        screen.say(f"  … and {count(left, 'more file', 'more files')}; all: --json")
    screen.say(f"  {summary(differences)}")


def _sizes(one: Difference) -> str:
    old, new = _size(one.old), _size(one.new)
    if one.kind == CHANGED and old != new:
        return f"{old} -> {new}"
    return new if one.new else old


def _size(entry: Entry | None) -> str:
    return human_size(entry.size) if entry and entry.size is not None else "-"


def summary(differences: Sequence[Difference]) -> str:
    """As in "2 added (1.5 MB), 1 changed (3.0 KB to 4.0 KB)"."""
    found = totals(differences)
    parts = []
    if found[ADDED].files:
        parts.append(f"{found[ADDED].files:,} added ({human_size(found[ADDED].new_size)})")
    if found[CHANGED].files:
        _, old, new = found[CHANGED]
        sizes = human_size(new) if old == new else f"{human_size(old)} to {human_size(new)}"
        parts.append(f"{found[CHANGED].files:,} changed ({sizes})")
    if found[REMOVED].files:
        parts.append(f"{found[REMOVED].files:,} removed ({human_size(found[REMOVED].old_size)})")
    return ", ".join(parts) or "no file differs"


def to_json(differences: Sequence[Difference], prefix: str = "") -> list[dict[str, Any]]:
    return [
        {
            "path": prefix + one.path if one.path else prefix.rstrip("/"),
            "change": one.kind,
            "old": _entry(one.old),
            "new": _entry(one.new),
        }
        for one in differences
    ]


def _entry(entry: Entry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    oid = str(entry.pointer.oid) if entry.pointer else None
    return {"size": entry.size, "oid": oid, "mode": entry.mode}
