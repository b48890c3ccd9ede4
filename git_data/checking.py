"""The checks, put together as the hooks and `git data fsck` want them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from . import locked, project, scan, stored
from .entries import INDEX, View, introduced, staged
from .errors import UsageError
from .git import Git
from .guard import IMPORTS, LARGE, LIMIT, LIMIT_SETTING, POINTERS, STORED, Finding, Guard
from .inventory import commit_of
from .project import parse_size
from .ranges import Range, resolve
from .repo import Repo
from .unsent import push_target
from .upload import Target

OF_INDEX = (POINTERS, LARGE, IMPORTS)
ALL = (*OF_INDEX, STORED)
LIMIT_HELP = f"of a plain file; {LIMIT_SETTING} without it, and 10MiB without that"
_FROM, _TO = "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF"
_BRANCH, _REMOTE, _URL = (
    "PRE_COMMIT_LOCAL_BRANCH",
    "PRE_COMMIT_REMOTE_NAME",
    "PRE_COMMIT_REMOTE_URL",
)


class Looked(NamedTuple):
    """What was looked at, and what was found."""

    findings: list[Finding]
    commits: int
    files: int
    unseen: int  # files whose blob a partial clone lacks
    lacking: list[str]  # bases that a shallow clone lacks


def limit_of(repo: Repo, wish: str | None = None) -> int:
    """Bytes of a plain file that are still allowed; 0: any number."""
    text = wish or (repo.settings.values.get(LIMIT_SETTING.lower()) or (str(LIMIT),))[-1]
    try:
        return parse_size(text)
    except UsageError as error:
        where = "--limit" if wish else LIMIT_SETTING
        raise UsageError(f"{where}: {error.message}", error.hint) from error


# What the next commit brings


def of_index(
    repo: Repo, names: Sequence[str] | None, checks: Collection[str], limit: int
) -> list[Finding]:
    """What is wrong with what is staged, or with these paths of the index."""
    git = repo.git
    only = None if names is None else {name.encode(errors="surrogateescape") for name in names}
    view = staged(git, only) if {POINTERS, LARGE} & set(checks) else View(INDEX, [])
    if not view.entries and IMPORTS not in checks:
        return []
    if not uses_data(git):
        return []
    guard = Guard(repo, [view], tips=())
    return _run(checks, guard, limit)


def uses_data(git: Git, revision: str = INDEX) -> bool:
    """True when the index, or a commit by its id, says that something is data, or where it lies."""
    if git.attempt("cat-file", "-e", f"{revision}:{project.NAME}")[0] == 0:
        return True
    mentions = ("grep", "-q", "-F", "-e", "filter=data", revision or "--cached")
    return git.attempt(*mentions, "--", ":(top,glob)**/.gitattributes")[0] == 0


def _run(checks: Collection[str], guard: Guard, limit: int) -> list[Finding]:
    runs: dict[str, Callable[[], list[Finding]]] = {
        POINTERS: guard.pointers,
        LARGE: lambda: guard.large(limit),
        IMPORTS: lambda: locked.check(guard.repo, guard.views),
    }
    found: dict[tuple[str, str], Finding] = {}
    for name, run in runs.items():
        for one in run() if name in checks else []:
            found.setdefault((one.commit, one.path), one)  # a large raw file is told once
    return [*found.values()]


# What commits bring


def of_range(
    repo: Repo, words: Sequence[str], checks: Collection[str] = ALL, limit: int = LIMIT
) -> Looked:
    """What is wrong with the commits of a range, each for itself."""
    return _of_range(repo, resolve(repo, words), checks, limit)


def _of_range(repo: Repo, wanted: Range, checks: Collection[str], limit: int) -> Looked:
    views = introduced(repo.git, wanted.revisions)
    guard = Guard(repo, views, wanted.revisions, wanted.tips)
    found = _run(checks, guard, limit)
    if STORED in checks:
        found += stored.check(repo, guard.data(), wanted.tips[0])
    commits = {entry.commit for view in views for entry in view.entries}
    return Looked(found, len(commits), len(guard.entries), guard.unseen, wanted.lacking)


# What the pre-commit framework asks


def of_pre_commit(repo: Repo, names: Sequence[str], check: str, limit: int) -> list[Finding]:
    """One of the checks as the framework runs it: on the files it names, on what is staged when it
    names none, or on the commits between its --from-ref and --to-ref."""
    if check == STORED:
        return _of_push(repo)
    if _between(repo) is None:
        return of_index(repo, names or None, {check}, limit)
    return _between_refs(repo, names, check, limit)


def _between(repo: Repo) -> tuple[str, str] | None:
    first, last = (repo.git.environ.get(name) for name in (_FROM, _TO))
    return (first, last) if first and last else None


def _between_refs(repo: Repo, names: Sequence[str], check: str, limit: int) -> list[Finding]:
    first, last = _between(repo) or ("", "HEAD")
    tip = commit_of(repo, last)
    if not uses_data(repo.git, tip):
        return []
    found = of_range(repo, [f"{first}..{last}"], {check}, limit).findings
    if not names:
        return found
    # The framework leaves out what its `exclude` says, and what is not in the work tree.
    named, there = {*names}, _files_at(repo.git, tip)
    return [one for one in found if one.path in named or one.path not in there]


def _files_at(git: Git, revision: str) -> set[str]:
    listed = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", revision)
    return {name.decode(errors="surrogateescape") for name in listed.split(b"\0")[:-1]}


def _of_push(repo: Repo) -> list[Finding]:
    env = repo.git.environ
    tip = env.get(_TO) or env.get(_BRANCH) or "HEAD"
    if not scan.commits_here(repo.git, [tip]):
        return []  # nothing is committed yet, or what is pushed is no commit
    target = Target(env[_REMOTE], env[_URL]) if env.get(_URL) else push_target(repo)
    return stored.check_push(repo, commit_of(repo, tip), target)
