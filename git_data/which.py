"""Whether an address is a registry in a store, or a Git repository: one read of a manifest tells.

A web server is asked without credentials first: a Git host that wants some is asked for them by
Git itself, once. What cannot be told is Git's: its own messages say best what is wrong there.
"""

from __future__ import annotations

from typing import NamedTuple

from . import manifest
from .addresses import Kind, Place
from .config import Settings
from .errors import DataError, Denied
from .git import Git
from .gitmanifest import holds_registry
from .reach import reach
from .stores import open_store
from .stores.access import Access, NoCredentials
from .stores.base import Store

_PATIENCE = 2.0  # seconds: a server that is away is Git's to complain of
KEY = "remote.{}.dataregistry"  # false: this remote was seen to be a Git repository


class Opened(NamedTuple):
    """A store, and how it is reached."""

    store: Store
    access: Access


def open_registry(place: Place, git: Git, chosen: Settings, remote: str | None) -> Opened | None:
    """The store where a registry is, or is to be; None: Git carries it. `remote`: its name."""
    if place.kind not in (Kind.STORE, Kind.WEB):
        return None
    # Somebody typed this address, or configured it: it is the user's own.
    access = reach(git, chosen, place.url)._replace(trusted=True)
    if place.kind is Kind.STORE:
        return Opened(open_store(place.url, base=git.folder, create=True, access=access), access)
    if remote and chosen.values.get(KEY.format(remote), ("",))[-1] == "false":
        return None
    found = _on_the_web(place.url, git, access)
    return Opened(found, access) if found else None


def _on_the_web(url: str, git: Git, access: Access) -> Store | None:
    try:
        anonymous = access._replace(credentials=NoCredentials(), patience=_PATIENCE)
        if not _is_ours(open_store(url, base=git.folder, access=anonymous)):
            return None
    except Denied:
        if not _is_ours_if_asked(url, git, access):
            return None
    except (DataError, ImportError):  # no answer, or the library for it is not installed
        return None
    return open_store(url, base=git.folder, access=access)


def _is_ours_if_asked(url: str, git: Git, access: Access) -> bool:
    try:
        return _is_ours(open_store(url, base=git.folder, access=access))
    except DataError:
        return False


def _is_ours(store: Store) -> bool:
    """A registry, or a store of data that may become one."""
    return holds_registry(store) or _holds_data(store)


def _holds_data(store: Store) -> bool:
    found = store.read_small(manifest.NAME, manifest.MAX_BYTES)
    if found is None:
        return False
    manifest.parse(found.data, f"{store.url}/{manifest.NAME}")
    return True


def remember_git(git: Git, remote: str) -> None:
    """The next command need not ask: Git has carried a whole conversation with this remote."""
    git.attempt("config", "--local", KEY.format(remote), "false")
