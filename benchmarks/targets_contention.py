"""What `contention.py` is to reach: nothing that was acknowledged is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rows import Part, Row, Workload, judge, size_text

PLACES = {"folder": "in a folder", "s3": "in a bucket"}


def rows(workloads: Mapping[str, Workload]) -> list[Row]:
    return [
        *(_history(workloads.get(f"history-{name}", {}), where) for name, where in PLACES.items()),
        *(_data(workloads.get(f"data-{name}", {}), where) for name, where in PLACES.items()),
    ]


def _history(values: Workload, where: str) -> Row:
    clones, commits = values.get("clones", 0), values.get("commits", 0)
    work = f"{clones} clones, {commits} commits each, own branches, then one branch, {where}"
    parts = [
        Part(0, values.get("lost"), " acknowledged commits lost"),
        Part(0, values.get("damage"), " complaints of git fsck"),
    ]
    return judge(work, parts, _told(values.get("steps", {})))


def _data(values: Workload, where: str) -> Row:
    clones, pushes = values.get("clones", 0), values.get("pushes", 0)
    work = f"{clones} pushers, {pushes} pushes of new data each, {where}"
    parts = [
        Part(0, values.get("lost"), " acknowledged commits lost"),
        Part(0, values.get("wrong"), " files not as they were pushed"),
    ]
    read = f"; {values['files']:,} files, {size_text(values['bytes'])}" if values else ""
    return judge(work, parts, _told(values.get("steps", {})) + read)


def _told(steps: Mapping[str, Mapping[str, Any]]) -> str:
    texts = []
    for name, step in steps.items():
        text = f"{name}: {step['seconds']:.1f} s, {step['acknowledged']} pushes acknowledged, "
        text += f"{step['refused']} refused and tried again"
        if step.get("conflicts") is not None:
            text += f", {step['conflicts']} manifests written over by others and made anew"
        texts.append(text)
    return "; ".join(texts)
