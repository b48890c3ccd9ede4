"""What `registry.py` is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Mapping

from measure import MIB
from rows import OURS, Part, Row, Workload, compare, costs_text, judge, ratio, seconds, size_text

MOVED = 1.05  # "only what changed": what frames and headers add to it


def rows(workloads: Mapping[str, Workload]) -> list[Row]:
    many, imports, python = (workloads.get(name, {}) for name in ("many", "imports", "python"))
    count = f"{imports.get('count', 0):,} files of {size_text(imports.get('size'))}"
    return [
        _list(many),
        _get(many),
        compare(imports, "import", f"import of {count}", dvc=0.3),
        compare(imports, "update", f"update of them, {imports.get('changed', 0)} changed", dvc=0.3),
        _moved(imports),
        _first_byte(python),
        _columns(python),
    ]


def _list(values: Workload) -> Row:
    parts = [
        Part(1.0, seconds(values, "list", OURS), " s"),
        Part(0.1, ratio(values, "list", "dvc"), " × DVC"),
    ]
    text = f"{costs_text(values, 'list')}; the first time: {costs_text(values, 'first list')}"
    work = f"list -R of a source with {values.get('count', 0):,} data files, second time"
    return judge(work, parts, text if values else "")


def _get(values: Workload) -> Row:
    packs, index, size = (
        values.get(f"{name}_bytes") for name in ("pack_read", "index_read", "index")
    )
    parts = [
        Part(2, packs / MIB if packs is not None else None, " MiB of packs"),
        Part(5, index / size * 100 if index is not None and size else None, " % of the index"),
        Part(0.2, ratio(values, "get", "dvc"), " × DVC"),
    ]
    text = costs_text(values, "get")
    if packs is not None:
        text += f"; {size_text(packs)} of packs, {size_text(index)} of {size_text(size)} of index"
    return judge(f"get of one file of 1 MiB out of {values.get('count', 0):,}", parts, text)


def _moved(values: Workload) -> Row:
    read, new = values.get("pack_read_bytes"), values.get("changed_bytes")
    parts = [
        Part(MOVED, read / new if read is not None and new else None, " × the bytes that changed"),
        Part(0, values.get("others_written"), " other files written"),
    ]
    text = f"{size_text(read)} of packs read, {size_text(new)} changed" if values else ""
    return judge("that update moves only what changed", parts, text)


def _first_byte(values: Workload) -> Row:
    read = values.get("first_byte_read_bytes")
    part = Part(1, read / MIB if read is not None else None, " MiB read of the store")
    text = f"{size_text(read)}, index and all" if read is not None else ""
    return judge(
        f"first byte of git_data.open on a file of {size_text(values.get('size'))}", [part], text
    )


def _columns(values: Workload) -> Row:
    """The packs have them compressed, which is in our favour: some percent of random numbers."""
    read, asked, whole = (
        values.get(f"columns_{name}_bytes") for name in ("read", "asked", "rounded")
    )
    part = Part(1.2, read / whole if read is not None and whole else None, " × asked, in chunks")
    text = ""
    if read is not None:
        text = f"{size_text(read)} read; asked {size_text(asked)}, in chunks {size_text(whole)}"
    work = f"pyarrow reads 2 of 16 columns of {size_text(values.get('size'))} of Parquet"
    return judge(work, [part], text)
