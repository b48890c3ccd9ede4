"""One request over the network, and its answer. The home of `requests`, loaded with the first one.

Its sessions are not used: they follow redirects, keep cookies and read ~/.netrc. Its adapters are:
connections kept alive, proxies, TLS. What counts is the user's Git config, as for Git itself:
`http.proxy`, `http.sslCAInfo` and so on; without them the environment's proxies, and the CAs of the
system and of the library. Nothing is tried twice.
"""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ...errors import StoreError, UsageError
from ..access import Access
from .body import Answer, Sent
from .faults import unanswered
from .url import Origin, WebUrl

CONNECTIONS = 32  # kept alive, for as many threads
_SLOWEST = 1 << 20  # bytes a second: a server may take longer to store much


class Timeouts(NamedTuple):
    """Seconds."""

    connect: float = 20.0
    stall: float = 60.0  # without progress, either way
    turn: float = 30.0  # until others have replaced the file that is to be replaced


class Library(NamedTuple):
    """The library, once it is loaded."""

    requests: Any
    adapter: type[Any]
    broken: tuple[type[BaseException], ...]  # what it raises when there is no answer


class Wire:
    def __init__(self, origin: Origin, access: Access, timeouts: Timeouts) -> None:
        """`origin`: the server that a client certificate is for, and no other."""
        self._origin = origin
        self._access = access
        self._timeouts = timeouts
        self._lock = Lock()
        self._loaded: Library | None = None
        self._adapters: dict[tuple[bool, str | None], Any] = {}

    def send(self, verb: str, url: WebUrl, headers: Mapping[str, str], body: Sent) -> Answer:
        """The answer, whatever its status. Raises Unreachable when there is none, StoreError."""
        library, adapter = self._prepared(url)
        proxy = self._proxy(library.requests, url)
        try:
            data = body if body.size else b""
            request = library.requests.Request(verb, str(url), dict(headers), data=data).prepare()
            response = adapter.send(
                request,
                stream=True,
                timeout=(self._timeouts.connect, self._timeouts.stall + body.size / _SLOWEST),
                verify=self._access.verify,
                proxies={url.origin.scheme: proxy} if proxy else {},
            )
        except library.broken as error:
            # Its text has the whole address, and what may be secret in it: it is left behind.
            raise unanswered(error, url.shown, str(url.origin), _host_of(proxy)) from None
        except ValueError as error:
            kind = type(error).__name__
            raise StoreError(f"{url.shown}: no request can be made of it ({kind})") from None
        return Answer(response, url.shown, self._timeouts.stall, library.broken)

    def _proxy(self, requests: Any, url: WebUrl) -> str:
        """By Git's rule: http.proxy, else the environment's; no_proxy counts for both."""
        if requests.utils.should_bypass_proxies(str(url), no_proxy=None):
            return ""
        if self._access.proxy is not None:
            return self._access.proxy
        return str(requests.utils.select_proxy(str(url), requests.utils.getproxies()) or "")

    def _prepared(self, url: WebUrl) -> tuple[Library, Any]:
        """The library, and its connections of the kind that this server gets."""
        secure = url.origin.scheme == "https"
        certificate = self._access.certificate if secure and url.origin == self._origin else None
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._access.verify)
            library, kind = self._loaded, (secure, certificate)
            if kind not in self._adapters:
                more_cas = library.requests.certs.where()
                context = _tls(self._access, certificate, more_cas) if secure else None
                self._adapters[kind] = library.adapter(context)
            return library, self._adapters[kind]


def _load(verify: bool) -> Library:
    import requests as library

    requests: Any = library  # of some versions with types, of others without
    errors = requests.packages.urllib3.exceptions
    if not verify:  # the user's own will: Git says nothing of it either
        warnings.simplefilter("ignore", errors.InsecureRequestWarning)

    class Adapter(requests.adapters.HTTPAdapter):  # type: ignore[misc]
        """Connections with our TLS settings, read once and not for each of them."""

        def __init__(self, context: ssl.SSLContext | None) -> None:
            self._more = {"ssl_context": context} if context else {}
            super().__init__(pool_connections=8, pool_maxsize=CONNECTIONS, max_retries=0)

        def init_poolmanager(self, *sizes: Any, **more: Any) -> None:
            super().init_poolmanager(*sizes, **self._more, **more)

        def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
            return super().proxy_manager_for(proxy, **self._more, **more)

        def cert_verify(self, conn: Any, url: str, verify: object, cert: object) -> None:
            conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"

    broken = (requests.exceptions.RequestException, errors.HTTPError, OSError)
    return Library(requests, Adapter, broken)


def _tls(access: Access, certificate: str | None, more_cas: str) -> ssl.SSLContext:
    """The CAs that the user names, else the system's and `more_cas`: some systems have none."""
    named, folder = _path(access.ca_file), _path(access.ca_path)
    try:
        context = ssl.create_default_context(cafile=named, capath=folder)
        if not named and not folder:
            context.load_verify_locations(more_cas)
        if not access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate:
            # A key with a password is refused: OpenSSL would ask for it on the terminal.
            context.load_cert_chain(_path(certificate) or "", _path(access.key), password="")
    except OSError as error:
        files = ", ".join(filter(None, (named, folder, certificate)))
        reason = error.strerror or "nothing in it can be used"
        raise UsageError(
            f"the certificates in {files} cannot be loaded: {reason}",
            "see what is set: git config --get-regexp 'http.*ssl'",
        ) from None
    return context


def _path(name: str | None) -> str | None:
    return os.path.expanduser(name) if name else None


def _host_of(proxy: str) -> str:
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}").hostname or proxy
