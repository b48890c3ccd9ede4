"""Who we are at a web server: nobody, until it asks. Then Git's credential helpers are asked.

A login belongs to one server, and goes to no other. `git credential` is asked twice at most, by one
thread at a time, however many are waiting: it may ask a person.
"""

from __future__ import annotations

from base64 import b64encode
from threading import Lock

from ...errors import Denied
from ..access import HOW_TO_TRUST, Access, Login
from .url import Origin

_ASKED = 2  # the second time after the helpers forgot what was refused
_STORE_IT = "give Git one that is right: see git help credentials"


class Logins:
    """The login for one server, shared by all threads that talk to it."""

    def __init__(self, origin: Origin, access: Access, first: Login | None = None) -> None:
        """`first`: the one in the address itself, which is tried before any other."""
        self._origin = origin
        self._access = access
        self._lock = Lock()
        self._first = first
        self._asked = 0
        self._kept = False  # the helpers know that it is right
        self._from_helpers = False
        self.current: Login | None = None

    def after_refusal(self, used: Login | None, challenge: str) -> Login:
        """What to try after a 401 that came when `used` was sent. Denied: there is no other."""
        with self._lock:
            if self.current is not None and self.current != used:
                return self.current  # another thread was here before
            self._check(challenge)
            self._forget(used)
            self.current = self._next(used)
            return self.current

    def accepted(self, used: Login) -> None:
        """It was right, so the helpers may keep it."""
        with self._lock:
            if self._kept or not self._from_helpers or used != self.current:
                return
            self._kept = True
            self._access.credentials.approve(used)

    def _check(self, challenge: str) -> None:
        if not (self._origin.is_private or self._access.trusted):
            raise Denied(
                f"{self._origin} wants a login, and it is not encrypted: none was sent",
                HOW_TO_TRUST.format(self._origin),
            )
        if "basic" not in challenge.lower():
            kind = challenge.partition(" ")[0][:40] or "none that it names"
            raise Denied(
                f"{self._origin} wants a login of a kind that git-data cannot do: {kind!r}"
            )

    def _forget(self, used: Login | None) -> None:
        if used is not None and used == self.current and self._from_helpers:
            self._access.credentials.reject(used)
        self.current = None

    def _next(self, used: Login | None) -> Login:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        found = None
        if self._asked < _ASKED:
            self._asked += 1
            found = self._access.credentials.fill()
            self._from_helpers, self._kept = found is not None, False
        if found is None or found == used:
            self._asked = _ASKED
            raise Denied(self._why(used), _STORE_IT)
        return found

    def _why(self, used: Login | None) -> str:
        if used is None:
            return f"{self._origin} wants a login, and Git has none for it"
        return f"{self._origin} does not accept the login that Git has for it"


def basic(login: Login) -> str:
    """The value of an Authorization header."""
    return "Basic " + b64encode(f"{login.user}:{login.password}".encode()).decode()
