"""`git data list`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ..inventory import (
    HERE,
    Folder,
    Item,
    default_revision,
    items_at,
    need_some,
    one_level,
    whereabouts,
)
from ..oid import ObjectId
from ..repo import Repo
from .options import Here, add_json, count, describe, write_json
from .terminal import Screen, human_size

_WORDS = {"here": "here", "store": "in the store", "missing": "nowhere", "unknown": "not here"}
_OID_DIGITS = 12  # as many as tell objects apart for a person
Places = dict[ObjectId, str]


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "List the data files, like ls: one level, folders with a slash. Of what is staged, or of "
        "a revision. --long and --json tell size, object, and whether the content is here or in a "
        "store.",
        "git data list",
        "git data list -R --long images",
        "git data list --rev v1.2 --json",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, folders or patterns")
    parser.add_argument("-R", "--recursive", action="store_true", help="all levels, no folders")
    parser.add_argument("--rev", metavar="REV", help="a commit, branch or tag; else what is staged")
    parser.add_argument("-l", "--long", action="store_true", help="size, object and place too")
    add_json(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    repo = Repo.open()
    here = Here.of(repo)
    revision = arguments.rev or default_revision(repo)
    paths = here.all_to_top(arguments.paths) or [here.prefix]
    items = items_at(repo, revision, paths)
    need_some(items, paths if arguments.paths else ())
    entries: Sequence[Item | Folder] = items if arguments.recursive else one_level(items, paths)
    places = whereabouts(repo, items, revision) if arguments.long or arguments.json else {}
    if arguments.json:
        write_json(screen, {"revision": revision, "entries": [_json(e, places) for e in entries]})
    elif arguments.long:
        _write_long(entries, places, here, screen)
    else:
        screen.write("".join(here.shown(entry.path) + "\n" for entry in entries))
    return 0


def _json(entry: Item | Folder, places: Places) -> dict[str, Any]:
    if isinstance(entry, Item):
        place = places[entry.pointer.oid]
        return {
            "path": entry.path,
            "type": "file",
            "size": entry.pointer.size,
            "oid": str(entry.pointer.oid),
            "place": place,
        }
    return {
        "path": entry.path,
        "type": "folder",
        "size": sum(item.pointer.size for item in entry.items),
        "files": len(entry.items),
        "here": sum(places[item.pointer.oid] == HERE for item in entry.items),
    }


def _write_long(
    entries: Sequence[Item | Folder], places: Places, here: Here, screen: Screen
) -> None:
    rows = [(*_columns(entry, places), here.shown(entry.path)) for entry in entries]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(3)]
    for size, what, place, path in rows:
        screen.write(f"{size:>{widths[0]}}  {what:<{widths[1]}}  {place:<{widths[2]}}  {path}\n")


def _columns(entry: Item | Folder, places: Places) -> tuple[str, str, str]:
    if isinstance(entry, Item):
        oid = entry.pointer.oid
        return human_size(entry.pointer.size), oid.hex()[:_OID_DIGITS], _WORDS[places[oid]]
    found = {places[item.pointer.oid] for item in entry.items}
    size = sum(item.pointer.size for item in entry.items)
    place = _WORDS[found.pop()] if len(found) == 1 else "partly here"
    return human_size(size), count(len(entry.items), "file"), place
