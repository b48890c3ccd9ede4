"""The rows of a table of results: a limit, what was measured, a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any, NamedTuple

from measure import KIB, MIB

OURS, GRS3 = "git-data", "git-remote-s3"
NAMES = {"git": "plain Git", "git-lfs": "Git LFS", "dvc": "DVC", "cp": "cp", GRS3: GRS3, OURS: OURS}
Workload = Mapping[str, Any]  # what was measured, as workloads.py and the others give it


class Row(NamedTuple):
    work: str
    to_reach: str
    reached: str
    medians: str
    verdict: str  # "yes", "no", or "-" where there is nothing to judge


class Part(NamedTuple):
    """One limit and what was measured; a row has one or more."""

    limit: float
    value: float | None
    unit: str  # written after the value; "× DVC" and the like for a ratio

    def target(self) -> str:
        return f"≤ {_number(self.limit)}{self.unit}"

    def reached(self) -> str:
        return "not measured" if self.value is None else f"{_number(self.value)}{self.unit}"


def ratio(workload: Workload, step: str, peer: str) -> float | None:
    """The median over the rounds of our seconds by the peer's in the same round."""
    costs = workload.get("costs", {}).get(step, {})
    pairs = zip(costs.get(OURS, ()), costs.get(peer, ()), strict=False)
    ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
    return median(ratios) if ratios else None


def seconds(workload: Workload, step: str, tool: str) -> float | None:
    costs = workload.get("costs", {}).get(step, {}).get(tool)
    return median(cost[0] for cost in costs) if costs else None


def judge(work: str, parts: list[Part], medians: str) -> Row:
    if any(part.value is not None and part.value > part.limit for part in parts):
        verdict = "**no**"
    else:
        verdict = "-" if any(part.value is None for part in parts) else "yes"
    return Row(
        work,
        ", ".join(part.target() for part in parts),
        ", ".join(dict.fromkeys(part.reached() for part in parts)),
        medians,
        verdict,
    )


def compare(workload: Workload, step: str, work: str, **limits: float) -> Row:
    """A row that compares one step with peers, each named with its limit."""
    peers = {"lfs": "git-lfs", "dvc": "dvc", "git": "git", "cp": "cp", "grs3": GRS3}
    parts = [
        Part(limit, ratio(workload, step, peers[name]), f" × {NAMES[peers[name]]}")
        for name, limit in limits.items()
    ]
    return judge(work, parts, costs_text(workload, step))


def costs_text(workload: Workload, step: str) -> str:
    tools = workload.get("costs", {}).get(step, {})
    ordered = sorted(tools, key=lambda tool: tool != OURS)
    return ", ".join(
        f"{NAMES[tool]} {seconds(workload, step, tool):.2f} s"
        f" ({max(cost[1] for cost in tools[tool]) / MIB:.0f} MiB)"
        for tool in ordered
    )


def peak(workload: Workload, step: str, limit: int) -> Part:
    costs = workload.get("costs", {}).get(step, {}).get(OURS)
    return Part(limit, max(cost[1] for cost in costs) / MIB if costs else None, " MiB")


def size_text(count: int | None) -> str:
    if count is None:
        return "?"
    value, unit = (count / MIB, "MiB") if count >= MIB else (count / KIB, "KiB")
    if value >= 1024:
        value, unit = value / 1024, "GiB"
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"
