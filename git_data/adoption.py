"""A clone made through `data::` needs nothing set up: it happens here, before Git's checkout.

What is written into the new repository's own config now is in force for the checkout of the same
`git clone`. Only for a remote that is configured: for `git ls-remote data::OTHER` the repository
at hand is that of somebody who only asks. Whoever has git-data set up already is left alone.
"""

from __future__ import annotations

from . import hooking, installation
from .errors import DataError
from .git import Git
from .repo import Repo


def adopt(git: Git) -> None:
    """Set up filter, drivers and hook in the repository of `git`."""
    installation.install(git, "--local")
    try:
        hooking.ensure(Repo.open(git.folder, git.environ), installation.launch_command())
    except (OSError, DataError):
        pass  # the filter puts it in place when it is needed, and says so when it cannot
