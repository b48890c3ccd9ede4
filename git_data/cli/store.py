"""`git data store`."""

from __future__ import annotations

import argparse
import os
from typing import Any

from .. import project
from ..errors import DataError
from ..repo import Repo
from ..storing import Standing, choose, standing
from .options import Here, add_dry_run, add_json, add_quiet, describe, need_work_tree, write_json
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Show where the data lies and whether that store answers, or name a store for everybody "
        "in .gitdata, which is to be committed. A folder that is no store yet becomes one.",
        "git data store",
        "git data store /srv/registry",
    )
    parser.add_argument("url", nargs="?", metavar="URL", help="a folder, or file://…")
    parser.add_argument("--unset", action="store_true", help="name no store any more")
    add_dry_run(parser, "with URL: say what would change; without: do not try to write to it")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet
    repo = Repo.open()
    if arguments.url or arguments.unset:
        return _set(repo, arguments, screen)
    found = standing(repo, write=not arguments.dry_run)
    if arguments.json:
        write_json(screen, [_json(item) for item in found])
    elif not found:
        screen.say("no store is named; name one with: git data store URL")
    else:
        for item in found:
            _write(item, screen)
    if any(item.problem for item in found if item.writes_here):
        return DataError.exit_code
    return 0


def _write(item: Standing, screen: Screen) -> None:
    role = "data goes to" if item.writes_here else "read too"
    screen.write(f"{role}: {item.address.url}\n  named by: {item.address.named_by}\n")
    screen.write(f"  {item.state}\n")
    if item.problem:
        screen.write(f"  problem: {item.problem}\n")


def _json(item: Standing) -> dict[str, Any]:
    return {
        "url": item.address.url,
        "named_by": item.address.named_by,
        "writes_here": item.writes_here,
        "store_id": item.store_id,
        "state": item.state,
        "problem": str(item.problem) if item.problem else None,
    }


def _set(repo: Repo, arguments: argparse.Namespace, screen: Screen) -> int:
    top = need_work_tree(repo, "name the store there with: git config data.store URL")
    url = None if arguments.unset else _from_top(arguments.url, Here.of(repo))
    created = choose(repo, url, arguments.dry_run)
    if arguments.json:
        document = {"store": url, "created": created, "dry_run": arguments.dry_run}
        write_json(screen, document)
        return 0
    verb = "would be" if arguments.dry_run else "is"
    if created:
        screen.say(f"{url} {verb} a store now")
    screen.say(f"{project.NAME} {'no longer names a store' if url is None else f'names {url}'}")
    if repo.settings.store:
        screen.note(
            f"git-data: your own setting data.store = {repo.settings.store} wins over it; "
            "to remove it: git config --unset data.store"
        )
    if not arguments.dry_run:
        names = os.path.relpath(os.path.join(top, project.NAME))
        screen.say(f"so that others find it: git add {names} && git commit -m 'Name the store'")
    return 0


def _from_top(url: str, here: Here) -> str:
    """A folder relative to the one the user is in, as `.gitdata` has it: relative to the top."""
    if "://" in url or os.path.isabs(url) or url.startswith("~"):
        return url
    return os.path.relpath(os.path.join(here.folder, url), here.top)
