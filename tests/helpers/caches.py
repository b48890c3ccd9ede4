"""Looking into the cache of a repository."""

from __future__ import annotations

import os
from pathlib import Path

from git_data.cache import Cache


def packs_of(cache: Cache) -> list[Path]:
    """The files of its packs, smallest first."""
    folder = Path(cache.root) / "packs"
    return sorted(folder.iterdir(), key=lambda path: path.stat().st_size) if folder.exists() else []


def seals_of_packs(cache: Cache) -> set[int]:
    """How far each pack is trusted, as another process finds it: see git_data/seal.py."""
    again = Cache(cache.root).folder.packed
    assert isinstance(list(again.objects()), list)  # it looks for packs
    return {pack.seal for pack in again._packs.values()}


def folder_of(cache: Cache, name: str) -> list[str]:
    """What lies in one of its folders."""
    path = os.path.join(cache.root, name)
    return sorted(os.listdir(path)) if os.path.exists(path) else []
