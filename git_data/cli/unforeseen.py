"""What nobody thought of: one line for the user, and a log that he can send us."""

from __future__ import annotations

import os
import traceback

from ..config import cache_folder, environment
from .terminal import printable


def explain(error: Exception) -> str:
    """One line for the user; the traceback of the error being handled goes to the log."""
    folder = cache_folder(environment())
    path = os.path.join(folder, "error.log")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            traceback.print_exc(file=file)
    except OSError:
        path = "nowhere: it could not be written"
    what = printable(f"{type(error).__name__}: {error}"[:300])
    return f"unforeseen: {what}; nothing was deleted. Details for a report: {path}"
