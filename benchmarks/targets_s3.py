"""What `s3.py` is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from rows import Part, Row, Workload, compare, judge, peak, size_text


def rows(workloads: Mapping[str, Workload]) -> list[Row]:
    small, big = (workloads.get(name, {}) for name in ("small", "big"))
    many = f"{small.get('count', 0):,} files of {size_text(small.get('size'))}"
    size = size_text(big.get("size"))
    return [
        compare(small, "push", f"push of {many}", dvc=0.15, lfs=0.3),
        compare(small, "clone", "clone of them", dvc=0.15, lfs=0.3),
        *_requests(workloads.get("requests", {})),
        compare(big, "push", f"push of {size}", dvc=0.7),
        compare(big, "clone", "clone of it", dvc=0.7),
        *(judge(f"{step}, peak memory", [peak(big, step, 250)], "") for step in ("push", "clone")),
        _edit(workloads.get("edit", {})),
        _faults(workloads.get("faults", {})),
    ]


def _requests(values: Workload) -> list[Row]:
    found = values.get("requests", {})
    limits = {"push": 30, "clone": 30, "second push": 2}
    return [
        judge(f"requests of that {step}", [Part(limit, found.get(step), "")], "")
        for step, limit in limits.items()
    ]


def _edit(values: Workload) -> Row:
    part = values["sent"] / values["size"] * 100 if values else None
    edit, size, sent = (size_text(values.get(name)) for name in ("edit", "size", "sent"))
    work = f"an edit of {edit} in the middle of {size}, sent"
    return judge(work, [Part(3, part, " %")], f"{sent} sent")


def _faults(values: Workload) -> Row:
    seconds = values.get("seconds", {})
    pairs = zip(seconds.get("with", ()), seconds.get("without", ()), strict=True)
    ratios = [one / other for one, other in pairs]
    medians = ", ".join(f"{name} {median(times):.2f} s" for name, times in seconds.items() if times)
    work = f"clone of {size_text(values.get('size'))}, 5 % of all requests failing"
    value = median(ratios) if ratios else None
    return judge(work, [Part(2, value, " × without")], medians)
