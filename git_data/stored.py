"""Whether stores hold what commits need: asked of their indexes, no data is moved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from . import scan
from .entries import Entry
from .errors import DataError, NotFound, StoreError
from .guard import STORED, Finding
from .oid import ObjectId
from .pointer import Pointer
from .progress import SILENT
from .repo import Address, Repo
from .upload import Target, Uploader, pending

_MEND = "git data push"


class Asked(NamedTuple):
    """What some stores lack, and which of them did not answer."""

    missing: set[ObjectId]
    silent: list[tuple[Address, DataError]]


def ask(repo: Repo, oids: Iterable[ObjectId], addresses: Iterable[Address]) -> Asked:
    """Which objects none of these stores holds."""
    left, silent = {*oids}, list[tuple[Address, DataError]]()
    for address in addresses:
        if not left:
            break
        try:
            left = repo.store(address._replace(create=False)).missing(left)
        except DataError as error:
            if not (address.git_dir and isinstance(error, NotFound)):  # a remote need not be one
                silent.append((address, error))
    return Asked(left, silent)


def check(repo: Repo, data: Mapping[Pointer, Entry], revision: str) -> list[Finding]:
    """Every object is in a store where a reader of this revision looks."""
    asked = ask(repo, {one.oid for one in data}, repo.reading_addresses(revision))
    why = "".join(f"; {a.url} could not be asked: {e.message}" for a, e in asked.silent)
    what = "no store that answers has its content" if why else "no store has its content"
    return [
        Finding(STORED, os.fsdecode(e.path), e.commit, f"{what} ({one.oid}){why}", _MEND)
        for one, e in data.items()
        if one.oid in asked.missing
    ]


def check_push(repo: Repo, tip: str, target: Target) -> list[Finding]:
    """Everything that a push of `tip` needs is in its store already."""
    if target.url.startswith("data::"):
        return []  # it uploads by itself, after all hooks
    try:
        address, items = pending(repo, [tip], target)
    except StoreError:
        if not any(scan.pointers_in_history(repo.git, [tip])):
            return []  # a store is missing, and nobody misses it
        raise
    uploader = Uploader(repo, [tip], target, SILENT)
    lacking = ((uploader.data_path(w), w) for w in items)
    mend = f"{_MEND} {target.remote}".rstrip()
    return [
        Finding(STORED, path, "", f"its content ({w.oid}) is not in {address.url}", mend)
        for path, w in lacking
        if path  # else it is an example in a text
    ]
