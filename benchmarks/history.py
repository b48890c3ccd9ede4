"""History in a store: 20,000 commits, then 100 small pushes, a fetch, a whole clone.

    python -m benchmarks.history [COMMITS [PUSHES [data::ADDRESS]]]

Without an address the registry is a folder. To reach: the last push takes at most
1.5 times the first, a fetch reads only what is new, a clone takes at most 1.5 times that of a plain
repository over file://. Every figure is the median of a few.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.helpers.world import Checkout, World, isolated, make_launcher

FILES = 400


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def history(repo: Checkout, commits: int) -> None:
    """Each commit changes a line in one of some files in folders, as an ordinary project does."""
    lines = []
    for number in range(commits):
        name = f"src/part{number % 20}/file{number % FILES}.txt"
        text = "".join(
            f"line {k} of {name} as of {number if k == number % 40 else k}\n" for k in range(40)
        )
        message = f"Change {name}, for the {number}th time"
        when = 1_600_000_000 + number * 60
        lines.append(
            f"commit refs/heads/main\ncommitter A Person <person@example.org> {when} +0000\n"
            f"data {len(message)}\n{message}\nM 100644 inline {name}\ndata {len(text)}\n{text}\n"
        )
    repo.git("fast-import", "--quiet", "--force", input="".join(lines).encode())
    repo.git("reset", "-q", "--hard", "main")


def measure(world: World, commits: int, pushes: int, address: str) -> dict[str, float]:
    repo, plain = world.repo(), world.bare("plain.git")
    history(repo, commits)
    found = {"first push": seconds(lambda: repo.git("push", "-q", address, "main"))}
    found["first push, plain"] = seconds(lambda: repo.git("push", "-q", str(plain.path), "main"))
    repo.git("remote", "add", "origin", address)
    repo.git("fetch", "-q")
    watcher = world.clone(address, "watcher")
    took, took_plain = [], []
    for number in range(pushes):
        repo.commit(f"small {number}", **{f"small{number % 7}": f"{number}\n"})
        took.append(seconds(lambda: repo.git("push", "-q", "origin", "main")))
        took_plain.append(seconds(lambda: repo.git("push", "-q", str(plain.path), "main")))
    few = max(1, min(10, pushes // 3))
    found |= {
        "small push, the first ones": statistics.median(took[:few]),
        "small push, the last ones": statistics.median(took[-few:]),
        "small push, the longest": max(took),
        "small push, plain": statistics.median(took_plain),
    }
    found[f"fetch of {pushes} pushes"] = seconds(lambda: watcher.git("fetch", "-q"))
    found |= clones(world, address, plain)
    return found


def clones(world: World, address: str, plain: Checkout) -> dict[str, float]:
    took: dict[str, list[float]] = {"clone": [], "clone, plain file://": []}
    for number in range(3):
        for what, url in (("clone", address), ("clone, plain file://", f"file://{plain.path}")):
            name = f"clone{number}-{len(what)}"
            took[what].append(
                seconds(lambda url=url, name=name: world.git("clone", "-q", url, name))
            )
            world.run("rm", "-rf", world.root / name)
    return {what: statistics.median(times) for what, times in took.items()}


def main(commits: int = 20_000, pushes: int = 100, address: str = "") -> None:
    with tempfile.TemporaryDirectory(prefix="git-data-") as folder:
        root = Path(folder)
        for name in ("home", "world"):
            (root / name).mkdir()
        world = World(root / "world", isolated(root / "home", make_launcher(root / "bin").parent))
        address = address or f"data::file://{world.root}/registry"
        found = measure(world, commits, pushes, address)
        found["last / first small push"] = (
            found["small push, the last ones"] / found["small push, the first ones"]
        )
        found["clone / plain"] = found["clone"] / found["clone, plain file://"]
        manifest = world.root / "registry/git/manifest"
        if manifest.exists():
            bundles = json.loads(manifest.read_text())["bundles"]
            found["bundles"] = len(bundles)
            found["MB in bundles"] = sum(bundle["size"] for bundle in bundles) / 1e6
        for what, value in found.items():
            print(f"{what:28} {value:8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
