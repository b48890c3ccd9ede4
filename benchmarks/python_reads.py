"""What Python reads of large files in a registry: the programs that are run, and what they ask for.

Each is run by the Python that runs the benchmark, with git-data installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from measure import Command, run
from tools import Tool

COLUMNS, OF_COLUMNS = 2, 16
_FIRST_BYTE = """\
import sys, git_data
with git_data.open(sys.argv[2], repo=sys.argv[1]) as file:
    assert len(file.read(1)) == 1
"""
_READ_COLUMNS = """\
import json, os, sys
import pyarrow.parquet as pq
from git_data.filesystem import GitDataFileSystem

class Asked:
    def __init__(self, file):
        self.file, self.ranges = file, []
    def read(self, size=-1):
        start = self.file.tell()
        data = self.file.read(size)
        self.ranges.append((start, start + len(data)))
        return data
    def __getattr__(self, name):
        return getattr(self.file, name)

file = Asked(GitDataFileSystem(sys.argv[1]).open(sys.argv[2]))
table = pq.read_table(file, columns=["c3", "c7"])
assert table.num_columns == 2 and table.num_rows
print(json.dumps(file.ranges), flush=True)
os._exit(0)  # pyarrow 26 may abort at the end, whatever file it read
"""
_WRITE_PARQUET = """\
import sys
import numpy, pyarrow as pa, pyarrow.parquet as pq
size, random = int(sys.argv[2]), numpy.random.default_rng(1)
rows = min(1 << 20, size // (16 * 8))
schema = pa.schema([(f"c{number}", pa.float64()) for number in range(16)])
options = {"compression": "none", "use_dictionary": False}
with pq.ParquetWriter(sys.argv[1], schema, **options) as writer:
    for _ in range(size // (rows * 16 * 8)):
        writer.write_table(pa.table([random.random(rows) for _ in range(16)], schema=schema))
"""


class Asked(NamedTuple):
    bytes: int
    rounded_bytes: int  # whole chunks of this very file, each once


def has_arrow() -> bool:
    words = [sys.executable, "-c", "import numpy, pyarrow, fsspec"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def write_parquet(path: Path, size: int, tool: Tool) -> None:
    """Columns of random numbers, stored as they are: a row group for each 128 MiB."""
    run([sys.executable, "-c", _WRITE_PARQUET, str(path), str(size)], tool.root, tool.environ)


def first_byte(tool: Tool, name: str) -> Command:
    return Command([sys.executable, "-c", _FIRST_BYTE, str(tool.origin), name], tool.root)


def read_columns(tool: Tool, name: str) -> Command:
    """Two columns, by pyarrow; prints the ranges of the file that it asked for."""
    return Command([sys.executable, "-c", _READ_COLUMNS, str(tool.origin), name], tool.root)


def asked_for(ranges: str, path: Path) -> Asked:
    """What `read_columns` printed, and the chunks of the file that these ranges touch."""
    wanted = [(start, end) for start, end in json.loads(ranges) if end > start]
    return Asked(sum(end - start for start, end in wanted), rounded(wanted, chunk_ends(path)))


def chunk_ends(path: Path) -> list[int]:
    """Where git-data cuts this file."""
    from git_data import chunker

    ends: list[int] = []
    with open(path, "rb") as file:

        def read_at(position: int, length: int) -> bytes:
            file.seek(position)
            return file.read(length)

        for window in chunker.windows(read_at):
            for chunk in window:
                ends.append((ends[-1] if ends else 0) + len(chunk))
    return ends


def rounded(ranges: list[tuple[int, int]], ends: list[int]) -> int:
    """Bytes of the chunks that some range touches, each chunk once."""
    starts = [0, *ends[:-1]]
    return sum(
        end - start
        for start, end in zip(starts, ends, strict=True)
        if any(first < end and last > start for first, last in ranges)
    )
