#!/usr/bin/env python3
"""Compare git-data with plain Git, Git LFS and DVC; see benchmarks/README.md.

benchmarks/run.py --quick                     small sizes, for a look: a minute or two
benchmarks/run.py                             everything, then RESULTS.md and README.md anew
benchmarks/run.py --only small versions       these workloads anew, the others as they were
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import measure
import report
import targets
import tools
from workloads import QUICK, WORKLOADS, Bench, Sizes

HERE = Path(__file__).resolve().parent


def main() -> int:
    arguments = _parser().parse_args()
    programs, missing = tools.find(
        {
            name: value
            for name in tools.KINDS
            if (value := getattr(arguments, name.replace("-", "_")))
        }
    )
    if "git-data" in missing:
        say("git-data is not on PATH and --git-data does not name it: only the others are measured")
    measure.inherit_orphans()
    folder = Path(tempfile.mkdtemp(prefix="git-data-benchmark-", dir=arguments.folder))
    sizes = QUICK if arguments.quick else Sizes()
    bench = Bench(programs, folder, sizes, arguments.rounds or (1 if arguments.quick else 5), say)
    name = arguments.name or ("quick" if arguments.quick else "full")
    path = HERE / f"results/{name}.json"
    try:
        results = _run(bench, missing, arguments.only or list(WORKLOADS), path)
    except measure.Failed as error:
        say(f"stopped: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results["note"] = arguments.note or ""
    _save(results, path)
    page = report.results_page(results, targets.rows(results["workloads"]))
    print(page)
    if not arguments.quick:
        (HERE / "RESULTS.md").write_text(page, encoding="utf-8")
    if arguments.readme:
        report.put_into_readme(HERE.parent / "README.md", results)
    return 0


def _run(bench: Bench, missing: list[str], names: list[str], path: Path) -> dict[str, Any]:
    """The results in `path`, with the named workloads measured anew; saved after each of them."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"workloads": {}}
    results.update(
        date=time.strftime("%Y-%m-%d"),
        machine=_machine(bench.folder),
        versions=_versions(bench),
        missing=missing,
        floor_bytes=measure.floor_bytes(),
    )
    path.parent.mkdir(exist_ok=True)
    for name in names:
        say(f"{name} …")
        measure.touch_memory()
        results["workloads"][name] = WORKLOADS[name](bench)
        _save(results, path)
    return results


def _save(results: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _versions(bench: Bench) -> dict[str, str]:
    probe = {n: tools.KINDS[n](p, bench.folder / n) for n, p in bench.programs.items()}
    return {name: tool.version() for name, tool in probe.items()} | {
        "Python": platform.python_version()
    }


def _machine(folder: Path) -> dict[str, Any]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / measure.GIB),
        "system": f"{platform.system()} {platform.release()}",
        "filesystem": _filesystem(folder),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(": ", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _filesystem(folder: Path) -> str:
    """The kind of file system that `folder` lies on: the longest mount point above it."""
    try:
        with open("/proc/mounts", encoding="utf-8") as lines:
            mounts = [line.split()[1:3] for line in lines]
    except OSError:
        return "unknown file system"
    above = [(point, kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]))[1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument(
        "--only", nargs="+", choices=WORKLOADS, metavar="ROW", help=", ".join(WORKLOADS)
    )
    parser.add_argument("--rounds", type=int, help="how often each workload is measured (5)")
    parser.add_argument("--name", help="the results are benchmarks/results/NAME.json")
    parser.add_argument("--note", help="what a reader of these results should know")
    parser.add_argument("--readme", action="store_true", help="write the figures into README.md")
    parser.add_argument(
        "--folder", type=Path, help="work here, not in the system's temporary folder"
    )
    for name in tools.KINDS:
        parser.add_argument(f"--{name}", metavar="PROGRAM", help=f"the {name} to measure")
    return parser


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
