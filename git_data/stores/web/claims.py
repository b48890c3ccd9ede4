"""Who may replace a file next, on a WebDAV server: one at a time.

Its conditional PUT is not enough. Apache's mod_dav looks at `If-Match` when it has the headers and
puts the file in place when it has the body: of two at once both win. Its LOCK is no better: of
eight at once two and more were let in. But making a folder (MKCOL) is atomic. So a folder below
`tmp/`, named for the file and the version that is to be replaced, is the right to replace it. It
goes when that is done. Then nobody else gets through, for the version never comes back.

A claim that somebody left behind gives way to the next number once it is older than any request may
be. Then the condition of the PUT still keeps out whoever comes back late.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from ...errors import Conflict, DataError, StoreError
from ...oid import hash_bytes
from .answers import http_date
from .body import Sent
from .dav import MULTI_STATUS, PROPFIND, Listing
from .session import Session
from .writer import Writer

STALE_SECONDS = 300.0  # servers give up a request that stalls for so long
_PAUSE = (0.02, 0.1)  # seconds between two looks at what another one does
_NUMBERS = 20
_TRIES = 3
_LIST_BYTES = 64 << 10
_ASKED = {"Depth": "0", "Content-Type": 'application/xml; charset="utf-8"'}


class Claims:
    def __init__(self, session: Session, writer: Writer, patience: float) -> None:
        """`patience`: seconds that others are waited for."""
        self._session = session
        self._writer = writer
        self._patience = patience
        self._lock = Lock()
        self._left: set[str] = set()  # of ours, that of a request whose answer was lost

    def take(self, name: str, version: str | None, is_other: Callable[[], bool]) -> str:
        """The right to replace this version; Conflict once `is_other` says that it is replaced.

        Raises StoreError when somebody holds it for too long, Denied.
        """
        base = "tmp/swap-" + hash_bytes(f"{name} {version}".encode()).hex()[:32]
        until = time.monotonic() + self._patience
        while True:
            claim = self._try(base)
            if claim:
                return claim
            address = f"{self._session.url.shown}/{name}"
            if is_other():
                raise Conflict(f"{address} was changed by somebody else")
            if time.monotonic() > until:
                raise StoreError(
                    f"{address} is being replaced by another push, or one was killed while it did",
                    f"nothing was lost; push again: within {STALE_SECONDS / 60:.0f} minutes it is "
                    "free again",
                )
            time.sleep(random.uniform(*_PAUSE))  # noqa: S311

    def leave(self, claim: str) -> None:
        """Keep it: whether the file was replaced is not known. Who tries again has it already."""
        with self._lock:
            self._left.add(claim)

    def drop(self, claim: str) -> None:
        """It is done; claims that others left before this one go too."""
        base, _, number = claim.rstrip("/").rpartition("-")
        for each in range(1, int(number) + 1):
            with suppress(DataError):
                self._writer.delete(f"{base}-{each}/")

    def _try(self, base: str) -> str | None:
        """The first claim that nobody has, if all before it are stale."""
        for number in range(1, _NUMBERS + 1):
            claim = f"{base}-{number}/"
            if self._was_left(claim) or self._make(claim):
                return claim
            if self._age(claim) < STALE_SECONDS:
                return None
        return None

    def _was_left(self, claim: str) -> bool:
        with self._lock:
            found = claim in self._left
            self._left.discard(claim)
            return found

    def _make(self, claim: str) -> bool:
        """True when this very request made it. Of two at once a server may answer one 403."""
        status = 0
        for _ in range(_TRIES):
            with self._session.ask("MKCOL", self._session.url.below(claim)) as answer:
                status = answer.status
            if status in (201, 405):
                return status == 201
            if status == 409:
                self._writer.make_folder_of(claim.rstrip("/"), again=True)
            elif status != 403:
                break
        raise self._writer.refuse(answer, "write")

    def _age(self, claim: str) -> float:
        """Seconds since it was made, by the server's own clock; 0 if that cannot be told."""
        url = self._session.url.below(claim)
        with self._session.ask("PROPFIND", url, _ASKED, Sent([PROPFIND])) as answer:
            if answer.status != MULTI_STATUS:
                return 0.0
            now = http_date(answer.headers.get("Date", ""))
            entries = Listing(answer.address).feed(answer.read(_LIST_BYTES))
        made = http_date(entries[0].modified) if entries else None
        return (now - made).total_seconds() if now and made else 0.0
