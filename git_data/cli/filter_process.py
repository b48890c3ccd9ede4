"""`git data filter-process`, which Git starts once a command. Its first answer must be quick."""

from __future__ import annotations

from ..conversation import greet, open_conversation
from ..errors import DataError


def serve() -> int:
    talk = open_conversation()
    try:
        greet(talk)
    except EOFError:
        return 0
    except DataError as error:
        from .terminal import Screen

        Screen().note(f"git-data: {error}")
        return error.exit_code
    from ._filter import run

    return run(talk)
