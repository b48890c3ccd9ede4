"""The pre-push hook comes by itself, from every command that makes a repository hold data."""

from __future__ import annotations

from .. import hooking
from ..errors import DataError
from ..installation import launch_command
from ..repo import Repo
from .terminal import Screen


def ensure_hook(repo: Repo, screen: Screen, told: bool = True) -> None:
    """Without the hook a push would leave data behind; say so where we may not put it in place.

    `told`: also say what is the user's to do in a hooks folder that is not ours.
    """
    try:
        state = hooking.ensure(repo, launch_command())
    except (OSError, DataError) as error:
        screen.note(
            f"git-data: the pre-push hook could not be installed: {error}; see: git data doctor"
        )
        return
    if told and not state.installed:
        screen.note(f"git-data: git push would leave the data behind: {state.advice}")
