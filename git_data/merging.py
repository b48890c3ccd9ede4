"""The merge driver: pointers are merged by what they stand for, or not at all.

How to think about it. Git gives three files that hold what Git has: pointers, or small texts, for
`git data track --above` puts `merge=data` on every path. Texts are merged by lines; of pointers to
small texts, the contents. Whatever else both sides changed is a conflict: ours stays, theirs is
written beside it. A half pointer never comes out.

The same driver runs for commands that only look (`git merge-tree`, `git log --remerge-diff`), and
Git does not say so: then no file is written (`_writes_files`). For a virtual ancestor Git does not
call it at all, by `merge.data.recursive = binary`.
"""

from __future__ import annotations

import os
import tempfile
from typing import NamedTuple

from . import beside, faults, pointer
from .bringing import bring
from .caller import command_above
from .errors import DataError, UsageError
from .mending import quoted
from .oid import hash_bytes
from .pointer import Pointer
from .project import parse_size
from .repo import Repo
from .texts import is_text
from .transfer import Wanted

LIMIT = 10 << 20
LIMIT_SETTING = "data.mergeLimit"
_MERGE_FILE_FAILED = 128  # from here on its exit status is no number of conflicts
# Commands that merge into the work tree, and those that merge only to look.
_WRITE = {"merge", "pull", "rebase", "cherry-pick", "revert", "stash", "checkout", "switch"}
_WRITE |= {"am", "apply", "restore", "merge-recursive", "merge-ort", "merge-subtree", "submodule"}
_LOOK = {"merge-tree", "log", "show", "diff", "whatchanged", "reflog", "replay", "range-diff"}


class Merged(NamedTuple):
    """What became of one file."""

    clean: bool
    message: str = ""  # for the user, of a conflict


class Merge:
    """The merge of one file. `versions`: base, ours and theirs, files that hold what Git has."""

    def __init__(
        self, repo: Repo, versions: tuple[str, str, str], marker_size: str, path: str
    ) -> None:
        self.repo = repo
        self.ours_file = versions[1]
        self.marker_size = marker_size
        self.path = path
        self.limit = limit_of(repo)
        self.files = versions
        starts = [_start_of(file) for file in versions]
        self.pointers = [pointer.parse_any_eol(text) for text in starts]
        self.any_kept = any(faults.fault_of(text) in faults.KEPT for text in starts)

    def run(self) -> Merged:
        """Put the result into the file of ours; of a conflict it stays as it is."""
        if self.any_kept:  # a newer or broken pointer: its lines are nothing to mix
            return Merged(False, self._keep_theirs())
        if not any(self.pointers):
            return self._merge_plain()
        contents = self._contents()
        if contents and all(map(is_text, contents)):
            status, text = self._merge_lines(contents)
            if status == 0:
                _write(self.ours_file, _as_cleaned(self.repo, self.path, text))
                return Merged(True)
        return Merged(False, self._keep_theirs())

    def _merge_plain(self) -> Merged:
        """What is no data merges as in any repository: by lines, with markers; or not at all."""
        contents = [_read(file) for file in self.files]
        if not all(map(is_text, contents)):
            return Merged(False)  # ours stays as it is
        status, text = self._merge_lines(contents)
        if status >= _MERGE_FILE_FAILED:
            return Merged(False)
        _write(self.ours_file, _as_cleaned(self.repo, self.path, text) if not status else text)
        return Merged(status == 0)

    def _merge_lines(self, contents: list[bytes]) -> tuple[int, bytes]:
        """Status as of `git merge-file`, and the merged text."""
        with tempfile.TemporaryDirectory(prefix="git-data-") as folder:
            names = [os.path.join(folder, name) for name in ("base", "ours", "theirs")]
            for name, content in zip(names, contents, strict=True):
                _write(name, content)
            labels = ("-L", "ours", "-L", "base", "-L", "theirs")
            options = ("-p", f"--marker-size={self.marker_size}", *labels)
            base, ours, theirs = names
            status, text, _ = self.repo.git.attempt("merge-file", *options, ours, base, theirs)
            return status, text

    # By content

    def _contents(self) -> list[bytes] | None:
        """What the three versions stand for; None unless all are small, and can be had."""
        pairs = zip(self.pointers, self.files, strict=True)
        sizes = [found.size if found else os.path.getsize(file) for found, file in pairs]
        if max(sizes) > self.limit or not self._fetch([p for p in self.pointers if p]):
            return None
        contents = []
        for file, found in zip(self.files, self.pointers, strict=True):
            content = _read(file) if found is None else self._object(found)
            if content is None:
                return None
            contents.append(content)
        return contents

    def _fetch(self, pointers: list[Pointer]) -> bool:
        wanted = [Wanted(one.oid, one.size, self.path) for one in dict.fromkeys(pointers)]
        return not bring(self.repo, wanted)

    def _object(self, found: Pointer) -> bytes | None:
        try:
            with self.repo.cache.open(found.oid, found.size) as file:
                return file.read()
        except DataError:
            return None

    # A conflict

    def _keep_theirs(self) -> str:
        """Write their version beside ours, where files are written at all; what to tell."""
        path = quoted(os.fsencode(self.path))
        settle = f"keep one of them: git data resolve --ours|--theirs {path}"
        if not _writes_files(self.repo):
            return ""
        try:
            where = f"theirs is beside it as {self._write_theirs()}"
        except DataError as error:
            where = f"theirs is not beside it ({error.message})"
        return f"{self.path}: both sides changed it. Ours is in place, {where}; {settle}"

    def _write_theirs(self) -> str:
        top, theirs = self.repo.top, self.pointers[2]
        if theirs is None or not self._wants_content():
            text = _read(self.files[2])
            return beside.write(top, self.path, text, hash_bytes(text))
        for _, error in bring(self.repo, [Wanted(*theirs, self.path)]):
            raise error
        with self.repo.cache.open(theirs.oid, theirs.size) as file:
            return beside.write(top, self.path, file, theirs.oid)

    def _wants_content(self) -> bool:
        return not self.repo.settings.skip_smudge and self.repo.selection(None).includes(self.path)


def _writes_files(repo: Repo) -> bool:
    """True when the Git command above merges into the work tree. Those that do hold the lock of
    the index; where the system tells which command it is, its name decides."""
    if repo.location.work_tree is None:
        return False
    name = (command_above() or [""])[0]
    if name in _WRITE or name in _LOOK:
        return name in _WRITE
    return os.path.lexists(repo.git.index_file(repo.location) + ".lock")


def limit_of(repo: Repo) -> int:
    """Bytes up to which data is merged by content, and fetched for it."""
    given = repo.settings.values.get(LIMIT_SETTING.lower())
    try:
        return parse_size(given[-1]) if given else LIMIT
    except UsageError:
        return LIMIT  # a merge is no place to stop for that


def _as_cleaned(repo: Repo, path: str, content: bytes) -> bytes:
    """What the filter makes of a merged text, for it goes straight into Git."""
    name = os.fsencode(path)
    if not content or pointer.parse(content) or faults.fault_of(content) in faults.KEPT:
        return content
    if not repo.tracked_paths([path]):
        return content
    above = repo.project_to_clean.above
    if above is not None and len(content) < above and not repo.tracked_by_name(name):
        return content
    made = repo.cache.put(content)
    repo.cache.finish()
    return made.encode()


def _start_of(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(faults.LONGEST)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
