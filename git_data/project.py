"""The committed `.gitdata` file. The format: docs/formats/gitdata.md.

It is hostile input: known keys only, limited in size, never read or written through a symlink, no
includes. It chooses no command, no proxy, no credential.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from .errors import FormatError, GitError, UsageError
from .git import Git, config_entries
from .treewriter import is_safe

NAME = ".gitdata"
MAX_BYTES = 8 << 20
_UNITS = {
    "": 1,
    "b": 1,
    "k": 1024,
    "m": 1 << 20,
    "g": 1 << 30,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
}
_PASSWORD = re.compile(r"://[^/?#@]*:[^/?#]*@")
_STORE_KEYS = {"url", "mirror"}
_TRACK_KEYS = {"above"}
_FETCH_KEYS = {"include", "exclude"}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0", "")
IMPORT_KEYS = {"url", "path", "rev", "commit", "tree", "store", "copy"}


class Import(NamedTuple):
    """One path taken from another repository. What a file leaves out is empty here."""

    name: str  # where it lies here, from the top
    url: str = ""
    path: str = ""  # where it lies there; empty: all of it
    rev: str = ""  # what to follow; empty: the default branch
    commit: str = ""  # what it is locked to
    tree: str = ""  # Git's id of that path there, a blob's for a file: here it is the same
    stores: tuple[str, ...] = ()  # where the bytes really are
    copy: bool = False  # our own store gets them too


class Project(NamedTuple):
    """What one `.gitdata` says."""

    store: str | None = None
    mirrors: tuple[str, ...] = ()
    above: int | None = None  # bytes: files at or above it are data
    fetch_include: tuple[str, ...] = ()
    fetch_exclude: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()


def parse_size(text: str) -> int:
    """Bytes in "1MB", "512 KiB", "1.5GB": KB and MB are 1000-based, KiB and MiB 1024-based."""
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([a-zA-Z]{0,3})", text.strip())
    unit = _UNITS.get(match[2].lower()) if match else None
    if not match or unit is None:
        raise UsageError(f"not a size: {text[:40]!r}", "write it as 1MB or 512KiB")
    return int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def check_address(name: str, value: str) -> str:
    """A store's address out of a committed file, or FormatError naming its key."""
    if _PASSWORD.search(unquote(value)):  # not repeated: others may read what we say
        raise FormatError(f"{NAME}: {name} holds a password, for everybody to read")
    helper = "::" in value.partition("://")[0]  # as in ext::COMMAND; in [::1] it is fine
    bad = value.startswith("-") or helper or len(value) > 4096 or not value
    if bad or any(map(_is_control, value)):
        raise FormatError(f"{NAME}: {name} is no address of a store: {value[:80]!r}")
    return value


def parse(entries: dict[str, tuple[str, ...]]) -> Project:
    """A Project from what `git config --list -z` tells of the file; FormatError names a bad key."""
    imports: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, values in entries.items():
        section, _, rest = name.partition(".")
        where, _, key = rest.rpartition(".")
        if section == "import" and where and key in IMPORT_KEYS:
            imports.setdefault(where, {})[key] = values
        elif where or key not in _known(section):
            raise FormatError(f"{NAME}: unknown key {name[:80]!r}", "update git-data, or remove it")
    return _project(entries, tuple(_import(here, found) for here, found in imports.items()))


def _import(name: str, values: dict[str, tuple[str, ...]]) -> Import:
    """One section, checked: FormatError names the key."""
    if not _is_path(name) or not name:
        raise FormatError(f"{NAME}: import {name[:80]!r} is no path of this repository")
    last = {key: found[-1] for key, found in values.items()}
    for key, is_right in _IMPORT_CHECKS.items():
        if key in last and not is_right(last[key]):
            raise FormatError(f"{NAME}: import.{name[:80]}.{key} cannot be {last[key][:80]!r}")
    stores = tuple(check_address(f"import.{name[:80]}.store", s) for s in values.get("store", ()))
    copy = last.pop("copy", "false").lower() in _TRUE
    last.pop("store", None)
    return Import(name, stores=stores, copy=copy, **last)


def _is_path(text: str) -> bool:
    """True for what Git would have as a path, or nothing at all."""
    return not text or (is_safe(os.fsencode(text)) and not any(map(_is_control, text)))


def _is_url(text: str) -> bool:
    """True for what may be an address; origin.py looks closer before Git sees it."""
    strange = text.startswith("-") or "::" in text.removeprefix("data::") or len(text) > 4096
    return bool(text) and not strange and not any(map(_is_control, text))


