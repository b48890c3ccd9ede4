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
    seen: dict[str, str] = {}
    folder = ""
    for path in paths:
        if problem := _problem(path):
            raise Denied(f"{where} has {path[:200]!r}: {problem}; {REFUSED}")
        above = posixpath.dirname(path)
        if above != folder:
            _check_folders(above, seen, where)
            folder = above
        _check_case(path, seen, where)


def _problem(path: str) -> str | None:
    raw = os.fsencode(path)
    if not is_safe(raw):
        return "no path that Git itself would write"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return "it has control characters"
    if len(raw) > LONGEST_BYTES or path.count("/") >= DEEPEST:
        return "it is too long or too deep"
    return None


def _check_folders(folder: str, seen: dict[str, str], where: str) -> None:
    while folder:
        _check_case(folder, seen, where)
        folder = posixpath.dirname(folder)


def _check_case(path: str, seen: dict[str, str], where: str) -> None:
    """A disk that ignores case, or how accents are written, would keep one file of two."""
    folded = path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()
    other = seen.setdefault(folded, path)
    if other != path:
        raise Denied(
            f"{where} has {other!r} and {path!r}, which many disks take for one name; {REFUSED}",
            "take one of them by its own path",
        )


def leads_out(path: str, target: str) -> bool:
    """True for a symbolic link at `path` that may point to what is not below the top it is under.

    `..` counts only at the start of the target: behind a name that is a link itself, it could lead
    anywhere.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    return target.startswith("/") or up > path.count("/") or ".." in parts[up:]
