"""One change of the index and the work tree, made the way a checkout makes it.

How to think about it. The index as it is becomes a tree, and a second tree is made that differs
from it only in what is to change. Git then goes from the one to the other (`read-tree -m -u`), as
it goes from branch to branch: all or nothing, local changes are never overwritten, what else is
staged stays staged, and the filter puts data in place as at any checkout.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .errors import Conflict, DataError, GitError
from .git import Git
from .listing import TREE, Entry
from .repo import Repo

FILE = "100644"
_BLOCKED = ("not uptodate", "would be overwritten", "would be removed", "would lose untracked")


class Leaf(NamedTuple):
    """What lies at a path: a file, or a folder with all that is in it."""

    mode: str
    oid: str


Edits = Mapping[str, Leaf | None]  # by path; None: nothing any more


def staged_tree(git: Git) -> str:
    """The index as a tree; Conflict while a merge is not settled."""
    status, out, err = git.attempt("write-tree", "--missing-ok")
    if status:
        text = err.decode(errors="replace")
        if "unmerged" in text or "needs merge" in text:
            raise Conflict(
                "a merge is under way, and not all its conflicts are settled; nothing was changed",
                "settle them, and git add what you settled",
            )
        raise GitError(f"git write-tree failed in {git.folder}: {text.strip()}")
    return out.decode().strip()


def edited(git: Git, tree: str | None, edits: Edits) -> str | None:
    """The tree with some paths changed; None when nothing is left of it."""
    entries = _entries(git, tree) if tree else {}
    below: dict[str, dict[str, Leaf | None]] = {}
    for path, leaf in edits.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = leaf
        elif leaf:
            entries[name] = leaf
        else:
            entries.pop(name, None)
    for name, inner in below.items():
        found = entries.get(name)
        made = edited(git, found.oid if found and found.mode == TREE else None, inner)
        if made:
            entries[name] = Leaf(TREE, made)
        else:
            entries.pop(name, None)
    return _make(git, entries) if entries else None


def _entries(git: Git, tree: str) -> dict[str, Leaf]:
    found = {}
    for line in os.fsdecode(git.run("ls-tree", "-z", "--full-tree", tree)).split("\0")[:-1]:
        head, _, name = line.partition("\t")
        mode, _, oid = head.split(" ")
        found[name] = Leaf(mode, oid)
    return found


def _make(git: Git, entries: Mapping[str, Leaf]) -> str:
    kinds = {TREE: "tree", "160000": "commit"}
    lines = "".join(
        f"{leaf.mode} {kinds.get(leaf.mode, 'blob')} {leaf.oid}\t{name}\0"
        for name, leaf in entries.items()
    )
    return git.run("mktree", "-z", "--missing", input=os.fsencode(lines)).decode().strip()


def tree_of(git: Git, files: Iterable[Entry]) -> str:
    """The tree that Git writes of these files."""
    lines = "".join(f"{entry.mode} {entry.blob}\t{entry.path}\0" for entry in files)
    with tempfile.TemporaryDirectory(prefix="git-data-") as folder:
        index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        there = Git(git.folder, {**git.environ, **index})
        there.run("update-index", "-z", "--index-info", input=os.fsencode(lines))
        return there.run("write-tree", "--missing-ok").decode().strip()


def go(repo: Repo, old: str, new: str, pointers: bool = False) -> None:
    """Take index and work tree from one tree to the other. `pointers`: data is left as pointers.

    Conflict when something local is in the way: then nothing was changed.
    """
    environ = {**repo.git.environ, **({"GIT_DATA_SKIP_SMUDGE": "1"} if pointers else {})}
    git = Git(repo.git.folder, environ)
    options = ("-m", "-u", "--no-recurse-submodules")
    status, _, err = git.attempt("read-tree", *options, old, new)
    if status == 0:
        return
    text = err.decode(errors="replace").strip()
    lines = [line.partition(": ")[2] or line for line in text.splitlines()]
    if any(word in text for word in _BLOCKED):
        raise Conflict(
            f"something here would be overwritten ({lines[0][:300]}); nothing was changed",
            "commit or move it, then do it again",
        )
    if "index.lock" in text:
        raise Conflict(
            f"Git's index is locked by another process; nothing was changed ({lines[0][:300]})",
            "do it again when that is done",
        )
    raise DataError(f"git read-tree failed: {text[-500:]}", "see: git status")


def write_blob(git: Git, text: bytes) -> str:
    return git.run("hash-object", "-w", "--stdin", input=text).decode().strip()


def stage(git: Git, edits: Edits) -> None:
    """Change index entries of files, and not the work tree."""
    format_null = "0" * 40
    lines = "".join(
        f"{leaf.mode} {leaf.oid}\t{path}\0" if leaf else f"0 {format_null}\t{path}\0"
        for path, leaf in edits.items()
    )
    git.run("update-index", "-z", "--index-info", input=os.fsencode(lines))


# Objects from one repository to another


def carry(source: Git, repo: Repo, oids: Iterable[str]) -> None:
    """Copy objects of Git's, which the source has, as far as they are not here; verified."""
    names = [*dict.fromkeys(oids)]
    if not _is_partial(repo):  # a partial clone would ask its remote for each that is not here
        names = _lacking(repo.git, names)
    if not names:
        return
    with tempfile.TemporaryFile() as file:
        file.write("".join(f"{oid}\n" for oid in names).encode())
        file.seek(0)
        sender = source.start("pack-objects", "--stdout", "-q", stdin=file.fileno())
    assert sender.stdout is not None
    receiver = repo.git.start("index-pack", "--stdin", stdin=sender.stdout.fileno())
    sender.stdout.close()
    assert receiver.stdout is not None
    receiver.stdout.read()
    receiver.stdout.close()
    if receiver.wait() | sender.wait():
        raise GitError(f"objects of Git's could not be copied from {source.folder}")


def _is_partial(repo: Repo) -> bool:
    return any(name.endswith(".promisor") for name in repo.settings.values)


def _lacking(git: Git, names: Sequence[str]) -> list[str]:
    text = "".join(f"{oid}\n" for oid in names).encode()
    answers = git.run("cat-file", "--buffer", "--batch-check=", input=text).splitlines()
    return [oid for oid, line in zip(names, answers, strict=True) if line.endswith(b" missing")]
