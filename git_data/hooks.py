"""What each hook does, and how it gets into a repository.

Ours is a small script with a marker. A hook that was there is kept beside it and runs after ours.
The pre-commit framework does the same with what it finds (it renames it to `.legacy`), so whoever
comes last calls the other; under PRE_COMMIT_RUNNING_LEGACY ours calls nobody back.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from .errors import DataError
from .files import write_file
from .progress import Progress
from .repo import Repo
from .upload import Target, Upload, upload

MARKER = "# git-data pre-push hook"
KEPT = ".before-git-data"
_CONFIG_HOOK = "hook.git-data-pre-push"
_SCRIPT = """\
#!/bin/sh
{marker}: sends the data of the pushed commits first; then runs {name}{kept}, if there is one.
if test -x {program}; then exec {command} hook --script "$0" -- pre-push "$@"; fi
if command -v git-data >/dev/null; then exec git-data hook --script "$0" -- pre-push "$@"; fi
lines=$(cat)
pushed=$(printf '%s\\n' "$lines" | sed 's/.* \\([0-9a-f]*\\) [^ ]* [0-9a-f]*$/\\1/')
for oid in $(printf '%s\\n' "$pushed" | grep -v '^0*$'); do
  if git grep -q '^version git-data/1$' "$oid" --; then
    echo "git-data is not installed, this push would leave its data behind: nothing was sent." \\
      "Install git-data and push again" >&2
    exit 1
  fi
done
if test -x "$0{kept}"; then printf '%s\\n' "$lines" | "$0{kept}" "$@"; fi
"""


class State(NamedTuple):
    """How the pre-push hook stands in a repository."""

    installed: bool
    path: str  # the hook file, or where it would be
    advice: str = ""  # what a person has to do, when we may not


# Running


def pre_push(
    repo: Repo, lines: bytes, target: Target, script: str, progress: Progress
) -> tuple[list[Upload], int]:
    """Upload what the pushed refs need, then run the hook that was there before ours.

    Returns what was sent and the exit status; DataError means that no ref may move.
    """
    try:
        uploads_itself = target.url.startswith("data::")
        sent = [] if uploads_itself else upload(repo, tips(lines), target, progress)
    except DataError as error:
        safe = "nothing was pushed, your commits are safe here"
        raise error.reworded(f"{error.message}; {safe}") from error
    kept = script + KEPT
    if (
        not script
        or not os.access(kept, os.X_OK)
        or "PRE_COMMIT_RUNNING_LEGACY" in repo.git.environ
    ):
        return sent, 0
    return sent, repo.git.run_hook(kept, [target.remote, target.url], lines)


def tips(lines: bytes) -> list[str]:
    """The ids being pushed, from Git's `LOCAL-REF LOCAL-OID REMOTE-REF REMOTE-OID` lines."""
    found = []
    for line in lines.splitlines():
        fields = line.rsplit(b" ", 3)  # a local ref may be an expression with spaces
        if len(fields) == 4 and fields[1].strip(b"0"):
            found.append(fields[1].decode("ascii"))
    return [*dict.fromkeys(found)]


# Installing


def state(repo: Repo) -> State:
    """Whether our hook will run at the next push."""
    folder = repo.git.hooks_folder()
    path = os.path.join(folder, "pre-push")
    configured = repo.settings.values.get(_CONFIG_HOOK + ".event", ())
    if "pre-push" in configured or _is_ours(path) or _is_ours(path + ".legacy"):
        return State(True, path)
    if not _inside(
        folder, repo.location.common_dir
    ):  # core.hooksPath, or a link: perhaps committed
        line = 'git-data hook pre-push "$@"'
        what = "core.hooksPath" if repo.settings.hooks_path else os.path.realpath(folder)
        return State(False, path, f"{what} is yours to write: add this line to {path}: {line}")
    return State(False, path)


def ensure(repo: Repo, command: Sequence[str]) -> State:
    """Put the pre-push hook in place unless it is, or unless its folder is not ours to write.

    Doing it twice is the same as once. Raises OSError or DataError when it cannot be written.
    """
    found = state(repo)
    if found.installed:
        return found
    if repo.git.version() >= (2, 54):
        text = " ".join(map(shlex.quote, command)) + " hook pre-push"
        repo.git.run("config", "--local", _CONFIG_HOOK + ".command", text)
        repo.git.run("config", "--local", _CONFIG_HOOK + ".event", "pre-push")
        return State(True, found.path)
    if found.advice:
        return found
    os.makedirs(os.path.dirname(found.path), exist_ok=True)
    if os.path.lexists(found.path) and not _is_ours(found.path):  # ours: another was quicker
        if os.path.lexists(found.path + KEPT):
            raise DataError(f"{found.path + KEPT} is in the way", "move it, then: git data doctor")
        os.rename(found.path, found.path + KEPT)
    write_file(found.path, _script(command).encode(), mode=0o777)
    return State(True, found.path)


def remove(repo: Repo) -> bool:
    """Take our hook out again and put back what was there. True if there was one of ours."""
    path = os.path.join(repo.git.hooks_folder(), "pre-push")
    configured = _CONFIG_HOOK + ".event" in repo.settings.values
    if configured:
        repo.git.attempt("config", "--local", "--remove-section", _CONFIG_HOOK)
    for place in (path, path + ".legacy"):
        if _is_ours(place):
            os.unlink(place)
            if place == path and os.path.lexists(path + KEPT):
                os.rename(path + KEPT, path)
            return True
    return configured


def _script(command: Sequence[str]) -> str:
    return _SCRIPT.format(
        marker=MARKER,
        name="pre-push",
        kept=KEPT,
        program=shlex.quote(command[-1]),
        command=" ".join(map(shlex.quote, command)),
    )


def _is_ours(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return MARKER.encode() in file.read(4096)
    except OSError:
        return False


def _inside(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
