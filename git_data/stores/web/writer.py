"""Putting files on a web server, with the folders above them where it wants them to be made first.

WebDAV answers 409 to a PUT into a folder that is not there; others make it by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import DataError, Denied, StoreError
from .answers import GONE, NOT_OFFERED
from .body import Answer, Sent
from .session import Session

DONE = (200, 201, 204)
_NONE: Mapping[str, str] = {}


class Writer:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: set[str] = set()  # folders that are there
        self._is_dav: bool | None = None

    def is_dav(self) -> bool:
        """True for a WebDAV server, by its own word. Asked once."""
        if self._is_dav is None:
            with self._session.ask("OPTIONS", self._session.url.below("")) as answer:
                if answer.status >= 500 and answer.status not in NOT_OFFERED:
                    raise answer.refuse("ask what can be done at")
                words = answer.headers.get("DAV", "").split(",")
            self._is_dav = "1" in (word.strip() for word in words)
        return self._is_dav

    def put(self, name: str, body: Sent, conditions: Mapping[str, str] = _NONE) -> Answer:
        """The answer, whatever its status; it is closed. Missing folders are made."""
        answer = self._put(name, body, conditions)
        if answer.status == 409 or (answer.status == 404 and "If-Match" not in conditions):
            self.make_folder_of(name, again=True)
            answer = self._put(name, body, conditions)
        return answer

    def _put(self, name: str, body: Sent, conditions: Mapping[str, str]) -> Answer:
        # So that nobody on the way takes it for a text, and alters it.
        sent = {"Content-Type": "application/octet-stream", **conditions}
        with self._session.ask("PUT", self._session.url.below(name), sent, body) as answer:
            return answer

    def make_folder_of(self, name: str, again: bool = False) -> None:
        """Before a large file is put: so that it is not sent in vain. Once, unless `again`."""
        folder = self._above(name)
        if again or folder not in self._made:
            self._make(folder)

    def _above(self, name: str) -> str:
        return self._session.url.below(name).path.rpartition("/")[0]

    def _make(self, path: str) -> None:
        """The folder, and those above it. Whether it helped, the next PUT will tell."""
        if self._mkcol(path) == 409 and path.count("/") > 1:
            self._make(path.rpartition("/")[0])
            self._mkcol(path)
        self._made.add(path)

    def _mkcol(self, path: str) -> int:
        with self._session.ask("MKCOL", self._session.url._replace(path=path + "/")) as answer:
            if answer.status >= 500 and answer.status not in NOT_OFFERED:
                raise answer.refuse("make the folder")
            return answer.status

    def delete(self, name: str) -> None:
        """A file, or an empty folder whose name ends with a slash."""
        with self._session.ask("DELETE", self._session.url.below(name)) as answer:
            if answer.status not in (*DONE, *GONE):
                raise self.refuse(answer, "delete")

    def refuse(self, answer: Answer, doing: str) -> DataError:
        """The error for what a server did not do."""
        if answer.status in (403, *NOT_OFFERED):
            return Denied(
                f"{self._session.url.shown} is read-only, for you or for everybody: the server "
                f"answered {answer.status} when it was asked to {doing} {answer.address}",
                "allow PUT and DELETE there (WebDAV), or name another store: git data store URL",
            )
        if answer.status in (409, *GONE):
            return StoreError(
                f"cannot {doing} {answer.address}: its folder is not there, and cannot be made"
            )
        return answer.refuse(doing)
