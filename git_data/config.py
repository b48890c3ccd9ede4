"""The user's settings: Git's config and the environment, read here and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from .errors import UsageError
from .git import Git

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0", "")


class Settings(NamedTuple):
    store: str | None  # data.store: wins over .gitdata
    cache: str | None  # data.cache: one cache for all repositories of this machine
    skip_smudge: bool  # leave pointers at checkout
    strict: bool  # missing data fails the command
    fetch_include: tuple[str, ...]
    fetch_exclude: tuple[str, ...]
    progress: bool | None  # None: only on a terminal
    hooks_path: str | None
    values: Mapping[str, tuple[str, ...]]  # every Git setting, for rare questions


def environment() -> Mapping[str, str]:
    return os.environ


def trace_target(environ: Mapping[str, str]) -> str:
    """Where a trace goes, as GIT_TRACE has it: "" nowhere, "2" standard error, else a file."""
    value = environ.get("GIT_DATA_TRACE", "")
    if value.lower() in ("", "0", "false", "no", "off"):
        return ""
    return value if os.path.isabs(value) else "2"


def rewritten(values: Mapping[str, tuple[str, ...]], url: str) -> str:
    """An address after `url.<base>.insteadOf`: the longest beginning that fits."""
    best = ("", "")
    for name, beginnings in values.items():
        if name.startswith("url.") and name.endswith(".insteadof"):
            for beginning in beginnings:
                if url.startswith(beginning) and len(beginning) > len(best[0]):
                    best = (beginning, name[len("url.") : -len(".insteadof")])
    return best[1] + url.removeprefix(best[0]) if best[0] else url


def home() -> str:
    return os.path.expanduser("~")


def cache_folder(environ: Mapping[str, str]) -> str:
    """Ours among the folders for what can be had again."""
    base = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME") or home(), ".cache")
    return os.path.join(base, "git-data")


def sources_folder(git: Git) -> str:
    """Where repositories are kept that data comes from: data.sources, else the user's cache."""
    return git.config_path("data.sources") or os.path.join(cache_folder(git.environ), "sources")


def truth(name: str, value: str) -> bool:
    """A boolean as Git reads it."""
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise UsageError(f"{name} is {value[:80]!r}: true or false is wanted")


def seconds(name: str, value: str) -> float:
    """A span of time: a number, 0 for none."""
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value):
        return float(value)
    raise UsageError(f"{name} is {value[:80]!r}: seconds are wanted, such as 60")


def of_url(values: Mapping[str, tuple[str, ...]], url: str) -> dict[str, str]:
    """What the settings `data.<url>.<key>` say of an address, keys in lower case: those of the
    longest address that is a part of it, by whole parts of its path."""
    found: dict[str, tuple[int, str]] = {}
    for name, given in values.items():
        pattern, _, key = name.removeprefix("data.").rpartition(".")
        if name.startswith("data.") and "://" in pattern and _covers(pattern, url):
            length = len(pattern.rstrip("/"))
            if key not in found or length > found[key][0]:
                found[key] = (length, given[-1])
    return {key: value for key, (_, value) in found.items()}


def _covers(pattern: str, url: str) -> bool:
    """True when `url` is at or below `pattern`: same scheme, host and port, and a path below."""
    try:
        one, other = urlsplit(pattern), urlsplit(url)
        same = _server(one) == _server(other)
    except ValueError:  # a port or a host that is none
        return False
    path = one.path.rstrip("/")
    return same and (other.path.rstrip("/") == path or other.path.startswith(path + "/"))


def _server(parts: SplitResult) -> tuple[str, str | None, int | None, list[str]]:
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    # The same bucket at another endpoint is another store: what holds of one, not of the other.
    fields = parse_qsl(parts.query) if parts.scheme == "s3" else []
    endpoints = [value.rstrip("/") for key, value in fields if key == "endpoint"]
    return parts.scheme, parts.hostname, port, endpoints


def _patterns(values: tuple[str, ...]) -> tuple[str, ...]:
    parts = (part.strip() for value in values for part in value.split(","))
    return tuple(part for part in parts if part)


def settings(git: Git) -> Settings:
    """The settings in force in a repository: the environment first, then Git's config."""
    values, env = git.config(), git.environ

    def last(name: str) -> str | None:
        return values[name][-1] if name in values else None

    def flag(variable: str, name: str) -> bool:
        if variable in env:
            return truth(variable, env[variable])
        return truth(name, last(name) or "false")

    shown = env.get("GIT_DATA_PROGRESS")
    return Settings(
        store=last("data.store") or None,
        cache=git.config_path("data.cache") if last("data.cache") else None,
        skip_smudge=flag("GIT_DATA_SKIP_SMUDGE", "data.skipsmudge"),
        strict=flag("GIT_DATA_STRICT", "data.strict"),
        fetch_include=_patterns(values.get("data.fetchinclude", ())),
        fetch_exclude=_patterns(values.get("data.fetchexclude", ())),
        progress=None if shown is None else truth("GIT_DATA_PROGRESS", shown),
        hooks_path=last("core.hookspath"),
        values=values,
    )
