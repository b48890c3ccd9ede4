"""What is done with every tool, and measured. Each function gives plain values for the results.

Within a round all tools do one step before any does the next, in an order that turns by one from
round to round: what disturbs the machine for a while disturbs them alike, and the ratio of two
tools is taken within a round.
"""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import handshake
import inputs
import reads
from measure import GIB, KIB, MIB, Command, Cost, Failed, measure, run
from tools import KINDS, Tool


class Sizes(NamedTuple):
    big: int = GIB
    huge: int = 4 * GIB
    count: int = 10_000
    small: int = 10 * KIB
    versioned: int = 200 * MIB
    versions: int = 10
    table: int = 50 * MIB


QUICK = Sizes(96 * MIB, 256 * MIB, 1000, 10 * KIB, 20 * MIB, 10, 5 * MIB)
OURS = "git-data"
Values = dict[str, object]
Costs = dict[str, dict[str, list[tuple[float, int]]]]  # step -> tool -> a cost for each round


class Bench(NamedTuple):
    programs: dict[str, str]  # tool -> its program
    folder: Path
    sizes: Sizes
    rounds: int
    say: Callable[[str], None]
    make: Callable[[str, str, Path], Tool | None] = lambda name, program, root: KINDS[name](
        program, root
    )

    def tools(self, names: Iterable[str], root: Path, data: str) -> dict[str, Tool]:
        """The tools of these names that are here, each with a project of its own under `root`."""
        here = (name for name in names if name in self.programs)
        made = {name: self.make(name, self.programs[name], root / name) for name in here}
        tools = {name: tool for name, tool in made.items() if tool}
        for tool in tools.values():
            tool.create(data)
        return tools

    def root(self, name: str) -> Path:
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        return root


def measure_handshake(bench: Bench) -> Values:
    """Milliseconds, many times: a start is short, and the first one reads the disk."""
    root = bench.root("handshake")
    tools = bench.tools((OURS, "git-lfs"), root, "data")
    drivers = {OURS: "data", "git-lfs": "lfs"}
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(max(10, 5 * bench.rounds)):
        for name, tool in tools.items():
            words = handshake.filter_command(tool, drivers[name])
            seconds[name].append(handshake.handshake_seconds(tool, words, tool.work))
    shutil.rmtree(root)
    return {"seconds": seconds}


def measure_big(bench: Bench) -> Values:
    def make(path: Path) -> None:
        inputs.write_random(path, bench.sizes.big, 1)

    values = in_rounds(bench, "big", "big.bin", make, ("git-lfs", "dvc", OURS), checkout=True)
    return {"size": bench.sizes.big, **values}


def measure_small(bench: Bench) -> Values:
    def make(path: Path) -> None:
        inputs.write_many(path, bench.sizes.count, bench.sizes.small, 2)

    values = in_rounds(bench, "small", "data", make, ("git", "git-lfs", "dvc", OURS))
    return {"count": bench.sizes.count, "size": bench.sizes.small, **values}


def measure_huge(bench: Bench) -> Values:
    """Ours alone, once: it is the memory that is judged."""

    def make(path: Path) -> None:
        inputs.write_random(path, bench.sizes.huge, 3)

    once = bench._replace(rounds=1)
    values = in_rounds(once, "huge", "huge.bin", make, (OURS,))
    return {"size": bench.sizes.huge, **values}


def measure_versions(bench: Bench) -> Values:
    """Bytes in the store after each version was committed and pushed, against the new bytes."""
    root = bench.root("versions")
    tools = bench.tools(("git-lfs", "dvc", OURS), root, "model.bin")
    source = root / "model.bin"
    inputs.write_random(source, bench.sizes.versioned, 4)
    new = bench.sizes.versioned
    _commit_and_push(tools, source)
    for added in inputs.edit_versions(source, bench.sizes.versions - 1, 5):
        new += added
        _commit_and_push(tools, source)
    values = {"size": bench.sizes.versioned, "versions": bench.sizes.versions, "new_bytes": new}
    values["store"] = _stores(tools)
    shutil.rmtree(root)
    return values


def measure_table(bench: Bench) -> Values:
    root = bench.root("table")
    tools = bench.tools(("git-lfs", "dvc", OURS), root, "table.csv")
    inputs.write_csv(root / "table.csv", bench.sizes.table, 6)
    _commit_and_push(tools, root / "table.csv")
    values = {"size": (root / "table.csv").stat().st_size, "store": _stores(tools)}
    shutil.rmtree(root)
    return values


WORKLOADS: dict[str, Callable[[Bench], Values]] = {
    "handshake": measure_handshake,
    "big": measure_big,
    "huge": measure_huge,
    "small": measure_small,
    "versions": measure_versions,
    "table": measure_table,
}


