"""Whether imports are what they were locked to: the check needs neither network nor data.

An import records the id that Git itself gives to its file or folder (`tree`), so it is compared
with what lies at that path here. The ids of folders in the index are computed, for Git would write
them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from . import project
from .entries import INDEX, View
from .errors import FormatError
from .git import Git
from .guard import IMPORTS, Finding
from .mending import quoted
from .project import Import, Project
from .repo import Repo

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOCKS = ("commit", "tree")
Staged = list[tuple[bytes, bytes, str]]  # mode, path, id


def check(repo: Repo, views: Sequence[View]) -> list[Finding]:
    """`.gitdata` can be read, each import is locked, and its files are those it is locked to."""
    return [one for view in views for one in _check_view(repo, view)]


def _check_view(repo: Repo, view: View) -> Iterator[Finding]:
    try:
        said = project.read_blob(repo.git, view.revision) or Project()
    except FormatError as error:
        mend = error.hint or f"mend {project.NAME}, then: git add {project.NAME}"
        for commit in _commits(view, project.NAME):
            yield Finding(IMPORTS, project.NAME, commit, error.message, mend)
        return
    for commit in _commits(view) if said.imports else []:
        yield from _check_imports(repo.git, view, commit, said.imports)


def _commits(view: View, path: str | None = None) -> list[str]:
    """The commits of a view, or those that touch a path; the index is always looked at."""
    if view.revision == INDEX:
        return [INDEX]
    only = path and path.encode()
    return sorted({e.commit for e in view.entries if only is None or e.path == only})


def _check_imports(
    git: Git, view: View, commit: str, imports: Sequence[Import]
) -> Iterator[Finding]:
    asked = [item for item in imports if commit == INDEX or _is_touched(item, view, commit)]
    ids = _ids(git, commit, [item.name for item in asked])
    for item in asked:
        if wrong := _what_is_wrong(item, ids[item.name]):
            mend = f"git data update {quoted(os.fsencode(item.name))}"
            yield Finding(IMPORTS, item.name, commit, wrong, mend)


def _is_touched(item: Import, view: View, commit: str) -> bool:
    name = os.fsencode(item.name)
    return any(
        entry.path in (name, b".gitdata") or entry.path.startswith(name + b"/")
        for entry in view.entries
        if entry.commit == commit
    )


def _what_is_wrong(item: Import, found: str | None) -> str:
    loose = [key for key in _LOCKS if not _ID.fullmatch(getattr(item, key))]
    if loose:
        return f"this import is not locked: its {' and '.join(loose)} is missing or no id"
    if found is None:
        return "this import is not there"
    if found != item.tree:
        return f"this import is not what it was locked to ({item.commit[:12]})"
    return ""


def _ids(git: Git, commit: str, names: Sequence[str]) -> dict[str, str | None]:
    """The id of each file or folder in the index or a commit; None where there is none."""
    if commit == INDEX:
        entries = [*_staged(git)]
        return {name: staged_id(entries, os.fsencode(name)) for name in names}
    plain = [name for name in names if "\n" not in name]
    text = "".join(f"{commit}:{name}\n" for name in plain).encode(errors="surrogateescape")
    answers = git.run("cat-file", "--batch-check=%(objectname)", input=text).splitlines()
    found: dict[str, str | None] = dict.fromkeys(names)
    for name, answer in zip(plain, answers, strict=True):
        if not answer.endswith(b" missing"):
            found[name] = answer.decode()
    return found


def _staged(git: Git) -> Iterator[tuple[bytes, bytes, str]]:
    for entry in git.run("ls-files", "-s", "-z", "--full-name", "--", ":/").split(b"\0")[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, blob, stage = head.split(b" ")
        if stage == b"0":
            yield mode, path, blob.decode()


def staged_id(entries: Staged, name: bytes) -> str | None:
    """The id of the file or folder `name` among staged entries; None when there is none."""
    below = []
    for mode, path, blob in entries:
        if path == name:
            return blob
        if path.startswith(name + b"/"):
            below.append((mode, path[len(name) + 1 :], blob))
    return _tree_id(below) if below else None


def _tree_id(entries: Iterable[tuple[bytes, bytes, str]]) -> str:
    """The id of the tree that Git would make of entries, whatever their order."""
    folders: dict[bytes, Staged] = {b"": []}
    for mode, path, blob in entries:
        folder, _, name = path.rpartition(b"/")
        folders.setdefault(folder, []).append((mode, name, blob))
        while folder:  # those that hold only folders, too
            folder = folder.rpartition(b"/")[0]
            if folder in folders:
                break
            folders[folder] = []
    for folder in sorted(folders, key=lambda folder: -folder.count(b"/")):
        if folder:
            parent, _, name = folder.rpartition(b"/")
            folders[parent].append((b"40000", name, _id_of_rows(folders[folder])))
    return _id_of_rows(folders[b""])


def _id_of_rows(rows: Staged) -> str:
    rows.sort(key=lambda row: row[1] + (b"/" if row[0] == b"40000" else b""))
    body = b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(one)) for mode, name, one in rows)
    wide = any(len(one) == 64 for _, _, one in rows)
    made = hashlib.sha256() if wide else hashlib.sha1(usedforsecurity=False)
    made.update(b"tree %d\0" % len(body) + body)
    return made.hexdigest()
