"""Stores in the file systems of fsspec: Google's cloud and Azure. Its home.

Which library a scheme needs is in the table; nothing else is loaded for one, whatever an address
says. A library finds its credentials by itself, and sends them to the provider's own cloud: there
is no address here that leads elsewhere. The packages are asked for when a store is first used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..errors import SAFE, DataError, Denied, Unreachable, UsageError
from ..pip import pip_install
from .access import Access
from .base import Part
from .filestore import FileStore, Found, explain_os_error, is_away
from .web.answers import refusal
from .web.faults import why


class Backend(NamedTuple):
    protocol: str  # as fsspec calls it
    package: str  # on PyPI
    hint: str  # when it cannot be set up


_ACCOUNT = "name the account: abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER"
BACKENDS = {
    "gs": Backend("gs", "gcsfs", "see the documentation of gcsfs"),
    "az": Backend("az", "adlfs", _ACCOUNT),
    "abfs": Backend("abfs", "adlfs", _ACCOUNT),
}
_LOUD = ("fsspec", "gcsfs", "adlfs", "azure", "google")  # what they log is not for the terminal
_AZURE = re.compile(r"([a-z0-9]{3,24})\.(?:blob|dfs)\.core\.windows\.net")
_CONTAINER = re.compile(r"[a-z0-9$][a-z0-9._-]{1,221}")
# By their names, in the libraries that are not ours to import.
_AWAY_KINDS = {"ClientError", "ServiceRequestError", "ServiceResponseError", "TransportError"}
_LOGIN_KINDS = {"GoogleAuthError", "ClientAuthenticationError"}


def open_filesystem(url: str, access: Access) -> FileStore:
    """gs://bucket/folder, az://container/folder, abfs://container@account.dfs.core.windows.net/…

    Nothing is asked yet. UsageError for no such address.
    """
    scheme, root, options = parse(url)
    shown = url.rstrip("/")
    return FileStore(SpecFiles(_opener(scheme, options), root, shown), access.single_writer)


def parse(url: str) -> tuple[str, str, dict[str, str]]:
    """The scheme, the path in its file system, and what the file system needs to know."""
    try:
        parts = urlsplit(url)
        host, name = (parts.hostname or ""), parts.username
        bad = bool(parts.port or parts.password or parts.query or parts.fragment)
    except ValueError:
        raise _no_address(url) from None
    account = _AZURE.fullmatch(host) if name and parts.scheme != "gs" else None
    container = name if account and name else host
    folder = unquote(parts.path).strip("/")
    odd = folder and not {"", ".", ".."}.isdisjoint(folder.split("/"))
    if bad or odd or (name and not account) or not _CONTAINER.fullmatch(container):
        raise _no_address(url)
    root = f"{container}/{folder}" if folder else container
    return parts.scheme, root, {"account_name": account[1]} if account else {}


def _no_address(url: str) -> UsageError:
    shown = url.rpartition("@")[2][:80]
    return UsageError(f"no address of a store: {shown!r}", "write it as gs://bucket/folder")


def _opener(scheme: str, options: dict[str, str]) -> Callable[[], Any]:
    backend = BACKENDS[scheme]

    def load() -> Any:
        for name in _LOUD:
            logging.getLogger(name).addHandler(logging.NullHandler())
        try:
            import fsspec

            # Its caches would show what was there before.
            fresh = {"skip_instance_cache": True, "use_listings_cache": False}
            return fsspec.filesystem(backend.protocol, **fresh, **options)
        except ImportError:
            raise UsageError(
                f"a store at {scheme}:// needs packages that are not installed",
                pip_install("fsspec", backend.package),
            ) from None
        except Exception as error:
            raise UsageError(
                f"{backend.package} cannot be used for {scheme}:// ({type(error).__name__})",
                backend.hint,
            ) from None

    return load


class SpecFiles:
    """Of a file system whose `pipe_file` puts a file as a whole, as those of clouds do."""

    def __init__(self, load: Callable[[], Any], root: str, url: str) -> None:
        self._load = load
        self._root = root
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    @cached_property
    def _system(self) -> Any:
        return self._load()

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def read(self, path: str, start: int, length: int) -> bytes:
        try:
            data = self._system.cat_file(self._path(path), start=start, end=start + length)
            return bytes(data[:length])
        except FileNotFoundError:
            raise
        except Exception:
            found = self.look(path)
            if found and not found.is_folder and found.size <= start:
                return b""  # some refuse a range that starts where the file ends
            raise

    def look(self, path: str) -> Found | None:
        try:
            return _found(self._system.info(self._path(path)))
        except FileNotFoundError:
            return None

    def list(self, path: str) -> Iterator[Found]:
        self._system.invalidate_cache()
        try:
            entries = self._system.ls(self._path(path), detail=True)
        except FileNotFoundError:
            return
        for entry in entries:
            if entry["name"].strip("/") != self._path(path).strip("/"):
                yield _found(entry)

    def put(self, path: str, parts: Sequence[Part]) -> None:
        self._system.pipe_file(self._path(path), b"".join(parts))

    def delete(self, path: str) -> None:
        self._system.rm_file(self._path(path))

    def explain(self, error: Exception, doing: str, address: str) -> DataError:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & _LOGIN_KINDS:
            return Denied(
                f"cannot {doing} {address}: no login that is accepted was found there",
                "log in with the provider's own command, such as gcloud or az",
            )
        for name in ("status_code", "status", "code"):
            status = getattr(error, name, None)
            if isinstance(status, int) and 400 <= status < 600:
                return refusal(status, {}, doing, address)
        if is_away(error) or kinds & _AWAY_KINDS:
            return Unreachable(f"{address} does not answer: {why(error)}", SAFE)
        return explain_os_error(error, doing, address)


def _found(entry: dict[str, Any]) -> Found:
    name = entry["name"].rstrip("/").rpartition("/")[2]
    return Found(name, entry["type"] == "directory", int(entry.get("size") or 0))