def in_rounds(
    bench: Bench,
    name: str,
    data: str,
    make: Callable[[Path], None],
    names: Sequence[str],
    checkout: bool = False,
    watch_reads: bool = True,
) -> Values:
    costs: Costs = {}
    values: Values = {"costs": costs}
    for number in range(bench.rounds):
        bench.say(f"{name}: round {number + 1} of {bench.rounds}")
        root = bench.root(f"{name}-{number}")
        tools = bench.tools(names, root, data)
        make(root / data)
        for tool in tools.values():
            _copy(root / data, tool.work / data)
        round_ = _Round(tools, root, data, number, costs)
        round_.all_steps()
        if checkout:
            round_.checkout()
        if number == 0:
            values["store"] = _stores(tools)
        if watch_reads and number == bench.rounds - 1 and OURS in tools and reads.available():
            values["data_bytes_read"] = _reads(tools[OURS], data)
        if (root / data).is_file():
            shutil.rmtree(root)
    # Many files stay until here: for minutes after a file was deleted ext4 is slow to find a free
    # inode, which the next tool would pay for.
    for number in range(bench.rounds):
        shutil.rmtree(bench.folder / f"{name}-{number}", ignore_errors=True)
    return values


class _Round:
    """One round of one workload: the steps, and where their costs are noted."""

    def __init__(
        self, tools: dict[str, Tool], root: Path, data: str, number: int, costs: Costs
    ) -> None:
        self.tools = tools
        self.root = root
        self.data = data
        self.number = number
        self.costs = costs

    def order(self, names: Iterable[str]) -> list[str]:
        listed = list(names)
        turn = self.number % max(1, len(listed))
        return listed[turn:] + listed[:turn]

    def note(self, step: str, name: str, cost: Cost) -> None:
        self.costs.setdefault(step, {}).setdefault(name, []).append(cost)

    def step(self, step: str, name: str, commands: Sequence[Command]) -> None:
        tool = self.tools[name]
        self.note(step, name, measure(commands, tool.environ, tool.root / "log"))

    def all_steps(self) -> None:
        order = self.order(self.tools)
        for name in order:
            self.step("add + commit", name, self.tools[name].add_commit(self.data))
        for name in order:
            self.step("push", name, self.tools[name].push())
        for name in order:
            self.step("second push", name, self.tools[name].push())
        for name in order:
            tool = self.tools[name]
            self.step("clone", name, tool.clone())
            self.step("first status", name, [Command(["git", "status"], tool.copy)])
            check_same(self.root / self.data, tool.copy / self.data)
            tool.copy = tool.root / "copy-2"

    def checkout(self) -> None:
        """Back to the branch with the data, all of it in the cache; and the same bytes by `cp`."""
        source, target = self.root / self.data, self.root / "copied"
        for name in self.order([*self.tools, "cp"]):
            if name == "cp":
                environ = {"PATH": next(iter(self.tools.values())).environ["PATH"]}
                copy = Command(["cp", str(source), str(target)], self.root)
                self.note("checkout", name, measure([copy], environ, self.root / "log"))
                target.unlink()
                continue
            tool = self.tools[name]
            measure(tool.checkout("HEAD~1"), tool.environ, tool.root / "log")
            if (tool.work / self.data).exists():
                raise Failed(f"{tool.work / self.data} is still there without its commit")
            self.step("checkout", name, tool.checkout("main"))
            check_same(source, tool.work / self.data)


def _reads(tool: Tool, data: str) -> dict[str, int]:
    """Bytes of data that a push with nothing new and the first status of a clone read."""
    places = [tool.origin / "data/packs"]
    for folder in (tool.work, tool.copy):
        places += [folder / data, folder / ".git/git-data/objects"]
    for command in tool.clone():
        run(command.words, command.folder, tool.environ)
    read = {}
    for step, command in (
        ("first status", Command(["git", "status"], tool.copy)),
        ("second push", tool.push()[-1]),
    ):
        read[step] = reads.data_bytes_read(tool, command, places)
    return read


def _commit_and_push(tools: dict[str, Tool], source: Path) -> None:
    for tool in tools.values():
        shutil.copyfile(source, tool.work / source.name)
        for command in (*tool.add_commit(source.name), *tool.push()):
            run(command.words, command.folder, tool.environ)


def _stores(tools: dict[str, Tool]) -> dict[str, dict[str, int]]:
    stores = {}
    for name, tool in tools.items():
        if folder := tool.store():
            files = [path for path in folder.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            stores[name] = {"files": len(files), "bytes": size}
    return stores


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def check_same(source: Path, target: Path) -> None:
    """Raises Failed unless the tool brought back what it was given."""
    for path in [source] if source.is_file() else source.rglob("*.bin"):
        other = target / path.relative_to(source)
        if not (other.is_file() and filecmp.cmp(path, other, shallow=False)):
            raise Failed(f"{other} is not what was added")
