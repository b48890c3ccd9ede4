#!/usr/bin/env python3
"""The registry beside DVC: list, get, import, update, and what Python reads of large files.

benchmarks/registry.py --quick --dvc ~/dvc/bin/dvc    small sizes, one round
benchmarks/registry.py --dvc ~/dvc/bin/dvc            everything, then RESULTS-REGISTRY.md anew

Run it with the Python that git-data is installed in; for the row of Arrow also pyarrow and numpy.
The source is a bare repository in a folder, its data in that folder (git-data) or beside it (DVC),
the same files for both. Bytes are what strace sees read of the store's files, by somebody who has
nothing of this source yet.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import measure
import python_reads
import reads
from inputs import write_many, write_random
from measure import GIB, KIB, MIB, Command, Cost, Failed, run
from results import HERE, about_run, load, path_of, publish, save, say
from rows import OURS
from targets_registry import rows
from tools import Dvc, GitData, Tool, which

sys.path.insert(0, str(HERE.parent))
SMALL = 10 * KIB  # a file that is imported
Values = dict[str, object]
Step = Callable[[str, Tool, int], Command]  # the tool's name, the tool, which time it is
Costs = dict[str, dict[str, list[Cost]]]


class Sizes(NamedTuple):
    many: int = 100_000  # files in the large registry, of 1 KiB
    some: int = 10_000  # files that are imported
    big: int = GIB  # of the file that Python opens, and of the Parquet file


QUICK = Sizes(2_000, 200, 32 * MIB)


class Bench:
    """The tools with a source each, all with the same files in `data`, and what they cost."""

    def __init__(
        self, programs: dict[str, str], root: Path, sizes: Sizes, rounds: int, make: str
    ) -> None:
        kinds: dict[str, type[Tool]] = {OURS: GitData, "dvc": Dvc}
        self.root = root / make
        self.tools = {name: kinds[name](p, self.root / name) for name, p in programs.items()}
        self.sizes = sizes
        self.rounds = rounds
        self.costs: Costs = {}
        self._turn = 0

    @property
    def ours(self) -> Tool:
        return self.tools[OURS]

    @property
    def store(self) -> Path:
        return self.ours.origin / "data"

    def publish(self, write: Callable[[Path], None]) -> None:
        for tool in self.tools.values():
            tool.root.mkdir(parents=True)
            tool.create("data")
            write(tool.work / "data")
            self.push(tool)

    def push(self, tool: Tool) -> None:
        for command in [*tool.add_commit("data"), *tool.push()]:
            run(command.words, command.folder, tool.environ)

    def turn(self, step: str, command: Step, number: int) -> None:
        """Every tool does it once, in an order that turns by one each time."""
        self._turn += 1
        names = list(self.tools)
        turn = self._turn % len(names)
        for name in names[turn:] + names[:turn]:
            tool = self.tools[name]
            cost = measure.measure([command(name, tool, number)], tool.environ, tool.root / "log")
            self.costs.setdefault(step, {}).setdefault(name, []).append(cost)

    def forget(self) -> None:
        """Nobody has anything of any source any more."""
        for tool in self.tools.values():
            shutil.rmtree(tool.home / ".cache", ignore_errors=True)
            shutil.rmtree(tool.root / "site", ignore_errors=True)  # DVC's

    def read_bytes(self, command: Command, *folders: str) -> list[int | None]:
        """What a command of ours reads of these folders of our store; None without strace."""
        if not reads.available():
            return [None for _ in folders]
        places = [self.store / folder for folder in folders]
        found = reads.data_reads(self.ours, command, places)
        return [
            sum(size for path, size in found.items() if path.is_relative_to(place))
            for place in places
        ]


# Many files: list and get


def measure_many(bench: Bench) -> Values:
    def write(folder: Path) -> None:
        write_many(folder, bench.sizes.many, KIB, seed=1)
        write_random(folder / "one.bin", MIB, seed=2)

    bench.publish(write)
    bench.turn("first list", list_all, 0)
    for number in range(bench.rounds):
        bench.turn("list", list_all, number)
        _check_list(bench)
    for number in range(bench.rounds):
        bench.turn("get", get_one, number)
        for tool in bench.tools.values():
            _check_same(tool.work / "data/one.bin", tool.root / f"got{number}")
    bench.forget()
    packs, index = bench.read_bytes(get_one(OURS, bench.ours, bench.rounds), "packs", "index")
    index_files = [path for path in (bench.store / "index").rglob("*") if path.is_file()]
    return {
        "count": bench.sizes.many + 1,
        "costs": bench.costs,
        "pack_read_bytes": packs,
        "index_read_bytes": index,
        "index_bytes": sum(path.stat().st_size for path in index_files),
    }


def list_all(name: str, tool: Tool, _: int) -> Command:
    below = ["data"] if name == "dvc" else []
    return Command([tool.program, "list", "-R", str(tool.origin), *below], tool.root)


def get_one(_: str, tool: Tool, number: int) -> Command:
    words = ["get", str(tool.origin), "data/one.bin", "-o", f"got{number}"]
    return Command([tool.program, *words], tool.root)


def _check_list(bench: Bench) -> None:
    """`log` has what each of them printed."""
    for name, tool in bench.tools.items():
        listed = (tool.root / "log").read_text().count(".bin\n")
        if listed != bench.sizes.many + 1:
            raise Failed(f"{name} listed {listed} files, not {bench.sizes.many + 1}")


# Import and update


def measure_imports(bench: Bench) -> Values:
    count = bench.sizes.some
    bench.publish(lambda folder: write_many(folder, count, SMALL, seed=3))
    watched: Command | None = None
    for number in range(bench.rounds):
        bench.forget()
        bench.turn("import", import_all, number)
        if number == bench.rounds - 1:  # one more, for strace, which slows a command down
            watched = import_all(OURS, bench.ours, bench.rounds)
            run(watched.words, watched.folder, bench.ours.environ)
        changed = _change(bench, number)
        bench.turn("update", update_all, number)
        for tool in bench.tools.values():
            _check_same(tool.work / "data", _importer(tool, number) / "data")
    assert watched is not None
    before = _stamps(watched.folder / "data")
    (packs,) = bench.read_bytes(update_all(OURS, bench.ours, bench.rounds), "packs")
    after = _stamps(watched.folder / "data")
    written = {name for name, stamp in after.items() if before.get(name) != stamp}
    return {
        "count": count,
        "size": SMALL,
        "costs": bench.costs,
        "changed": len(changed),
        "changed_bytes": len(changed) * SMALL,
        "pack_read_bytes": packs,
        "others_written": None if packs is None else len(written - changed),
    }


def import_all(name: str, tool: Tool, number: int) -> Command:
    """Into a fresh repository, made before the clock runs."""
    folder = _importer(tool, number)
    run(["git", "init", "-q", str(folder)], tool.root, tool.environ)
    if name == "dvc":
        run([tool.program, "init", "-q"], folder, tool.environ)
    return Command([tool.program, "import", str(tool.origin), "data"], folder)


def update_all(name: str, tool: Tool, number: int) -> Command:
    what = "data.dvc" if name == "dvc" else "data"
    return Command([tool.program, "update", what], _importer(tool, number))


def _importer(tool: Tool, number: int) -> Path:
    return tool.root / f"importer-{number}"


def _change(bench: Bench, number: int) -> set[str]:
    """One file in a hundred of each source is another one, pushed."""
    changed = [f"{at // 100:03d}/{at:05d}.bin" for at in range(number, bench.sizes.some, 100)]
    for tool in bench.tools.values():
        for place, name in enumerate(changed):
            write_random(tool.work / "data" / name, SMALL, seed=1000 * (number + 1) + place)
        bench.push(tool)
    return set(changed)


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """What another writing of a file would change, its bytes being the same or not."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {str(path.relative_to(folder)): path.stat() for path in files}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


