"""`git data get`."""

from __future__ import annotations

import argparse
import os
import re
from typing import Any

from .. import getting
from ..getting import OTHER, SAME, Goal, Got
from .named import Named, open_named
from .options import add_dry_run, add_json, add_quiet, count, describe, write_json
from .outcome import failed_of, finish, tell_sizes
from .terminal import Screen, human_size, printable


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Write a file or a folder of any repository here, at any revision; no repository is needed "
        "around it. Data files come from that repository's store, plain ones from Git. What is "
        "there already and the same is kept, so that the same command again does only the rest.",
        "git data get https://github.com/example/registry.git music/songs",
        "git data get https://github.com/example/registry.git images/cats -o cats --rev v1.2",
        "git data get . model.bin -o /tmp/old.bin --rev HEAD~1",
    )
    parser.add_argument("url", metavar="URL", help="a URL, a data:: address, a folder, or .")
    parser.add_argument("path", nargs="?", default="", metavar="PATH", help="there; else all of it")
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="where to; else its own name, in this folder"
    )
    parser.add_argument("--rev", metavar="REV", help="a commit, branch or tag; else the default")
    parser.add_argument("-f", "--force", action="store_true", help="replace files that differ")
    add_dry_run(parser, "say what would be written")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    named = open_named(arguments.url, arguments.rev, screen)
    found = named.find(arguments.path)
    out = arguments.out or own_name(found.path or arguments.url)
    goal = getting.aim(named.repo, found, out, named.where)
    for path in goal.left_out:
        screen.note(f"git-data: {printable(path)} is a submodule, and left out")
    if arguments.dry_run:
        return _would(named, goal, arguments, screen)
    got = getting.get(named.repo, named.commit, goal, replace=arguments.force, progress=screen)
    screen.finish()
    if arguments.json:
        write_json(screen, _json(named, goal, got))
    else:
        _tell(goal, got, screen)
    return finish(failed_of(got.failed), len(goal.entries), "written", screen)


def own_name(path: str) -> str:
    """What comes last in a path or an address."""
    name = re.split(r"[/:]", path.rstrip("/"))[-1].removesuffix(".git")
    return name if name not in ("", ".", "..") else os.path.basename(os.path.abspath(path))


def _would(named: Named, goal: Goal, arguments: argparse.Namespace, screen: Screen) -> int:
    state = getting.look(goal, named.repo.location.object_format)
    left = [e for e in goal.entries if state[e.path] != SAME]
    todo = [e for e in left if arguments.force or state[e.path] != OTHER]
    if arguments.json:
        files = [{"path": os.path.join(goal.top, e.path), "size": e.size} for e in todo]
        write_json(screen, {"would_write": files})
        return 0
    for entry in todo:
        tell_sizes(os.path.join(goal.top, entry.path), entry.size or 0, screen)
    if len(todo) < len(left):
        differ = count(len(left) - len(todo), "file differs", "files differ")
        screen.note(f"git-data: {differ}; replace with: --force")
    return 0


def _tell(goal: Goal, got: Got, screen: Screen) -> None:
    sizes = {entry.path: entry.size or 0 for entry in goal.entries}
    size = human_size(sum(sizes[path] for path in got.done))
    kept = f", {count(len(got.kept), 'file')} there already" if got.kept else ""
    if got.done or got.kept:
        screen.say(f"{count(len(got.done), 'file')} written ({size}){kept}")


def _json(named: Named, goal: Goal, got: Got) -> dict[str, Any]:
    return {
        "repository": named.where,
        "commit": named.commit,
        "out": goal.top,
        "written": sorted(got.done),
        "kept": sorted(got.kept),
        "left_out": goal.left_out,
        "failed": [{"path": f.path, "reason": f.reason} for f in failed_of(got.failed)],
    }
