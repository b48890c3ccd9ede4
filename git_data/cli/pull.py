"""`git data pull`."""

from __future__ import annotations

import argparse

from ..errors import DataError
from ..inventory import left_as_pointers
from ..pulling import Pulled, heal, pull
from ..repo import Repo
from .options import (
    Here,
    add_dry_run,
    add_json,
    add_quiet,
    count,
    describe,
    need_work_tree,
    write_json,
)
from .outcome import failed_of, finish, tell_sizes
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Put data in place wherever the work tree has only pointers; fetch what is not here. It "
        "finishes what a clone, checkout or pull had to leave, and what a killed one left half "
        "done. Files that you changed are not touched.",
        "git data pull",
        "git data pull images/cats",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, folders or patterns")
    add_dry_run(parser, "say what would be put in place")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    repo = Repo.open()
    need_work_tree(repo, "git data fetch brings data into a repository without one")
    if "filter.data.process" not in repo.settings.values:
        raise DataError(
            "Git does not use git-data yet, and would call every file changed; nothing was done",
            "run: git data install",
        )
    here = Here.of(repo)
    if not arguments.dry_run and heal(repo):
        screen.say("finished what an interrupted command had left")
    left = left_as_pointers(repo, here.all_to_top(arguments.paths))
    if arguments.dry_run:
        if arguments.json:
            files = [{"path": item.item.path, "size": item.pointer.size} for item in left]
            write_json(screen, {"would_place": files})
        for item in left:
            tell_sizes(here.shown(item.item.path), item.pointer.size, screen)
        return 0
    pulled = pull(repo, left, screen) if left else Pulled([], [], [])
    screen.finish()
    return _tell(pulled, here, arguments.json, screen)


def _tell(pulled: Pulled, here: Here, as_json: bool, screen: Screen) -> int:
    failed = failed_of(pulled.failed)
    if as_json:
        reasons = [{"path": item.path, "reason": item.reason} for item in failed]
        write_json(screen, {"placed": pulled.done, "skipped": pulled.skipped, "failed": reasons})
    elif pulled.done:
        screen.say(f"{count(len(pulled.done), 'file')} put in place")
    elif not failed and not pulled.skipped:
        screen.say("everything is in place already")
    for path in pulled.skipped:
        screen.note(f"git-data: {here.shown(path)} was changed meanwhile, and left alone")
    if pulled.index_error:
        screen.note(f"git-data: the files are in place, but: {pulled.index_error}")
    return finish(failed, len(pulled.done) + len(failed), "put in place", screen)
