"""The results as people read them: RESULTS.md, and the figures in the README."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from measure import MIB
from rows import NAMES, OURS, Row, seconds

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
PEERS = ("git-lfs", "dvc", "git")


def results_page(
    results: Mapping[str, Any], lines: Sequence[Row], command: str = "benchmarks/run.py"
) -> str:
    head = (
        "work",
        "to reach",
        "reached",
        "medians (peak memory of the largest process)",
        "verdict",
    )
    return "\n".join(
        [
            "# Results",
            "",
            f"Written by `{command}`; what is measured and how: [README.md](README.md).",
            "",
            *about(results),
            "",
            *_table(head, lines),
            "",
        ]
    )


def about(results: Mapping[str, Any]) -> list[str]:
    """When, where and with which versions; what was not there."""
    machine, versions = results["machine"], results["versions"]
    tools = ", ".join(f"{NAMES.get(name, name)} {value}" for name, value in versions.items())
    rounds = _rounds(results)
    ratios = f"; each ratio the median of those of the rounds: {rounds}" if rounds else ""
    lines = [
        f"- {results['date']}{ratios}",
        f"- {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"{machine['system']}; {machine['filesystem']}",
        f"- {tools}",
    ]
    if rounds and results.get("floor_bytes"):
        floor = results["floor_bytes"] / MIB
        lines.append(f"- no peak memory can be told below that of this program: {floor:.0f} MiB")
    if results.get("note"):
        lines.append(f"- {results['note']}")
    if results["missing"]:
        lines.append(f"- not installed, so not measured: {', '.join(results['missing'])}")
    return lines


def _rounds(results: Mapping[str, Any]) -> str:
    """How often each workload was measured: they need not come from one call of `run.py`."""
    counts = []
    for name, found in results["workloads"].items():
        tools = next(iter(found.get("costs", {}).values()), {})
        if tools:
            counts.append(f"{name} {len(next(iter(tools.values())))}")
    return ", ".join(counts)


def put_into_readme(readme: Path, results: Mapping[str, Any]) -> None:
    """Replace what stands between the two markers; ValueError if they are not there."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme} has no {BEGIN} … {END}")
    figures = "\n".join(["", "", *figures_table(results), "", *about(results), "", ""])
    readme.write_text(before + begin + figures + end + after, encoding="utf-8")


def figures_table(results: Mapping[str, Any]) -> list[str]:
    """Median seconds of whole commands, side by side."""
    big, small = (results["workloads"].get(name, {}) for name in ("big", "small"))
    head = ["", *(NAMES[tool] for tool in (OURS, *PEERS))]
    lines = []
    for name, workload, steps in (
        ("1 GiB, one file", big, ("add + commit", "push", "clone", "checkout")),
        ("10,000 files of 10 KiB", small, ("add + commit", "push", "clone")),
    ):
        for step in steps:
            times = [seconds(workload, step, tool) for tool in (OURS, *PEERS)]
            lines.append([f"{name}: {step}", *map(_seconds, times)])
    return _table(head, lines)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _table(head: Iterable[str], lines: Iterable[Row | list[str]]) -> list[str]:
    head = list(head)
    return [_line(head), "|---" * len(head) + "|", *map(_line, lines)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
