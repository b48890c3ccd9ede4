"""What is wrong with what the index or some commits bring: told before others get it.

No data is read: a pointer is text in Git, and of everything else its size is enough.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import NamedTuple

from . import faults, pointer, project, scan
from .entries import INDEX, Entry, View, absent, partial
from .errors import FormatError
from .faults import Fault
from .mending import Cures
from .pointer import Pointer
from .project import Project
from .repo import Repo

LIMIT = 10 << 20  # bytes of a plain file, from which on it should be data
LIMIT_SETTING = "data.rawLimit"
POINTERS, LARGE, IMPORTS, STORED = "pointers", "large-files", "imports", "stored"
# Git reads these itself; the filter lets them through.
_NEVER_DATA = (b".gitattributes", b".gitignore", b".gitmodules", b".gitdata")


class Finding(NamedTuple):
    """One thing that is wrong, and the command that mends it."""

    check: str
    path: str
    commit: str  # "" when it is only staged
    what: str
    mend: str


class Rules(NamedTuple):
    """What `.gitattributes` and `.gitdata` say of the paths of one view."""

    by_name: set[bytes]  # data, whatever their size
    by_size: set[bytes]
    above: int | None


class Guard:
    """The entries of some views, looked at once for all checks. `revisions`: the range they are
    from, none for the index; `tips`: the commits that can still be amended."""

    def __init__(
        self,
        repo: Repo,
        views: Sequence[View],
        revisions: Sequence[str] = (),
        tips: Collection[str] = (),
    ) -> None:
        self.repo = repo
        self.views = views
        self._revisions = revisions
        self._tips = tips

    @cached_property
    def entries(self) -> list[Entry]:
        return [entry for view in self.views for entry in view.entries if entry.blob]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of each blob that is here."""
        blobs = dict.fromkeys(entry.blob for entry in self.entries)
        for blob in self._absent:
            blobs.pop(blob, None)
        found = zip(blobs, scan.sizes(self.repo.git, blobs), strict=True)
        return {blob: size for blob, size in found if size is not None}

    @cached_property
    def _absent(self) -> set[str]:
        if not partial(self.repo.settings.values):
            return set()
        return absent(self.repo.git, self._revisions)

    @property
    def unseen(self) -> int:
        """Entries whose blob a partial clone does not have."""
        return sum(entry.blob not in self.sizes for entry in self.entries)

    @cached_property
    def _judged(self) -> list[tuple[Entry, Fault | Pointer | None]]:
        """Every entry at a path that is data: its pointer, or what is wrong with it."""
        found: list[tuple[Entry, Fault | Pointer | None]] = []
        with scan.BlobReader(self.repo.git) as reader:
            for view in self.views:
                rules = self.rules(view)
                tracked = [e for e in view.entries if e.blob and _is_data(e.path, rules)]
                texts = self._read(reader, tracked)
                found += [(e, self._judge(e, texts, rules)) for e in tracked]
        return found

    def _read(self, reader: scan.BlobReader, entries: Sequence[Entry]) -> dict[str, bytes]:
        """The blobs that may be pointers, or once were some."""
        sizes = self.sizes
        small = [e.blob for e in entries if 0 < sizes.get(e.blob, 0) < faults.LONGEST]
        small = [*dict.fromkeys(small)]
        texts = zip(small, reader.read(small), strict=True)
        return {blob: text for blob, text in texts if text is not None}

    def _judge(self, entry: Entry, texts: dict[str, bytes], rules: Rules) -> Fault | Pointer | None:
        size = self.sizes.get(entry.blob, 0)
        text = texts.get(entry.blob)
        if text is not None:
            if found := pointer.parse(text):
                return found
            fault = faults.fault_of(text)
        else:
            fault = Fault.RAW if size else None
        is_small = entry.path in rules.by_size and rules.above is not None and size < rules.above
        return None if fault is Fault.RAW and is_small else fault

    def rules(self, view: View) -> Rules:
        """One set of attributes; what `.gitdata` says counts only if it can be read."""
        paths = {entry.path for entry in view.entries if entry.blob}
        git = self.repo.git
        if view.revision == INDEX:
            values = git.attributes(paths, "filter", "diff", source="--cached")
        else:
            values = git.attributes_at(view.revision, paths, "filter", "diff")
        data = {path for path, found in values.items() if found.get("filter") == "data"}
        by_name = {path for path in data if values[path].get("diff") == "data"}
        return Rules(by_name, data - by_name, self._above(view.revision) if data else None)

    def _above(self, revision: str) -> int | None:
        try:
            return (project.read_blob(self.repo.git, revision) or Project()).above
        except FormatError:
            return None  # the check of imports says so

    # The checks

    def data(self) -> dict[Pointer, Entry]:
        """The objects of these entries, each with one that brings it."""
        found: dict[Pointer, Entry] = {}
        for entry, what in self._judged:
            if isinstance(what, Pointer):
                found.setdefault(what, entry)
        return found

    def pointers(self) -> list[Finding]:
        """Every path that is data has a canonical pointer, or is empty."""
        wrong = [(entry, what) for entry, what in self._judged if isinstance(what, Fault)]
        cures = self._cures([entry for entry, _ in wrong])
        return [_finding(POINTERS, e, fault.value, cures.of(fault, e)) for e, fault in wrong]

    def large(self, limit: int) -> list[Finding]:
        """No blob of more than `limit` bytes; 0 is no limit."""
        over = [e for e in self.entries if limit and self.sizes.get(e.blob, 0) > limit]
        cures = self._cures(over)
        size = self.sizes
        return [
            _finding(
                LARGE,
                e,
                f"{size[e.blob]:,} bytes in Git itself, more than {limit:,}",
                cures.of_large(e),
            )
            for e in over
        ]

    def _cures(self, wrong: Sequence[Entry]) -> Cures:
        ready = "filter.data.process" in self.repo.settings.values
        paths = [entry.path for entry in wrong if entry.commit == INDEX]
        return Cures(self._tips, ready, self._good_in_head(paths) if paths else set())

    def _good_in_head(self, paths: Sequence[bytes]) -> set[bytes]:
        names = {path: f"HEAD:{os.fsdecode(path)}" for path in paths if b"\n" not in path}
        with scan.BlobReader(self.repo.git) as reader:
            texts = zip(names, reader.read([*names.values()]), strict=True)
            return {path for path, text in texts if text and pointer.parse(text)}


def _is_data(path: bytes, rules: Rules) -> bool:
    tracked = path in rules.by_name or path in rules.by_size
    return tracked and path.rpartition(b"/")[2] not in _NEVER_DATA


def _finding(check: str, entry: Entry, what: str, mend: str) -> Finding:
    return Finding(check, os.fsdecode(entry.path), entry.commit, what, mend)
