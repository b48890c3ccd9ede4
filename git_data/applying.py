"""Put imports into the index and the work tree: their files, their sections in `.gitdata`, and the
lines in `.gitattributes` that make data of them. All of it is one change.

What a user has not staged of the two files stays unstaged: each change is made to the staged text
and to that of the work tree.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from . import grafting, project, sections, tracking
from .errors import DataError, FormatError
from .files import failure, remove_quietly, write_file
from .git import config_entries
from .grafting import FILE, Leaf
from .incoming import Incoming
from .repo import Repo

Change = Callable[[bytes], bytes]


class Text(NamedTuple):
    """A committed file as the index has it and as the work tree has it; None: it has none."""

    path: str
    staged: bytes | None
    here: bytes | None

    @property
    def is_clean(self) -> bool:
        return self.staged == self.here

    def changed(self, change: Change) -> Text:
        def apply(text: bytes | None) -> bytes | None:
            made = change(text or b"")
            return None if text is None and not made else made

        staged = apply(self.staged)
        return Text(self.path, staged, staged if self.is_clean else apply(self.here))


def apply(repo: Repo, imports: Sequence[Incoming], pointers: bool = False) -> None:
    """Make the change, or raise, and then nothing was changed. Git's objects are here already.

    `pointers`: data is left as pointers.
    """
    repo.git.attempt("update-index", "-q", "--refresh")
    old = grafting.staged_tree(repo.git)
    before = _texts(repo, imports)
    after = [text.changed(_change_of(repo, text.path, imports)) for text in before]
    _check_gitdata(repo, after)
    edits: dict[str, Leaf | None] = {one.item.name: one.leaf for one in imports}
    edits |= {text.path: _blob(repo, text.staged) for text in after}
    new = grafting.edited(repo.git, old, edits)
    assert new is not None
    check_attributes(repo, new, imports)
    with _unstaged_kept(repo, before, after):
        unclean = {text.path: edits[text.path] for text in before if not text.is_clean}
        started = grafting.edited(repo.git, old, unclean) if unclean else old
        grafting.go(repo, started or old, new, pointers)


def _texts(repo: Repo, imports: Sequence[Incoming]) -> list[Text]:
    names = {attributes_file(repo, one.item.name) for one in imports}
    return [_read(repo, path) for path in (project.NAME, *sorted(names))]


def attributes_file(repo: Repo, name: str) -> str:
    """The `.gitattributes` that has the last word above a path, of those there are."""
    folder = os.path.dirname(name)
    while folder:
        path = f"{folder}/{tracking.NAME}"
        if os.path.lexists(os.path.join(repo.top, path)) or repo.git.run("ls-files", "--", path):
            return path
        folder = os.path.dirname(folder)
    return tracking.NAME


def _read(repo: Repo, path: str) -> Text:
    staged = repo.git.line("rev-parse", "--verify", "--quiet", f":{path}")
    text = repo.git.run("cat-file", "blob", staged) if staged else None
    return Text(path, text, _work_text(os.path.join(repo.top, path)))


def _work_text(path: str) -> bytes | None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise FormatError(f"{path} is no regular file: nothing was changed", "replace it with one")
    if found.st_size > project.MAX_BYTES:
        raise FormatError(f"{path} has {found.st_size} bytes: nothing was changed")
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise failure(error, "read", path) from error


def _change_of(repo: Repo, path: str, imports: Sequence[Incoming]) -> Change:
    def change(text: bytes) -> bytes:
        for one in imports:
            if path == project.NAME:
                text = sections.record(repo.git, text, one.item)
            elif path == attributes_file(repo, one.item.name):
                place = os.path.relpath(one.item.name, os.path.dirname(path) or ".")
                text = sections.attribute(text, place, one.kinds)
        return text

    return change


def _check_gitdata(repo: Repo, after: Sequence[Text]) -> None:
    """What is written must be readable to everybody."""

    def read(text: bytes) -> None:
        listed = sections.listed(repo.git, text)
        project.parse(config_entries(listed))

    for text in after:
        if text.path == project.NAME:
            for version in {text.staged, text.here}:
                read(version or b"")


def _blob(repo: Repo, text: bytes | None) -> Leaf | None:
    return None if text is None else Leaf(FILE, grafting.write_blob(repo.git, text))


def check_attributes(repo: Repo, tree: str, imports: Sequence[Incoming]) -> None:
    """DataError unless `.gitattributes` makes data of exactly those files that are data there.

    A folder may bring a `.gitattributes` of its own, which has the last word below it.
    """
    kinds: dict[str, bool] = {}
    for one in imports:
        inside = one.kinds
        kinds |= {one.here(e): inside[e.path] for e in one.files if e.path in inside}
    tracked = repo.tracked_paths(kinds, tree) if kinds else set()
    for path, is_data in kinds.items():
        if (path in tracked) is not is_data and os.path.basename(path) not in tracking.NEVER_DATA:
            what = "data, which .gitattributes does not say" if is_data else "plain"
            raise DataError(
                f"{path} is {what} here: a .gitattributes nearer to it has the last word; "
                "nothing was changed",
                f"see: git check-attr -a -- {path}",
            )


@contextmanager
def _unstaged_kept(repo: Repo, before: Sequence[Text], after: Sequence[Text]) -> Iterator[None]:
    """Where index and work tree differ, each gets its own change; both are put back when the rest
    fails."""
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if not old.is_clean]
    if not pairs:
        yield
        return
    try:
        grafting.stage(repo.git, {new.path: _blob(repo, new.staged) for _, new in pairs})
        for _, new in pairs:
            _write(repo, new.path, new.here)
        yield
    except BaseException:
        grafting.stage(repo.git, {old.path: _blob(repo, old.staged) for old, _ in pairs})
        for old, _ in pairs:
            _write(repo, old.path, old.here)
        raise


def _write(repo: Repo, path: str, text: bytes | None) -> None:
    whole = os.path.join(repo.top, path)
    if text is None:
        remove_quietly(whole)
        return
    mode = stat.S_IMODE(os.lstat(whole).st_mode) if os.path.lexists(whole) else 0o666
    write_file(whole, text, mode=mode)
