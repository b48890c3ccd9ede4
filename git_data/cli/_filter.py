"""The filter after its handshake: answer Git, then do what can be done only when Git has ended."""

from __future__ import annotations

from ..config import environment
from ..conversation import Conversation
from ..errors import DataError
from ..filter import Filter
from ..repo import Repo
from .hooked import ensure_hook
from .terminal import Screen
from .unforeseen import explain


def run(talk: Conversation) -> int:
    screen = Screen(environment().get("GIT_DATA_PROGRESS"))
    try:
        repo = Repo.open()
        filter_ = Filter(repo, talk, screen)
        filter_.serve()
        filter_.finish()
        ensure_hook(repo, screen, filter_.cleaned)
    except DataError as error:
        screen.note(f"git-data: {error}")
        return error.exit_code
    except Exception as error:
        screen.note(f"git-data: {explain(error)}")
        return 1
    finally:
        screen.finish()
    return 0
