"""The little of WebDAV that a store needs: what is in a folder. RFC 4918, sections 9.1 and 14.

The answer is XML from outside: no document type, so no entities, is taken; sizes are bounded; it is
parsed as it comes and nothing of it is kept but names, sizes and which of them are folders.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.parsers import expat

from ...errors import StoreError

MULTI_STATUS = 207
PROPFIND = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getlastmodified/>"
    b"</prop></propfind>"
)
_TEXT = 8 << 10  # characters of a name
_DEPTH = 100
_HREF, _SIZE, _MODIFIED = "DAV: href", "DAV: getcontentlength", "DAV: getlastmodified"


class Entry(NamedTuple):
    """One line of a folder."""

    href: str  # a path, or a whole address; quoted
    is_folder: bool
    size: int | None  # None: the server does not say
    modified: str = ""  # a date as in HTTP's headers


class Listing:
    """Feed it the body of an answer; it gives entries. StoreError for what is no listing."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._entries: list[Entry] = []
        self._open: list[str] = []
        self._texts: dict[str, str] = {}
        self._is_folder = False
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, data: bytes, last: bool = False) -> list[Entry]:
        """Those that are complete with these bytes."""
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError:
            raise self._wrong("is no XML") from None
        found, self._entries = self._entries, []
        return found

    def _wrong(self, how: str) -> StoreError:
        return StoreError(f"{self._address}: the server's list of that folder {how}")

    def _refuse(self, *_: object) -> None:
        raise self._wrong("declares a document type")

    def _start(self, name: str, _: object) -> None:
        if name == "DAV: response":
            self._texts, self._is_folder = {}, False
        elif name == "DAV: collection" and self._open[-1:] == ["DAV: resourcetype"]:
            self._is_folder = True
        self._open.append(name)
        if len(self._open) > _DEPTH:
            raise self._wrong("is nested too deeply")

    def _text(self, text: str) -> None:
        name = self._open[-1]
        # The name of the entry itself, and not one that stands somewhere in a property.
        own = name != _HREF or self._open[-2:-1] == ["DAV: response"]
        if name in (_HREF, _SIZE, _MODIFIED) and own:
            self._texts[name] = self._texts.get(name, "") + text
            if len(self._texts[name]) > _TEXT:
                raise self._wrong("has a name that is too long")

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == "DAV: response" and _HREF in self._texts:
            texts = {key: text.strip() for key, text in self._texts.items()}
            size = texts.get(_SIZE, "")
            known = int(size) if size.isascii() and size.isdecimal() and len(size) < 19 else None
            modified = texts.get(_MODIFIED, "")
            self._entries.append(Entry(texts[_HREF], self._is_folder, known, modified))
