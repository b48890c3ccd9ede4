"""How what a check found is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..guard import Finding
from .options import count
from .terminal import Screen, printable

_SHOWN = 50
_COMMIT_DIGITS = 12


def tell(findings: Sequence[Finding], screen: Screen) -> int:
    """A line for each on standard error; the exit status."""
    for one in findings[:_SHOWN]:
        screen.note(f"git-data: {_where(one)}: {one.what}; {one.mend}")
    if len(findings) > _SHOWN:
        screen.note(f"git-data: … and {count(len(findings) - _SHOWN, 'more file', 'more files')}")
    return 1 if findings else 0


def _where(one: Finding) -> str:
    path = printable(one.path).replace("\n", "\\n")
    return f"{path} (commit {one.commit[:_COMMIT_DIGITS]})" if one.commit else path


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{**one._asdict(), "commit": one.commit or None} for one in findings]
