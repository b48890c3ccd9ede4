"""What a server refuses before it takes a push: the pre-receive hook.

How to think about it. Git has put the pushed objects into a quarantine that this process sees and
the refs do not lead to, so "new" is what no ref of the repository reaches yet. Everything in it is
a stranger's: stores are asked only at addresses that this server's own config names (`data.store`,
`data.allowStore`), or in this repository's own folder, never at one out of a pushed `.gitdata`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from . import project, scan, stored
from .checking import limit_of
from .entries import Entry, introduced
from .errors import DataError
from .guard import LARGE, STORED, Finding, Guard
from .inventory import all_tips
from .pointer import Pointer
from .project import Import
from .repo import Address, Repo

_ALLOWED = "data.allowstore"
_SEND = "send it: git data push, then push again"


def receive(repo: Repo, lines: bytes) -> list[Finding]:
    """What is wrong with a push; any finding refuses all of it. `lines`: as Git gives them to the
    hook, `OLD NEW REF` for each ref."""
    ids = _new_ids(lines)
    if not ids:
        return []
    known = all_tips(repo)
    tips = scan.commits_here(repo.git, ids)
    revisions = [*tips, *(f"^{commit}" for commit in known)]
    guard = Guard(repo, introduced(repo.git, revisions) if tips else [], revisions, tips)
    limit = limit_of(repo)
    found = {(one.commit, one.path): one for one in guard.large(limit)}
    found |= {(one.commit, one.path): one for one in guard.pointers()}
    return [*found.values(), *_beside(repo, ids, known, limit), *_lacking(repo, guard)]


def _new_ids(lines: bytes) -> list[str]:
    """What the refs are to name; deletions name nothing."""
    fields = (line.split(b" ", 2) for line in lines.splitlines())
    new = (words[1].decode("ascii", "replace") for words in fields if len(words) == 3)
    return [*dict.fromkeys(oid for oid in new if oid.strip("0"))]


def _beside(repo: Repo, ids: Sequence[str], known: Sequence[str], limit: int) -> list[Finding]:
    """Large blobs that no commit holds: of tags of blobs and trees."""
    git = repo.git
    kinds = "".join(f"{oid}^{{}}\n" for oid in ids).encode()
    answers = git.run("cat-file", "--batch-check=%(objecttype)", input=kinds).split()
    odd = [oid for oid, kind in zip(ids, answers, strict=True) if kind != b"commit"]
    if not odd or not limit:
        return []
    names = "".join(f"{oid}\n" for oid in [*odd, *(f"^{commit}" for commit in known)]).encode()
    listed = git.run("--no-replace-objects", "rev-list", "--objects", "--stdin", input=names)
    objects = [line.partition(b" ")[::2] for line in listed.splitlines()]
    sizes = scan.sizes(git, (oid.decode() for oid, _ in objects))
    return [
        Finding(
            LARGE,
            os.fsdecode(path) or oid.decode(),
            "",
            f"{size:,} bytes in Git itself, more than {limit:,}",
            "push it as a data file of a commit",
        )
        for (oid, path), size in zip(objects, sizes, strict=True)
        if size and size > limit
    ]


# Objects


def addresses(repo: Repo) -> list[Address]:
    """The stores that this server's own config names, and what lies in its own folder."""
    found = [Address(repo.settings.store, "data.store")] if repo.settings.store else []
    found += [repo.own_store] if repo.own_store else []
    allowed = repo.settings.values.get(_ALLOWED, ())
    return [*found, *(Address(url, "data.allowStore") for url in allowed)]


def _lacking(repo: Repo, guard: Guard) -> Iterator[Finding]:
    """The pointers of a push whose objects none of these stores has."""
    data = guard.data()
    asked = stored.ask(repo, {one.oid for one in data}, addresses(repo))
    imports = _Imports(repo, guard)
    for one, entry in data.items():
        if one.oid in asked.missing:
            path = os.fsdecode(entry.path)
            elsewhere = imports.of(entry)
            what, mend = _refusal(one, path, elsewhere, asked.silent)
            yield Finding(STORED, path, entry.commit, what, mend)


def _refusal(
    one: Pointer,
    path: str,
    elsewhere: Import | None,
    silent: Sequence[tuple[Address, DataError]],
) -> tuple[str, str]:
    content = f"its content ({one.oid})"
    if elsewhere and elsewhere.stores:
        what = f"{content} lies in {elsewhere.stores[0]}, where this server does not look"
        copy = f"git config -f {project.NAME} {_key(elsewhere)}.copy true"
        return what, (
            f"on the server: git config --add data.allowStore {elsewhere.stores[0]}, "
            f"or take it into your own store: {copy}, commit, push"
        )
    if silent:
        return f"{content} could not be looked for: {silent[0][1].message}", "push again later"
    return f"{content} is not in this server's store", _SEND


def _key(item: Import) -> str:
    return f"'import.{item.name}'"


class _Imports:
    """Which import a path belongs to, by the pushed `.gitdata`: its addresses are only told."""

    def __init__(self, repo: Repo, guard: Guard) -> None:
        self._git = repo.git
        self._views = {e.commit: view.revision for view in guard.views for e in view.entries}
        self._known: dict[str, tuple[Import, ...]] = {}

    def of(self, entry: Entry) -> Import | None:
        path = os.fsdecode(entry.path)
        for item in self._imports(self._views[entry.commit]):
            if path == item.name or path.startswith(item.name + "/"):
                return item
        return None

    def _imports(self, revision: str) -> tuple[Import, ...]:
        if revision not in self._known:
            try:
                said = project.read_blob(self._git, revision)
            except DataError:
                said = None
            self._known[revision] = said.imports if said else ()
        return self._known[revision]
