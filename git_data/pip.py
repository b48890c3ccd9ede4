"""How a package gets into the Python that runs this one: often a private environment's."""

from __future__ import annotations

import shlex
import sys


def pip_install(*words: str) -> str:
    """The command, for a hint."""
    return shlex.join([sys.executable, "-m", "pip", "install", *words])
