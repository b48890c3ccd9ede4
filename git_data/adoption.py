"""A clone made through `data::` needs nothing set up: it happens here, before Git's checkout.

What is written into the new repository's own config now is in force for the checkout of the same
`git clone`. Only for a remote that is configured: for `git ls-remote data::OTHER` the repository
at hand is that of somebody who only asks. Whoever has git-data set up already is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from . import hooking, installation
from .addresses import PREFIX
from .errors import DataError
from .git import Git, Location
from .repo import Repo

_PROCESS = "filter.data.process"


def is_configured(values: Mapping[str, tuple[str, ...]], name: str, address: str) -> bool:
    """True for the name of a remote, not for an address that was typed."""
    named = f"remote.{name}.url" in values or f"remote.{name}.pushurl" in values
    return named and name not in (address, PREFIX + address)


def adopt(git: Git, values: Mapping[str, tuple[str, ...]]) -> bool:
    """Set up filter, drivers and hook in the repository of `git`, unless they are. True if so."""
    if _PROCESS in values:
        return False
    installation.install(git, "--local")
    try:
        hooking.ensure(Repo.open(git.folder, git.environ), installation.launch_command())
    except (OSError, DataError):
        pass  # the filter puts it in place when it is needed, and says so when it cannot
    return True


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
