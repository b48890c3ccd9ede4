"""What can be half set up, on a machine or in a clone: each thing a small check.

A check gives what it found wrong, in one line, with the command that mends it. None of them changes
anything but what `stores.probe` writes and removes again.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from typing import NamedTuple

from . import checking, chunker, installation, project, storing, teamchecks, tracking
from .errors import DataError
from .git import Git
from .guard import POINTERS
from .inventory import items_at, left_as_pointers
from .pip import pip_install
from .repo import Repo
from .teamchecks import Problem
from .worktree import needs_recovery

OLDEST_GIT = (2, 30)


class Check(NamedTuple):
    """One question; `run` gives what is wrong."""

    name: str
    run: Callable[[], Iterator[Problem]]


def of_machine(git: Git) -> list[Check]:
    """What does not need a repository. `git` runs anywhere."""
    return [
        Check("git", lambda: _git(git)),
        Check("command", lambda: _command(git)),
        Check("filter", lambda: _filter(git)),
        Check("drivers", lambda: _drivers(git)),
        Check("chunker", _chunker),
    ]


def of_repository(repo: Repo) -> list[Check]:
    """What one repository needs besides."""
    checks = [
        Check(project.NAME, lambda: _project(repo)),
        Check("hooks", lambda: _hooks(repo)),
        Check("stores", lambda: _stores(repo)),
        Check("cache", lambda: _cache(repo)),
    ]
    if repo.location.work_tree:
        checks += [
            Check("lock", lambda: _lock(repo)),
            Check("journal", lambda: _journal(repo)),
            Check("tracking", lambda: _tracking(repo)),
            Check("pointers", lambda: _pointers(repo)),
        ]
    return checks


def problems(check: Check) -> list[Problem]:
    """What a check finds; that it cannot be made is a problem too."""
    try:
        return [*check.run()]
    except DataError as error:
        return [Problem(check.name, error.message, error.hint or "see: git data doctor -h")]


# The machine


def _git(git: Git) -> Iterator[Problem]:
    version = git.version()
    if version < OLDEST_GIT:
        number = ".".join(map(str, version))
        yield Problem("git", f"Git {number} is too old", "install Git 2.30 or newer")


def _command(git: Git) -> Iterator[Problem]:
    found = shutil.which("git-data", path=git.environ.get("PATH"))
    if found is None and git.attempt("data", "--version")[0] != 0:
        folder = os.path.join(git.environ.get("HOME", ""), ".local", "bin")  # as install.sh has it
        if not os.path.exists(os.path.join(folder, "git-data")):
            folder = os.path.dirname(installation.launch_command()[-1])
        line = f'export PATH="{folder}:$PATH"'
        yield Problem(
            "command",
            "`git data` is not found: git-data is not on PATH",
            f"add to your shell's profile: {line}",
        )


def _filter(git: Git) -> Iterator[Problem]:
    command = git.line("config", "--get", "filter.data.process")
    if not command:
        yield Problem(
            "filter",
            "Git does not use git-data: files would be committed whole",
            "git data install",
        )
        return
    if git.line("config", "--type=bool", "--get", "filter.data.required") != "true":
        yield Problem(
            "filter",
            "filter.data.required is not set: a failing filter would commit whole files",
            "git data install",
        )
    missing = [word for word in _programs(command) if not _runs(git, word)]
    if missing:
        yield Problem("filter", f"{missing[0]}, which Git starts, is not there", "git data install")


def _drivers(git: Git) -> Iterator[Problem]:
    if git.line("config", "--get", "filter.data.process"):
        yield from teamchecks.drivers(git)


def _programs(command: str) -> list[str]:
    """The files that a command line of ours needs: the interpreter and the script."""
    try:
        words = shlex.split(command)
    except ValueError:
        return [command]
    return [word for at, word in enumerate(words) if at == 0 or os.path.isabs(word)]


def _runs(git: Git, word: str) -> bool:
    return os.path.isfile(word) or shutil.which(word, path=git.environ.get("PATH")) is not None


def _chunker() -> Iterator[Problem]:
    if not chunker.is_compiled():
        yield Problem(
            "chunker",
            "the compiled chunker of pyfastcdc is missing: pushes are some 300 times slower",
            pip_install("--force-reinstall", "--no-cache-dir", "pyfastcdc"),
        )


# The repository


def _project(repo: Repo) -> Iterator[Problem]:
    staged = project.read_blob(repo.git, "")
    if repo.location.work_tree is None:
        return
    here = project.read_file(repo.git, repo.top)
    if here and not staged:
        mend = f"git add {project.NAME} && git commit -m 'Name the store'"
        yield Problem(project.NAME, f"{project.NAME} is not committed, so nobody else has it", mend)


def _hooks(repo: Repo) -> Iterator[Problem]:
    if repo.location.work_tree is None:
        yield from teamchecks.of_server(repo)
    elif uses_data(repo):
        yield from teamchecks.of_clone(repo)


def uses_data(repo: Repo) -> bool:
    """True when something here is data, or is meant to become data."""
    return bool(items_at(repo, None)) or bool(tracking.tracked(repo))


def _stores(repo: Repo) -> Iterator[Problem]:
    found = storing.standing(repo)
    for item in found:
        if item.problem:
            what = f"{item.address.url} ({item.address.named_by}) {item.state}"
            yield Problem(
                "store", f"{what}: {item.problem.message}", item.problem.hint or "git data store"
            )
    if not found and repo.remotes() and repo.location.work_tree and uses_data(repo):
        mend = f"git data store URL, then commit {project.NAME}"
        yield Problem("store", "no store is named, so a push of data would be refused", mend)


def _cache(repo: Repo) -> Iterator[Problem]:
    for folder in filter(None, (repo.folder, repo.settings.cache)):
        there = folder if os.path.isdir(folder) else os.path.dirname(folder)
        if os.path.isdir(there) and not os.access(there, os.W_OK | os.X_OK):
            yield Problem("cache", f"{there} cannot be written", f"chown or chmod {there}")


def _lock(repo: Repo) -> Iterator[Problem]:
    path = repo.git.index_file(repo.location) + ".lock"
    if os.path.lexists(path):
        what = f"{path} is there: a Git command is at work, or was killed"
        yield Problem("lock", what, f"if none is at work: rm {shlex.quote(path)}")


def _journal(repo: Repo) -> Iterator[Problem]:
    if needs_recovery(repo.location.git_dir):
        yield Problem("journal", "a checkout was killed before it had finished", "git data pull")


def _tracking(repo: Repo) -> Iterator[Problem]:
    found = tracking.unconverted(repo)
    names = [*found.to_pointer, *found.to_plain]
    if names:
        what = f"{len(names)} files in Git are not as .gitattributes says, such as {names[0]}"
        yield Problem("tracking", what, "git add --renormalize . && git commit")
    for one in checking.of_index(repo, found.broken[:1], {POINTERS}, 0):
        more = f" (and {len(found.broken) - 1} more)" if len(found.broken) > 1 else ""
        yield Problem("broken pointer", f"{one.path}{more}: {one.what}", one.mend)


def _pointers(repo: Repo) -> Iterator[Problem]:
    left = left_as_pointers(repo)
    if left:
        what = f"{len(left)} files are still their pointers, such as {left[0].item.path}"
        yield Problem("pointers", what, "git data pull")
