"""Data as text, for `git diff`, `git log -p` and `git show`: size and short id, and small texts.

How to think about it. Git converts each side of a diff for itself (`diff.data.textconv`), and has
the filter smudge a blob before it does. So the filter answers such a request with the text to show,
in the one process that it has for the whole command; only files of the work tree are converted by
a process of their own. What is larger than `data.diffLimit` is never fetched, read or shown.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from .bringing import bring
from .caller import command_above
from .errors import DataError, NotFound, UsageError
from .oid import ObjectId, hash_stream
from .pointer import MAX_BYTES as POINTER_BYTES
from .pointer import Pointer, parse_any_eol
from .project import parse_size
from .repo import Repo
from .texts import is_text
from .transfer import Wanted

SIGN = b"git-data:"  # how a text to show begins; the textconv command knows it by that
LIMIT = 1 << 20
LIMIT_SETTING = "data.diffLimit"
_DIGITS = 12  # of an object's id
_ENOUGH = 3  # binary objects, until others of that kind are not fetched to see what they are
_ASK_GIT_BYTES = 64 << 20  # from here on, asking Git what a file is beats hashing it
# Commands that show differences. Of others a filter's answer is the content.
_SHOW = {"diff", "log", "show", "whatchanged", "reflog", "blame", "annotate", "grep", "stash"}
_SHOW |= {"range-diff", "diff-tree", "diff-index", "diff-files"}


def is_shown(repo: Repo) -> bool:
    """True when the Git command above only shows what it asks for, by our own driver."""
    other = repo.settings.values.keys() & {"diff.external", "diff.data.command"}
    if other or "GIT_EXTERNAL_DIFF" in repo.git.environ:
        return False  # a program that wants to see the content: difftool is one
    words = command_above()
    converts = words[:1] == ["cat-file"] and "--textconv" in words
    return converts or (bool(words) and words[0] in _SHOW)


class Depicter:
    """Makes the text to show of one object after the other, for one Git command."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._limit = limit_of(repo)
        self._kinds: dict[str, int] = {}  # of file names: how many were binary, and none a text
        self._is_cut_off = False

    def of_pointer(self, found: Pointer, path: str) -> bytes:
        """The text to show of an object."""
        if found.size > self._limit:
            return _head(found.oid, found.size)
        content = self._content(found, path)
        if content is None:
            return _head(found.oid, found.size, "not here")
        self._learn(path, content)
        return _text(found.oid, content)

    def of_file(self, file: BinaryIO, path: str) -> bytes:
        """The text to show of what a file holds: a pointer, or the content itself."""
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return b""
        if size > self._limit:
            return _head(self._staged(path, size) or hash_stream(file)[0], size)
        content = file.read()
        found = parse_any_eol(content) if size <= POINTER_BYTES + 8 else None
        if found:
            return self.of_pointer(found, path)
        file.seek(0)
        return _text(hash_stream(file)[0], content)

    def _content(self, found: Pointer, path: str) -> bytes | None:
        """The content of a small object; None when it is not here and cannot, or need not, be."""
        cache = self._repo.cache
        if not cache.has(found.oid, found.size):
            if self._is_cut_off or self._kinds.get(_kind(path), 0) >= _ENOUGH:
                return None
            for _, error in bring(self._repo, [Wanted(found.oid, found.size, path)]):
                # A store that is away is not waited for again, object after object.
                self._is_cut_off = not isinstance(error, NotFound)
                return None
        try:
            with cache.open(found.oid, found.size) as file:
                return file.read()
        except DataError:
            return None

    def _learn(self, path: str, content: bytes) -> None:
        kind = _kind(path)
        if is_text(content):
            self._kinds[kind] = -(1 << 30)  # a kind that has texts: none is taken for binary
        else:
            self._kinds[kind] = self._kinds.get(kind, 0) + 1

    def _staged(self, path: str, size: int) -> ObjectId | None:
        """The object of a large file that is as it is staged, which Git knows without reading."""
        git, name = self._repo.git, f":(top,literal){path}"
        if size < _ASK_GIT_BYTES or os.path.isabs(path):
            return None
        if git.attempt("diff-files", "--quiet", "--", name)[0] != 0:
            return None
        status, text, _ = git.attempt("cat-file", "blob", f":{path}")
        found = parse_any_eol(text) if status == 0 else None
        return found.oid if found and found.size == size else None


def limit_of(repo: Repo) -> int:
    """Bytes up to which a text is shown, and fetched for it."""
    given = repo.settings.values.get(LIMIT_SETTING.lower())
    try:
        return parse_size(given[-1]) if given else LIMIT
    except UsageError:
        return LIMIT  # a diff is no place to stop for that


def _kind(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _head(oid: ObjectId, size: int, note: str = "") -> bytes:
    note = f" ({note})" if note else ""
    return SIGN + f" {size:,} bytes, {str(oid)[: len('blake3:') + _DIGITS]}{note}\n".encode()


def _text(oid: ObjectId, content: bytes) -> bytes:
    return _head(oid, len(content)) + (content if is_text(content) else b"")
