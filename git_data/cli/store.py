"""`git data store`."""

from __future__ import annotations

import argparse
import os
from typing import Any

from .. import project
from ..errors import DataError, UsageError
from ..repo import Repo
from ..storing import Standing, choose, drop_mirror, name_mirror, standing
from .options import Here, add_dry_run, add_json, add_quiet, describe, need_work_tree, write_json
from .terminal import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Show where the data lies and whether that store answers, or name a store for everybody "
        "in .gitdata, which is to be committed. What is no store yet becomes one, if it can: a "
        "bucket or a server is tried out first. With --check try out the store again.",
        "git data store",
        "git data store /srv/registry",
        "git data store s3://bucket/registry",
        "git data store 's3://bucket/registry?endpoint=https://minio.example.org:9000'",
        "git data store --check",
        "git data store --mirror https://mirror.example.org/registry",
    )
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="a folder, s3:// https:// webdav:// sftp:// gs:// az://",
    )
    parser.add_argument("--unset", action="store_true", help="name no store (or mirror) any more")
    parser.add_argument(
        "--mirror",
        metavar="URL",
        help="a place that is read for what the store does not give",
    )
    parser.add_argument(
        "--check", action="store_true", help="write, read, compare and race there; tell what it can"
    )
    add_dry_run(parser, "with URL: say what would change; without: do not try to write to it")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet
    _check_words(arguments)
    repo = Repo.open()
    if arguments.mirror:
        return _mirror(repo, arguments, screen)
    if arguments.url or arguments.unset:
        return _set(repo, arguments, screen)
    return _show(repo, arguments, screen)


def _check_words(arguments: argparse.Namespace) -> None:
    if arguments.url and (arguments.mirror or arguments.unset or arguments.check):
        raise UsageError("one thing at a time: a store to name, --mirror, --unset or --check")
    if arguments.check and (arguments.mirror or arguments.unset or arguments.dry_run):
        raise UsageError("--check goes with no other option but --json and --quiet")


def _show(repo: Repo, arguments: argparse.Namespace, screen: Screen) -> int:
    found = standing(repo, write=not arguments.dry_run, check=arguments.check)
    if arguments.json:
        write_json(screen, [_json(item) for item in found])
    elif not found:
        screen.say("no store is named; name one with: git data store URL")
    else:
        for item in found:
            _write(item, screen)
    if (arguments.check and not found) or any(s.problem for s in found if s.writes_here):
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
        "can_write": item.able.can_write if item.able else None,
        "compares_and_swaps": item.able.can_compare_and_swap if item.able else None,
        "problem": str(item.problem) if item.problem else None,
    }


def _set(repo: Repo, arguments: argparse.Namespace, screen: Screen) -> int:
    top = need_work_tree(repo, "name the store there with: git config data.store URL")
    url = None if arguments.unset else _from_top(arguments.url, Here.of(repo))
    done = choose(repo, url, arguments.dry_run)
    if arguments.json:
        document = {
            "store": url,
            "created": done.created,
            "problem": str(done.problem) if done.problem else None,
            "dry_run": arguments.dry_run,
        }
        write_json(screen, document)
        return 0
    verb = "would be" if arguments.dry_run else "is"
    if done.created:
        screen.say(f"{url} {verb} a store now")
    screen.say(f"{project.NAME} {'no longer names a store' if url is None else f'names {url}'}")
    if done.problem:
        screen.note(f"git-data: it can be read, and not be written from here: {done.problem}")
    if repo.settings.store:
        screen.note(
            f"git-data: your own setting data.store = {repo.settings.store} wins over it; "
            "to remove it: git config --unset data.store"
        )
    _tell_to_commit(top, "Name the store", arguments, screen)
    return 0


def _mirror(repo: Repo, arguments: argparse.Namespace, screen: Screen) -> int:
    top = need_work_tree(repo, "name a mirror in a clone that has one")
    url = _from_top(arguments.mirror, Here.of(repo))
    problem = None
    if arguments.unset:
        drop_mirror(repo, url, arguments.dry_run)
    else:
        problem = name_mirror(repo, url, arguments.dry_run)
    if arguments.json:
        told = str(problem) if problem else None
        write_json(screen, {"mirror": url, "problem": told, "dry_run": arguments.dry_run})
        return 0
    verb = "no longer names" if arguments.unset else "names"
    screen.say(f"{project.NAME} {verb} the mirror {url}")
    if problem:
        screen.note(f"git-data: it cannot be read yet: {problem}")
    _tell_to_commit(top, "Name a mirror", arguments, screen)
    return 0


def _tell_to_commit(top: str, message: str, arguments: argparse.Namespace, screen: Screen) -> None:
    if not arguments.dry_run:
        names = os.path.relpath(os.path.join(top, project.NAME))
        screen.say(f"so that others find it: git add {names} && git commit -m '{message}'")


def _from_top(url: str, here: Here) -> str:
    """A folder relative to the one the user is in, as `.gitdata` has it: relative to the top."""
    if "://" in url or os.path.isabs(url) or url.startswith("~"):
        return url
    return os.path.relpath(os.path.join(here.folder, url), here.top)
