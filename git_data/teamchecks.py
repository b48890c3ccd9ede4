"""What `git data doctor` knows of hooks, drivers and CI: what guards a team.

Some of it is a team's own choice: it is a hint then, which is told and changes no exit status.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from . import hooking, installation, managers
from .beside import SUFFIX
from .git import Git
from .mending import quoted
from .receiving import addresses
from .repo import Repo

_IDS = ("git-data-pointers", "git-data-large-files", "git-data-imports", "git-data-stored")
_STAGES = {"pre-commit": _IDS[:3], "pre-merge-commit": _IDS[:3], "pre-push": _IDS[3:]}
_COMMENT = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)
_ID = re.compile(r"""\bid["']?\s*:\s*["']?([\w-]+)""")
_CI_FILES = (
    ".github/workflows/*.yml",
    ".github/workflows/*.yaml",
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    ".forgejo/workflows/*",
    ".gitea/workflows/*",
    ".woodpecker*",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    ".ci/*",
)
_CI_LINE = "git data fsck --pointers BASE..HEAD"


class Problem(NamedTuple):
    """One thing that is wrong, and the command or step that mends it."""

    check: str
    what: str
    mend: str
    is_hint: bool = False  # a choice, nothing that is broken


def drivers(git: Git) -> Iterator[Problem]:
    """Git's settings for showing and merging data, as `git data install` makes them now."""
    values = git.config()
    missing = [name for name in installation.entries() if name.lower() not in values]
    sections = dict.fromkeys(name.split(".")[0] for name in missing)
    for section in (name for name in sections if name != "filter"):  # which has a check of its own
        what = f"the {section} driver is not set up, or by an older version"
        yield Problem(f"{section} driver", what, "git data install")


def of_clone(repo: Repo) -> Iterator[Problem]:
    """The hooks of a clone in which something is data."""
    yield from _pre_push(repo)
    yield from _pre_commit(repo)
    yield from _ci(repo)
    yield from _left_beside(repo)


def _left_beside(repo: Repo) -> Iterator[Problem]:
    """Their versions that a merge wrote, when it was settled without `git data resolve`."""
    listed = repo.git.run("ls-files", "-o", "-z", "--", f":(top,glob)**/*{SUFFIX}").split(b"\0")
    for name in listed[:-1]:
        path = name.removesuffix(SUFFIX.encode())
        shown = f":(top,literal){os.fsdecode(path)}"
        staged = repo.git.run("ls-files", "-s", "-z", "--", shown).split(b"\0")[:-1]
        if [entry.split(b"\t")[0].endswith(b" 0") for entry in staged] == [True]:
            what = f"{os.fsdecode(name)} is what a merge left of theirs"
            yield Problem("leftover", what, f"rm {quoted(name)}", is_hint=True)


def _pre_push(repo: Repo) -> Iterator[Problem]:
    found = hooking.state(repo)
    if not found.installed:
        mend = found.advice or "git data doctor --fix"
        yield Problem("hook", "the pre-push hook is missing: a push would leave data behind", mend)
    if found.hint:
        what = "lefthook takes our hook away whenever its configuration changes"
        yield Problem("pre-push hook", what, found.hint, is_hint=True)


def _pre_commit(repo: Repo) -> Iterator[Problem]:
    """Nothing wrong can be committed: by our hook, or by the ids of the framework."""
    config = managers.framework(repo.top)
    ids = {*_ID.findall(_COMMENT.sub("", config))}
    found = hooking.state(repo, "pre-commit")
    name = "pre-commit hook"
    missing = [one for one in _IDS if one not in ids]
    if not found.installed and config and missing:
        some = len(missing) < len(_IDS)
        what = f"the pre-commit framework does not check {'all' if some else 'data'} here"
        mend = f"add the ids {', '.join(missing)} to .pre-commit-config.yaml"
        yield Problem("pre-commit ids" if some else name, what, mend, is_hint=True)
    if len(missing) < len(_IDS):
        yield from _framework(repo, ids)
    elif not found.installed and not config:
        what = "nothing stops a commit that was made without the filter"
        yield Problem(
            name, what, found.advice or "git data install --hook pre-commit", is_hint=True
        )
    elif found.hint:
        what = "lefthook takes our hook away whenever its configuration changes"
        yield Problem(name, what, found.hint, is_hint=True)


def _framework(repo: Repo, found: set[str]) -> Iterator[Problem]:
    """Its ids do nothing before `pre-commit install`."""
    for stage, ids in _STAGES.items():
        if found & {*ids} and not hooking.runs_framework(repo, stage):
            what = f"the framework's {stage} hook is not installed, so its ids of git-data rest"
            yield Problem(f"{stage} hook", what, f"pre-commit install -t {stage}", is_hint=True)


def _ci(repo: Repo) -> Iterator[Problem]:
    files = [f":(top,glob){name}" for name in _CI_FILES]
    listed = repo.git.run("ls-files", "-z", "--", *files).split(b"\0")[:-1]
    mentions = ("grep", "-q", "--cached", "-E", "-e", "git[- ]data fsck")
    if listed and repo.git.attempt(*mentions, "--", *files)[0] != 0:
        name = listed[0].decode(errors="replace")
        what = f"CI ({name}) does not check the pointers of what is pushed"
        yield Problem("ci", what, f"add to it: {_CI_LINE}", is_hint=True)


def of_server(repo: Repo) -> Iterator[Problem]:
    """A bare repository that others push data to."""
    stores, found = addresses(repo), hooking.state(repo, "pre-receive")
    if found.installed and not stores:
        what = "this server names no store, so its pre-receive hook refuses all data"
        yield Problem("pre-receive hook", what, "git config data.store URL")
    if stores and not found.installed:
        what = "nothing refuses a push whose data is not in the store"
        mend = found.advice or "git data install --hook pre-receive"
        yield Problem("pre-receive hook", what, mend, is_hint=True)
