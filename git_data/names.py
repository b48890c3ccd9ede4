"""Names out of somebody else's tree, before they become files here.

Git's own path rules come first (treewriter.py). Beyond them a tree is refused as a whole when some
disk or terminal would make something else of its names than they seem to be.
"""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections.abc import Iterable

from .errors import Denied
from .treewriter import is_safe

LONGEST_BYTES = 4000  # of a path: some 4096 is what systems take
DEEPEST = 256  # folders in each other
REFUSED = "nothing of it was written"


def check(paths: Iterable[str], where: str) -> None:
    """Denied names the first path that must not be written; `where` it comes from is shown."""
    names = _Names(where)
    for path in paths:
        names.add(path)


def check_form(paths: Iterable[str], where: str) -> None:
    """The same, of what no honest tree has: good enough for names that are only read."""
    for path in paths:
        if problem := _problem_of_form(path):
            raise _refusal(where, f"{path[:200]!r}: {problem}")


class _Names:
    def __init__(self, where: str) -> None:
        self._where = where
        self._kinds: dict[str, str] = {"": "folder"}  # path -> what it is
        self._folded: dict[str, str] = {}  # as a disk without case sees it -> path

    def add(self, path: str) -> None:
        if problem := _problem(path):
            raise _refusal(self._where, f"{path[:200]!r}: {problem}")
        folder = posixpath.dirname(path)
        while self._kinds.get(folder) != "folder":
            self._put(folder, "folder")
            folder = posixpath.dirname(folder)
        self._put(path, "file")

    def _put(self, path: str, kind: str) -> None:
        if path in self._kinds:
            raise _refusal(self._where, f"{path[:200]!r} twice")
        self._kinds[path] = kind
        folded = path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()
        other = self._folded.setdefault(folded, path)
        if other != path:
            what = f"{other[:200]!r} and {path[:200]!r}, which many disks take for one name"
            raise _refusal(self._where, what, "take one of them by its own path")


def _refusal(where: str, what: str, hint: str = "") -> Denied:
    return Denied(f"{where} has {what}; {REFUSED}", hint)


def _problem(path: str) -> str | None:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return "it has control characters"
    return _problem_of_form(path)


def _problem_of_form(path: str) -> str | None:
    raw = os.fsencode(path)
    if not is_safe(raw):
        return "no path that Git itself would write"
    if len(raw) > LONGEST_BYTES or path.count("/") >= DEEPEST:
        return "it is too long or too deep"
    return None


def leads_out(path: str, target: str) -> bool:
    """True for a symbolic link at `path` that may point to what is not below the top it is under.

    `..` counts only at the start of the target: behind a name that is a link itself, it could lead
    anywhere.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    return target.startswith("/") or up > path.count("/") or ".." in parts[up:]
