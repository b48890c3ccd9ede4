"""Which files a user wants to have here: data.fetchInclude and data.fetchExclude."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Selection(NamedTuple):
    include: tuple[str, ...] = ()  # none: everything
    exclude: tuple[str, ...] = ()

    def includes(self, path: str) -> bool:
        """True when the file at `path` (from the top, with slashes) is wanted."""
        if self.include and not any(_matches(path, pattern) for pattern in self.include):
            return False
        return not any(_matches(path, pattern) for pattern in self.exclude)


def _matches(path: str, pattern: str) -> bool:
    """As in .gitignore: a folder stands for all below it, a name without slash for any folder."""
    anchored = pattern.strip("/")
    if "/" not in pattern.rstrip("/"):
        return any(fnmatchcase(part, anchored) for part in path.split("/"))
    return fnmatchcase(path, anchored) or fnmatchcase(path, anchored + "/*")
