#!/usr/bin/env python3
"""What the average chunk size costs and saves: the table of docs/decisions/0001-chunk-size.md.

`benchmarks/chunk_size.py` pushes ten versions of a 200 MiB file, each with one edit of 1 %,
and a 50 MiB CSV, with the real engine into a folder, for each candidate. It prints the table.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from git_data import chunker
from git_data.cache import Cache
from git_data.stores.local import LocalStore
from git_data.transfer import ObjectStore, Wanted

KIB, MIB = 1 << 10, 1 << 20


class Sizes(NamedTuple):
    versioned: int = 200 * MIB
    table: int = 50 * MIB
    edit: int = 2 * MIB


def versions(rng: random.Random, sizes: Sizes) -> Iterator[tuple[bytes, int]]:
    """Ten contents, and how many bytes of each are new."""
    data = bytearray(rng.randbytes(sizes.versioned))
    yield bytes(data), len(data)
    for number in range(9):
        kind = ("insert", "replace", "append", "remove")[number % 4]
        at = len(data) if kind == "append" else rng.randrange(len(data) - sizes.edit)
        new = b"" if kind == "remove" else rng.randbytes(sizes.edit)
        data[at : at + (0 if kind == "insert" else sizes.edit)] = new
        yield bytes(data), len(new)


def csv(rng: random.Random, size: int) -> bytes:
    rows = (
        f"{n},{rng.random():.6f},{rng.gauss(100, 15):.3f},{rng.choice(['north', 'south', 'east'])},"
        f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02},{rng.randrange(100_000)}\n"
        for n in range(1_200_000)
    )
    return "".join(rows).encode()[:size]


def stored(folder: Path, kind: str = "") -> int:
    return sum(p.stat().st_size for p in (folder / "data" / kind).rglob("*") if p.is_file())


def push(objects: ObjectStore, cache: Cache, data: bytes) -> None:
    pointer = cache.put(data)
    objects.send([Wanted(pointer.oid, pointer.size, "file")], cache)
    Path(cache.path(pointer.oid)).unlink()


def measure(folder: Path, sizes: Sizes) -> str:
    """One row of the table, without its first column."""
    rng = random.Random(7)
    cache, root = Cache(folder / "cache"), folder / "store"
    objects = ObjectStore(LocalStore(str(root), create=True), folder / "cache")
    new_bytes, first = 0, 0
    start = time.perf_counter()
    for data, new in versions(rng, sizes):
        push(objects, cache, data)
        new_bytes += new
        first = first or stored(root)
    seconds = time.perf_counter() - start
    ratio = stored(root) / new_bytes
    edits = (stored(root) - first) / (new_bytes - sizes.versioned)
    index = stored(root, "index")
    text, before = csv(rng, sizes.table), stored(root)
    push(objects, cache, text)
    csv_ratio = (stored(root) - before) / len(text)
    return (
        f"{ratio:.3f} | {edits:.2f} | {index / KIB:.0f} KiB | {csv_ratio:.3f} | {seconds:.0f} s |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the bytes")
    sizes = Sizes(20 * MIB, 5 * MIB, MIB // 5) if parser.parse_args().quick else Sizes()
    print("| average | store / new | edits / their new bytes | index | CSV | time |")
    print("|---" * 6 + "|")
    for average in (64, 128, 256):
        chunker.AVERAGE_BYTES = average * KIB
        chunker.MIN_BYTES, chunker.MAX_BYTES = average * KIB // 4, average * KIB * 4
        folder = Path(tempfile.mkdtemp(prefix="git-data-benchmark-"))
        try:
            print(f"| {average} KiB | {measure(folder, sizes)}", flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
