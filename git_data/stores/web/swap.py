"""Compare and swap on a web server: a conditional PUT, and a turn of one's own where that is not
enough (`claims.py`).

The version of a file is the hash of its content. Which ETag the server has for it is remembered,
and asked for again when it is not known or weak: Apache's is weak for a second after a change.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from ...errors import Conflict, Damaged, StoreError, Unreachable
from ...oid import hash_bytes
from ..base import READ_BYTES, Part
from .answers import GONE, any_etag
from .body import Sent
from .claims import Claims
from .ranges import check_plain
from .session import Session
from .writer import DONE, Writer

_REMEMBERED = 64  # versions
_LOST = "two who push at once would lose data"
_TRIES = 3  # an ETag may turn from weak to strong in between


class Seen(NamedTuple):
    data: bytes
    version: str
    etag: str | None


class Swapper:
    def __init__(
        self, session: Session, writer: Writer, patience: float, alone: bool = False
    ) -> None:
        """`alone`: the user says that nobody else writes there, so looking before is enough."""
        self._alone = alone
        self._session = session
        self._writer = writer
        self._claims = Claims(session, writer, patience)
        self._lock = Lock()
        self._etags: dict[tuple[str, str], str] = {}

    def look(self, name: str, limit: int) -> Seen | None:
        """A small file as it is now; None when there is none."""
        asked = {"Cache-Control": "no-cache"}  # what a cache in between has may be old
        with self._session.ask("GET", self._session.url.below(name), asked) as answer:
            if answer.status in GONE:
                return None
            if answer.status != 200:
                raise answer.refuse("read")
            check_plain(answer)
            data, etag = answer.read(limit + 1), any_etag(answer.headers)
            if len(data) > limit:
                raise Damaged(f"{answer.address} is damaged: it has more than {limit} bytes")
        seen = Seen(data, hash_bytes(data).hex(), etag)
        self._remember(name, seen.version, etag)
        return seen

    def replace(self, name: str, data: Part, version: str | None) -> str:
        """As `replace_if` of a store."""
        new = hash_bytes(data).hex()
        if not self._writer.is_dav():
            self._put(name, Sent([data]), new, version)
            return new
        claim = self._claims.take(name, version, lambda: self._is_other(name, version))
        try:
            self._put(name, Sent([data]), new, version)
        except (Unreachable, KeyboardInterrupt):
            self._claims.leave(claim)
            raise
        except BaseException:
            self._claims.drop(claim)
            raise
        self._claims.drop(claim)
        return new

    def _put(self, name: str, body: Sent, new: str, version: str | None) -> None:
        for _ in range(_TRIES):
            answer = self._writer.put(name, body, self._condition(name, version))
            if answer.status in DONE:
                self._remember(name, new, any_etag(answer.headers))
                return
            gone = version is not None and answer.status in (409, *GONE)
            if gone or (answer.status == 412 and self._is_other(name, version)):
                raise _changed(answer.address)
            if answer.status != 412:
                raise self._writer.refuse(answer, "write")
        raise StoreError(f"{answer.address}: the server does not know the ETags that it gives")

    def _condition(self, name: str, version: str | None) -> Mapping[str, str]:
        """The headers that keep the PUT from replacing any other version. Conflict if it must."""
        if self._alone and self._is_other(name, version):
            raise _changed(self._shown(name))
        if version is None:
            return {"If-None-Match": "*"}
        with self._lock:
            etag = self._etags.get((name, version))
        if etag is None or etag.startswith("W/"):
            seen = self.look(name, READ_BYTES)
            if seen is None or seen.version != version:
                raise _changed(self._shown(name))
            etag = seen.etag
        if etag and not etag.startswith("W/"):
            return {"If-Match": etag}
        if etag and self._writer.is_dav():  # whose turn it is, is settled: this is for who is late
            return {"If": f"([{etag[2:]}]) ([{etag}])"}
        if self._alone:
            return {}
        raise StoreError(
            f"{self._shown(name)} cannot be replaced safely: the server gives no strong ETag for it"
        )

    def _is_other(self, name: str, version: str | None) -> bool:
        seen = self.look(name, READ_BYTES)
        return (seen.version if seen else None) != version

    def _remember(self, name: str, version: str, etag: str | None) -> None:
        with self._lock:
            self._etags.pop((name, version), None)
            if etag:
                self._etags[name, version] = etag
            if len(self._etags) > _REMEMBERED:
                del self._etags[next(iter(self._etags))]

    def _shown(self, name: str) -> str:
        return self._session.url.below(name).shown

    # For the probe

    def prove(self, name: str) -> str:
        """What is wrong with the server's conditions, by trying; "" when nothing was found.

        `name` is a small file of the probe's own, and is there.
        """
        seen = self.look(name, READ_BYTES)
        if seen is None or not seen.data:
            return f"{self._shown(name)} is gone"
        other, third = (os.urandom(len(seen.data)) for _ in range(2))
        self.replace(name, other, seen.version)
        old = seen.etag if seen.etag and not seen.etag.startswith("W/") else '"none of its own"'
        if self._writer.put(name, Sent([third]), {"If-Match": old}).status != 412:
            return f"{self._session.url.shown} replaced a file that had changed: {_LOST}"
        return "" if self._writer.is_dav() else self._overtake(name)

    def _overtake(self, name: str) -> str:
        """Replace the file in the middle of replacing it: the slow one must come too late."""
        seen = self.look(name, READ_BYTES)
        if seen is None:
            return f"{self._shown(name)} is gone"
        quick, slow = (os.urandom(len(seen.data)) for _ in range(2))
        won: list[str] = []

        def overtake() -> None:
            with suppress(Unreachable, Conflict):  # it does one thing after the other: that is fine
                won.append(self.replace(name, quick, seen.version))

        conditions = self._condition(name, seen.version)
        answer = self._writer.put(name, Sent([slow], overtake), conditions)
        if answer.status == 412 or not won:
            return ""
        return f"{self._session.url.shown} looks at If-Match before it has the whole file: {_LOST}"


def _changed(address: str) -> Conflict:
    return Conflict(f"{address} was changed by somebody else")
