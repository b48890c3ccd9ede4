"""The command line: one file a command, imported when it is used.

A command's module has `configure(parser)`, which adds its arguments, and `run(arguments, screen)`,
which gives the exit status. Errors become text here and nowhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .garbage import collect_rarely

# name -> (module, what it does). The words are those of `git data -h`.
COMMANDS: dict[str, tuple[str, str]] = {
    "track": ("track", "say which files are data: by pattern, or by size"),
    "untrack": ("track", "let files be plain Git files again"),
    "store": ("store", "show or set where the data lies"),
    "list": ("list", "list the data files, with size and where they are"),
    "get": ("get", "write files of any repository here, at any revision"),
    "import": ("import_", "take a path of another repository in, locked to a version"),
    "update": ("update", "bring imports to what their sources have now"),
    "diff": ("diff", "which data differs between two revisions, with sizes"),
    "status": ("status", "what changed, what no store holds yet, what is missing here"),
    "fetch": ("fetch", "bring data here without touching the work tree"),
    "pull": ("pull", "bring what the work tree lacks and put it in place"),
    "push": ("push", "send data to the store, as git push does"),
    "resolve": ("resolve", "settle data files in conflict: keep one side"),
    "fsck": ("fsck", "check commits as the hooks do, for CI"),
    "doctor": ("doctor", "find and explain what is half set up"),
    "install": ("install", "set git-data up for this user, or one repository"),
    "uninstall": ("install", "take exactly that back"),
    "completion": ("completion", "print the completion script of a shell"),
}
# Started by Git, not by people.
_INTERNAL = {
    "filter-process": "filter_process",
    "hook": "hook",
    "guard": "guard",
    "merge-driver": "merge_driver",
    "textconv": "textconv",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. 0 done, 1 failed, 2 misused, 3 partly done, 130 stopped."""
    words = list(sys.argv[1:] if argv is None else argv)
    collect_rarely()
    try:
        status = _run(words)
    except KeyboardInterrupt:  # before a command was loaded that could say more
        status = 130
    if "threading" not in sys.modules:
        return status
    from .leaving import leave

    return leave(status)


def _run(words: list[str]) -> int:
    if words[:1] == ["filter-process"]:  # before anything slow is imported: Git waits
        from .filter_process import serve

        return serve()
    from .dispatch import dispatch

    return dispatch(words)
