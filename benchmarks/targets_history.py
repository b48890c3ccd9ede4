"""What `history.py` is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from rows import NAMES, OURS, Part, Row, Workload, compare, costs_text, judge, size_text

FEW = 5  # the first pushes, and the last: the median of so many


def rows(workloads: Mapping[str, Workload]) -> list[Row]:
    folder, requests, bucket = (
        workloads.get(name, {}) for name in ("folder", "requests", "bucket")
    )
    on = f"on {bucket.get('commits', 0):,} commits"
    return [
        _growth(folder),
        _fetch(folder),
        compare(
            folder, "clone", f"clone of {_commits(folder)} and {folder.get('pushes', 0)}", git=1.5
        ),
        _requests(requests),
        compare(bucket, "clone", f"in a bucket: clone of {_commits(bucket)}", grs3=1),
        compare(bucket, "small push", f"in a bucket: a small push {on}", grs3=0.2),
    ]


def growth(pushes: Sequence[float]) -> float:
    """How much longer the last of some pushes take than the first."""
    few = max(1, min(FEW, len(pushes) // 2))
    return median(pushes[-few:]) / median(pushes[:few])


def _commits(values: Workload) -> str:
    return f"{values.get('commits', 0):,} commits"


def _growth(values: Workload) -> Row:
    rounds = values.get("small_pushes", {})
    ours = rounds.get(OURS, [])
    part = Part(1.5, median(map(growth, ours)) if ours else None, " × the first")
    texts = []
    for tool, pushes in rounds.items():
        first = median(median(times[:FEW]) for times in pushes)
        last = median(median(times[-FEW:]) for times in pushes)
        texts.append(f"{NAMES[tool]} {first:.3f} s, then {last:.3f} s")
    count = values.get("pushes", 0)
    work = f"the last of {count} small pushes on {_commits(values)}"
    return judge(work, [part], "; ".join(texts))


def _fetch(values: Workload) -> Row:
    """What is taken: the bundles that are read at all, each once."""
    taken, sent = values.get("taken_bytes"), values.get("sent_bytes")
    parts = [
        Part(1, taken / sent if taken is not None and sent else None, " × what they sent"),
        Part(0, values.get("old_read_bytes"), " bytes of bundles that it had"),
    ]
    names = ("taken", "read", "sent", "old")
    sizes = {name: size_text(values.get(f"{name}_bytes")) for name in names}
    text = (
        f"bundles of {sizes['taken']} taken ({sizes['read']} read: hashed, then given to Git); "
        f"sent {sizes['sent']}, as bundles of Git's; had {sizes['old']}"
    )
    work = f"fetch of these {values.get('pushes', 0)} pushes reads only what is new"
    return judge(work, parts, f"{text}; {costs_text(values, 'fetch')}" if values else "")


def _requests(values: Workload) -> Row:
    """The most of the pushes; what a push of data asks below data/ apart."""
    small, with_data = values.get("small", []), values.get("with_data")
    counts = [*small, with_data - values["of_these_data"]] if small else []
    text = (
        f"of text {', '.join(map(str, small))}; with a file of data {with_data}, of them "
        f"{values['of_these_data']} below data/; the first push {values['first']}"
        if small
        else ""
    )
    work = f"requests to S3 of a small push on {_commits(values)}, besides the data"
    return judge(work, [Part(6, max(counts) if counts else None, "")], text)
