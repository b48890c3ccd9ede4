"""Few patterns that say of many files which are data: as `.gitattributes` needs them.

Later patterns win. Two ways are tried, and the shorter one is taken: by kind of name (`*.md` is
never data), or by folder, each of which may differ from the one it is in.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_GLOB = re.compile(r"[\\*?\[]")


class Pattern(NamedTuple):
    text: str  # from the folder of all the files, "" for a single file
    is_data: bool


def patterns(files: Mapping[str, bool]) -> list[Pattern]:
    """What makes these files, by path, data or not. One file alone has the path ""."""
    if "" in files:
        return [Pattern("", files[""])]
    by_name = _by_name(files)
    by_folder = [*_Folder.of(files).paint(None)]
    return by_name if by_name and len(by_name) <= len(by_folder) else by_folder


# By name


def _by_name(files: Mapping[str, bool]) -> list[Pattern]:
    """Empty where files with the same kind of name differ."""
    kinds: dict[str, bool] = {}
    for path, is_data in files.items():
        if kinds.setdefault(_kind(path), is_data) is not is_data:
            return []
    usual = sum(kinds.values()) * 2 >= len(kinds)
    others = (Pattern("**/" + kind, is_data) for kind, is_data in kinds.items())
    return [Pattern("**", usual), *(one for one in others if one.is_data is not usual)]


def _kind(path: str) -> str:
    name = posixpath.basename(path)
    _, dot, suffix = name.rpartition(".")
    return "*." + escape(suffix) if dot and name != dot + suffix else escape(name)


def escape(text: str) -> str:
    return _GLOB.sub(lambda match: "\\" + match[0], text)


# By folder


class _Folder:
    def __init__(self, path: str) -> None:
        self.path = path
        self.files: dict[str, bool] = {}
        self.folders: dict[str, _Folder] = {}

    @classmethod
    def of(cls, files: Mapping[str, bool]) -> _Folder:
        top = cls("")
        for path, is_data in files.items():
            folder = top
            *names, name = path.split("/")
            for part in names:
                if part not in folder.folders:
                    folder.folders[part] = cls(folder.path + escape(part) + "/")
                folder = folder.folders[part]
            folder.files[folder.path + escape(name)] = is_data
        for folder in top._deepest_first():
            folder._count()
        return top

    def _deepest_first(self) -> Iterator[_Folder]:
        for folder in self.folders.values():
            yield from folder._deepest_first()
        yield self

    def _count(self) -> None:
        """The patterns below, if this folder is data, or is not."""
        self.costs = {
            colour: sum(is_data is not colour for is_data in self.files.values())
            + sum(folder.cost(colour) for folder in self.folders.values())
            for colour in (True, False)
        }

    def cost(self, around: bool) -> int:
        """The patterns it takes where all around is data, or is not."""
        return min(self.costs[around], 1 + self.costs[not around])

    def paint(self, around: bool | None) -> Iterator[Pattern]:
        colour = around
        if around is None:
            colour = self.costs[True] <= self.costs[False]
        elif self.costs[around] > 1 + self.costs[not around]:
            colour = not around
        if colour is not around:
            yield Pattern(self.path + "**", bool(colour))
        for path, is_data in self.files.items():
            if is_data is not colour:
                yield Pattern(path, is_data)
        for folder in self.folders.values():
            yield from folder.paint(colour)
