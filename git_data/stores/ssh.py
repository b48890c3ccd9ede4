"""A connection to a server as `ssh` would make it. The home of `paramiko`.

The user's own keys and agent are used, and what his ~/.ssh/config says of a host; so only for an
address that his Git config names. The server has to be one that his ~/.ssh/known_hosts knows.
"""

from __future__ import annotations

import getpass
import hashlib
import logging
import os
import posixpath
import warnings
from base64 import b64encode
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..errors import SAFE, DataError, Denied, StoreError, Unreachable, UsageError
from ..pip import pip_install
from .access import HOW_TO_TRUST, Access
from .filestore import explain_os_error, is_away
from .web.faults import why

CONNECT_SECONDS = 20.0
STALL_SECONDS = 60.0
_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_SYSTEM_KNOWN = "/etc/ssh/ssh_known_hosts"


class Place(NamedTuple):
    """Where an address leads."""

    user: str | None
    password: str | None
    host: str
    port: int | None
    folder: str  # absolute, or relative to the user's home there

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        folder = self.folder if self.folder.startswith("/") else f"/~/{self.folder}"
        return f"sftp://{user}{host}{port}{folder.rstrip('/')}"


def parse(url: str) -> Place:
    """sftp://[user@]host[:port]/folder; /~/folder is in the user's home there. UsageError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    path = unquote(parts.path)
    if not parts.hostname or parts.query or parts.fragment or "\0" in path:
        shown = url.rpartition("@")[2][:80]
        raise UsageError(f"no address for SFTP: {shown!r}", "write it as sftp://host/folder")
    folder = path.removeprefix("/~").lstrip("/") if path.startswith("/~/") else path or "/"
    user, password = (unquote(one) if one else None for one in (parts.username, parts.password))
    return Place(user, password, parts.hostname, port, posixpath.normpath(folder or "."))


class Connection:
    """Made when it is first needed, and again when it broke."""

    def __init__(self, place: Place, access: Access, ssh_folder: str) -> None:
        self._place = place
        self._access = access
        self._ssh_folder = os.path.expanduser(ssh_folder)
        self._lock = Lock()
        self._client: Any = None  # which closes its connection when it goes

    def open_sftp(self) -> Any:
        """A session for one thread at a time."""
        session = self._transport().open_session(timeout=CONNECT_SECONDS)
        session.settimeout(self._access.stall(STALL_SECONDS))
        session.invoke_subsystem("sftp")
        return _library().SFTPClient(session)

    def _transport(self) -> Any:
        with self._lock:
            transport = self._client.get_transport() if self._client else None
            if transport is None or not transport.is_active():
                self._client = self._connect()
                transport = self._client.get_transport()
            return transport

    def _connect(self) -> Any:
        if not self._access.trusted:
            raise Denied(
                f"{self._place.url}: your SSH keys are not used for an address that only a "
                "repository names",
                HOW_TO_TRUST.format(self._place.url),
            )
        client = _library().SSHClient()
        settings = self._settings()
        for path in (os.path.join(self._ssh_folder, "known_hosts"), _SYSTEM_KNOWN):
            if os.path.isfile(path):
                client.load_system_host_keys(path)
        client.set_missing_host_key_policy(_Refusing(self._place))
        client.connect(**settings)
        return client

    def _settings(self) -> dict[str, Any]:
        """What ssh would make of the address, by the user's own configuration."""
        place, found = self._place, self._configured()
        for name in ("proxycommand", "proxyjump"):
            if found.get(name, "none") != "none":
                raise StoreError(f"{place.url}: {name} of your SSH configuration is not supported")
        keys = found.get("identityfile") or [os.path.join(self._ssh_folder, k) for k in _KEYS]
        paths = [os.path.expanduser(path) for path in keys]
        return {
            "hostname": found.get("hostname", place.host),
            "port": place.port or int(found.get("port", 22)),
            "username": place.user or found.get("user") or getpass.getuser(),
            "password": place.password,
            "key_filename": [path for path in paths if os.path.isfile(path)],
            "look_for_keys": False,
            "timeout": CONNECT_SECONDS,
            "banner_timeout": CONNECT_SECONDS,
            "auth_timeout": CONNECT_SECONDS,
        }

    def _configured(self) -> dict[str, Any]:
        path = os.path.join(self._ssh_folder, "config")
        try:
            return dict(_library().SSHConfig.from_path(path).lookup(self._place.host))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except Exception as error:
            raise UsageError(f"{path} cannot be read: {type(error).__name__}") from None

    def explain(self, error: Exception, doing: str, address: str) -> DataError:
        errors = _library().ssh_exception
        if isinstance(error, errors.BadHostKeyException):
            return Denied(
                f"{self._place.url} has another host key than your known_hosts says: somebody may "
                "be in between; nothing was sent",
                "ask whoever keeps that server",
            )
        if isinstance(error, errors.AuthenticationException) or _has_no_key(error):
            return Denied(
                f"{self._place.url} does not accept your SSH keys",
                "try it with ssh; a key with a passphrase has to be loaded with ssh-add",
            )
        if isinstance(error, errors.NoValidConnectionsError):  # one for each of its addresses
            error = next(iter(error.errors.values()), error)
        if isinstance(error, (errors.SSHException, EOFError)) or is_away(error):
            return Unreachable(f"{address} does not answer: {why(error)}", SAFE)
        return explain_os_error(error, doing, address)


def _has_no_key(error: Exception) -> bool:
    return "No authentication methods available" in str(error)


class _Refusing:
    """What to do about a server that is not known: nothing."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        digest = b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        port = f"-p {self._place.port} " if self._place.port else ""
        raise Denied(
            f"{self._place.url} is a server that your known_hosts does not know: its key is "
            f"{key.get_name()} SHA256:{digest}; nothing was sent",
            f"if that is right, connect to it once: ssh {port}{self._place.host}",
        )


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it may use of other libraries
            import paramiko
    except ImportError as error:
        raise UsageError(
            "a store at sftp:// needs the package paramiko, which is not installed",
            pip_install("paramiko"),
        ) from error
    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it writes to stderr
    return paramiko
