#!/usr/bin/env python3
"""Compare git-data with DVC and Git LFS over a bucket: SeaweedFS on this machine.

benchmarks/s3.py --quick       small sizes, one round
benchmarks/s3.py               everything, then RESULTS-S3.md anew
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

import inputs
import measure
import seaweed
import tools
import tools_s3
from measure import MIB
from measure import measure as cost_of
from results import HERE, about_run, load, path_of, publish, save, say
from rows import OURS
from run import versions
from targets_s3 import rows
from tools_s3 import S3GitData
from workloads import QUICK, Bench, Sizes, check_same, in_rounds

sys.path.insert(0, str(HERE.parent))
from git_data.stores.access import Access
from git_data.stores.s3 import open_s3
from tests.helpers.servers import PROFILE, SeaweedFS

NAMES = ("git-lfs", "dvc", OURS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=int, help="how often each workload is measured (3)")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, help="measure these anew")
    for name in NAMES:
        parser.add_argument(f"--{name}", metavar="PROGRAM", help=f"the {name} to measure")
    arguments = parser.parse_args()
    given = {name: getattr(arguments, name.replace("-", "_")) for name in NAMES}
    programs, missing = tools.find({name: value for name, value in given.items() if value})
    if not seaweed.is_installed():
        say(f"not installed: {seaweed.MISSING}")
        return 1
    missing += [] if shutil.which("git-lfs-s3") else ["git-lfs-s3 (PyPI: git-remote-s3)"]
    measure.inherit_orphans()
    path = path_of("s3-quick" if arguments.quick else "s3")
    results = load(path)
    folder = Path(tempfile.mkdtemp(prefix="git-data-benchmark-"))
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    try:
        with seaweed.started(folder) as server:
            bench = _bench(programs, folder, QUICK if arguments.quick else Sizes(), rounds, server)
            results |= about_run(folder, versions(bench), missing)
            for name in arguments.only or WORKLOADS:
                say(f"{name} …")
                measure.touch_memory()
                results["workloads"][name] = WORKLOADS[name](bench, server)
                save(results, path)
    except measure.Failed as error:
        say(f"stopped: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    publish(results, rows, "s3.py", None if arguments.quick else "RESULTS-S3.md")
    return 0


def _bench(
    programs: dict[str, str], folder: Path, sizes: Sizes, rounds: int, server: SeaweedFS
) -> Bench:
    here = seaweed.bucket_of(server)
    programs = {name: found for name, found in programs.items() if name in NAMES}
    return Bench(programs, folder, sizes, rounds, say, lambda n, p, r: tools_s3.make(n, p, r, here))


# What is done


def measure_small(bench: Bench, _: SeaweedFS) -> dict[str, object]:
    def make(path: Path) -> None:
        inputs.write_many(path, bench.sizes.count, bench.sizes.small, 2)

    values = in_rounds(bench, "s3-small", "data", make, NAMES, watch_reads=False)
    return {"count": bench.sizes.count, "size": bench.sizes.small, **values}


def measure_big(bench: Bench, _: SeaweedFS) -> dict[str, object]:
    def make(path: Path) -> None:
        inputs.write_random(path, bench.sizes.big, 1)

    values = in_rounds(bench, "s3-big", "big.bin", make, NAMES, watch_reads=False)
    return {"size": bench.sizes.big, **values}


def measure_requests(bench: Bench, server: SeaweedFS) -> dict[str, object]:
    """Ours alone, once, through a proxy that counts."""
    with seaweed.proxy_to(server) as proxy:
        tool = _ours(bench, server, "s3-requests", "data", proxy.url)
        inputs.write_many(tool.work / "data", bench.sizes.count, bench.sizes.small, 2)
        _do(tool, tool.add_commit("data"))
        found = {}
        for step, commands in (
            ("push", tool.push()),
            ("second push", [_no_op_push(tool)]),
            ("clone", tool.clone()),
        ):
            proxy.forget()
            _do(tool, commands)
            found[step] = proxy.count()
        check_same(tool.work / "data", tool.copy / "data")
    return {"count": bench.sizes.count, "size": bench.sizes.small, "requests": found}


def measure_edit(bench: Bench, server: SeaweedFS) -> dict[str, object]:
    """One edit in the middle of a big file: the bytes that the next push adds to the bucket."""
    tool = _ours(bench, server, "s3-edit", "big.bin", server.url)
    inputs.write_random(tool.work / "big.bin", bench.sizes.big, 1)
    _do(tool, [*tool.add_commit("big.bin"), *tool.push()])
    with open(tool.work / "big.bin", "r+b") as file:
        file.seek(bench.sizes.big // 2)
        file.write(random.Random(7).randbytes(MIB))
    _do(tool, tool.add_commit("big.bin"))
    before = _stored(tool)
    _do(tool, tool.push())
    return {"size": bench.sizes.big, "edit": MIB, "sent": _stored(tool) - before}


def measure_faults(bench: Bench, server: SeaweedFS) -> dict[str, object]:
    """Clones through a proxy, in turn without faults and with 5 % of all requests failing."""
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    with seaweed.proxy_to(server) as proxy:
        tool = _ours(bench, server, "s3-faults", "big.bin", proxy.url)
        inputs.write_random(tool.work / "big.bin", bench.sizes.big, 1)
        _do(tool, [*tool.add_commit("big.bin"), *tool.push()])
        for number in range(bench.rounds):
            for name, percent in (("without", 0), ("with", 5)):
                tool.copy = tool.root / f"copy-{name}-{number}"
                proxy.heal()
                if percent:
                    proxy.fail_some(percent, seed=number)
                cost = cost_of(tool.clone(), tool.environ, tool.root / "log")
                check_same(tool.work / "big.bin", tool.copy / "big.bin")
                seconds[name].append(cost.seconds)
    return {"size": bench.sizes.big, "seconds": seconds}


WORKLOADS = {
    "small": measure_small,
    "big": measure_big,
    "requests": measure_requests,
    "edit": measure_edit,
    "faults": measure_faults,
}


def _ours(bench: Bench, server: SeaweedFS, name: str, data: str, endpoint: str) -> S3GitData:
    s3 = seaweed.bucket_of(server, endpoint)
    tool = S3GitData(bench.programs[OURS], bench.root(name) / OURS, s3)
    tool.create(data)
    return tool


def _stored(tool: S3GitData) -> int:
    store = open_s3(tool.address, Access(trusted=True, profile=PROFILE))
    return sum(size for _, size in store.list(""))


def _no_op_push(tool: S3GitData) -> measure.Command:
    return measure.Command(["git", "push", "-q", "origin", "main:refs/heads/again"], tool.work)


def _do(tool: S3GitData, commands: list[measure.Command]) -> None:
    for command in commands:
        measure.run(command.words, command.folder, tool.environ)


if __name__ == "__main__":
    sys.exit(main())
