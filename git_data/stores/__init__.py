"""From an address to a store. A store's module is loaded when it is first needed."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ..errors import UsageError
from .access import Access
from .base import Store
from .pace import Paced
from .retry import Retrying
from .wrap import Existing


class Scheme(NamedTuple):
    """Where a kind of store is made: a function of that module that takes the address."""

    module: str
    opener: str


_NETWORK = {
    "s3": Scheme("s3", "open_s3"),
    "http": Scheme("http", "open_http"),
    "https": Scheme("http", "open_http"),
    "webdav": Scheme("http", "open_http"),
    "webdavs": Scheme("http", "open_http"),
    "sftp": Scheme("sftp", "open_sftp"),
    **dict.fromkeys(("gs", "az", "abfs"), Scheme("filesystems", "open_filesystem")),
}
SCHEMES = tuple(_NETWORK)  # of stores that are reached over a network
ANYBODY = Access()


def open_store(url: str, *, base: str, create: bool = False, access: Access = ANYBODY) -> Store:
    """The store at `url`; a relative folder starts at `base`. Nothing is asked of a network yet.

    `create`: what is no store yet becomes one when written. Without it NotFound is raised for such
    a folder now, for any other place when it is written; UsageError for an address of a kind that
    we do not know. `access`: what the user's own settings say of this address.
    """
    scheme, path = _parse(url)
    if scheme == "file":
        from .local import LocalStore

        return LocalStore(os.path.normpath(os.path.join(base, path)), create=create)
    if scheme not in _NETWORK:
        known = ", ".join(["a folder", "file://", *(f"{name}://" for name in _NETWORK)])
        raise UsageError(f"no store can be opened at {url}: {known} is what this version knows")
    module = importlib.import_module(f".{_NETWORK[scheme].module}", __package__)
    opener: Callable[[str, Access], Store] = getattr(module, _NETWORK[scheme].opener)
    store = Retrying(Paced(opener(url, access)), access.patience)
    return store if create else Existing(store)


def is_network(url: str) -> bool:
    """True for an address that is not a folder's."""
    return _parse(url)[0] != "file"


def _parse(url: str) -> tuple[str, str]:
    """The scheme and what follows; an address without scheme is a folder."""
    if "://" not in url or url.startswith("/"):
        return "file", os.path.expanduser(url)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"no address of a store: {url[:80]!r}") from error
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return "file", unquote(url.partition("://")[2].removeprefix("localhost"))
    return parts.scheme if parts.scheme != "file" else "file on another machine", url
