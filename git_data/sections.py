"""The two committed files that speak of an import: its section in `.gitdata`, its lines in
`.gitattributes`. Texts in, texts out; what else stands in them stays as it is.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from . import gitattributes, painting
from .git import Git, config_entries
from .gitattributes import BY_PATTERN, parse_line, quote
from .painting import Pattern
from .project import Import

PLAIN = (b"-filter", b"!diff", b"!merge", b"-text")  # as it is there, byte for byte

# .gitdata


def record(git: Git, text: bytes, item: Import) -> bytes:
    """The `.gitdata` with this import's section as given; its comments, and other keys, stay."""

    def change(there: Git, file: str) -> None:
        for name, values in wanted.items():
            if before.get(name, ()) == values:
                continue
            if name in before and not values:
                there.run("config", "--file", file, "--unset-all", name)
            for first, value in enumerate(values):  # what is replaced stays where it stands
                how = "--add" if first else "--replace-all"
                there.run("config", "--file", file, how, name, value)

    before = config_entries(listed(git, text))
    wanted = {f"import.{item.name}.{key}": values for key, values in _values(item).items()}
    return edit(git, text, change)


def _values(item: Import) -> dict[str, tuple[str, ...]]:
    one = {"url": item.url, "path": item.path, "rev": item.rev}
    one |= {"commit": item.commit, "tree": item.tree}
    found = {key: (value,) if value else () for key, value in one.items()}
    return {**found, "store": item.stores, "copy": ("true",) if item.copy else ()}


def listed(git: Git, text: bytes) -> bytes:
    """What `git config --list -z` tells of a text."""
    with _file(text) as path:
        return git.run("config", "--no-includes", "--list", "-z", "--file", path)


def edit(git: Git, text: bytes, change: Callable[[Git, str], None]) -> bytes:
    """What `git config --file` makes of a text."""
    with _file(text) as path:
        change(git, path)
        with open(path, "rb") as file:
            return file.read()


@contextmanager
def _file(text: bytes) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="git-data-") as folder:
        path = os.path.join(folder, "gitdata")
        with open(path, "wb") as file:
            file.write(text)
        yield path


# .gitattributes


def attribute(text: bytes, place: str, files: Mapping[str, bool]) -> bytes:
    """The `.gitattributes` with the lines of an import at `place`, a path from that file's folder;
    those it had are replaced. `files`: which are data, by path from the import, "" for one alone.
    """
    base = b"/" + os.fsencode(painting.escape(place))
    wanted = [_line(base, pattern) for pattern in painting.patterns(files)] if files else []
    lines = gitattributes.lines(text)
    ours = [line.rstrip(b"\r\n") for line in lines if _is_of(line, base)]
    if ours == wanted:
        return text
    ending = gitattributes.line_ending(text)
    kept = b"".join(line for line in lines if not _is_of(line, base))
    return gitattributes.ended(kept, ending) + b"".join(line + ending for line in wanted)


def _line(base: bytes, pattern: Pattern) -> bytes:
    whole = base + b"/" + os.fsencode(pattern.text) if pattern.text else base
    return b" ".join([quote(whole), *(BY_PATTERN if pattern.is_data else PLAIN)])


def _is_of(line: bytes, base: bytes) -> bool:
    """True for a line that we wrote for an import there."""
    found = parse_line(line)
    if found is None or found.attributes not in (BY_PATTERN, PLAIN):
        return False
    return found.pattern == base or found.pattern.startswith(base + b"/")
