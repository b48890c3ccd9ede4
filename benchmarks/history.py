#!/usr/bin/env python3
"""History in a store: 20,000 commits, then small pushes, a fetch, a whole clone.

benchmarks/history.py --quick       small sizes, one round
benchmarks/history.py               everything, then RESULTS-HISTORY.md anew

In a folder beside a bare repository over file://; in a bucket (SeaweedFS, started for it) beside
PyPI's git-remote-s3.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import measure
import reads
import seaweed
from inputs import write_random
from measure import Command, Failed, run
from results import about_run, load, path_of, publish, save, say
from rows import GRS3, OURS
from targets_history import rows
from tools import GIT_CONFIG, GitData, which
from tools_history import Bucket, Folder, GitRemoteS3, Project, make_template
from tools_s3 import S3

CLONES = 2  # of each project, in each round
BUCKET_PUSHES = 5
DATA = "/data/"  # requests for the data itself
Values = dict[str, object]
Costs = dict[str, dict[str, list[measure.Cost]]]


class Sizes(NamedTuple):
    commits: int = 20_000
    pushes: int = 100


QUICK = Sizes(1_000, 12)


class Bench(NamedTuple):
    git_data: str
    git_remote_s3: str | None
    folder: Path
    template: Path
    sizes: Sizes
    rounds: int
    server: seaweed.SeaweedFS | None  # None: not installed

    def s3(self, endpoint: str = "") -> S3:
        assert self.server
        return seaweed.bucket_of(self.server, endpoint)

    def start(self, project: Project) -> None:
        project.root.mkdir(parents=True)
        project.start(self.template)


class Turns:
    """What some projects do in turn, in an order that turns by one each time."""

    def __init__(self, projects: Sequence[Project], costs: Costs) -> None:
        self.projects = list(projects)
        self.costs = costs

    def take(self, step: str, project: Project, command: Command) -> None:
        cost = measure.measure([command], project.environ, project.root / "log")
        self.costs.setdefault(step, {}).setdefault(project.name, []).append(cost)

    def turn(self) -> list[Project]:
        self.projects = self.projects[1:] + self.projects[:1]
        return self.projects

    def push(self, step: str) -> None:
        for project in self.turn():
            self.take(step, project, project.push()[0])

    def clone(self) -> None:
        """Each clone has the commit that was pushed last, its files in place."""
        for project in self.turn():
            self.take("clone", project, project.clone_to("copy"))
            check_clone(project, project.root / "copy")
            shutil.rmtree(project.root / "copy")


def check_clone(project: Project, copy: Path) -> None:
    pushed, there = (
        run(["git", "rev-parse", "HEAD"], folder, project.environ).strip()
        for folder in (project.work, copy)
    )
    left = run(["git", "status", "--porcelain"], copy, project.environ)
    if pushed != there or left:
        raise Failed(f"the clone by {project.name} is at {there}, not {pushed}: {left}")


# What is done


def measure_folder(bench: Bench) -> Values:
    costs: Costs = {}
    found: Values = {"commits": bench.sizes.commits, "pushes": bench.sizes.pushes, "costs": costs}
    small: dict[str, list[list[float]]] = {}
    for number in range(bench.rounds):
        say(f"folder: round {number + 1} of {bench.rounds}")
        root = bench.folder / f"folder-{number}"
        ours = Folder(bench.git_data, root / OURS)
        turns = Turns([ours, Project("git", root / "git")], costs)
        for project in turns.projects:
            bench.start(project)
        turns.push("first push")
        sent = _pushes_and_fetch(bench, turns, ours)
        for project in turns.projects:
            seconds = [cost.seconds for cost in costs["small push"][project.name]]
            small.setdefault(project.name, []).append(seconds[-bench.sizes.pushes :])
        for _ in range(CLONES):
            turns.clone()
        found |= sent
        shutil.rmtree(root)
    return found | {"small_pushes": small}


def _pushes_and_fetch(bench: Bench, turns: Turns, ours: Folder) -> Values:
    """The small pushes, then what a clone from before them reads to have them."""
    for project in turns.projects:
        for name in ("watcher", "watched"):
            command = project.clone_to(name)
            run(command.words, command.folder, project.environ)
    bundles = ours.registry / "git/bundles"
    old = [path for path in bundles.rglob("*") if path.is_file()]
    sent = 0
    for number in range(bench.sizes.pushes):
        for project in turns.turn():
            project.commit(number)
            turns.take("small push", project, project.push()[0])
        sent += _bundle_bytes(ours)
    for project in turns.turn():
        turns.take("fetch", project, project.fetch_in("watcher"))
    values: Values = {
        "sent_bytes": sent,
        "bundles": len(list(bundles.iterdir())),
        "old_bytes": sum(path.stat().st_size for path in old),
    }
    if reads.available():
        found = reads.data_reads(ours, ours.fetch_in("watched"), [bundles])
        values["read_bytes"] = sum(found.values())  # Git reads again what was hashed
        values["taken_bytes"] = sum(path.stat().st_size for path in found)
        values["old_read_bytes"] = sum(found.get(path, 0) for path in old)
    return values


def _bundle_bytes(project: Project) -> int:
    """What Git alone would have sent for the last commit, as a bundle of it."""
    path = project.root / "last.bundle"
    words = ["git", "bundle", "create", "-q", str(path), "HEAD~1..main"]
    run(words, project.work, project.environ)
    return path.stat().st_size


def measure_requests(bench: Bench) -> Values:
    """Ours alone, through a proxy that counts: small pushes of text, then one with data."""
    say("requests")
    assert bench.server
    with seaweed.proxy_to(bench.server) as proxy:
        project = Bucket(bench.git_data, bench.folder / "requests" / OURS, bench.s3(proxy.url))
        bench.start(project)
        first = _requests_of(project, proxy)
        small = []
        for number in range(BUCKET_PUSHES):
            project.commit(number)
            small.append(_requests_of(project, proxy))
        run([project.program, "install"], project.work, project.environ)
        run([project.program, "track", "*.bin"], project.work, project.environ)
        for number in range(2):  # the first one makes the store
            write_random(project.work / "data.bin", measure.MIB, number)
            project.commit(BUCKET_PUSHES + number)
            with_data = _requests_of(project, proxy)
        data = proxy.count(path=DATA)
    return {
        "commits": bench.sizes.commits,
        "first": first,
        "small": small,
        "with_data": with_data,
        "of_these_data": data,
    }


def _requests_of(project: Project, proxy: seaweed.FaultProxy) -> int:
    proxy.forget()
    command = project.push()[0]
    run(command.words, command.folder, project.environ)
    return int(proxy.count())


def measure_bucket(bench: Bench) -> Values:
    costs: Costs = {}
    for number in range(bench.rounds):
        say(f"bucket: round {number + 1} of {bench.rounds}")
        root, s3 = bench.folder / f"bucket-{number}", bench.s3()
        projects: list[Project] = [Bucket(bench.git_data, root / OURS, s3)]
        if bench.git_remote_s3:
            projects.append(GitRemoteS3(bench.git_remote_s3, root / GRS3, s3))
        for project in projects:
            bench.start(project)
        turns = Turns(projects, costs)
        turns.push("first push")
        for push in range(BUCKET_PUSHES):
            for project in projects:
                project.commit(push)
            turns.push("small push")
        for _ in range(CLONES):
            turns.clone()
        shutil.rmtree(root)
    return {"commits": bench.sizes.commits, "costs": costs}


WORKLOADS = {"folder": measure_folder, "requests": measure_requests, "bucket": measure_bucket}
IN_A_BUCKET = ("requests", "bucket")


def main() -> int:
    arguments = _parser().parse_args()
    git_data = which(arguments.git_data)
    if git_data is None:
        say("git-data is not on PATH and --git-data does not name it")
        return 1
    measure.inherit_orphans()
    folder = Path(tempfile.mkdtemp(prefix="git-data-benchmark-", dir=arguments.folder))
    bucket = seaweed.started(folder) if seaweed.is_installed() else nullcontext()
    try:
        with bucket as server:
            results = _run(arguments, git_data, folder, server)
    except Failed as error:
        say(f"stopped: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    publish(results, rows, "history.py", None if arguments.quick else "RESULTS-HISTORY.md")
    return 0


def _run(
    arguments: argparse.Namespace, git_data: str, folder: Path, server: seaweed.SeaweedFS | None
) -> dict[str, Any]:
    sizes = QUICK if arguments.quick else Sizes()
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    other = which(arguments.git_remote_s3)
    bench = Bench(git_data, other, folder, folder / "template", sizes, rounds, server)
    (folder / "home").mkdir()
    (folder / "home/.gitconfig").write_text(GIT_CONFIG)
    home = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "GIT_CONFIG_NOSYSTEM": "1"}
    make_template(bench.template, sizes.commits, home)
    path = path_of("history-quick" if arguments.quick else "history")
    results = load(path)
    missing = ([] if other else [GRS3]) + ([] if server else [seaweed.MISSING])
    results |= about_run(folder, _versions(bench), missing)
    measure.touch_memory()
    for name in arguments.only or WORKLOADS:
        if name in IN_A_BUCKET and not server:
            continue
        results["workloads"][name] = WORKLOADS[name](bench)
        save(results, path)
    return results


def _versions(bench: Bench) -> dict[str, str]:
    found = {
        "git": Project("git", bench.folder).version(),
        OURS: GitData(bench.git_data, bench.folder).version(),
    }
    if bench.git_remote_s3:
        nowhere = S3("", "", {})
        found[GRS3] = GitRemoteS3(bench.git_remote_s3, bench.folder, nowhere).version()
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=int, help="how often each workload is measured (3)")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, help="measure these anew")
    parser.add_argument("--folder", type=Path, help="work here, not in the temporary folder")
    for name in (OURS, GRS3):
        parser.add_argument(
            f"--{name}", metavar="PROGRAM", default=name, help=f"the {name} to measure"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
