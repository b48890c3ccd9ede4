"""What the local repository knows of commits: the questions that fetching and pushing put to it.

Replaced objects (`git replace`) and grafts are ignored: what is sent is what the ids stand for.

In a partial clone Git fetches what it misses, and would start us again for what we only look for.
Newer Git can be told not to (GIT_NO_LAZY_FETCH); older Git finds a helper that refuses (ASKING).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .errors import GitError
from .git import Git, Location

ASKING = "GIT_DATA_ASKING"  # in the environment of the commands that ask


class Thing(NamedTuple):
    """An object of Git."""

    oid: str
    kind: str  # commit, tag, tree, blob
    peeled: str = ""  # of a tag: what it is of, in the end
    commit: bool = False  # is it one, or a tag of one


class News(NamedTuple):
    """What some tips have that others have not."""

    tips: tuple[str, ...]  # those from which all of it can be reached, and no other of them can be
    prerequisites: tuple[str, ...]  # commits it builds on, that the others have
    cut: bool  # it has commits whose parents are not here: a shallow repository


class History:
    def __init__(self, git: Git, location: Location) -> None:
        none = os.path.join(location.common_dir, "git-data", "no-grafts")
        self.git = git.with_variables(GIT_NO_REPLACE_OBJECTS="1", GIT_GRAFT_FILE=none)
        self.asking = self.git.with_variables(GIT_NO_LAZY_FETCH="1", **{ASKING: "1"})
        self.location = location

    # Which objects

    def existing(self, oids: Iterable[str]) -> set[str]:
        """Those of the objects that are here; what they need may be missing."""
        names = "".join(f"{oid}\n" for oid in oids).encode()
        if not names:
            return set()
        answers = self.asking.run("cat-file", "--batch-check", input=names).splitlines()
        return {a.split()[0].decode() for a in answers if not a.endswith(b" missing")}

    def find(self, expressions: Sequence[str]) -> list[Thing | None]:
        """What expressions such as `HEAD~1` or `HEAD^{/a word}` stand for; None for nothing."""
        found = [self._object(answer) for answer in self._check(expressions)]
        tags = [one.oid for one in found if one and one.kind == "tag"]
        peeled = dict(zip(tags, self._check([f"{tag}^{{}}" for tag in tags]), strict=True))
        return [self._peel(one, peeled) for one in found]

    def _check(self, names: Sequence[str]) -> list[bytes]:
        text = "".join(f"{name}\n" for name in names).encode(errors="surrogateescape")
        return (
            self.asking.run("cat-file", "--batch-check", input=text).splitlines() if names else []
        )

    def _object(self, answer: bytes) -> Thing | None:
        words = answer.decode(errors="replace").rsplit(" ", 2)
        if len(words) != 3 or words[1] not in ("commit", "tag", "tree", "blob"):
            return None
        return Thing(words[0], words[1], commit=words[1] == "commit")

    def _peel(self, one: Thing | None, peeled: dict[str, bytes]) -> Thing | None:
        if one is None or one.kind != "tag":
            return one
        inner = self._object(peeled[one.oid])
        return one._replace(peeled=inner.oid, commit=inner.commit) if inner else None

    # How they hang together

    def is_ancestor(self, old: str, new: str) -> bool:
        """True when `new` has all of `old`'s history; both are here."""
        status, _, err = self.asking.attempt("merge-base", "--is-ancestor", old, new)
        if status not in (0, 1):
            raise GitError(f"git merge-base failed: {err.decode(errors='replace').strip()}")
        return status == 0

    def complete(self, oids: Iterable[str]) -> set[str]:
        """Those of the objects that are here with all that can be reached from them."""
        found = sorted(self.existing(oids))
        if not found or self._connected(found):
            return set(found)
        return {oid for oid in found if self._connected([oid])} if len(found) > 1 else set()

    def _connected(self, oids: Sequence[str]) -> bool:
        """As Git checks what it fetched: whatever refs reach is complete, the rest is walked."""
        names = "".join(f"{oid}\n" for oid in oids).encode()
        words = ["rev-list", "--objects", "--quiet", "--stdin"]
        words += ["--exclude-promisor-objects"] if self.is_partial() else []
        words += ["--not", "--all", "--alternate-refs"]
        return self.asking.attempt(*words, input=names)[0] == 0

    def news(self, tips: Sequence[Thing], others: Iterable[str]) -> News:
        """What is reachable from `tips` and from none of the `others`, which are here."""
        known = set(others)
        tags = [tip for tip in tips if tip.kind != "commit" and tip.oid not in known]
        starts = {tip.peeled or tip.oid for tip in tips if tip.commit}
        inside, prerequisites, cut = self._walk(starts, known)
        below = {tip.peeled for tip in tags if tip.commit} - inside.seen
        return News(
            tips=tuple(sorted({*inside.heads, *(tag.oid for tag in tags)})),
            prerequisites=tuple(sorted(prerequisites | below)),
            cut=cut,
        )

    def commits(self, tips: Sequence[Thing], others: Iterable[str]) -> set[str]:
        """All commits reachable from `tips` and from none of the `others`."""
        starts = {tip.peeled or tip.oid for tip in tips if tip.commit}
        names = "".join([*(f"{oid}\n" for oid in starts), *(f"^{oid}\n" for oid in others)])
        if not starts:
            return set()
        return {
            line.decode().strip()
            for line in self.asking.lines("rev-list", "--stdin", input=names.encode())
        }

    def _walk(self, starts: set[str], known: set[str]) -> tuple[_Inside, set[str], bool]:
        """Read the list of new commits as it comes: it may be long."""
        inside, prerequisites, cut = _Inside(starts), set[str](), False
        edges = self.shallow_commits()
        names = "".join([*(f"{oid}\n" for oid in starts), *(f"^{oid}\n" for oid in known)])
        if not starts:
            return inside, prerequisites, cut
        words = ("rev-list", "--boundary", "--parents", "--stdin")
        for line in self.asking.lines(*words, input=names.encode()):
            oid, *parents = line.decode().split()
            if oid.startswith("-"):
                prerequisites.add(oid[1:])
            else:
                inside.add(oid, parents)
                cut = cut or oid in edges
        return inside, prerequisites, cut

    # What is missing on purpose

    def shallow_commits(self) -> set[str]:
        """Commits whose parents are not here, although they have some."""
        try:
            with open(os.path.join(self.location.common_dir, "shallow"), encoding="ascii") as file:
                return set(file.read().split())
        except FileNotFoundError:
            return set()

    def is_partial(self) -> bool:
        """True where objects may be missing: fetched when they are needed, if at all."""
        return self.git.line("config", "extensions.partialClone") is not None


class _Inside:
    """Which of some commits were seen, and which of these no other one has for its parent."""

    def __init__(self, starts: set[str]) -> None:
        self._starts = starts
        self._parents: set[str] = set()
        self.seen: set[str] = set()

    def add(self, oid: str, parents: Sequence[str]) -> None:
        if oid in self._starts:
            self.seen.add(oid)
        self._parents.update(self._starts.intersection(parents))

    @property
    def heads(self) -> set[str]:
        return self.seen - self._parents
