"""A remote that is configured, and where its relative path is meant from."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .addresses import PREFIX
from .git import Git, Location


def is_configured(values: Mapping[str, tuple[str, ...]], name: str, address: str) -> bool:
    """True for the name of a remote, not for an address that was typed."""
    named = f"remote.{name}.url" in values or f"remote.{name}.pushurl" in values
    return named and name not in (address, PREFIX + address)


def anchor(git: Git, location: Location, name: str, address: str) -> str:
    """The address; a relative path, which is meant from where `git clone` was typed, becomes
    absolute in the config too, for the next command runs at the top of the new clone."""
    if os.path.isabs(address) or address.startswith("~") or ":" in address:
        return address
    path = os.path.abspath(address)
    top = os.path.dirname(location.git_dir)
    at_home = os.path.samefile(git.folder, top) or os.path.samefile(git.folder, location.git_dir)
    if at_home or not os.path.exists(path):
        return address
    if git.line("config", "--local", f"remote.{name}.url") == PREFIX + address:
        git.run("config", "--local", f"remote.{name}.url", PREFIX + path)
    return path
