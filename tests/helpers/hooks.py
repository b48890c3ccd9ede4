"""Where our hooks are: a hook file, or since Git 2.54 a script of our own that a setting names."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from git_data.hookfiles import KEPT

from .world import Checkout


@cache
def are_settings() -> bool:
    """True when this Git runs hooks that its settings name."""
    words = subprocess.check_output(["git", "version"], text=True).split()[2].split(".")
    return (int(words[0]), int(words[1])) >= (2, 54)


def our_hook(repo: Checkout, name: str = "pre-push") -> Path:
    folder = repo.git_dir / ("git-data/hooks" if are_settings() else "hooks")
    return folder / name


def users_hook(repo: Checkout, name: str = "pre-push") -> Path:
    """The hook that was there before ours."""
    return repo.git_dir / "hooks" / (name if are_settings() else name + KEPT)
