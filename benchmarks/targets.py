"""What is to be reached, and whether it was: from measured values to the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any, NamedTuple

from measure import KIB, MIB

OURS = "git-data"
NAMES = {"git": "plain Git", "git-lfs": "Git LFS", "dvc": "DVC", "cp": "cp", OURS: OURS}
Workloads = Mapping[str, Any]  # as workloads.py gives them, by name


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


def rows(workloads: Workloads) -> list[Row]:
    """One row for each promise, whatever was measured so far."""
    big, small, huge = (workloads.get(name, {}) for name in ("big", "small", "huge"))
    size, count = _size(big.get("size")), small.get("count", 0)
    of_small = f"{count:,} files of {_size(small.get('size'))}"
    return [
        _row("filter process, spawn to handshake", [_handshake(workloads)], _spawns(workloads)),
        _step(big, "add + commit", f"add + commit of one file of {size}", lfs=0.5, dvc=0.8),
        _row(f"the same, peak memory of {OURS}", [_peak(big, "add + commit", 120)], ""),
        _step(big, "push", f"first push of it, {size}", dvc=1.2),
        _step(big, "clone", f"clone of it, {size}", lfs=0.35, dvc=0.5),
        _row(
            f"clone of {_size(huge.get('size'))}, peak memory of every process",
            [_peak(huge, "clone", 150)],
            _medians(huge, "clone"),
        ),
        _step(small, "add + commit", f"add + commit of {of_small}", git=1.25),
        _step(small, "push", "push of them", lfs=0.85, dvc=0.85),
        _row("files in the store then", [Part(10, _store(small, "files"), "")], ""),
        _step(small, "clone", "clone of them", lfs=0.55, dvc=0.7),
        _step(big, "checkout", f"checkout of a branch with {size} in the cache", cp=1.5),
        *_quiet_rows({size: big, of_small: small}),
        _versions(workloads.get("versions", {})),
        _table(workloads.get("table", {})),
    ]


def ratio(workload: Mapping[str, Any], step: str, peer: str) -> float | None:
    """The median over the rounds of our seconds by the peer's in the same round."""
    costs = workload.get("costs", {}).get(step, {})
    pairs = zip(costs.get(OURS, ()), costs.get(peer, ()), strict=False)
    ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
    return median(ratios) if ratios else None


def seconds(workload: Mapping[str, Any], step: str, tool: str) -> float | None:
    costs = workload.get("costs", {}).get(step, {}).get(tool)
    return median(cost[0] for cost in costs) if costs else None


def _row(work: str, parts: list[Part], medians: str) -> Row:
    values = [part.value for part in parts]
    if any(value is None for value in values):
        verdict = "-"
    else:
        verdict = "yes" if all(part.value <= part.limit for part in parts) else "**no**"
    return Row(
        work,
        ", ".join(part.target() for part in parts),
        ", ".join(dict.fromkeys(part.reached() for part in parts)),
        medians,
        verdict,
    )


def _step(workload: Mapping[str, Any], step: str, work: str, **limits: float) -> Row:
    """A row that compares one step with peers, each named with its limit."""
    peers = {"lfs": "git-lfs", "dvc": "dvc", "git": "git", "cp": "cp"}
    parts = [
        Part(limit, ratio(workload, step, peers[name]), f" × {NAMES[peers[name]]}")
        for name, limit in limits.items()
    ]
    return _row(work, parts, _medians(workload, step))


def _medians(workload: Mapping[str, Any], step: str) -> str:
    tools = workload.get("costs", {}).get(step, {})
    ordered = sorted(tools, key=lambda tool: tool != OURS)
    return ", ".join(
        f"{NAMES[tool]} {seconds(workload, step, tool):.2f} s"
        f" ({max(cost[1] for cost in tools[tool]) / MIB:.0f} MiB)"
        for tool in ordered
    )


def _handshake(workloads: Workloads) -> Part:
    times = workloads.get("handshake", {}).get("seconds", {}).get(OURS)
    return Part(60, median(times) * 1000 if times else None, " ms")


def _spawns(workloads: Workloads) -> str:
    spawns = workloads.get("handshake", {}).get("seconds", {})
    return ", ".join(
        f"{NAMES[tool]} {median(times) * 1000:.0f} ms" for tool, times in spawns.items()
    )


def _peak(workload: Mapping[str, Any], step: str, limit: int) -> Part:
    costs = workload.get("costs", {}).get(step, {}).get(OURS)
    return Part(limit, max(cost[1] for cost in costs) / MIB if costs else None, " MiB")


def _store(workload: Mapping[str, Any], what: str) -> float | None:
    value: float | None = workload.get("store", {}).get(OURS, {}).get(what)
    return value


def _quiet_rows(workloads: dict[str, Mapping[str, Any]]) -> list[Row]:
    """What has nothing to do must do nothing; judged by the slower of the two workloads."""
    rows = []
    for step, limit in (("second push", 0.3), ("first status", 0.1)):
        times = {of: seconds(workload, step, OURS) for of, workload in workloads.items()}
        reads = [w.get("data_bytes_read", {}).get(step) for w in workloads.values()]
        known = [value for value in times.values() if value is not None]
        complete = known and None not in reads
        parts = [
            Part(limit, max(known) if known else None, " s"),
            Part(0, sum(reads) if complete else None, " bytes of data read"),
        ]
        medians = "; ".join(f"{of}: {_medians(w, step)}" for of, w in workloads.items() if w)
        name = f"{step} in the clone" if step == "first status" else f"{step}, nothing new"
        rows.append(_row(name, parts, medians))
    return rows


def _versions(values: Mapping[str, Any]) -> Row:
    new = values.get("new_bytes")
    stores = values.get("store", {})
    work = f"{values.get('versions', 10)} versions of {_size(values.get('size'))}, an edit each"
    parts = [Part(1.15, stores[OURS]["bytes"] / new if OURS in stores else None, " × new bytes")]
    sizes = ", ".join(f"{NAMES[tool]} {_size(each['bytes'])}" for tool, each in stores.items())
    return _row(work, parts, f"new: {_size(new)}; stored: {sizes}" if new else "")


def _table(values: Mapping[str, Any]) -> Row:
    size, stores = values.get("size"), values.get("store", {})
    parts = [Part(0.5, stores[OURS]["bytes"] / size if OURS in stores else None, " × its size")]
    sizes = ", ".join(f"{NAMES[tool]} {_size(each['bytes'])}" for tool, each in stores.items())
    return _row(f"a CSV of {_size(size)}, in the store", parts, sizes)


def _size(count: int | None) -> str:
    if count is None:
        return "?"
    value, unit = (count / MIB, "MiB") if count >= MIB else (count / KIB, "KiB")
    if value >= 1024:
        value, unit = value / 1024, "GiB"
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"
