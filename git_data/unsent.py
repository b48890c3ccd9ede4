"""What a push would send, and where to."""

from __future__ import annotations

import os
from typing import NamedTuple

from . import scan
from .errors import DataError, UsageError
from .inventory import items_at
from .repo import Address, Repo
from .transfer import Wanted
from .upload import Target, pending


class Unsent(NamedTuple):
    """What the store of the next push does not hold yet."""

    address: Address | None
    items: list[Wanted]
    problem: DataError | None = None  # why it could not be asked


def push_target(repo: Repo, remote: str = "") -> Target:
    """The remote that `git push` would take, or the one named; UsageError when it is unknown."""
    if remote:
        return Target(remote, _url_of(repo, remote))
    name = _default_remote(repo)
    return Target(name, (repo.git.remote_url(name) or "") if name else "")


def _url_of(repo: Repo, remote: str) -> str:
    known = repo.remotes()
    if remote in known or "/" in remote or ":" in remote or os.path.isdir(remote):
        url = repo.git.remote_url(remote)
        if url:
            return url
    names = ", ".join(known) or "none"
    raise UsageError(f"there is no remote {remote!r}", f"the remotes of this repository: {names}")


def _default_remote(repo: Repo) -> str:
    branch = repo.git.line("symbolic-ref", "--quiet", "--short", "HEAD") or ""
    values, names = repo.settings.values, repo.remotes()
    for key in (f"branch.{branch}.pushremote", "remote.pushdefault", f"branch.{branch}.remote"):
        if key in values and values[key][-1] in names:
            return values[key][-1]
    return names[0] if names else ""


def unsent(repo: Repo) -> Unsent:
    """What HEAD's history and the index need and the store of the next push does not hold."""
    target = push_target(repo)
    staged = [item.wanted for item in items_at(repo, None)]
    try:
        tips = scan.commits_here(repo.git, ["HEAD"])
        address, items = pending(repo, tips, target, staged)
    except DataError as error:
        return Unsent(None, [], error)
    return Unsent(address, items)
