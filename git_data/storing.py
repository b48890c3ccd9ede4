"""Which stores a repository has, how each of them stands, and naming another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from . import project, proving
from .errors import DataError, FormatError, NotFound, UsageError
from .repo import Address, Repo, named
from .stores import is_network
from .stores.probe import Probe
from .stores.wrap import no_store
from .transfer import ObjectStore
from .unsent import push_target

FIRST_PUSH = "not a store yet: the first push makes it one"
TRIED_BEFORE = {
    proving.SWAPS: Probe(True, True, ""),
    proving.ALONE: Probe(True, False, "it did not compare and swap when it was tried"),
}


class Standing(NamedTuple):
    """A store, and how it answered."""

    address: Address
    writes_here: bool  # the next push sends data to it
    state: str  # for people
    store_id: str = ""
    problem: DataError | None = None
    able: Probe | None = None  # None: it was not tried, or it is only read


class Chosen(NamedTuple):
    """What naming a store did."""

    created: bool  # it was none before
    problem: DataError | None = None  # why this user cannot write to it


def standing(repo: Repo, write: bool = True, check: bool = False) -> list[Standing]:
    """Every store of this repository, that of the next push first.

    `write`: try to write to that one, and to compare and swap, if it is a folder. Elsewhere that
    takes many requests: what is remembered of it is told, unless `check` asks for it anew.
    """
    found: list[Standing] = []
    seen = set()
    for address in _addresses(repo):
        if address.url not in seen:
            seen.add(address.url)
            stands = _ask(repo, address, writes_here=not found)
            if stands.writes_here and not stands.problem and write:
                stands = _with_ability(repo, stands, check)
            found.append(stands)
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


def _ask(repo: Repo, address: Address, writes_here: bool) -> Standing:
    try:
        store_id = _store_id(repo, address)
    except NotFound as error:
        if not address.create:
            return Standing(address, writes_here, "is not there", problem=error)
        return Standing(address, writes_here, FIRST_PUSH)
    except DataError as error:
        return Standing(address, writes_here, "does not answer", problem=error)
    return Standing(address, writes_here, "answers", store_id)


def _store_id(repo: Repo, address: Address) -> str:
    """The id of a store; NotFound when there is none."""
    opened = repo.open_store(address._replace(create=False))
    if found := ObjectStore(opened, repo.folder).id:
        return found
    raise no_store(address.url)


def _with_ability(repo: Repo, found: Standing, check: bool) -> Standing:
    """What the store can do, found out now, or as it was when it was last tried."""
    address = found.address
    if not is_network(address.url):
        if not found.store_id:
            return found
    elif not check:
        able = TRIED_BEFORE.get(proving.known(repo, address))
        return _judged(repo, found, able) if able else found
    try:
        return _judged(repo, found, proving.try_out(repo, address))
    except DataError as error:
        return found._replace(state=f"{found.state}, cannot be written", problem=error)


def _judged(repo: Repo, found: Standing, able: Probe) -> Standing:
    alone = repo.access(found.address.url).single_writer
    if able.can_compare_and_swap:
        can = "can be written, compares and swaps"
    elif able.can_write:
        can = "can be written by a single writer" if alone else "does not compare and swap"
    else:
        can = "cannot be written"
    is_fine = able.can_compare_and_swap or (able.can_write and alone)
    problem = None if is_fine else proving.refusal(found.address.url, able)
    return found._replace(state=f"{found.state}, {can}", problem=problem, able=able)


# Naming


def choose(repo: Repo, url: str | None, dry_run: bool = False) -> Chosen:
    """Name a store in the work tree's `.gitdata`, None: no store any more.

    What is no store becomes one, if it can. UsageError for what cannot be a store here; StoreError
    for a place that cannot be made one. One that is there already may be named by who can only
    read it.
    """
    if url is None:
        if not dry_run:
            project.write(repo.git, repo.top, "store.url", None)
        return Chosen(False)
    _check(repo, url)
    address = Address(url, "the command line", create=True)
    created = _is_new(repo, address)
    if dry_run:
        return Chosen(created)
    problem = None if created else _try_out(repo, address)
    if created:
        _create(repo, address)
    project.write(repo.git, repo.top, "store.url", url)
    return Chosen(created, problem)


def _is_new(repo: Repo, address: Address) -> bool:
    try:
        _store_id(repo, address)
    except NotFound:
        return True
    return False


def _create(repo: Repo, address: Address) -> None:
    network = is_network(address.url)
    features = proving.required_features(repo, address) if network else ()
    ObjectStore(repo.open_store(address), repo.folder, single_writer=True).create(features)


def _try_out(repo: Repo, address: Address) -> DataError | None:
    """So that the first push need not; why this user cannot write there."""
    try:
        if is_network(address.url):
            proving.required_features(repo, address)
    except DataError as error:
        return error
    return None


def name_mirror(repo: Repo, url: str, dry_run: bool = False) -> DataError | None:
    """Add a mirror to the work tree's `.gitdata`; what is wrong with it, if it does not answer."""
    _check(repo, url)
    here = project.read_file(repo.git, repo.top) or project.Project()
    if url == here.store:
        raise UsageError(f"{url} is the store itself", "name another place as its mirror")
    if url not in here.mirrors and not dry_run:
        project.add(repo.git, repo.top, "store.mirror", url)
    return _ask(repo, Address(url, "the command line"), writes_here=False).problem


def drop_mirror(repo: Repo, url: str, dry_run: bool = False) -> None:
    """Take a mirror out of the work tree's `.gitdata`; UsageError when it names no such one."""
    here = project.read_file(repo.git, repo.top) or project.Project()
    if url not in here.mirrors:
        known = ", ".join(here.mirrors) or "it names none"
        raise UsageError(f"{project.NAME} names no mirror {url}", f"its mirrors: {known}")
    if not dry_run:
        project.remove(repo.git, repo.top, "store.mirror", url)


def _check(repo: Repo, url: str) -> None:
    try:
        project.check_address("URL", url)
    except FormatError as error:
        what = error.message.removeprefix(f"{project.NAME}: ")
        raise UsageError(what, "see: git data store -h") from error
    if is_network(url):
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
