"""One `git fetch` from somebody else's repository: what is asked, and the answers as errors.

Most servers give parts: one commit without its past, its large files left out. Some only give all
(plain files behind a web server, a registry behind `data::`). Those are asked in the plain way:
told that a remote promises what is missing, Git would ask it for each single object.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from .errors import DataError, Denied, GitError, NotFound, Unreachable
from .git import Git, is_full_id
from .origin import Origin, without_secret

REMOTE = "git-data-source"
_PROMISES = (
    *("-c", f"remote.{REMOTE}.promisor=true"),
    *("-c", f"remote.{REMOTE}.partialclonefilter=blob:none"),
)
_SETTINGS = ("-c", "protocol.ext.allow=never", "-c", f"core.hooksPath={os.devnull}")
_OPTIONS = (
    *("--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune", "--update-shallow"),
    *("--recurse-submodules=no", "--no-show-forced-updates"),
)
# For a folder Git starts the other side itself: it may serve parts, whatever its config says.
_SERVE_PARTS = (
    "--upload-pack=git -c uploadpack.allowFilter=true"
    " -c uploadpack.allowAnySHA1InWant=true upload-pack"
)
_MISSING = re.compile(r"(couldn't find remote ref|not our ref) (\S+)")
_KINDS: tuple[tuple[type[DataError], tuple[str, ...], str], ...] = (
    (
        Denied,
        ("Authentication failed", "Permission denied", "could not read Username", " 403"),
        "check who may read it; Git's own credentials are used",
    ),
    (
        NotFound,
        ("not appear to be a git repository", "not found", "does not exist", "not a repository"),
        "check the address: git ls-remote ADDRESS",
    ),
    (
        Unreachable,
        ("unable to access", "Could not resolve", "onnection", "timed out", "hung up"),
        "try again when it can be reached; nothing was changed",
    ),
)


class Missing(NotFound):
    """A revision that a repository has not."""

    revision = ""

    @classmethod
    def of(cls, origin: Origin, revision: str) -> Missing:
        what = "has no commits" if revision == "HEAD" else f"has no revision {revision!r}"
        made = cls(f"{origin.shown} {what}", f"see: git ls-remote {origin.shown}")
        made.revision = revision
        return made


class Hidden(GitError):
    """A commit is not given by its id alone: perhaps it is on some branch."""


class OtherFormat(GitError):
    """The repository names objects by another hash than ours here."""


class NoParts(GitError):
    """It only gives all of a history."""


def ask(  # noqa: PLR0913
    git: Git,
    origin: Origin,
    parts: Sequence[str],
    refspecs: Sequence[str],
    *,
    settings: Sequence[str] = (),
    input: bytes | None = None,
) -> None:
    """Fetch into the repository of `git`. `parts`: options that leave something out; none asks in
    the plain way. Raises the errors above, or what kind of failure it was."""
    words = [*_SETTINGS, *settings, *(_PROMISES if parts else ()), "fetch", *_OPTIONS, *parts]
    if origin.is_path:
        words.append(_SERVE_PARTS)
    status, _, err = git.attempt(*words, REMOTE, *refspecs, input=input)
    if status:
        raise _failure(origin, err.decode(errors="replace"))


def _failure(origin: Origin, text: str) -> DataError:
    """What Git said, as one of our errors."""
    lines = [line for line in text.splitlines() if line.startswith(("fatal:", "error:", "remote:"))]
    said = without_secret("; ".join(line.partition(": ")[2] for line in lines[:2]) or text.strip())
    message = f"{origin.shown} could not be read: {said[:500]}"
    if found := _MISSING.search(text):
        hidden = is_full_id(found[2]) and found[1] != "not our ref"
        return Hidden(message) if hidden else Missing.of(origin, found[2])
    if "unadvertised object" in text:
        return Hidden(message)
    if "mismatched algorithms" in text:
        return OtherFormat(message)
    if "does not support shallow" in text or "not support --" in text:
        return NoParts(message)
    for kind, words, hint in _KINDS:
        if any(word in text for word in words):
            return kind(message, hint)
    return GitError(message)
