#!/usr/bin/env python3
"""Many pushers at once, in a folder and in a bucket (SeaweedFS, started for it): what is lost?

benchmarks/contention.py --quick    two pushers, a few pushes
benchmarks/contention.py            everything, then RESULTS-CONTENTION.md anew

Of history: four clones of one registry push 25 commits each, every commit at once, to branches of
their own and then all to one. Of data: four pushers, twenty pushes each of new files, to one store
under a bare repository. Then all that was acknowledged is read back from a fresh clone by a user
with an empty home. The bucket is reached through a proxy that counts what was asked.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import measure
import seaweed
from contenders import Told, contend
from inputs import write_random
from measure import KIB, Failed, run
from results import HERE, about_run, load, path_of, publish, save, say
from rows import OURS
from targets_contention import PLACES, rows
from tools import GIT_CONFIG, GitData, Tool, which
from tools_history import Bucket, Folder, Project, make_template
from tools_s3 import S3, S3GitData

sys.path.insert(0, str(HERE.parent))
from git_data.stores.access import Access
from git_data.stores.s3 import open_s3
from tests.helpers.servers import PROFILE

FILES = (20 * KIB, 300 * KIB, 700 * KIB)  # of each push of data: one chunk, and several
MANIFEST_BYTES = 16 << 20
Values = dict[str, object]


class Sizes(NamedTuple):
    clones: int = 4
    commits: int = 25
    pushes: int = 20


QUICK = Sizes(2, 4, 4)


class Bench(NamedTuple):
    git_data: str
    folder: Path
    sizes: Sizes
    s3: S3 | None = None  # else in a folder
    proxy: seaweed.FaultProxy | None = None

    def root(self, name: str) -> Path:
        root = self.folder / f"{name}-{'s3' if self.s3 else 'folder'}" / OURS
        root.mkdir(parents=True)
        return root


# What is done


def measure_history(bench: Bench) -> Values:
    root, (clones, commits, _) = bench.root("history"), bench.sizes
    project: Project
    project = Bucket(bench.git_data, root, bench.s3) if bench.s3 else Folder(bench.git_data, root)
    project.start(bench.folder / "template")
    _do(project, project.push()[0])
    copies = _clones(project, project.url, clones)
    steps: dict[str, Values] = {}
    lost = damage = 0
    for what, branch in (("own branches", "own-{}"), ("one branch", "main")):
        with _counted(bench, project, "git/manifest", steps.setdefault(what, {})) as step:
            told = contend(copies, branch, commits, project.environ)
        _tell(step, told)
        witness = _witness(project, project.url, "--mirror")
        branches = [branch.format(number) for number in range(clones)]
        lost += _lost(witness, project, branches, told)
        damage += _complaints(witness, project)
        shutil.rmtree(witness)
    return {"clones": clones, "commits": commits, "steps": steps, "lost": lost, "damage": damage}


def measure_data(bench: Bench) -> Values:
    root, (clones, _, pushes) = bench.root("data"), bench.sizes
    tool = S3GitData(bench.git_data, root, bench.s3) if bench.s3 else GitData(bench.git_data, root)
    tool.create("data")
    _do(tool, tool.push()[0])
    files = [_make_files(root / f"files-{number}", number, pushes) for number in range(clones)]
    copies = _clones(tool, str(tool.origin), clones)
    steps: dict[str, Values] = {}
    with _counted(bench, tool, "data/manifest", steps.setdefault("own branches", {})) as step:
        told = contend(copies, "own-{}", pushes, tool.environ, files)
    _tell(step, told)
    values: Values = {"clones": clones, "pushes": pushes, "steps": steps, "lost": 0, "wrong": 0}
    _check_data(tool, told, files, values)
    return values


def _make_files(folder: Path, number: int, pushes: int) -> Path:
    folder.mkdir()
    for push in range(1, pushes + 1):
        for which_, size in enumerate(FILES):
            seed = (number * pushes + push) * len(FILES) + which_
            write_random(folder / f"{push}-{number}-{which_}.bin", size, seed)
    return folder


# What was acknowledged, read back


def _check_data(tool: Tool, told: Told, files: list[Path], values: Values) -> None:
    lost = wrong = 0
    for number, folder in enumerate(files):
        witness = _witness(tool, str(tool.origin), "--branch", f"own-{number}")
        commits = run(["git", "rev-list", "HEAD"], witness, tool.environ).split()
        lost += len(set(told.acknowledged[number]) - set(commits))
        for path in folder.iterdir():
            other = witness / "data" / path.name
            wrong += not (other.is_file() and filecmp.cmp(path, other, shallow=False))
        shutil.rmtree(witness)
    made = [path for folder in files for path in folder.iterdir()]
    values |= {"lost": lost, "wrong": wrong, "files": len(made)}
    values["bytes"] = sum(path.stat().st_size for path in made)


def _lost(witness: Path, project: Tool, branches: list[str], told: Told) -> int:
    lost = 0
    for branch, commits in zip(branches, told.acknowledged, strict=True):
        there = run(["git", "rev-list", f"refs/heads/{branch}"], witness, project.environ)
        lost += len(set(commits) - set(there.split()))
    return lost


def _complaints(witness: Path, project: Tool) -> int:
    words = ["git", "fsck", "--full", "--strict"]
    done = subprocess.run(words, cwd=witness, env=project.environ, capture_output=True, text=True)
    return len(done.stderr.splitlines()) or int(done.returncode != 0)


def _witness(tool: Tool, url: str, *options: str) -> Path:
    """A clone by somebody who was never here: an empty home, but for Git's and our settings."""
    home = tool.root / "witness-home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(tool.home / ".gitconfig", home)
    environ = {**tool.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    run(["git", "clone", "-q", *options, url, "witness"], tool.root, environ)
    return tool.root / "witness"


def _clones(tool: Tool, url: str, count: int) -> list[Path]:
    copies = [tool.root / f"clone{number}" for number in range(count)]
    for copy in copies:
        run(["git", "clone", "-q", url, str(copy)], tool.root, tool.environ)
    return copies


def _do(tool: Tool, command: measure.Command) -> None:
    run(command.words, command.folder, tool.environ)


# What went on


@contextmanager
def _counted(bench: Bench, tool: Tool, manifest: str, step: Values) -> Iterator[Values]:
    """Seconds; and in a bucket how many writes of a manifest were refused, since another writer
    came first: those that were tried but for those that count in its generation."""
    before = _generation(bench, tool, manifest)
    if bench.proxy:
        bench.proxy.forget()
    began = time.perf_counter()
    yield step
    step["seconds"] = round(time.perf_counter() - began, 2)
    if bench.proxy:
        tried = bench.proxy.count("PUT", f"/{manifest}")
        step["conflicts"] = tried - (_generation(bench, tool, manifest) - before)


def _generation(bench: Bench, tool: Tool, manifest: str) -> int:
    if not bench.s3:
        return 0
    place = f"s3://{bench.s3.bucket}/{bench.s3.prefix(tool.root)}?endpoint={bench.s3.endpoint}"
    found = open_s3(place, Access(trusted=True, profile=PROFILE)).read_small(
        manifest, MANIFEST_BYTES
    )
    return int(json.loads(found.data)["generation"]) if found else 0


def _tell(step: Values, told: Told) -> None:
    step["acknowledged"] = sum(len(commits) for commits in told.acknowledged)
    step["refused"] = told.refused
    say(f"  {step}")


MODES = {"history": measure_history, "data": measure_data}


def main() -> int:
    arguments = _parser().parse_args()
    git_data = which(arguments.git_data)
    if git_data is None:
        say("git-data is not on PATH and --git-data does not name it")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="git-data-benchmark-", dir=arguments.folder))
    try:
        results = _run(arguments, git_data, folder)
    except Failed as error:
        say(f"stopped: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    publish(results, rows, "contention.py", None if arguments.quick else "RESULTS-CONTENTION.md")
    found = results["workloads"].values()
    return int(any(each["lost"] or each.get("wrong") or each.get("damage") for each in found))


def _run(arguments: argparse.Namespace, git_data: str, folder: Path) -> dict[str, Any]:
    (folder / "home").mkdir()
    (folder / "home/.gitconfig").write_text(GIT_CONFIG)
    home = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "GIT_CONFIG_NOSYSTEM": "1"}
    make_template(folder / "template", 1, home)
    path = path_of("contention-quick" if arguments.quick else "contention")
    results = load(path)
    versions = {"git": Tool("git", folder).version(), OURS: GitData(git_data, folder).version()}
    has_bucket = seaweed.is_installed()
    results |= about_run(folder, versions, [] if has_bucket else [seaweed.MISSING])
    for place in arguments.places:
        if place == "s3" and not has_bucket:
            continue
        with _bench(git_data, folder, QUICK if arguments.quick else Sizes(), place) as bench:
            for mode in arguments.modes:
                say(f"{mode}, {PLACES[place]} …")
                results["workloads"][f"{mode}-{place}"] = MODES[mode](bench)
                save(results, path)
    return results


@contextmanager
def _bench(git_data: str, folder: Path, sizes: Sizes, place: str) -> Iterator[Bench]:
    if place == "folder":
        yield Bench(git_data, folder, sizes)
        return
    with seaweed.started(folder) as server, seaweed.proxy_to(server) as proxy:
        yield Bench(git_data, folder, sizes, seaweed.bucket_of(server, proxy.url), proxy)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two pushers, a few pushes")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--places", nargs="+", choices=PLACES, default=list(PLACES))
    parser.add_argument("--folder", type=Path, help="work here, not in the temporary folder")
    parser.add_argument("--git-data", metavar="PROGRAM", default=OURS, help="the one to measure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
