"""The files that are measured: made from seeds, so that every run has the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from measure import MIB

_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "el")]
KINDS = ("inserted", "replaced", "appended", "removed")


def write_random(path: Path, size: int, seed: int) -> None:
    """Bytes that no compressor can shrink; a block at a time, so that this process stays small."""
    source = random.Random(seed)
    with open(path, "wb") as file:
        for start in range(0, size, MIB):
            file.write(source.randbytes(min(MIB, size - start)))


def write_many(folder: Path, count: int, size: int, seed: int) -> None:
    """`count` files of `size` bytes, a hundred in a folder."""
    source = random.Random(seed)
    for number in range(count):
        place = folder / f"{number // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:05d}.bin").write_bytes(source.randbytes(size))


def write_csv(path: Path, size: int, seed: int) -> None:
    """A table of measurements: a running number, a time, a station, four readings, a remark."""
    source = random.Random(seed)
    stations = [f"station-{number:02d}" for number in range(40)]
    remarks = ["", "", "", "", "recalibrated", "sensor replaced", "door open"]
    level = [20.0, 1013.0, 45.0, 3.0]
    written = 0
    with open(path, "w", encoding="ascii", newline="\n") as file:
        written += file.write("id,time,station,temperature,pressure,humidity,wind,remark\n")
        row = 0
        while written < size:
            level = [value + source.gauss(0, 0.2) for value in level]
            readings = ",".join(f"{value:.3f}" for value in level)
            minute = row // 40
            when = f"2024-{minute // 40320 % 12 + 1:02d}-{minute // 1440 % 28 + 1:02d}T"
            when += f"{minute // 60 % 24:02d}:{minute % 60:02d}:00Z"
            line = f"{row},{when},{stations[row % 40]},{readings},{source.choice(remarks)}\n"
            written += file.write(line)
            row += 1


def edit_versions(path: Path, count: int, seed: int) -> Iterator[int]:
    """Edit the file in place `count` times, 1 % in one place each; gives how many bytes are new.

    The whole file is never in memory: its tail is moved a block at a time through a second file.
    """
    source = random.Random(seed)
    for number in range(count):
        size = path.stat().st_size
        part = max(1, size // 100)
        at = source.randrange(size - part)
        yield _edit(path, KINDS[number % len(KINDS)], at, part, source)


def _edit(path: Path, kind: str, at: int, part: int, source: random.Random) -> int:
    if kind == "appended":
        with open(path, "ab") as file:
            file.write(source.randbytes(part))
        return part
    new = b"" if kind == "removed" else source.randbytes(part)
    beside = path.with_name(path.name + ".new")
    with open(path, "rb") as old, open(beside, "wb") as file:
        _copy(old, file, at)
        file.write(new)
        old.seek(at if kind == "inserted" else at + part)
        _copy(old, file, None)
    beside.replace(path)
    return len(new)


def _copy(old, file, size: int | None) -> None:
    while size is None or size > 0:
        block = old.read(MIB if size is None else min(MIB, size))
        if not block:
            return
        file.write(block)
        size = None if size is None else size - len(block)


def history(commits: int, files: int = 1500, seed: int = 0) -> Iterator[bytes]:
    """For `git fast-import`: each commit changes some lines in three of many files in folders and
    brings about 40 new ones, as in an ordinary project. Packed, 20,000 come to 2.0 KiB a commit:
    pytest's own history comes to 2.1, Sphinx's to 3.8."""
    source = random.Random(seed)
    texts: dict[str, list[str]] = {}
    for number in range(commits):
        names = [_name(source.randrange(files)) for _ in range(3)]
        edits = [(name, _edited(texts, name, source)) for name in names]
        changes = [f"M 100644 inline {name}\n{_data(text)}" for name, text in edits]
        message = f"Change {names[0]}, for the {number}th time: {_line(source)}"
        when = 1_600_000_000 + number * 60
        who = f"Person {number % 50} <person{number % 50}@example.org> {when} +0000"
        head = f"commit refs/heads/main\ncommitter {who}\n{_data(message)}"
        yield "".join((head, *changes)).encode()


def _name(number: int) -> str:
    return f"src/part{number % 20}/section{number % 7}/file{number}.txt"


def _data(text: str) -> str:
    return f"data {len(text)}\n{text}\n"


def _edited(texts: dict[str, list[str]], name: str, source: random.Random) -> str:
    """A file's text with some lines changed and some new, at a few places."""
    lines = texts.setdefault(name, [])
    for _ in range(3):
        at = source.randrange(len(lines) + 1)
        new = [_line(source) for _ in range(source.randrange(1, 9))]
        lines[at : at + source.randrange(4)] = new
    return "\n".join(lines) + "\n"


def _line(source: random.Random) -> str:
    return " ".join(f"{source.choice(_SYLLABLES)}{source.choice(_SYLLABLES)}" for _ in range(7))
