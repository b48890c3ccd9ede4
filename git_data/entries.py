"""Which blobs the index or some commits bring, and by which `.gitattributes` they are judged.

One pipeline of Git for all of them, never a process a file. Commits are put together as long as
their `.gitattributes` and `.gitdata` are the same (a `View`), for each set of attributes costs some
processes: usually a whole range is one view.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from . import project
from .git import Git

_RULES = (":(glob)**/.gitattributes", f":(top,literal){project.NAME}")
_DIFF = ("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev")
INDEX = ""  # as a revision


class Entry(NamedTuple):
    """A blob at a path; `commit` brings it, INDEX means that it is staged."""

    path: bytes
    blob: str  # "" when no regular file is there any more
    commit: str


class View(NamedTuple):
    """Entries that the same `.gitattributes` and `.gitdata` speak of: those of `revision`."""

    revision: str
    entries: list[Entry]


# The index


def staged(git: Git, only: Collection[bytes] | None = None) -> View:
    """What the next commit changes; with `only` what the index holds at these paths."""
    if only is not None:
        found = [entry for entry in indexed(git) if entry.path in only]
    else:
        base = git.line("rev-parse", "--verify", "--quiet", "HEAD^{tree}") or _empty_tree(git)
        quick = ("--cached", "-r", "-z", "--no-renames", "--no-abbrev")
        found = [*_raw_entries(git.run("diff-index", *quick, base, "--"), INDEX)]
    return View(INDEX, found)


def indexed(git: Git, *paths: str) -> list[Entry]:
    """Every regular file in the index that is not in conflict, below some pathspecs."""
    found = []
    for entry in git.run("ls-files", "-s", "-z", "--full-name", "--", *paths or [":/"]).split(
        b"\0"
    )[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, blob, stage = head.split(b" ")
        if mode.startswith(b"100") and stage == b"0":
            found.append(Entry(path, blob.decode(), INDEX))
    return found


def _empty_tree(git: Git) -> str:
    return git.run("hash-object", "-t", "tree", "--stdin", input=b"").decode().strip()


def _raw_entries(text: bytes, commit: str) -> Iterator[Entry]:
    """The entries of `--raw -z` output without commit ids."""
    fields = text.split(b"\0")
    for at in range(0, len(fields) - 1, 2):
        yield _entry(fields[at], fields[at + 1], commit)


def _entry(head: bytes, path: bytes, commit: str) -> Entry:
    """From `:MODE MODE ID ID STATUS`, or with more colons that of a merge: what is there now."""
    parents = head.count(b":", 0, head.index(b" "))
    words = head.split(b" ")
    mode, blob = words[parents].lstrip(b":"), words[2 * parents + 1]
    return Entry(path, blob.decode() if mode.startswith(b"100") else "", commit)


# Commits


class _Commit(NamedTuple):
    id: str
    parents: list[str]


def introduced(git: Git, revisions: Sequence[str]) -> list[View]:
    """What the commits of a range bring, each compared with its parents: `revisions` as
    `git rev-list` takes them (`A..B`, `^A`). What a merge only takes over is none of its own.

    At the boundary of a shallow clone there are no parents: all files of that commit are entries.
    """
    commits = commits_in(git, revisions)
    changed = _changes(git, commits)
    groups: dict[str, list[Entry]] = {}
    same = _same_rules(git, _speakers(commits, changed))
    for commit, speaker in same.items():
        groups.setdefault(speaker, []).extend(changed.get(commit, ()))
    return [View(revision, found) for revision, found in groups.items() if found]


def commits_in(git: Git, revisions: Sequence[str]) -> list[_Commit]:
    """The commits of a range, parents first."""
    names = "".join(f"{revision}\n" for revision in revisions).encode(errors="surrogateescape")
    order = ("--no-replace-objects", "rev-list", "--topo-order", "--reverse", "--parents")
    lines = git.run(*order, "--stdin", input=names).decode().splitlines() if names else []
    return [_Commit(line.split()[0], line.split()[1:]) for line in lines]


def _changes(git: Git, commits: Sequence[_Commit]) -> dict[str, list[Entry]]:
    names = "".join(" ".join([one.id, *one.parents]) + "\n" for one in commits).encode()
    if not names:
        return {}
    out = git.run("--no-replace-objects", *_DIFF, "-c", "--root", input=names)
    found: dict[str, list[Entry]] = {}
    fields = iter(out.split(b"\0"))
    now = ""
    for field in fields:
        if not field.startswith(b":"):
            now = field.decode()
        else:
            found.setdefault(now, []).append(_entry(field, next(fields), now))
    return found


def _speakers(commits: Sequence[_Commit], changed: dict[str, list[Entry]]) -> dict[str, str]:
    """For each commit one whose rules are the same: itself where they may have changed."""
    found: dict[str, str] = {}
    for one in commits:
        inherited = {found.get(parent, parent) for parent in one.parents}
        if len(inherited) == 1 and not any(map(_is_rule, changed.get(one.id, ()))):
            found[one.id] = inherited.pop()
        else:
            found[one.id] = one.id
    return found


def _is_rule(entry: Entry) -> bool:
    return entry.path == b".gitdata" or entry.path.rpartition(b"/")[2] == b".gitattributes"


def _same_rules(git: Git, speakers: dict[str, str]) -> dict[str, str]:
    """The same with fewer of them: those whose rules do not differ are one."""
    distinct = [*dict.fromkeys(speakers.values())]
    if len(distinct) < 2:
        return speakers
    names = "".join(f"{one}^{{tree}}\n" for one in distinct).encode()
    answers = git.run("cat-file", "--batch-check=%(objectname)", input=names).decode().split("\n")
    tree_of = dict(zip(distinct, answers, strict=False))
    differences = _differences(git, [*dict.fromkeys(tree_of.values())])
    first: dict[bytes, str] = {}
    chosen = {one: first.setdefault(differences[tree_of[one]], one) for one in distinct}
    return {commit: chosen[speaker] for commit, speaker in speakers.items()}


def _differences(git: Git, trees: Sequence[str]) -> dict[str, bytes]:
    """How the rules of each tree differ from those of the first, as text to compare."""
    base, found = trees[0], dict.fromkeys(trees, b"")
    pairs = "".join(f"{base} {tree}\n" for tree in trees[1:]).encode()
    out = git.run(*_DIFF, "--", *_RULES, input=pairs) if pairs else b""
    now, at = base, 0
    while at < len(out):
        if out[at : at + 1] == b":":  # a head and a path, each ended by NUL
            end = out.index(b"\0", out.index(b"\0", at) + 1) + 1
            found[now] += out[at:end]
        else:  # "BASE TREE"
            end = out.index(b"\n", at) + 1
            now = out[at:end].split()[1].decode()
        at = end
    return found


def partial(values: Iterable[str]) -> bool:
    """True for the settings of a partial clone, where asking for a blob may fetch it."""
    return any(
        name == "extensions.partialclone" or (name[:7] == "remote." and name[-9:] == ".promisor")
        for name in values
    )


def absent(git: Git, revisions: Sequence[str]) -> set[str]:
    """The blobs that a partial clone lacks, of a range, or with none of the index; nothing is
    fetched."""
    names = "".join(f"{revision}\n" for revision in revisions).encode(errors="surrogateescape")
    which = ("--stdin",) if revisions else ("--no-walk", "--indexed-objects")
    walk = ("--no-replace-objects", "rev-list", "--objects", "--missing=print")
    out = git.run(*walk, *which, input=names or None)
    return {line[1:].decode() for line in out.splitlines() if line.startswith(b"?")}
