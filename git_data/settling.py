"""Settle a merge that stopped at `.gitdata`: two sides added imports, or moved the same one.

Sections are merged key by key, as Git cannot. Where both sides moved an import, that import is put
back to our side, and the update that follows moves it to what its source has now.
"""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from . import (
    applying,
    grafting,
    listing,
    project,
    resolving,
    sections,
    sources,
    standing,
    tracking,
)
from .errors import Conflict, UsageError
from .files import write_file
from .git import Git, config_entries
from .grafting import FILE, Leaf
from .project import Import, Project
from .repo import Repo

_NOT_FROM_THE_SOURCE = ("url", "path", "rev")
Entries = Mapping[str, tuple[str, ...]]


class Sides(NamedTuple):
    """A file in conflict: the texts of its three stages, empty for a side that has none."""

    base: bytes
    ours: bytes
    theirs: bytes


class Merged(NamedTuple):
    """Keys of `.gitdata` after a merge, and those that both sides changed: ours, theirs."""

    entries: dict[str, tuple[str, ...]]
    conflicts: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


def is_needed(repo: Repo) -> bool:
    return project.NAME in _unmerged(repo)


def settle(repo: Repo, paths: Sequence[str], rev: str) -> None:
    """Put `.gitdata` in order, and the imports at `paths`, so that an update can go on.

    Conflict or UsageError when it is not for us to decide: then nothing was changed.
    """
    sides = _sides(repo.git, project.NAME)
    stages = [config_entries(sections.listed(repo.git, text)) for text in sides]
    merged = _whole(merge(*stages), stages[1])
    found = project.parse(merged.entries)
    chosen = standing.chosen(found.imports, paths)
    _check(repo, merged, chosen, rev)
    for item in chosen:  # what cannot be reached cannot be updated: then nothing is settled either
        sources.fetch(item.url, [rev or item.rev or sources.HEAD], repo.top, repo.git)
    names = [name for name in _unmerged(repo) if posixpath.basename(name) == tracking.NAME]
    texts = {project.NAME: _apply(repo.git, sides.ours, merged)}
    texts |= {name: _attributes(repo, name, found) for name in names}
    imported = [item.name for item in chosen]
    conflicts = resolving.conflicts(repo, imported) if imported else []
    _put_back(repo, merged, imported)
    for one in conflicts:
        resolving.clear(repo, one, resolving.OURS)
    grafting.stage(
        repo.git, {n: Leaf(FILE, grafting.write_blob(repo.git, t)) for n, t in texts.items()}
    )
    for name, text in texts.items():
        write_file(os.path.join(repo.top, name), text)


def merge(base: Entries, ours: Entries, theirs: Entries) -> Merged:
    """Each key as the side has it that changed it; ours where both did."""
    found = Merged({}, {})
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        old, mine, other = (side.get(key, ()) for side in (base, ours, theirs))
        if mine not in (old, other) and other != old:
            found.conflicts[key] = (mine, other)
        if values := other if mine == old else mine:
            found.entries[key] = values
    return found


def _whole(merged: Merged, ours: Entries) -> Merged:
    """A section that both sides changed is ours as a whole: its keys belong together."""
    both = {key.rpartition(".")[0] + "." for key in merged.conflicts if key.startswith("import.")}
    kept = {k: v for k, v in merged.entries.items() if k.rpartition(".")[0] + "." not in both}
    mine = {k: v for k, v in ours.items() if k.rpartition(".")[0] + "." in both}
    return merged._replace(entries={**kept, **mine})


def _check(repo: Repo, merged: Merged, chosen: Sequence[Import], rev: str) -> None:
    names = [item.name for item in chosen]
    ours = {f"import.{name}.{key}": key for name in names for key in project.IMPORT_KEYS}
    for key, (mine, other) in merged.conflicts.items():
        if key not in ours:
            raise Conflict(
                f"{project.NAME}: both sides changed {key}, which is none of {', '.join(names)}; "
                "nothing was changed",
                "name that import too, or edit the file, and git add it",
            )
        if ours[key] in _NOT_FROM_THE_SOURCE and not (rev and ours[key] == "rev"):
            values = " or ".join(" ".join(side) or "none" for side in (mine, other))
            hint = "say which: --rev" if ours[key] == "rev" else "edit the file, and git add it"
            raise UsageError(f"{project.NAME}: both sides changed {key}, to {values}", hint)
    unmerged = _unmerged(repo)
    others = [name for name in unmerged if not _is_settled_here(name, names)]
    if others:
        raise Conflict(
            f"other files are in conflict too: {', '.join(others[:3])}; nothing was changed",
            "settle them first, and git add them",
        )
    _check_edits(repo, names, unmerged)


