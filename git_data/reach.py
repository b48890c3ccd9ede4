"""How an address is reached: the user's own settings for it, out of Git's config.

A committed `.gitdata` may bring any address, and chooses nothing here. An address counts as the
user's own when his config names it: as `data.store`, or by any `data.<url>.<key>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from .config import Settings, of_url, seconds, truth
from .git import Git
from .stores import is_network
from .stores.access import Access, Login


def reach(git: Git, settings: Settings, url: str) -> Access:
    """The user's settings for the store at `url`; for S3 at another endpoint, those of that too."""
    if not is_network(url):
        return Access()
    server = endpoint(url) or url
    found = of_url(settings.values, server) | of_url(settings.values, url)
    own = url == settings.store or bool(found)
    http = git.http_settings(server) if server.startswith(("http://", "https://")) else {}
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


def _patience(found: Mapping[str, str], settings: Settings) -> float | None:
    """Seconds without progress after which a request fails: of this address, else of all."""
    given = found.get("patience") or settings.values.get("data.patience", ("",))[-1]
    return seconds("data.patience", given) if given else None


def endpoint(url: str) -> str | None:
    """The server that an S3 address names; None: AWS, or what the user's own AWS setup says."""
    parts = urlsplit(url)
    return parse_qs(parts.query).get("endpoint", [None])[-1] if parts.scheme == "s3" else None


class GitCredentials:
    """The user's credential helpers, through `git credential`, for one server."""

    def __init__(self, git: Git, url: str) -> None:
        self._git = git
        parts = urlsplit(url)
        self._where = {"protocol": parts.scheme, "host": parts.netloc.rpartition("@")[2]}
        self._where["path"] = parts.path.lstrip("/")

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
