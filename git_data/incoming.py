"""What comes in from another repository, before anything here is changed: one path of one commit,
with its files checked and the stores found that hold its data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from . import blobs, grafting, listing, listings, names
from .bringing import bring
from .errors import DataError, Denied, FormatError, NotFound
from .grafting import Leaf
from .listing import LINK, SUBMODULE, TREE, Entry
from .progress import Progress
from .project import Import
from .repo import Address, Repo
from .sources import Source
from .transfer import Failure, Wanted


class Incoming(NamedTuple):
    """One import as it will be."""

    item: Import
    source: Source
    leaf: Leaf  # what will lie at its path here
    files: list[Entry]  # their paths start at the import; "" for a file that is imported alone

    @property
    def kinds(self) -> dict[str, bool]:
        """Which files are data; links are neither."""
        return {e.path: e.pointer is not None for e in self.files if e.mode != LINK}

    def here(self, entry: Entry) -> str:
        """A file's path in this repository."""
        return f"{self.item.name}/{entry.path}" if entry.path else self.item.name

    @property
    def wanted(self) -> list[Wanted]:
        return [Wanted(*e.pointer, self.here(e)) for e in self.files if e.pointer]


def look(repo: Repo, source: Source, commit: str, item: Import) -> Incoming:
    """What an import brings at a commit of its source. Denied for what may become no files here."""
    _check_format(repo, source)
    where = source.origin.shown
    found = listing.find(source.git, commit, item.path, where)
    start = len(found.path) + 1 if found.is_folder and found.path else 0
    start = start if found.is_folder else len(found.path)
    files = [entry._replace(path=entry.path[start:]) for entry in listings.files(source, found)]
    names.check([item.name if not e.path else f"{item.name}/{e.path}" for e in files], where)
    _check_kinds(source, files, where)
    leaf = _leaf(source, found, files)
    return Incoming(item._replace(commit=commit, tree=leaf.oid), source, leaf, files)


def _check_format(repo: Repo, source: Source) -> None:
    ours, theirs = repo.location.object_format, source.location.object_format
    if ours != theirs:
        raise FormatError(
            f"{source.origin.shown} names objects by {theirs}, this repository by {ours}: no path "
            "can be the same in both",
            "take copies of the files: git data get",
        )


def _check_kinds(source: Source, files: Sequence[Entry], where: str) -> None:
    for entry in files:
        if entry.mode == SUBMODULE:
            raise Denied(
                f"{where} has a submodule at {entry.path!r}, which cannot be imported",
                "import the paths beside it, one by one",
            )
    links = [entry for entry in files if entry.mode == LINK]
    source.bring_blobs(entry.blob for entry in links)
    for entry, target in _targets(source, links):
        if names.leads_out(entry.path or "x", target):
            raise Denied(
                f"{where} has a link {entry.path!r} to {target[:200]!r}, which leads out of what "
                f"would be imported; {names.REFUSED}",
                "import a folder that holds both",
            )


def _targets(source: Source, links: Sequence[Entry]) -> Iterator[tuple[Entry, str]]:
    groups: dict[str, list[Entry]] = {}
    for entry in links:
        groups.setdefault(entry.blob, []).append(entry)
    for blob, size, pieces in blobs.stream(source.git, [*groups]) if groups else ():
        target = os.fsdecode(b"".join(pieces)) if size <= names.LONGEST_BYTES else ""
        yield from ((entry, target) for entry in groups[blob])


def _leaf(source: Source, found: Entry, files: Sequence[Entry]) -> Leaf:
    """As Git itself writes these files: old trees have modes that it no longer knows."""
    if not found.is_folder:
        return Leaf(found.mode, found.blob)
    return Leaf(TREE, grafting.tree_of(source.git, files))


# Its objects


def carry(repo: Repo, incoming: Incoming) -> None:
    """Bring Git's own objects into this repository: trees, pointers and plain files."""
    source, leaf = incoming.source, incoming.leaf
    source.bring_blobs(entry.blob for entry in incoming.files if not entry.pointer)
    oids = [leaf.oid, *(entry.blob for entry in incoming.files)]
    if leaf.mode == TREE:
        listed = source.git.run("ls-tree", "-r", "-d", "-z", "--full-tree", leaf.oid)
        heads = (line.partition(b"\t")[0] for line in listed.split(b"\0")[:-1])
        oids += [head.split(b" ")[2].decode() for head in heads]
    grafting.carry(source.git, repo, oids)


# Its data


def find_stores(
    repo: Repo, incoming: Incoming, wanted: Sequence[Wanted]
) -> tuple[tuple[str, ...], list[Address]]:
    """The stores to record, which together hold all that can be found, and all places to ask.

    Where some cannot be asked, and something is not found, they are recorded too: perhaps they
    have it.
    """
    places = [*incoming.source.reading_addresses(incoming.item.commit)]
    left = {w.oid for w in wanted}
    recorded, silent = list[str](), list[str]()
    for address in places:
        if not left:
            break
        if address.named_by == "data.store":
            continue  # the user's own: nobody else looks there
        try:
            store = repo.store(address._replace(create=False))
            held = left - store.missing(left)
        except NotFound:
            continue  # it is no store: a folder with a cache perhaps
        except DataError:
            silent.append(address.url)
            continue
        if held:
            recorded.append(address.url)
            left -= held
    urls = recorded + (silent if left else [])
    return tuple(_recorded(repo, incoming.source, url) for url in urls), places


def _recorded(repo: Repo, source: Source, url: str) -> str:
    """As `.gitdata` has it: relative, where the user named the source so."""
    if not source.origin.relative or not url.startswith("/"):
        return url
    return os.path.relpath(os.path.realpath(url), os.path.realpath(repo.top))


def fetch(
    repo: Repo, wanted: Iterable[Wanted], places: Sequence[Address], progress: Progress
) -> list[Failure]:
    """Bring the data into this repository's cache; what could not be, with the reason."""
    return bring(repo, wanted, None, progress, first=places)
