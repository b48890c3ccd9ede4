"""Requests to one web server, and to where it redirects.

Redirects are followed here and not by the library: a login goes to the server of the address alone,
nothing goes from https to http, no cookie is kept, and what writes is not sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from ...errors import StoreError
from ..access import Access, Login
from .body import Answer, Sent
from .login import Logins, basic
from .url import WebUrl, follow
from .wire import Timeouts, Wire

MAX_REDIRECTS = 5
_READS = ("GET", "HEAD")
_REDIRECTS = (301, 302, 303, 307, 308)
_SAME_VERB = (307, 308)
_LOGINS = 3  # of one request: the address's own, and two that Git gives
_NONE: Mapping[str, str] = {}
_EMPTY = Sent(())


class Folder(StoreError):
    """What was asked for as a file is a folder: the server redirects to its name and a slash."""


class Session:
    def __init__(
        self, url: WebUrl, access: Access, login: Login | None, timeouts: Timeouts
    ) -> None:
        """`url`: of the store; `login`: the one in its address."""
        self.url = url
        self._logins = Logins(url.origin, access, login)
        self._wire = Wire(url.origin, access, timeouts)

    def ask(
        self, verb: str, url: WebUrl, headers: Mapping[str, str] = _NONE, body: Sent = _EMPTY
    ) -> Answer:
        """The answer, whatever its status, from where redirects lead; its body is yet to be read.

        Raises Folder, Denied, Unreachable when there is no answer, StoreError.
        """
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._ask_logged_in(verb, here, headers, body)
            if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                if here is not url:
                    answer.address = f"{url.shown} (redirected to {here.origin})"
                return answer
            with answer:
                here = self._redirect(verb, here, answer)
        raise StoreError(f"{url.shown}: the server redirects more than {MAX_REDIRECTS} times")

    def _redirect(self, verb: str, here: WebUrl, answer: Answer) -> WebUrl:
        there = follow(here, answer.headers["Location"])
        if unquote(there.path) == unquote(here.path) + "/":
            raise Folder(f"{here.shown} is a folder, not a file")
        if verb in _READS:
            return there
        if there.origin == here.origin and answer.status in _SAME_VERB:
            return there
        raise StoreError(
            f"{here.shown}: the server redirects {verb} to {there.shown}, which is not followed",
            "name the store by that address if it is yours",
        )

    # The login

    def _ask_logged_in(
        self, verb: str, url: WebUrl, headers: Mapping[str, str], body: Sent
    ) -> Answer:
        sent = {"User-Agent": "git-data", "Accept-Encoding": "identity", **headers}
        if url.origin != self.url.origin:
            return self._wire.send(verb, url, sent, body)
        for _ in range(_LOGINS + 1):
            login = self._logins.current
            known = {"Authorization": basic(login)} if login else {}
            answer = self._wire.send(verb, url, sent | known, body)
            if answer.status != 401:
                if login and answer.status < 500:
                    self._logins.accepted(login)
                break
            with answer:
                self._logins.after_refusal(login, answer.headers.get("WWW-Authenticate", ""))
        return answer
