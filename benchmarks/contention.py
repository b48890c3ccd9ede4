"""Four clones push 25 commits each at the same time: to branches of their own, then to one branch.

    python -m benchmarks.contention [CLONES [COMMITS [data::ADDRESS]]]

Without an address the registry is a folder. Prints seconds; fails if anything acknowledged is lost.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.helpers.contenders import check_nothing_lost, contend
from tests.helpers.world import World, isolated, make_launcher


def main(clones: int = 4, commits: int = 25, address: str = "") -> None:
    with tempfile.TemporaryDirectory(prefix="git-data-") as folder:
        root = Path(folder)
        (root / "home").mkdir()
        (root / "world").mkdir()
        commands = make_launcher(root / "bin").parent
        world = World(root / "world", isolated(root / "home", commands))
        address = address or f"data::file://{world.root}/registry"
        repo = world.repo()
        repo.commit("one", file="one\n")
        repo.git("push", "-q", address, "main")
        copies = [world.clone(address, f"clone{number}") for number in range(clones)]
        for branch in ("own-{}", "main"):
            began = time.monotonic()
            told = contend(world, copies, branch, commits)
            took = time.monotonic() - began
            branches = [branch.format(number) for number in range(clones)]
            check_nothing_lost(world, address, branches, told)
            print(f"{branch:8} {clones} x {commits}: {took:.1f} s, nothing lost")


if __name__ == "__main__":
    counts = [int(word) for word in sys.argv[1:3]]
    main(*counts, *sys.argv[3:])
