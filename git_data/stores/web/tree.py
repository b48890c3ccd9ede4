"""All files below a folder, asked of a WebDAV server folder by folder.

What it says is checked: an entry counts only if it lies right in the folder that was asked for, and
has a name that a file of a store may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

from ...errors import Denied, StoreError
from ..base import check_name
from .answers import GONE
from .body import Answer, Sent
from .dav import MULTI_STATUS, PROPFIND, Entry, Listing
from .session import Session

_BYTES = 16 << 20  # of one folder's list
_DEPTH = 8
_PIECE = 256 << 10
_ASKED = {"Depth": "1", "Content-Type": 'application/xml; charset="utf-8"'}
_NOT_OFFERED = (400, 403, 405, 501)
_NOT_LISTED = ("tmp",)  # of the store's own folder
_LOCK = ".lock"  # beside a manifest, when the server serves the folder of a local store


class Tree:
    def __init__(self, session: Session, size: Callable[[str], int | None]) -> None:
        """`size`: of a file that the server tells no size of."""
        self._session = session
        self._size = size

    def walk(self, folder: str, depth: int = 0) -> Iterator[tuple[str, int]]:
        """Names in the store and sizes; nothing where there is no such folder."""
        if depth > _DEPTH:
            raise StoreError(f"{self._session.url.shown}/{folder}: too many folders in each other")
        for entry in self._entries(folder):
            name = self._name(entry, folder)
            if name is None:
                continue
            if entry.is_folder:
                yield from self.walk(name, depth + 1)
            elif not name.endswith(_LOCK):
                size = self._size(name) if entry.size is None else entry.size
                if size is not None:
                    yield name, size

    def _name(self, entry: Entry, folder: str) -> str | None:
        """The entry's name in the store; None for the folder itself, and what is none of ours."""
        base = unquote(self._session.url.path).rstrip("/") + "/" + (f"{folder}/" if folder else "")
        path = _path(entry.href)
        last = path.removeprefix(base)
        if not path.startswith(base) or "/" in last or (not folder and last in _NOT_LISTED):
            return None
        try:
            return check_name(f"{folder}/{last}" if folder else last)
        except StoreError:
            return None

    def _entries(self, folder: str) -> Iterator[Entry]:
        url = self._session.url.below(f"{folder}/" if folder else "")
        with self._session.ask("PROPFIND", url, _ASKED, Sent([PROPFIND])) as answer:
            if answer.status in GONE:
                return
            if answer.status in _NOT_OFFERED or answer.status == 200:
                raise Denied(
                    f"{url.shown} cannot be listed: the server offers no WebDAV there "
                    f"(it answered {answer.status} to PROPFIND)"
                )
            if answer.status != MULTI_STATUS:
                raise answer.refuse("list")
            yield from _parse(answer)


def _path(href: str) -> str:
    try:
        return unquote(urlsplit(href).path).rstrip("/")
    except ValueError:
        return ""


def _parse(answer: Answer) -> Iterator[Entry]:
    listing, length = Listing(answer.address), 0
    while piece := answer.read(_PIECE):
        length += len(piece)
        if length > _BYTES:
            raise StoreError(f"{answer.address}: the list of that folder is longer than {_BYTES}")
        yield from listing.feed(piece)
    yield from listing.feed(b"", last=True)
