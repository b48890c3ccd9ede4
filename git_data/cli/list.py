"""`git data list`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .. import listing, listings, sources
from ..config import environment
from ..git import Git
from ..inventory import (
    HERE,
    File,
    Folder,
    Item,
    all_files_at,
    default_revision,
    items_at,
    need_some,
    one_level,
    whereabouts,
)
from ..listing import LINK, SUBMODULE, Entry
from ..oid import ObjectId
from ..origin import is_own, is_repository
from ..repo import Repo
from .options import Here, add_json, count, describe, write_json
from .terminal import Screen, human_size, printable

_WORDS = {"here": "here", "store": "in the store", "missing": "nowhere", "unknown": "not here"}
_KINDS = {LINK: "link", SUBMODULE: "submodule"}
_OID_DIGITS = 12  # as many as tell objects apart for a person
_IN_GIT = "in Git"
Places = dict[ObjectId, str]


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "List the data files, like ls: one level, folders with a slash. Of what is staged here, of "
        "a revision, or of any other repository: a URL, a data:: address or the folder of one "
        "comes first. --long and --json tell size, object, and whether the content is here or in "
        "a store.",
        "git data list",
        "git data list -R --long images",
        "git data list --rev v1.2 --json",
        "git data list https://github.com/example/registry.git music -R --rev v1.2",
    )
    parser.add_argument(
        "words", nargs="*", metavar="URL|PATH", help="a repository, then files, folders, patterns"
    )
    parser.add_argument("-R", "--recursive", action="store_true", help="all levels, no folders")
    parser.add_argument("-a", "--all", action="store_true", help="plain Git files too")
    parser.add_argument("--rev", metavar="REV", help="a commit, branch or tag; else what is staged")
    parser.add_argument("-l", "--long", action="store_true", help="size, object and place too")
    add_json(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    words: list[str] = arguments.words
    git = Git(".", environment())
    if words and arguments.literal != len(words) and is_repository(words[0], git):
        if not is_own(words[0], git):
            return _list_source(git, words[0], words[1:], arguments, screen)
        words = words[1:] or words
    return _list_here(words, arguments, screen)


def _list_here(words: Sequence[str], arguments: argparse.Namespace, screen: Screen) -> int:
    repo = Repo.open()
    here = Here.of(repo)
    revision = arguments.rev or default_revision(repo)
    paths = here.all_to_top(words) or [here.prefix]
    find = all_files_at if arguments.all else items_at
    files: Sequence[File] = find(repo, revision, paths)
    need_some(files, paths if words else ())
    entries = files if arguments.recursive else one_level(files, paths)
    places = _places(repo, files, revision, arguments)
    if arguments.json:
        write_json(screen, {"revision": revision, "entries": [_json(e, places) for e in entries]})
    else:
        names = [here.shown(entry.path) for entry in entries]
        _write(entries, names, places, arguments.long, screen)
    return 0


def _list_source(
    git: Git, url: str, words: Sequence[str], arguments: argparse.Namespace, screen: Screen
) -> int:
    screen.start(f"Asking {printable(url)}", 0, 0)
    revision = arguments.rev or sources.HEAD
    source, (commit,) = sources.fetch(url, [revision], ".", git)
    screen.finish()
    where = source.origin.shown
    found = [listing.find(source.git, commit, path, where) for path in map(listing.clean, words)]
    found = found or [listing.find(source.git, commit, "", where)]
    files = _files_of(source, found, arguments.all)
    folders = [entry.path for entry in found if entry.is_folder]
    entries = files if arguments.recursive else one_level(files, folders)
    places = _places(source, files, commit, arguments)
    if arguments.json:
        listed = [_json(entry, places) for entry in entries]
        document = {"repository": where, "revision": arguments.rev, "commit": commit}
        write_json(screen, {**document, "entries": listed})
    else:
        names = [printable(entry.path) for entry in entries]
        _write(entries, names, places, arguments.long, screen)
        if not files:
            screen.note("git-data: no data files there; plain files of Git's: -a")
    return 0


def _files_of(source: sources.Source, found: Sequence[Entry], everything: bool) -> list[Entry]:
    """What is asked for, once each; a file that is named is meant, whatever it is."""
    files = {
        file.path: file
        for entry in found
        for file in listings.files(source, entry)
        if everything or file.pointer or not entry.is_folder
    }
    return [*files.values()]


def _places(
    repo: Repo, files: Sequence[File], revision: str | None, arguments: argparse.Namespace
) -> Places:
    if not (arguments.long or arguments.json):
        return {}
    data = [Item(f.path, f.pointer, f.blob) for f in files if f.pointer]
    return whereabouts(repo, data, revision)


def _json(entry: File | Folder, places: Places) -> dict[str, Any]:
    if isinstance(entry, Folder):
        return {
            "path": entry.path,
            "type": "folder",
            "size": sum(_size(file) or 0 for file in entry.items),
            "files": len(entry.items),
            "here": sum(f.pointer is None or places[f.pointer.oid] == HERE for f in entry.items),
        }
    return {
        "path": entry.path,
        "type": _KINDS.get(entry.mode, "file") if isinstance(entry, Entry) else "file",
        "size": _size(entry),
        "oid": str(entry.pointer.oid) if entry.pointer else None,
        "place": places[entry.pointer.oid] if entry.pointer else "git",
    }


def _size(file: File) -> int | None:
    """Bytes of the content; None for a plain file that was not fetched."""
    return file.pointer.size if isinstance(file, Item) else file.size


def _write(
    entries: Sequence[File | Folder],
    names: Sequence[str],
    places: Places,
    long: bool,
    screen: Screen,
) -> None:
    if not long:
        screen.write("".join(name + "\n" for name in names))
        return
    rows = [_columns(entry, places) for entry in entries]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(3)]
    lines = (
        f"{size:>{widths[0]}}  {what:<{widths[1]}}  {place:<{widths[2]}}  {name}\n"
        for (size, what, place), name in zip(rows, names, strict=True)
    )
    screen.write("".join(lines))


def _columns(entry: File | Folder, places: Places) -> tuple[str, str, str]:
    if isinstance(entry, Folder):
        found = {places[f.pointer.oid] if f.pointer else _IN_GIT for f in entry.items}
        size = sum(_size(file) or 0 for file in entry.items)
        place = _WORDS.get(found.pop(), _IN_GIT) if len(found) == 1 else "partly here"
        return human_size(size), count(len(entry.items), "file"), place
    if entry.pointer is None:
        known = _size(entry)
        return "-" if known is None else human_size(known), "", _IN_GIT
    oid = entry.pointer.oid
    return human_size(entry.pointer.size), oid.hex()[:_OID_DIGITS], _WORDS[places[oid]]
