"""How an address is reached: the user's own settings for it, out of Git's config.

A committed `.gitdata` may bring any address, and chooses nothing here. An address counts as the
user's own when his config names it: as `data.store`, as a `data::` remote, or by a
`data.<url>.<key>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from .config import Settings, of_url, seconds, truth
from .git import Git
from .stores import is_network
from .stores.access import Access, Login
from .stores.s3address import SCHEME, parse
from .stores.web.url import web_address

_VARIABLES = {
    "sslcainfo": "GIT_SSL_CAINFO",
    "sslcapath": "GIT_SSL_CAPATH",
    "sslcert": "GIT_SSL_CERT",
    "sslkey": "GIT_SSL_KEY",
}


def reach(git: Git, settings: Settings, url: str) -> Access:
    """The user's settings for the store at `url`; for S3 at another endpoint, those of that too.
    UsageError for an address of S3 that is none."""
    if not is_network(url):
        return Access()
    server = web_address(endpoint(url) or url)
    found = of_url(settings.values, server) | of_url(settings.values, url)
    own = url == settings.store or bool(found) or _is_remote(settings, url)
    http = _http_settings(git, server) if server.startswith(("http://", "https://")) else {}
    return Access(
        trusted=truth("data.<url>.trust", found["trust"]) if "trust" in found else own,
        profile=found.get("profile"),
        single_writer=truth("data.<url>.singleWriter", found.get("singlewriter", "false")),
        proxy=http.get("proxy"),
        ca_file=http.get("sslcainfo"),
        ca_path=http.get("sslcapath"),
        verify=truth("http.sslVerify", http.get("sslverify", "true")),
        certificate=http.get("sslcert"),
        key=http.get("sslkey"),
        credentials=GitCredentials(git, server),
        patience=_patience(found, settings),
    )


def _is_remote(settings: Settings, url: str) -> bool:
    """True for a registry that is a remote of this repository: its `data::` address is named in
    the user's own config."""
    names = (name for name in settings.values if name.startswith("remote."))
    own = (settings.values[name] for name in names if name.endswith((".url", ".pushurl")))
    return any("data::" + url in found for found in own)


def _patience(found: Mapping[str, str], settings: Settings) -> float | None:
    """Seconds without progress after which a request fails: of this address, else of all."""
    given = found.get("patience") or settings.values.get("data.patience", ("",))[-1]
    return seconds("data.patience", given) if given else None


def endpoint(url: str) -> str | None:
    """The server that an S3 address names; None: AWS, or what the user's own AWS setup says."""
    return parse(url).endpoint if urlsplit(url).scheme == SCHEME else None


def _http_settings(git: Git, url: str) -> dict[str, str]:
    """As Git itself finds them: its variables win over its config."""
    login, at, rest = url.partition("://")[2].partition("@")
    if at and "/" not in login:  # the password stays out of the process list
        url = f"{url.partition('://')[0]}://{login.partition(':')[0]}@{rest}"
    found = git.http_settings(url)
    env = git.environ
    found |= {key: env[name] for key, name in _VARIABLES.items() if env.get(name)}
    return found | ({"sslverify": "false"} if "GIT_SSL_NO_VERIFY" in env else {})


class GitCredentials:
    """The user's credential helpers, through `git credential`, for one server."""

    def __init__(self, git: Git, url: str) -> None:
        self._git = git
        parts = urlsplit(url)
        self._where = {"protocol": parts.scheme, "host": parts.netloc.rpartition("@")[2]}
        self._where["path"] = unquote(parts.path).lstrip("/")
        if parts.username:
            self._where["username"] = unquote(parts.username)

    def fill(self) -> Login | None:
        found = self._git.credential("fill", self._where)
        if not found or "password" not in found:
            return None
        return Login(found.get("username", ""), found["password"])

    def approve(self, login: Login) -> None:
        self._tell("approve", login)

    def reject(self, login: Login) -> None:
        self._tell("reject", login)

    def _tell(self, action: str, login: Login) -> None:
        given = {"username": login.user, "password": login.password}
        self._git.credential(action, self._where | given)
