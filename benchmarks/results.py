"""Results on disk: every single measurement in results/NAME.json, and a page made of them."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import measure
import report
from rows import Row, Workload

HERE = Path(__file__).resolve().parent
Rows = Callable[[dict[str, Workload]], Sequence[Row]]


def path_of(name: str) -> Path:
    return HERE / f"results/{name}.json"


def load(path: Path) -> dict[str, Any]:
    """What is there already: a workload that is not measured anew stays as it was."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"workloads": {}}


def save(results: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def about_run(folder: Path, versions: dict[str, str], missing: Sequence[str]) -> dict[str, Any]:
    """When, where and with what it was measured."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(folder),
        "versions": versions | {"Python": platform.python_version()},
        "missing": list(missing),
        "floor_bytes": measure.floor_bytes(),
    }


def publish(results: dict[str, Any], rows: Rows, program: str, page: str | None) -> None:
    """Print the page of these results; write it beside the programs too if `page` names it."""
    text = report.results_page(results, rows(results["workloads"]), f"benchmarks/{program}")
    print(text)
    if page:
        (HERE / page).write_text(text, encoding="utf-8")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine(folder: Path) -> dict[str, Any]:
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
