"""The merge driver: as Git's `binary` for data, as Git's text merge for everything else.

`git data track --above` puts `merge=data` on every path, so small texts come here too.
"""

from __future__ import annotations

import os

from . import pointer
from .config import environment
from .git import Git

_SNIFF_BYTES = 8000  # where Git looks for a NUL to call a file binary


def merge(base: str, ours: str, theirs: str, marker_size: str) -> int:
    """Exit status for Git: 0 merged into `ours`, else the path is in conflict."""
    if any(map(_is_no_text, (base, ours, theirs))):
        return 1  # ours stays as it is
    git = Git(".", environment())
    labels = ["-L", "ours", "-L", "base", "-L", "theirs"]
    status = git.attempt("merge-file", f"--marker-size={marker_size}", *labels, ours, base, theirs)[
        0
    ]
    return 1 if status else 0


def _is_no_text(path: str) -> bool:
    with open(path, "rb") as file:
        head = file.read(_SNIFF_BYTES)
    if b"\0" in head:
        return True
    return os.path.getsize(path) <= pointer.MAX_BYTES and pointer.parse(head) is not None
