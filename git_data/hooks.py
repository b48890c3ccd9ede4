"""What each hook does. How it gets into a repository is told by `hooking`."""

from __future__ import annotations

import os

from . import hookfiles
from .checking import OF_INDEX, limit_of, of_index
from .errors import DataError
from .guard import Finding
from .hookfiles import PRE_COMMIT
from .progress import Progress
from .receiving import receive
from .repo import Repo
from .upload import Target, Upload, upload


def pre_push(
    repo: Repo, lines: bytes, target: Target, script: str, progress: Progress
) -> tuple[list[Upload], int]:
    """Upload what the pushed refs need, then run the hook that was there before ours.

    Returns what was sent and the exit status; DataError means that no ref may move.
    """
    try:
        sent = [] if uploads_itself(target) else upload(repo, tips(lines), target, progress)
    except DataError as error:
        raise error.of_push() from error
    return sent, run_kept(repo, "pre-push", script, [target.remote, target.url], lines)


def uploads_itself(target: Target) -> bool:
    """True for a remote that is reached through git-remote-data: it sends the data."""
    return target.url.startswith("data::")


def tips(lines: bytes) -> list[str]:
    """The ids being pushed, from Git's `LOCAL-REF LOCAL-OID REMOTE-REF REMOTE-OID` lines."""
    found = []
    for line in lines.splitlines():
        fields = line.rsplit(b" ", 3)  # a local ref may be an expression with spaces
        if len(fields) == 4 and fields[1].strip(b"0"):
            found.append(fields[1].decode("ascii"))
    return [*dict.fromkeys(found)]


def pre_commit(repo: Repo) -> list[Finding]:
    """What is wrong with what the next commit changes."""
    return of_index(repo, None, OF_INDEX, limit_of(repo))


def pre_receive(repo: Repo, lines: bytes) -> list[Finding]:
    """What is wrong with a push to this repository."""
    return receive(repo, lines)


def run_kept(
    repo: Repo, name: str, script: str, arguments: list[str], lines: bytes | None = None
) -> int:
    """Run what was there before ours; the first exit status that is not 0. `script`: the hook file
    that was started."""
    if not script:
        return 0
    called_by_framework = "PRE_COMMIT_RUNNING_LEGACY" in repo.git.environ
    for path in hookfiles.kept(os.path.join(os.path.dirname(script), name)):
        back = called_by_framework and hookfiles.maker(path, name) == PRE_COMMIT
        if back or not os.access(path, os.X_OK):
            continue
        status = repo.git.run_hook(path, arguments, lines)
        if status:
            return status
    return 0
