"""The scenarios of the command matrix, read from `tests/end_to_end/matrix/*.txt`.

A line at the margin names a scenario and its marks; below it, indented, are its shell lines.
    @none, @super  starts in an empty folder, or in a clone with a submodule (else in `work`)
    @rereads       the first status may read files: those with entries of another blob
    @risky         runs with `data.strict` too
    @index         runs over every flavour of index
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .matrix import Scenario

FOLDER = Path(__file__).resolve().parents[1] / "end_to_end" / "matrix"
_STARTS = ("none", "super")


def scenarios() -> list[Scenario]:
    return [found for path in sorted(FOLDER.glob("*.txt")) for found in _read(path)]


def _read(path: Path) -> Iterator[Scenario]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    heads = [at for at, line in enumerate(lines) if not line.startswith(" ")]
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        name, *marks = lines[at].split(" @")
        body = tuple(line.strip() for line in lines[at + 1 : end])
        start = next((mark for mark in marks if mark in _STARTS), "work")
        yield Scenario(name, body, start, "rereads" in marks, "risky" in marks, "index" in marks)
