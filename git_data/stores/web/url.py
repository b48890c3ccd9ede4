"""Addresses on the web: what is asked, what is shown, and where a redirect may lead.

What is shown never has the login in it, nor the query, which may be one (`?sig=…`).
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from ...errors import StoreError, UsageError
from ..access import Login

_PORTS = {"http": 80, "https": 443}
_ALSO = {"webdav": "http", "webdavs": "https"}  # what some call them when they can be written
_PLAIN = re.compile(r"[\x21-\x7e]+")
_KEPT = "/%:@!$&'()*+,;=~"  # as they are in a path; a `%` that stands alone is what the user wrote


class Origin(NamedTuple):
    """The server that a login is for: another scheme, host or port is another server."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def is_private(self) -> bool:
        """True when nobody on the way can listen: TLS, or this machine itself."""
        return self.scheme == "https" or is_loopback(self.host)


class WebUrl(NamedTuple):
    """An address without its login and its fragment."""

    origin: Origin
    path: str  # quoted; "" or it starts with a slash
    query: str = ""

    def __str__(self) -> str:
        """The whole of it, for the server alone."""
        return f"{self.origin}{self.path or '/'}" + (f"?{self.query}" if self.query else "")

    @property
    def shown(self) -> str:
        return f"{self.origin}{self.path}" + ("?…" if self.query else "")

    def below(self, name: str) -> WebUrl:
        """A file of the folder that this is the address of; the query comes along."""
        return self._replace(path=f"{self.path.rstrip('/')}/{name}")


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_url(url: str) -> tuple[WebUrl, Login | None]:
    """An address that a user or a repository gives, and the login in it; UsageError if none."""
    url = web_address(url)
    found = _parse(url)
    if found is None:
        shown = redact(url)[:80]
        raise UsageError(f"no address on the web: {shown!r}", "write it as https://host/folder")
    parts = urlsplit(url)
    if parts.password is None:
        return found, None
    return found, Login(unquote(parts.username or ""), unquote(parts.password))


def web_address(url: str) -> str:
    """An address as HTTP has it; any other as it is."""
    scheme, sign, rest = url.partition("://")
    return f"{_ALSO.get(scheme.lower(), scheme)}{sign}{rest}"


def follow(here: WebUrl, location: str) -> WebUrl:
    """Where a redirect leads; StoreError where it must not."""
    try:
        found = _parse(urljoin(str(here), location))
    except ValueError:
        found = None
    if found is None:
        raise StoreError(f"{here.shown}: the server redirects to what is no address on the web")
    if here.origin.scheme == "https" and found.origin.scheme != "https":
        raise StoreError(
            f"{here.shown}: the server redirects to {found.origin}, which is not encrypted: "
            "that is never followed"
        )
    return found


def redact(url: str) -> str:
    """An address as it may be shown, whatever is wrong with it."""
    scheme, sign, rest = url.partition("://")
    if not sign:
        return url
    rest, query, _ = rest.partition("?")
    netloc, slash, path = rest.partition("/")
    return f"{scheme}://{netloc.rpartition('@')[2]}{slash}{path}" + ("?…" if query else "")


def _parse(url: str) -> WebUrl | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not _is_host(host):
        return None
    origin = Origin(parts.scheme, host, port or _PORTS[parts.scheme])
    path, query = quote(parts.path, safe=_KEPT), quote(parts.query, safe=_KEPT + "?")
    return WebUrl(origin, path, query)


def _is_host(host: str) -> bool:
    try:
        ascii_host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return False
    return bool(_PLAIN.fullmatch(ascii_host)) and not set('\\/<>"^`{|}%') & set(ascii_host)