def _is_settled_here(path: str, names: Iterable[str]) -> bool:
    if path == project.NAME or posixpath.basename(path) == tracking.NAME:
        return True
    return any(path == name or path.startswith(name + "/") for name in names)


def _check_edits(repo: Repo, names: Iterable[str], unmerged: Iterable[str]) -> None:
    """What is in conflict is to be replaced; what somebody edited beside it is not."""
    literal = [f":(literal){name}" for name in names]
    listed = repo.git.run("diff", "--name-only", "-z", "--no-ext-diff", "--", *literal)
    edited = {*os.fsdecode(listed).split("\0")[:-1]}.difference(unmerged)
    if edited:
        name = min(edited)
        raise Conflict(
            f"{name} has changes that are not committed; nothing was changed",
            f"commit them, or drop them: git restore {name}",
        )


def _put_back(repo: Repo, merged: Merged, names: Sequence[str]) -> None:
    """Imports that both sides moved become what they are on ours: files too that Git has merged."""
    unmerged = _unmerged(repo)
    moved = [
        name
        for name in names
        if any(key.startswith(f"import.{name}.") for key in merged.conflicts)
        or any(path == name or path.startswith(name + "/") for path in unmerged)
    ]
    there = [name for name in moved if repo.git.line("rev-parse", "-q", "--verify", f"HEAD:{name}")]
    if there:
        literal = [f":(literal){name}" for name in there]
        repo.git.run("checkout", "-q", "-f", "--no-overlay", "HEAD", "--", *literal)


def _apply(git: Git, text: bytes, merged: Merged) -> bytes:
    """Our text, with what the other side changed."""

    def change(there: Git, file: str) -> None:
        for name in before.keys() - merged.entries.keys():
            there.run("config", "--file", file, "--unset-all", name)
        for name, values in merged.entries.items():
            if before.get(name) == values:
                continue
            for first, value in enumerate(values):
                how = "--add" if first else "--replace-all"
                there.run("config", "--file", file, how, name, value)

    before = config_entries(sections.listed(git, text))
    return sections.edit(git, text, change)


def _attributes(repo: Repo, name: str, found: Project) -> bytes:
    """A `.gitattributes` in conflict: the imports' lines are made anew, the rest is merged."""
    folder = posixpath.dirname(name)
    mine = [item for item in found.imports if applying.attributes_file(repo, item.name) == name]
    places = {item.name: posixpath.relpath(item.name, folder or ".") for item in mine}
    sides = _sides(repo.git, name)
    bare = []
    for text in sides:
        for place in places.values():
            text = sections.attribute(text, place, {})  # noqa: PLW2901
        bare.append(text)
    merged = _merge_texts(repo.git, name, Sides(*bare))
    staged = listing.staged(repo.git)
    for item in mine:
        kinds = standing.kinds(standing.inside(staged, item.name))
        merged = sections.attribute(merged, places[item.name], kinds)
    return merged


def _merge_texts(git: Git, name: str, sides: Sides) -> bytes:
    with tempfile.TemporaryDirectory(prefix="git-data-") as folder:
        paths = [os.path.join(folder, side) for side in ("ours", "base", "theirs")]
        for path, text in zip(paths, (sides.ours, sides.base, sides.theirs), strict=True):
            with open(path, "wb") as file:
                file.write(text)
        status, merged, _ = git.attempt("merge-file", "-p", "-q", *paths)
    if status:
        raise Conflict(
            f"{name} is in conflict in other lines too; nothing was changed",
            "edit it, and git add it",
        )
    return merged


def _sides(git: Git, path: str) -> Sides:
    names = (f":{stage}:{path}" for stage in (1, 2, 3))
    oids = (git.line("rev-parse", "--verify", "--quiet", name) for name in names)
    return Sides(*(git.run("cat-file", "blob", oid) if oid else b"" for oid in oids))


def _unmerged(repo: Repo) -> list[str]:
    listed = os.fsdecode(repo.git.run("ls-files", "-u", "-z", "--full-name")).split("\0")[:-1]
    return [*dict.fromkeys(line.partition("\t")[2] for line in listed)]
