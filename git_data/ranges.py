"""Which commits a user means by `BASE..HEAD`, also where a shallow clone lacks BASE."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from . import scan
from .errors import NotFound, UsageError
from .repo import Repo


class Range(NamedTuple):
    """Commits, as ids."""

    tips: list[str]
    known: list[str]  # these and what lies behind them are left out
    lacking: list[str]  # bases that a shallow clone does not have

    @property
    def revisions(self) -> list[str]:
        """As `git rev-list` takes them."""
        return [*self.tips, *(f"^{commit}" for commit in self.known)]


def resolve(repo: Repo, words: Sequence[str]) -> Range:
    """The range of some words, as `git rev-list` takes them; none is HEAD.

    A base of zeros, which CI systems give for a new branch, is no base. One that a shallow clone
    lacks is left out, so that all commits that are here count. NotFound for any other.
    """
    tips: list[str] = []
    bases: list[str] = []
    for word in words or ["HEAD"]:
        for name in _expand(repo, word):
            (bases if name.startswith("^") else tips).append(name.removeprefix("^"))
    here = scan.commits_here(repo.git, tips)
    if len(here) < len(tips) or not tips:
        raise NotFound(f"{' '.join(words)}: no such commits here", "see: git log --all")
    known, lacking = [], []
    for base in bases:
        found = scan.commits_here(repo.git, [base]) if base.strip("0") else []
        known += found
        lacking += [] if found or not base.strip("0") else [base]
    if lacking and not _is_shallow(repo):
        raise NotFound(f"there is no commit {lacking[0]} here", "bring it: git fetch")
    return Range(here, known, lacking)


def _expand(repo: Repo, word: str) -> list[str]:
    if not word or word.startswith("-") or "\n" in word:
        raise UsageError(f"{word[:80]!r} names no commits", "name a range: BASE..HEAD")
    status, out, _ = repo.git.attempt("rev-parse", word, "--")
    if status == 0:
        return out.decode().split()[:-1]
    base, dots, tip = word.partition("..")
    tip = tip.removeprefix(".") or "HEAD"
    if dots and _is_shallow(repo) and repo.git.attempt("rev-parse", tip, "--")[0] == 0:
        return [*repo.git.run("rev-parse", tip, "--").decode().split()[:-1], f"^{base or 'HEAD'}"]
    raise NotFound(f"{word}: no such commits here", "see: git log --all")


def _is_shallow(repo: Repo) -> bool:
    return os.path.exists(os.path.join(repo.location.common_dir, "shallow"))
