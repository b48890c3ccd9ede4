"""The files that are measured: made from seeds, so that every run has the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from measure import MIB

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


def history(commits: int, files: int = 400) -> Iterator[bytes]:
    """For `git fast-import`: each commit changes a line in one of some files in folders, as an
    ordinary project does."""
    for number in range(commits):
        name = f"src/part{number % 20}/file{number % files}.txt"
        lines = (f"line {k} of {name} as of {number if k == number % 40 else k}" for k in range(40))
        text = "\n".join(lines) + "\n"
        message = f"Change {name}, for the {number}th time"
        when = 1_600_000_000 + number * 60
        yield (
            f"commit refs/heads/main\ncommitter A Person <person@example.org> {when} +0000\n"
            f"data {len(message)}\n{message}\nM 100644 inline {name}\ndata {len(text)}\n{text}\n"
        ).encode()
