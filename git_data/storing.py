"""Which stores a repository has, how each of them stands, and naming another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from . import project
from .errors import DataError, FormatError, NotFound, StoreError, UsageError
from .inventory import push_target
from .repo import Address, Repo, named
from .stores import open_store
from .stores.probe import probe
from .transfer import ObjectStore

FIRST_PUSH = "not a store yet: the first push makes it one"


class Standing(NamedTuple):
    """A store, and how it answered."""

    address: Address
    writes_here: bool  # the next push sends data to it
    state: str  # for people
    store_id: str = ""
    problem: DataError | None = None


def standing(repo: Repo, write: bool = True) -> list[Standing]:
    """Every store of this repository, that of the next push first.

    `write`: try to write to that one, and to compare and swap.
    """
    found: list[Standing] = []
    seen = set()
    for address in _addresses(repo):
        if address.url not in seen:
            seen.add(address.url)
            found.append(_ask(repo, address, writes_here=not found, write=write and not found))
    return found


def _addresses(repo: Repo) -> Iterator[Address]:
    """As a push from this work tree, once committed, would choose; then what is only read."""
    if repo.settings.store:
        yield Address(repo.settings.store, "data.store", create=True)
    chosen = repo.project_to_clean
    if chosen.store:
        yield from named(chosen)
    target = push_target(repo)
    for name in sorted(repo.remotes(), key=lambda name: name != target.remote):
        address = repo.path_remote(repo.git.remote_url(name) or "", name)
        if address:
            yield address
    if not chosen.store:
        yield from named(chosen)
    if repo.own_store:
        yield repo.own_store


def _ask(repo: Repo, address: Address, writes_here: bool, write: bool) -> Standing:
    try:
        opened = repo.open_store(address._replace(create=False))
        store_id = ObjectStore(opened, repo.folder).id
    except NotFound as error:
        if address.create:
            return Standing(address, writes_here, FIRST_PUSH)
        return Standing(address, writes_here, "is not there", problem=error)
    except DataError as error:
        return Standing(address, writes_here, "does not answer", problem=error)
    if not write:
        return Standing(address, writes_here, "answers", store_id)
    try:
        result = probe(opened)
    except DataError as error:
        return Standing(address, writes_here, "answers, cannot be written", store_id, error)
    if result.can_write and result.can_compare_and_swap:
        return Standing(
            address, writes_here, "answers, can be written, compares and swaps", store_id
        )
    problem = StoreError(result.reason, "name another store: git data store URL")
    able = "does not compare and swap" if result.can_write else "cannot be written"
    return Standing(address, writes_here, f"answers, {able}", store_id, problem)


def choose(repo: Repo, url: str | None, dry_run: bool = False) -> bool:
    """Name a store in the work tree's `.gitdata`, None: no store any more.

    A folder that is no store becomes one; True if so. UsageError for what cannot be a store here.
    """
    if url is None:
        if not dry_run:
            project.write(repo.git, repo.top, "store.url", None)
        return False
    _check(repo, url)
    created = _is_new(repo, url)
    if not dry_run:
        if created:
            ObjectStore(open_store(url, base=repo.top, create=True), repo.folder).create()
        project.write(repo.git, repo.top, "store.url", url)
    return created


def _is_new(repo: Repo, url: str) -> bool:
    try:
        ObjectStore(open_store(url, base=repo.top, create=False), repo.folder).id  # noqa: B018
    except NotFound:
        return True
    return False


def _check(repo: Repo, url: str) -> None:
    try:
        project.check_address("URL", url)
    except FormatError as error:
        raise UsageError(
            f"no address of a store: {url[:80]!r}", "see: git data store -h"
        ) from error
    if "://" in url and not url.startswith(("/", "file://")):
        return
    folder = unquote(url[7:]) if url.startswith("file://") else os.path.expanduser(url)
    path = os.path.join(repo.top, folder)
    path, top = os.path.realpath(path), os.path.realpath(repo.top)
    git_dir = os.path.realpath(repo.location.common_dir)
    if (path + os.sep).startswith(top + os.sep) and not path.startswith(git_dir + os.sep):
        raise UsageError(
            f"{path} lies in the work tree, where git add would take the store for files",
            "name a folder outside of it",
        )