def _check_same(source: Path, target: Path) -> None:
    for path in [source] if source.is_file() else source.rglob("*.bin"):
        other = target / path.relative_to(source)
        if not (other.is_file() and filecmp.cmp(path, other, shallow=False)):
            raise Failed(f"{other} is not {path}")


# Python


def measure_python(bench: Bench) -> Values:
    size, ours, with_arrow = bench.sizes.big, bench.ours, python_reads.has_arrow()
    bench.tools = {OURS: ours}

    def write(folder: Path) -> None:
        folder.mkdir()
        write_random(folder / "big.bin", size, seed=4)
        if with_arrow:
            python_reads.write_parquet(folder / "table.parquet", size, ours)

    bench.publish(write)
    (first,) = bench.read_bytes(python_reads.first_byte(ours, "data/big.bin"), "")
    values: Values = {"size": size, "first_byte_read_bytes": first}
    if with_arrow:
        bench.forget()
        command = python_reads.read_columns(ours, "data/table.parquet")
        (read,) = bench.read_bytes(command, "packs")
        ranges = run(command.words, command.folder, ours.environ)
        asked = python_reads.asked_for(ranges, ours.work / "data/table.parquet")
        values |= {"columns_read_bytes": read, "columns_asked_bytes": asked.bytes}
        values["columns_rounded_bytes"] = asked.rounded_bytes
    return values


WORKLOADS = {"many": measure_many, "imports": measure_imports, "python": measure_python}


def main() -> int:
    arguments = _parser().parse_args()
    programs = {OURS: which(arguments.git_data), "dvc": which(arguments.dvc)}
    here = {name: program for name, program in programs.items() if program}
    missing = [name for name, program in programs.items() if not program]
    if OURS in missing:
        say("git-data is not on PATH and --git-data does not name it")
        return 1
    missing += [] if python_reads.has_arrow() else ["pyarrow with numpy and fsspec"]
    missing += [] if reads.available() else ["strace"]
    measure.inherit_orphans()
    folder = Path(tempfile.mkdtemp(prefix="git-data-benchmark-", dir=arguments.folder))
    try:
        results = _run(arguments, here, missing, folder)
    except Failed as error:
        say(f"stopped: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    publish(results, rows, "registry.py", None if arguments.quick else "RESULTS-REGISTRY.md")
    return 0


def _run(
    arguments: argparse.Namespace, programs: dict[str, str], missing: list[str], folder: Path
) -> dict[str, Any]:
    sizes = QUICK if arguments.quick else Sizes()
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    path = path_of("registry-quick" if arguments.quick else "registry")
    results = load(path)
    probe = Bench(programs, folder, sizes, rounds, "versions")
    versions = {"git": Tool("git", folder).version()}
    versions |= {name: tool.version() for name, tool in probe.tools.items()}
    results |= about_run(folder, versions, missing)
    measure.touch_memory()
    for name in arguments.only or WORKLOADS:
        say(f"{name} …")
        bench = Bench(programs, folder, sizes, rounds, name)
        results["workloads"][name] = WORKLOADS[name](bench)
        save(results, path)
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=int, help="how often each step is measured (3)")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, help="measure these anew")
    parser.add_argument("--folder", type=Path, help="work here, not in the temporary folder")
    for name in (OURS, "dvc"):
        parser.add_argument(
            f"--{name}", metavar="PROGRAM", default=name, help=f"the {name} to measure"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
