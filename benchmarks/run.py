#!/usr/bin/env python3
"""Compare git-data with plain Git, Git LFS and DVC; see benchmarks/README.md.

benchmarks/run.py --quick                     small sizes, for a look: a minute or two
benchmarks/run.py                             everything, then RESULTS.md and README.md anew
benchmarks/run.py --only small versions       these workloads anew, the others as they were
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import measure
import report
import targets
import tools
from results import HERE, about_run, load, path_of, publish, save, say
from workloads import QUICK, WORKLOADS, Bench, Sizes


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
    path = path_of(name)
    try:
        results = _run(bench, missing, arguments.only or list(WORKLOADS), path)
    except measure.Failed as error:
        say(f"stopped: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results["note"] = arguments.note or ""
    save(results, path)
    page = None if arguments.quick else "RESULTS.md"
    publish(results, targets.rows, "run.py", page)
    if arguments.readme:
        report.put_into_readme(HERE.parent / "README.md", results)
    return 0


def _run(bench: Bench, missing: list[str], names: list[str], path: Path) -> dict[str, Any]:
    """The results in `path`, with the named workloads measured anew; saved after each of them."""
    results = load(path)
    results |= about_run(bench.folder, versions(bench), missing)
    for name in names:
        say(f"{name} …")
        measure.touch_memory()
        results["workloads"][name] = WORKLOADS[name](bench)
        save(results, path)
    return results


def versions(bench: Bench) -> dict[str, str]:
    probe = {n: tools.KINDS[n](p, bench.folder / n) for n, p in bench.programs.items()}
    return {name: tool.version() for name, tool in probe.items()}


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


if __name__ == "__main__":
    sys.exit(main())
