"""Small bundles become one, so that their number grows with the logarithm of the pushes.

Geometric: the last bundles that are at most twice as large as what they would be merged with. The
merged one holds all that they held, tips of deleted branches too: others may be about to push
something that builds on these.

What a bundle holds is what is reachable from its tips and from none of its prerequisites. So a
prerequisite of merged bundles that no merged one holds is held by one before them, and is a
prerequisite of the merged one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .bundles import Draft, Maker, Taking
from .errors import DataError
from .gitmanifest import BundleRef, GitManifest
from .history import Thing
from .refs import Fetcher
from .stores.base import Store

MERGE_BYTES = 64 << 20  # larger ones are left as they are
CROWDED = 24  # so many bundles: those that are not here are fetched, to merge them too


class Merge(NamedTuple):
    """A bundle on its way, and those in force that it stands for."""

    draft: Draft
    replaced: tuple[BundleRef, ...] = ()

    def place(self, bundles: Sequence[BundleRef]) -> list[BundleRef]:
        """The bundles with this one among them: where the first was that it stands for, else last.
        What it builds on is before it, whoever else has merged or added some meanwhile."""
        gone = {bundle.id for bundle in (*self.replaced, self.draft.ref)}
        left = [bundle for bundle in bundles if bundle.id not in gone]
        firsts = [at for at, bundle in enumerate(bundles) if bundle.id in gone]
        at = min(firsts, default=len(left))
        return [*left[:at], self.draft.ref, *left[at:]]


class Merger:
    def __init__(
        self, store: Store, manifest: GitManifest, maker: Maker, merge_bytes: int = MERGE_BYTES
    ) -> None:
        self.store = store
        self.manifest = manifest
        self.history = maker.history
        self.maker = maker._replace(shown=None)
        self.merge_bytes = merge_bytes

    def merge(self, draft: Draft) -> Merge:
        """The draft, or one in its place that stands for others too. Never fails for that."""
        if self.history.shallow_commits() or self.history.is_partial():
            return Merge(draft)  # what is missing here would be missing in it
        try:
            chosen = self._choose(draft.ref.size)
            if not chosen:
                return Merge(draft)
            merged = self._make([*chosen, draft.ref])
        except DataError:
            return Merge(draft)
        draft.close()
        return Merge(merged, tuple(chosen))

    def _choose(self, size: int) -> list[BundleRef]:
        candidates = self.manifest.bundles
        tips = {tip for bundle in candidates for tip in bundle.tips}
        here = self.history.existing(tips)
        if len(candidates) >= CROWDED:
            here |= self._catch_up(here)
        chosen: list[BundleRef] = []
        for bundle in reversed(candidates):
            if bundle.size > min(2 * size, self.merge_bytes) or not here.issuperset(bundle.tips):
                break
            chosen.insert(0, bundle)
            size += bundle.size
        return chosen

    def _catch_up(self, here: set[str]) -> set[str]:
        """Fetch those of the small bundles that are not here: who pushes to a branch of his own
        and never fetches can merge nothing else."""
        small = [b for b in self.manifest.bundles if b.size <= self.merge_bytes]
        tips = {tip for bundle in small for tip in bundle.tips}
        fetcher = Fetcher(self.store, self.manifest, self.history, self.maker.folder)
        lacking = fetcher.lacking(tips - here)
        if not lacking or sum(bundle.size for bundle in lacking) > self.merge_bytes:
            return set()
        fetcher.take(lacking, Taking(quiet=True))
        return self.history.existing(tips)

    def _make(self, bundles: Sequence[BundleRef]) -> Draft:
        inside = self._commits(bundles)
        below = {oid for bundle in bundles for oid in bundle.prerequisites} - inside
        rest = self.manifest.bundles[: len(self.manifest.bundles) - len(bundles) + 1]
        known = below | self.history.existing(tip for bundle in rest for tip in bundle.tips)
        news = self.history.news(self._things(bundles), known)
        return self.maker.make(news, known)

    def _commits(self, bundles: Sequence[BundleRef]) -> set[str]:
        """All commits that the bundles hold."""
        inside: set[str] = set()
        for bundle in bundles:
            inside |= self.history.commits(self._things([bundle]), bundle.prerequisites)
        return inside

    def _things(self, bundles: Iterable[BundleRef]) -> list[Thing]:
        tips = [tip for bundle in bundles for tip in bundle.tips]
        return [thing for thing in self.history.find(tips) if thing]