def _is_revision(text: str) -> bool:
    return not text.startswith("-") and len(text) <= 1024 and not any(map(_is_control, text))


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def _is_control(letter: str) -> bool:
    return ord(letter) < 32 or ord(letter) == 127


_IMPORT_CHECKS: dict[str, Callable[[str], bool]] = {
    "url": _is_url,
    "path": _is_path,
    "rev": _is_revision,
    "commit": _is_id,
    "tree": _is_id,
    "copy": lambda text: text.lower() in (*_TRUE, *_FALSE),
}


def _known(section: str) -> set[str]:
    return {"store": _STORE_KEYS, "track": _TRACK_KEYS, "fetch": _FETCH_KEYS}.get(section, set())


def _project(entries: dict[str, tuple[str, ...]], imports: tuple[Import, ...]) -> Project:
    urls = [check_address("store.url", url) for url in entries.get("store.url", ())]
    above = entries.get("track.above")
    try:
        limit = parse_size(above[-1]) if above else None
    except UsageError as error:
        raise FormatError(f"{NAME}: track.above: {error}") from error
    return Project(
        store=urls[-1] if urls else None,
        mirrors=tuple(check_address("store.mirror", m) for m in entries.get("store.mirror", ())),
        above=limit,
        fetch_include=entries.get("fetch.include", ()),
        fetch_exclude=entries.get("fetch.exclude", ()),
        imports=imports,
    )


def read_file(git: Git, top: str) -> Project | None:
    """The `.gitdata` of the work tree; None when there is none."""
    path = os.path.join(top, NAME)
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise FormatError(f"{path} is no regular file", "it is never read through a link")
    _check_size(found.st_size)
    return parse(_listed(git, "--file", path))


def read_blob(git: Git, revision: str) -> Project | None:
    """The `.gitdata` of a commit or tree, or with "" of the index; None when there is none."""
    found = in_tree(git, revision) if revision else _in_index(git)
    if found is None:
        return None
    mode, blob = found
    if not mode.startswith("100"):
        where = f"of {revision[:12]}" if revision else "that is staged"
        raise FormatError(
            f"the {NAME} {where} is no regular file", "it is never read through a link"
        )
    _check_size(int(git.line("cat-file", "-s", blob) or 0))
    return parse(_listed(git, "--blob", blob))


def in_tree(git: Git, revision: str) -> tuple[str, str] | None:
    """Mode and id."""
    status, out, _ = git.attempt("ls-tree", "-z", "--full-tree", revision, "--", NAME)
    if status != 0 or not out:
        return None
    mode, _, blob = out.partition(b"\t")[0].decode().split()
    return mode, blob


def _in_index(git: Git) -> tuple[str, str] | None:
    """Mode and id; None too while it is in conflict."""
    _, out, _ = git.attempt("ls-files", "--stage", "-z", "--", f":(top,literal){NAME}")
    fields = out.partition(b"\t")[0].decode().split()
    return (fields[0], fields[1]) if fields[2:] == ["0"] else None


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise FormatError(f"{NAME} has {size} bytes, more than {MAX_BYTES}")


def _listed(git: Git, *source: str) -> dict[str, tuple[str, ...]]:
    try:
        return config_entries(git.run("config", "--no-includes", "--list", "-z", *source))
    except GitError as error:
        raise FormatError(f"{NAME} cannot be read: {error.message}") from error


def write(git: Git, top: str, name: str, value: str | None) -> None:
    """Set one key of the work tree's `.gitdata` (None removes it); comments stay as they are."""
    path = _own_file(git, top)
    if value is None:
        _unset(git, path, name)
    else:
        git.run("config", "--file", path, name, value)


def add(git: Git, top: str, name: str, value: str) -> None:
    """One more value of a key that may have many."""
    git.run("config", "--file", _own_file(git, top), "--add", name, value)


def remove(git: Git, top: str, name: str, value: str) -> None:
    """One value less."""
    _unset(git, _own_file(git, top), name, "--fixed-value", value)


def _own_file(git: Git, top: str) -> str:
    """Where it is, once what is there was seen to be one."""
    path = os.path.join(top, NAME)
    if os.path.lexists(path):
        read_file(git, top)
    return path


def _unset(git: Git, path: str, name: str, *value: str) -> None:
    options, pattern = value[:-1], value[-1:]
    status, _, _ = git.attempt("config", *options, "--file", path, "--unset-all", name, *pattern)
    if status not in (0, 5):  # 5: it was not there
        raise GitError(f"cannot remove {name} from {path}")
