"""From an address to a store. A store's module is loaded when it is first needed."""

from __future__ import annotations

import importlib
import os
from urllib.parse import unquote, urlsplit

from ..errors import UsageError
from .base import Store

# scheme -> (module, class)
_SCHEMES = {"file": ("local", "LocalStore")}


def open_store(url: str, *, base: str, create: bool = False) -> Store:
    """The store at `url`; a relative folder starts at `base`.

    `create`: a folder that is no store yet becomes one. Without it NotFound is raised for such a
    folder, UsageError for an address of a kind we do not know.
    """
    scheme, path = _parse(url)
    if scheme not in _SCHEMES:
        known = ", ".join(["a folder", *(f"{name}://" for name in _SCHEMES)])
        raise UsageError(f"no store can be opened at {url}: {known} is what this version knows")
    module, name = _SCHEMES[scheme]
    opener = getattr(importlib.import_module(f".{module}", __package__), name)
    store: Store = opener(os.path.normpath(os.path.join(base, path)), create=create)
    return store


def _parse(url: str) -> tuple[str, str]:
    """The scheme and what follows; an address without scheme is a folder."""
    if "://" not in url or url.startswith("/"):
        return "file", os.path.expanduser(url)
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return "file", unquote(url.partition("://")[2].removeprefix("localhost"))
    return parts.scheme if parts.scheme != "file" else "file on another machine", url
