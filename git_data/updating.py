"""Follow what imports came from: `git data update`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from . import applying, incoming, listing, sources, standing
from .asking import Missing
from .differing import Difference, compare
from .errors import Conflict, DataError, FormatError, NotFound
from .git import is_full_id
from .importing import check_place, followed, need_filter
from .incoming import Incoming
from .inventory import left_as_pointers
from .progress import SILENT, Progress
from .project import Import
from .pulling import pull
from .repo import Address, Repo
from .sources import Source
from .standing import Here


class Step(NamedTuple):
    """One import on its way to another version."""

    item: Import  # as it is recorded now
    here: Here
    new: Incoming | None = None  # None: it is the newest already
    problem: DataError | None = None  # why it stays as it is

    @property
    def differences(self) -> list[Difference]:
        return compare(self.here.files, self.new.files) if self.new else []


class Updated(NamedTuple):
    """What became of the imports, and the files whose data could not be had: pointers still."""

    steps: list[Step]
    failed: list[tuple[str, DataError]]


def plan(repo: Repo, items: Sequence[Import], rev: str = "", force: bool = False) -> list[Step]:
    """What an update would do: asks each source once, and changes nothing.

    `rev`: another branch, tag or commit to follow. `force`: also what was changed here.
    """
    staged = listing.staged(repo.git)
    steps = [Step(item, standing.look(repo, item, staged)) for item in items]
    found: list[Step] = []
    for url, group in _by_url(steps).items():
        found += _plan_group(repo, url, group, rev)
    found = [_refused(repo, step, force) for step in found]
    order = {item.name: at for at, item in enumerate(items)}
    return sorted(found, key=lambda step: order[step.item.name])


def _by_url(steps: Iterable[Step]) -> dict[str, list[Step]]:
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.item.url, []).append(step)
    return groups


def _plan_group(repo: Repo, url: str, group: list[Step], rev: str) -> Iterator[Step]:
    """The imports of one source, by one fetch."""
    fixed = [step for step in group if not rev and is_full_id(step.item.rev)]
    yield from fixed  # a commit stays what it is
    moving = [step for step in group if step not in fixed]
    while moving:
        wanted = [rev or step.item.rev or sources.HEAD for step in moving]
        try:
            if not url:
                raise FormatError(".gitdata has no url for it", "name one: git config -f .gitdata")
            source, commits = sources.fetch(url, wanted, repo.top, repo.git)
        except Missing as error:
            lost = [s for s, name in zip(moving, wanted, strict=True) if name == error.revision]
            yield from (step._replace(problem=error) for step in lost or moving)
            moving = [step for step in moving if step not in lost] if lost else []
            continue
        except DataError as error:
            yield from (step._replace(problem=error) for step in moving)
            return
        for step, commit in zip(moving, commits, strict=True):
            yield _planned(repo, source, step, commit, rev)
        return


def _planned(repo: Repo, source: Source, step: Step, commit: str, rev: str) -> Step:
    item = step.item
    followed_now = followed(rev, commit) if rev else item.rev
    try:
        new = incoming.look(repo, source, commit, item._replace(rev=followed_now))
    except DataError as error:
        return step._replace(problem=error)
    return step._replace(new=new)


def _refused(repo: Repo, step: Step, force: bool) -> Step:
    """Local changes are nobody's to overwrite."""
    name, here = step.item.name, step.here
    if step.problem or step.new is None:
        return step
    is_same = step.new.item.tree == step.item.tree and step.new.item.rev == step.item.rev
    if is_same and (here.tree == step.item.tree or not force):
        return step._replace(new=None)  # newer commits do not touch it
    problem: DataError
    if not here.files and not step.item.commit:
        try:
            check_place(repo, name)  # a section that somebody wrote by hand
            return step
        except DataError as error:
            problem = error
    elif not here.files:
        problem = NotFound(
            f"{name} is not here any more",
            f"bring it back: git checkout HEAD -- {name}; or remove its section from .gitdata",
        )
    elif here.edited:
        problem = Conflict(
            f"{name} has changes that are not committed, in {here.edited[0]}",
            f"commit them, or drop them: git restore {name}",
        )
    elif here.tree != step.item.tree and not force:
        problem = Conflict(
            f"{name} was changed here: it is not what .gitdata says it was locked to",
            "take the source's files nevertheless: --force; yours stay in Git's history",
        )
    else:
        return step
    return step._replace(problem=problem, new=None)


def carry_out(repo: Repo, steps: Sequence[Step], progress: Progress = SILENT) -> Updated:
    """Do what was planned: the data that is new first, then all imports in one change, staged."""
    ready: list[Step] = []
    failed: list[tuple[str, DataError]] = []
    done: list[Step] = []
    for step in steps:
        if step.new is None:
            done.append(step)
            continue
        try:
            ready.append(_prepared(repo, step, failed, progress))
        except DataError as error:
            done.append(step._replace(problem=error, new=None))
    if ready:
        quiet = {s.item.name for s in ready if standing.is_pointers(repo, s.item, s.here)}
        applying.apply(repo, [s.new for s in ready if s.new], pointers=bool(quiet))
        if quiet:
            failed += _pull(
                repo, [s.item.name for s in ready if s.item.name not in quiet], progress
            )
    return Updated(done + ready, failed)


def _prepared(
    repo: Repo, step: Step, failed: list[tuple[str, DataError]], progress: Progress
) -> Step:
    """Its stores found, its new data and Git's objects brought here."""
    assert step.new is not None
    wanted = step.new.wanted
    need_filter(repo, wanted)
    stores, places = incoming.find_stores(repo, step.new, wanted) if wanted else ((), [])
    new = step.new._replace(item=step.new.item._replace(stores=stores))
    if not standing.is_pointers(repo, step.item, step.here):
        failed += _fetch(repo, step._replace(new=new), places, progress)
    incoming.carry(repo, new)
    return step._replace(new=new)


def _fetch(
    repo: Repo, step: Step, places: Sequence[Address], progress: Progress
) -> list[tuple[str, DataError]]:
    """Only what changed; DataError when nothing of it can be had."""
    assert step.new is not None
    old = {entry.pointer.oid for entry in step.here.files if entry.pointer}
    wanted = [w for w in step.new.wanted if w.oid not in old]
    failures = incoming.fetch(repo, wanted, places, progress)
    if failures and len(failures) == len(wanted):
        raise failures[0][1]
    return [(w.path, error) for w, error in failures]


def _pull(repo: Repo, names: list[str], progress: Progress) -> list[tuple[str, DataError]]:
    """Put data in place where a neighbour's pointers were to stay."""
    left = left_as_pointers(repo, names) if names else []
    return pull(repo, left, progress).failed if left else []
