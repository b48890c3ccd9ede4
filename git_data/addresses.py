"""What follows `data::`: a store, or something of Git's own.

s3://, gs://, sftp://, any other scheme that is not Git's     a store
file://                     a Git repository if there is one at that path, else a store
http://, https://           a store if its manifest can be read there, else a Git repository
ssh://, git+ssh://, host:path                                 Git's
/path, ../path              Git's; a folder that holds a registry and no Git repository: a store
"""

from __future__ import annotations

import os
import re
from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote

from .errors import UsageError
from .git import Git

PREFIX = "data::"
REGISTRY = os.path.join("git", "manifest")  # in a folder
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SSH = ("ssh", "git+ssh", "ssh+git")
_HTTP = ("http", "https")
_OTHERS = ("git", "ftp", "ftps", "rsync")


class Kind(Enum):
    STORE = "store"
    WEB = "web"  # a store or a Git repository: only reading its manifest tells
    PATH = "path"  # Git's
    SSH = "ssh"  # Git's
    OTHER = "other"  # Git's, and nothing that we could carry


class Place(NamedTuple):
    kind: Kind
    url: str  # as stores or Git want it; a path, for PATH


def inner(url: str) -> str | None:
    """What follows `data::` in a remote's URL; None for any other URL."""
    return url.removeprefix(PREFIX) if url.startswith(PREFIX) else None


def check(address: str) -> str:
    """The address, if it is one; UsageError for what could be an option or hide something."""
    hidden = any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in address)
    if not address or address.startswith("-") or hidden or len(address) > 4096:
        raise UsageError(f"no address of a registry: {address[:80]!r}")
    if _is_other_helper(address):
        raise UsageError(
            f"{address[:80]!r} names another remote helper, which this one does not start"
        )
    return address


def _is_other_helper(address: str) -> bool:
    """Git's rule for `<transport>::<address>`."""
    name, colons, _ = address.partition("::")
    return bool(colons) and bool(name) and all(c.isalnum() or c in "+-." for c in name)


def place_of(address: str, base: str) -> Place:
    """What an address is, as far as it and the folders of this machine tell. A relative path
    starts at `base`."""
    found = _SCHEME.match(address)
    if not found:
        return _without_scheme(address, base)
    scheme = found[1].lower()
    if scheme == "file":
        path = unquote(address[found.end() :].removeprefix("localhost"))
        return Place(Kind.PATH, path) if _kind(path) is Kind.PATH else Place(Kind.STORE, address)
    if scheme in _HTTP:
        return Place(Kind.WEB, address)
    if scheme in _SSH:
        return Place(Kind.SSH, address)
    return Place(Kind.OTHER if scheme in _OTHERS else Kind.STORE, address)


def _without_scheme(address: str, base: str) -> Place:
    if _looks_remote(address):
        return Place(Kind.SSH, address)
    path = os.path.join(base, os.path.expanduser(address))
    if _kind(path) is Kind.STORE:
        return Place(Kind.STORE, os.path.abspath(path))
    return Place(Kind.PATH, path)


def _kind(path: str) -> Kind | None:
    """What lies in a folder; a registry there counts before a repository `<folder>.git` beside."""
    exact, beside = _candidates(path)[:2], _candidates(path)[2:]
    if any(map(_is_git_folder, exact)):
        return Kind.PATH
    if os.path.isfile(os.path.join(path, REGISTRY)):
        return Kind.STORE
    return Kind.PATH if any(map(_is_git_folder, beside)) else None


def place_of_url(url: str, base: str) -> Place:
    """What a remote is, whether it is reached through us or not."""
    address = inner(url)
    if address is not None:
        return place_of(address, base)
    if url.startswith("file://"):
        return Place(Kind.PATH, unquote(url[7:]))
    if not url or "::" in url or "://" in url or _looks_remote(url):
        return Place(Kind.OTHER, url)
    return Place(Kind.PATH, url)


def git_folder(git: Git, path: str, base: str) -> str | None:
    """The (common) Git folder of a repository at a path, or None."""
    for candidate in _candidates(os.path.join(base, os.path.expanduser(path))):
        if _is_git_folder(candidate):
            elsewhere = git.elsewhere(base, GIT_DIR=candidate)
            found = elsewhere.line("rev-parse", "--git-common-dir")
            return os.path.normpath(os.path.join(base, found)) if found else None
    return None


def _candidates(path: str) -> tuple[str, ...]:
    """Where Git looks for it, in its order."""
    return path + "/.git", path, path + ".git/.git", path + ".git"


def _is_git_folder(path: str) -> bool:
    if os.path.isfile(path):
        return path.endswith(".git")  # of a submodule, or of another work tree
    return os.path.exists(os.path.join(path, "HEAD"))


def _looks_remote(url: str) -> bool:
    """Git's rule: a colon before the first slash is host:path, or a Windows drive."""
    host, colon, _ = url.partition(":")
    return bool(colon) and "/" not in host and not url.startswith((".", "/"))
