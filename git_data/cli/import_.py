"""`git data import`."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable
from typing import Any

from .. import listing, sources
from ..errors import DataError
from ..importing import Imported, bring, followed
from ..listing import Entry
from ..project import Import
from ..repo import Repo
from .get import own_name
from .hooked import ensure_hook
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
from .outcome import Failed, failed_of, finish
from .terminal import Screen, human_size, printable


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Take a file or a folder of another repository in: its files, the lines in .gitattributes "
        "that make data of them, and a section in .gitdata that says where they are from and locks "
        "them to one commit. All is staged; git commit makes it yours. Clones take the data from "
        "where it lies already; git data update follows what changes there.",
        "git data import https://github.com/example/registry.git images/cats -o data/cats",
        "git data import https://github.com/example/registry.git images/cats --rev v1.2",
    )
    parser.add_argument("url", metavar="URL", help="a URL, a data:: address, or a folder")
    parser.add_argument("path", nargs="?", default="", metavar="PATH", help="there; else all of it")
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="where to; else its own name, in this folder"
    )
    parser.add_argument(
        "--rev", metavar="REV", help="a branch or tag to follow, or a commit; else the default"
    )
    parser.add_argument(
        "--no-download", action="store_true", help="pointers alone; git data pull brings the rest"
    )
    parser.add_argument(
        "--copy", action="store_true", help="git push sends the data to our own store too"
    )
    add_dry_run(parser, "say what would come in")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    repo = Repo.open()
    need_work_tree(repo, "git data get writes files anywhere")
    screen.start(f"Asking {printable(arguments.url)}", 0, 0)
    revision = arguments.rev or sources.HEAD
    source, (commit,) = sources.fetch(arguments.url, [revision], ".", repo.git)
    screen.finish()
    path = listing.clean(arguments.path)
    found = listing.find(source.git, commit, path, source.origin.shown)
    item = Import(
        name=_place(repo, found, arguments),
        url=source.origin.recorded(repo.top),
        path=path,
        rev=followed(arguments.rev or "", commit),
        copy=arguments.copy,
    )
    pointers, dry_run = arguments.no_download, arguments.dry_run
    done = bring(repo, source, commit, item, pointers=pointers, dry_run=dry_run, progress=screen)
    screen.finish()
    if done.size and not dry_run:
        ensure_hook(repo, screen)
    if arguments.json:
        write_json(screen, {**to_json(done), "dry_run": dry_run})
    else:
        _tell(done, source.origin.shown, dry_run, screen)
    return finish(pulled_later(done.failed), done.files, "fetched", screen)


def pulled_later(failures: Iterable[tuple[str, DataError]]) -> list[Failed]:
    return [item._replace(hint="finish with: git data pull") for item in failed_of(failures)]


def _place(repo: Repo, found: Entry, arguments: argparse.Namespace) -> str:
    own = own_name(found.path or arguments.url)
    out = arguments.out or own
    if not found.is_folder and arguments.out and (out.endswith("/") or os.path.isdir(out)):
        out = os.path.join(out, own)
    return Here.of(repo).to_top(out)


def to_json(done: Imported) -> dict[str, Any]:
    item = done.item
    return {
        "name": item.name,
        "url": item.url,
        "path": item.path,
        "rev": item.rev or None,
        "commit": item.commit,
        "tree": item.tree,
        "stores": [*item.stores],
        "copy": item.copy,
        "files": done.files,
        "size": done.size,
        "failed": [{"path": f.path, "reason": f.reason} for f in failed_of(done.failed)],
    }


def _tell(done: Imported, where: str, dry_run: bool, screen: Screen) -> None:
    files = count(done.files, "file") + (f", {human_size(done.size)} of data" if done.size else "")
    at = printable(version(done.item))
    screen.say(f"{printable(done.item.name)}: {files}, from {printable(where)} at {at}")
    if dry_run:
        screen.say("nothing was changed; without -n it would be")
        return
    message = shlex.quote(f"Import {done.item.name}")
    screen.say(f"all of it is staged: git commit -m {printable(message)}")


def version(item: Import) -> str:
    """What an import is locked to, for people."""
    short = item.commit[:10]
    return f"{item.rev} ({short})" if item.rev and item.rev != item.commit else short
