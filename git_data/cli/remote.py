"""`git-remote-data`, which Git starts for every `data::` address."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..config import environment
from ..errors import DataError
from .garbage import collect_rarely
from .leaving import leave
from .terminal import Screen
from .unforeseen import explain

_USAGE = """\
usage: git-remote-data REMOTE ADDRESS

Git starts this for addresses such as data::https://… or data::s3://bucket/registry:
  git clone data::ADDRESS
  git remote add origin data::ADDRESS
"""


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    collect_rarely()
    return leave(_run(words))


def _run(words: Sequence[str]) -> int:
    screen = Screen(environment().get("GIT_DATA_PROGRESS"))
    if words == ["--version"]:
        screen.write(f"git-data {__version__}\n")
        return 0
    if len(words) != 2 or words[0] in ("-h", "--help"):
        screen.write(_USAGE)
        return 0 if words in (["-h"], ["--help"]) else 2
    _forget_work_tree()
    try:
        from ._remote import serve

        return serve(words[0], words[1], screen)
    except DataError as error:
        screen.note(f"git-data: {error}")
        return 128  # as Git's own helpers do
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 128  # Git has gone
    except Exception as error:
        screen.note(f"git-data: {explain(error)}")
        return 128
    finally:
        screen.finish()


def _forget_work_tree() -> None:
    """Git starts us in a work tree, whose files somebody else may have committed. With an empty
    part in PYTHONPATH modules would be looked for there."""
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    here = os.path.realpath(".")
    if here != os.path.realpath(own):
        sys.path[:] = [path for path in sys.path if path and os.path.realpath(path) != here]
