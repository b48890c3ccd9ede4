"""Where a repository is that data comes from: a URL, a `data::` address, a folder, or `.`.

An address may stand in a committed `.gitdata`, so it is hostile input: it reaches Git only in the
forms below, never as an option, and never as a helper that would run something.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from .addresses import REGISTRY, Kind, git_folder, place_of
from .errors import NotFound, UsageError
from .git import Git
from .repo import Address
from .stores import SCHEMES

HELPER = "data::"
_SCHEMES = ("http", "https", "ssh", "git", "git+ssh", "ssh+git", "file")
_INNER_SCHEMES = (*_SCHEMES, *SCHEMES)  # behind data::
_LONGEST = 4096
_AS_IT_IS = "%/:@?&=+,;~#[]!$'()*"  # in a web address
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_USER = re.compile(r"(https?)?(://)([^/@:\s]*)(:[^/@\s]*)?@", re.IGNORECASE)


class Origin(NamedTuple):
    """One repository, as Git fetches from it."""

    url: str  # a folder as its absolute path
    folder: str | None  # its (common) Git folder, where it is on this machine
    relative: bool = False  # the user named a folder from where he was

    @property
    def has_helper(self) -> bool:
        return self.url.startswith(HELPER)

    @property
    def is_path(self) -> bool:
        """True when Git starts the other side itself, on this machine."""
        return self.folder is not None

    @property
    def first_url(self) -> str:
        """What is tried first. Behind `data::` there may be an ordinary repository, of which Git
        itself can ask for a part; a registry's helper gives all or nothing."""
        inner = self.url.removeprefix(HELPER)
        if self.folder is None and _kind(inner) is Kind.WEB:
            return quote(inner, safe=_AS_IT_IS)  # a store's address may be written with spaces
        is_git = self.folder is not None or _kind(inner) is Kind.SSH
        return inner if is_git else self.url

    @property
    def shown(self) -> str:
        """For people, without a password."""
        return without_secret(self.url)

    def recorded(self, top: str) -> str:
        """As a `.gitdata` has it: a folder that was named relative starts at the work tree's top.

        No password is written into a file that is committed.
        """
        if self.relative:
            return os.path.relpath(os.path.realpath(self.url), os.path.realpath(top))
        return without_secret(self.url)


def without_secret(text: str) -> str:
    """The text without passwords in its URLs; for HTTP without the user, who may be a token."""
    return _USER.sub(_without_password, text)


def _without_password(match: re.Match[str]) -> str:
    scheme, mark, user, _ = match.groups()
    return f"{scheme}{mark}" if scheme else f"{mark}{user}@"


def check(url: str) -> str:
    """The address, if Git may see it; UsageError says what is wrong."""
    shown = without_secret(url)[:80]
    if not url or len(url) > _LONGEST or any(ord(c) < 32 or ord(c) == 127 for c in url):
        raise UsageError(f"no address of a repository: {shown!r}", "a URL or a folder is wanted")
    inner = url.removeprefix(HELPER)
    known = _SCHEMES if inner == url else _INNER_SCHEMES
    scheme = _URL.fullmatch(inner)
    host = scheme[2].rpartition("@")[2] if scheme else inner
    if inner.startswith("-") or host.startswith("-") or "::" in inner.partition("/")[0]:
        raise UsageError(f"no address of a repository: {shown!r}", "it may start no program")
    if scheme and scheme[1].lower() not in known:
        helped = f"write it as {HELPER}{shown}" if scheme[1].lower() in SCHEMES else ""
        raise UsageError(
            f"no repository can be reached at {shown}", helped or f"known are {', '.join(known)}"
        )
    return url


def _kind(inner: str) -> Kind:
    return place_of(inner, os.sep).kind


def is_repository(word: str, git: Git) -> bool:
    """True when a user's word means a repository and not a path in the one he is in."""
    if word == "." or word.startswith(HELPER) or _URL.fullmatch(word):
        return True
    if os.path.isdir(os.path.expanduser(word)):
        return _is_folder_of_one(word, git)
    return not os.path.lexists(word) and _is_host_and_path(word)


def is_own(word: str, git: Git) -> bool:
    """True when a word means the very repository that the user is in."""
    if word == ".":
        return True
    top, path = git.line("rev-parse", "--show-toplevel"), os.path.expanduser(word)
    return top is not None and os.path.isdir(path) and os.path.samefile(path, top)


def _is_folder_of_one(word: str, git: Git) -> bool:
    path = os.path.abspath(os.path.expanduser(word))
    return git_folder(git, path, path) is not None


def _is_host_and_path(word: str) -> bool:
    """As Git has it: a colon before the first slash. `::` is none of ours, but no path either."""
    host, colon, _ = word.partition(":")
    return bool(colon and host) and "/" not in host and not word.startswith(".")


def find(url: str, base: str, git: Git) -> Origin:
    """The repository that an address means; relative folders start at `base`.

    UsageError for what is no address, NotFound for a folder without a repository. A network is
    not asked yet.
    """
    check(url)
    if url.startswith(HELPER):
        return _behind_helper(url.removeprefix(HELPER), base, git)
    scheme = _URL.fullmatch(url)
    if scheme and scheme[1].lower() != "file":
        return Origin(url, None)
    path = _local_path(url) if scheme else os.path.expanduser(url)
    if not scheme and _is_host_and_path(url) and not os.path.lexists(os.path.join(base, path)):
        return Origin(url, None)
    return _local(url, path, base, git)


def _local(url: str, path: str, base: str, git: Git) -> Origin:
    whole = os.path.abspath(os.path.join(base, path))
    folder = git_folder(git, whole, base)
    if folder is None:
        what = "holds no repository" if os.path.isdir(whole) else "is not there"
        is_registry = os.path.isfile(os.path.join(whole, REGISTRY))
        hint = f"it is a registry: {HELPER}{whole}" if is_registry else "name a URL or a folder"
        raise NotFound(f"{without_secret(url)} {what} ({whole})", hint)
    if path != url and not url.startswith("~"):
        return Origin(url, folder)  # file://
    return Origin(whole, folder, relative=not os.path.isabs(path))


def _local_path(url: str) -> str:
    return unquote(url.partition("://")[2].removeprefix("localhost"))


def _behind_helper(inner: str, base: str, git: Git) -> Origin:
    scheme = _URL.fullmatch(inner)
    if scheme and scheme[1].lower() == "file":
        return Origin(HELPER + inner, git_folder(git, _local_path(inner), base))
    if scheme or _is_host_and_path(inner):
        return Origin(HELPER + inner, None)
    path = os.path.abspath(os.path.join(base, os.path.expanduser(inner)))
    return Origin(HELPER + path, git_folder(git, path, base))


def own_store(origin: Origin) -> Address | None:
    """Where a repository keeps its data when it names no store: in itself."""
    if origin.folder:
        return Address(origin.folder, "the repository itself", git_dir=origin.folder)
    if not origin.url.startswith(HELPER):
        return None
    inner = origin.url.removeprefix(HELPER)
    if _kind(inner) in (Kind.SSH, Kind.OTHER):
        return None
    return Address(inner, "the registry itself")
