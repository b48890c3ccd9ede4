"""What `run.py` is to reach, and whether it did: one row for each promise."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from rows import (
    NAMES,
    OURS,
    Part,
    Row,
    Workload,
    compare,
    costs_text,
    judge,
    peak,
    seconds,
    size_text,
)

Workloads = Mapping[str, Workload]  # as workloads.py gives them, by name


def rows(workloads: Workloads) -> list[Row]:
    """One row for each promise, whatever was measured so far."""
    big, small, huge = (workloads.get(name, {}) for name in ("big", "small", "huge"))
    size, count = size_text(big.get("size")), small.get("count", 0)
    of_small = f"{count:,} files of {size_text(small.get('size'))}"
    return [
        judge("filter process, spawn to handshake", [_handshake(workloads)], _spawns(workloads)),
        compare(big, "add + commit", f"add + commit of one file of {size}", lfs=0.5, dvc=0.8),
        judge(f"the same, peak memory of {OURS}", [peak(big, "add + commit", 120)], ""),
        compare(big, "push", f"first push of it, {size}", dvc=1.2),
        compare(big, "clone", f"clone of it, {size}", lfs=0.35, dvc=0.5),
        judge(
            f"clone of {size_text(huge.get('size'))}, peak memory of every process",
            [peak(huge, "clone", 150)],
            costs_text(huge, "clone"),
        ),
        compare(small, "add + commit", f"add + commit of {of_small}", git=1.25),
        compare(small, "push", "push of them", lfs=0.85, dvc=0.85),
        judge("files in the store then", [Part(10, _store(small, "files"), "")], ""),
        compare(small, "clone", "clone of them", lfs=0.55, dvc=0.7),
        compare(big, "checkout", f"checkout of a branch with {size} in the cache", cp=1.5),
        *_quiet_rows({size: big, of_small: small}),
        _versions(workloads.get("versions", {})),
        _table(workloads.get("table", {})),
    ]


def _handshake(workloads: Workloads) -> Part:
    times = workloads.get("handshake", {}).get("seconds", {}).get(OURS)
    return Part(60, median(times) * 1000 if times else None, " ms")


def _spawns(workloads: Workloads) -> str:
    spawns = workloads.get("handshake", {}).get("seconds", {})
    return ", ".join(
        f"{NAMES[tool]} {median(times) * 1000:.0f} ms" for tool, times in spawns.items()
    )


def _store(workload: Workload, what: str) -> float | None:
    value: float | None = workload.get("store", {}).get(OURS, {}).get(what)
    return value


def _quiet_rows(workloads: Mapping[str, Workload]) -> list[Row]:
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
        medians = "; ".join(f"{of}: {costs_text(w, step)}" for of, w in workloads.items() if w)
        name = f"{step} in the clone" if step == "first status" else f"{step}, nothing new"
        rows.append(judge(name, parts, medians))
    return rows


def _versions(values: Workload) -> Row:
    new = values.get("new_bytes")
    stores = values.get("store", {})
    work = f"{values.get('versions', 10)} versions of {size_text(values.get('size'))}, an edit each"
    parts = [Part(1.15, stores[OURS]["bytes"] / new if OURS in stores else None, " × new bytes")]
    sizes = ", ".join(f"{NAMES[tool]} {size_text(each['bytes'])}" for tool, each in stores.items())
    return judge(work, parts, f"new: {size_text(new)}; stored: {sizes}" if new else "")


def _table(values: Workload) -> Row:
    size, stores = values.get("size"), values.get("store", {})
    parts = [Part(0.5, stores[OURS]["bytes"] / size if OURS in stores else None, " × its size")]
    sizes = ", ".join(f"{NAMES[tool]} {size_text(each['bytes'])}" for tool, each in stores.items())
    return judge(f"a CSV of {size_text(size)}, in the store", parts, sizes)
