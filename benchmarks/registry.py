#!/usr/bin/env python3
"""The registry beside DVC: list, get, import, update, and what Python reads of large files.

    benchmarks/registry.py --quick --dvc ~/dvc/bin/dvc    # small sizes: does everything work?
    benchmarks/registry.py --dvc ~/dvc/bin/dvc            # the real thing: 12 GB of free disk

Run it with the Python that git-data is installed in; for the row of Arrow also pyarrow and numpy.
The source is a bare repository in a folder, its data in that folder (git-data) or beside it (DVC),
the same files for both. Seconds are medians of three runs of whole commands, the tools in turn;
bytes are what strace sees read of the store's files. Results: results/registry.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import reads
from inputs import write_many, write_random
from measure import GIB, KIB, MIB, Command, measure, run
from tools import Dvc, GitData, Tool

ROUNDS = 3
CHUNK = 128 * KIB  # the middle size of a chunk
FIRST_BYTE = """\
import sys, git_data
with git_data.open(sys.argv[2], repo=sys.argv[1]) as file:
    file.read(1)
"""
COLUMNS = """\
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
pq.read_table(file, columns=["c3", "c7"])
chunk = int(sys.argv[3])
touched = {at for start, end in file.ranges for at in range(start // chunk, -(-end // chunk))}
asked = sum(end - start for start, end in file.ranges)
print(json.dumps({"asked_bytes": asked, "rounded_bytes": len(touched) * chunk}), flush=True)
os._exit(0)  # pyarrow 26 may abort at the end, whatever file it read
"""
PARQUET = """\
import sys
import numpy, pyarrow as pa, pyarrow.parquet as pq
rows, random = 1 << 20, numpy.random.default_rng(1)
schema = pa.schema([(f"c{number}", pa.float64()) for number in range(16)])
options = {"compression": "none", "use_dictionary": False}
with pq.ParquetWriter(sys.argv[1], schema, **options) as writer:
    for _ in range(max(1, int(sys.argv[2]) // (rows * 16 * 8))):
        writer.write_table(pa.table([random.random(rows) for _ in range(16)], schema=schema))
"""


class Sizes(NamedTuple):
    many: int  # files in the large registry, of 1 KiB
    some: int  # files that are imported, of 10 KiB
    big: int  # bytes of the file that Python opens, and of the Parquet file


FULL = Sizes(100_000, 10_000, GIB)
QUICK = Sizes(2_000, 200, 32 * MIB)


class Bench:
    """One set of sources, and what was measured with them."""

    def __init__(self, root: Path, tools: Sequence[Tool], sizes: Sizes) -> None:
        self.root = root
        self.tools = tools
        self.sizes = sizes
        self.found: dict[str, dict[str, object]] = {}

    @property
    def ours(self) -> Tool:
        return self.tools[0]

    def publish(self, make: Callable[[Path], None]) -> None:
        """A source of each tool whose `data` holds what `make` writes, pushed."""
        for tool in self.tools:
            tool.create("data")
            make(tool.work / "data")
            self.push(tool)

    def push(self, tool: Tool) -> None:
        for command in [*tool.add_commit("data"), *tool.push()]:
            run(command.words, command.folder, tool.environ)

    def seconds(self, what: str, command: Callable[[Tool, int], Command]) -> None:
        times: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            for tool in self.tools:
                made = command(tool, number)
                cost = measure([made], tool.environ, self.root / "log")
                times.setdefault(tool.name, []).append(cost.seconds)
        middle = {name: round(median(found), 3) for name, found in times.items()}
        self.add(what, **middle)
        if "DVC" in middle:
            pairs = zip(times[self.ours.name], times["DVC"], strict=True)
            self.add(what, ratio=round(median(ours / theirs for ours, theirs in pairs), 3))

    def read_bytes(self, command: Command, folder: str) -> int:
        """What a command of ours reads of a folder of our store."""
        store = self.ours.store()
        assert store is not None
        return reads.data_bytes_read(self.ours, command, [store / folder])

    def add(self, what: str, **values: object) -> None:
        self.found.setdefault(what, {}).update(values)
        print(f"{what}: {self.found[what]}", flush=True)


# The commands of each tool


def list_all(tool: Tool, _: int) -> Command:
    below = ["data"] if tool.name == "DVC" else []
    return Command([tool.program, "list", "-R", str(tool.origin), *below], tool.root)


def get_one(tool: Tool, number: int) -> Command:
    words = ["get", str(tool.origin), "data/one.bin", "-o", f"got{number}"]
    return Command([tool.program, *words], tool.root)


def import_all(tool: Tool, number: int) -> Command:
    """Into a fresh repository, made before the clock runs."""
    folder = tool.root / f"ours{number}"
    run(["git", "init", "-q", str(folder)], tool.root, tool.environ)
    if tool.name == "DVC":
        run([tool.program, "init", "-q"], folder, tool.environ)
    return Command([tool.program, "import", str(tool.origin), "data"], folder)


def update_all(tool: Tool, number: int) -> Command:
    name = "data.dvc" if tool.name == "DVC" else "data"
    return Command([tool.program, "update", name], tool.root / f"ours{number}")


# What is measured


def large_registry(bench: Bench) -> None:
    def make(folder: Path) -> None:
        write_many(folder, bench.sizes.many, KIB, seed=1)
        write_random(folder / "one.bin", MIB, seed=2)

    bench.publish(make)
    for tool in bench.tools:
        run(list_all(tool, 0).words, tool.root, tool.environ)  # the first time
    of = f"{bench.sizes.many:,} files"
    bench.seconds(f"list -R of {of}, again", list_all)
    what = f"get of 1 MiB out of {of}"
    bench.seconds(what, get_one)
    index = bench.ours.origin / "data" / "index"
    bench.add(
        what,
        pack_bytes=bench.read_bytes(get_one(bench.ours, ROUNDS), "packs"),
        index_bytes=bench.read_bytes(get_one(bench.ours, ROUNDS + 1), "index"),
        index_size=sum(path.stat().st_size for path in index.rglob("*") if path.is_file()),
    )


def imports(bench: Bench) -> None:
    count = bench.sizes.some
    bench.publish(lambda folder: write_many(folder, count, 10 * KIB, seed=3))
    of = f"{count:,} files of 10 KiB"
    bench.seconds(f"import of {of}", import_all)
    # One more that is behind: strace slows a command down, so it is not among the measured.
    command = import_all(bench.ours, ROUNDS)
    run(command.words, command.folder, bench.ours.environ)
    for tool in bench.tools:
        for number in range(0, count, 100):  # one in a hundred
            path = tool.work / f"data/{number // 100:03d}/{number:05d}.bin"
            write_random(path, 10 * KIB, seed=number + 10)
        bench.push(tool)
    what = f"update of 1 % of {of}"
    bench.seconds(what, update_all)
    packs = bench.read_bytes(update_all(bench.ours, ROUNDS), "packs")
    bench.add(what, pack_bytes=packs, new_bytes=-(-count // 100) * 10 * KIB)


def from_python(bench: Bench) -> None:
    size, ours, has_arrow = bench.sizes.big, bench.ours, _has_arrow()

    def make(folder: Path) -> None:
        folder.mkdir()
        write_random(folder / "big.bin", size, seed=4)
        if has_arrow:
            path = str(folder / "table.parquet")
            run([sys.executable, "-c", PARQUET, path, str(size)], ours.root, ours.environ)

    bench.publish(make)
    words = [sys.executable, "-c", FIRST_BYTE, str(ours.origin), "data/big.bin"]
    run(words, ours.root, ours.environ)
    bench.add(
        f"first byte of {size // MIB} MiB", read=bench.read_bytes(Command(words, ours.root), "")
    )
    if has_arrow:
        words = [sys.executable, "-c", COLUMNS, str(ours.origin), "data/table.parquet", str(CHUNK)]
        asked = json.loads(run(words, ours.root, ours.environ))
        read = bench.read_bytes(Command(words, ours.root), "packs")
        ratio = round(read / asked["rounded_bytes"], 3)
        bench.add("2 of 16 columns of a Parquet file", pack_bytes=read, **asked, ratio=ratio)


def _has_arrow() -> bool:
    words = [sys.executable, "-c", "import numpy, pyarrow, fsspec"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


PARTS = {"registry": large_registry, "imports": imports, "python": from_python}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--dvc", default="dvc", help="the dvc command; else from PATH")
    parser.add_argument("--git-data", default=str(Path(sys.executable).with_name("git-data")))
    parser.add_argument("--only", nargs="*", default=[*PARTS], choices=PARTS)
    parser.add_argument("--folder", help="where the files go; else a temporary folder")
    arguments = parser.parse_args()
    dvc = shutil.which(arguments.dvc)
    found: dict[str, object] = {}
    for name in arguments.only:
        with tempfile.TemporaryDirectory(prefix="git-data-", dir=arguments.folder) as folder:
            tools: list[Tool] = [GitData(arguments.git_data, Path(folder) / "git-data")]
            if dvc and name != "python":
                tools.append(Dvc(dvc, Path(folder) / "dvc"))
            for tool in tools:
                tool.root.mkdir()
            bench = Bench(Path(folder), tools, QUICK if arguments.quick else FULL)
            PARTS[name](bench)
            found |= bench.found
    name = "registry-quick.json" if arguments.quick else "registry.json"
    path = Path(__file__).parent / "results" / name
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**kept, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
