"""Which programs of the user would look at the work tree before Git ends.

Files are put in place after Git is done. A hook, or the command of `rebase -x`, that runs in
between would see pointers: where there is one, the content is answered in time instead
(docs/decisions/0005-two-ways-of-checking-out.md).
"""

from __future__ import annotations

import os
import re

from . import hookfiles
from .git import Git, Location

# Hooks that may run after files were written by the same command. Those of `git am` are among the
# first, for `rebase --apply` starts it after a checkout that nothing else tells from any other.
_AFTER_CHECKOUT = (
    "post-checkout",
    "post-merge",
    "post-index-change",
    "post-rewrite",
    "post-applypatch",
    "pre-applypatch",
    "applypatch-msg",
)
_AFTER_COMMIT = (
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
)
_EXEC = re.compile(rb"^\s*(exec|x)\s", re.MULTILINE)


def somebody_looks(git: Git, location: Location, whole_tree: bool) -> bool:
    """True when a program of the user may see the files that Git is writing now.

    `whole_tree`: Git named the tree it checks out (checkout, clone, reset, fast-forward), so that
    no commit is made by this command, unless it goes through a list of them.
    """
    rebasing = _sequence(location.git_dir)
    if rebasing is not None and _EXEC.search(rebasing):
        return True
    picking = os.path.isdir(os.path.join(location.git_dir, "sequencer"))  # `cherry-pick --ff A B`
    all_names = rebasing is not None or picking or not whole_tree
    names = _AFTER_CHECKOUT + _AFTER_COMMIT if all_names else _AFTER_CHECKOUT
    return _hook_file(git, names) or _hook_config(git, names)


def _sequence(git_dir: str) -> bytes | None:
    """The commands of a rebase under way; None when there is none."""
    folder = os.path.join(git_dir, "rebase-merge")
    if not os.path.isdir(folder):
        return None
    return _read(os.path.join(folder, "git-rebase-todo")) + _read(os.path.join(folder, "done"))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _hook_file(git: Git, names: tuple[str, ...]) -> bool:
    folder = git.hooks_folder()
    return any(_looks(os.path.join(folder, name), name) for name in names)


def _looks(path: str, name: str) -> bool:
    """True for a hook that may look at files; ours looks at Git's index alone."""
    if not os.access(path, os.X_OK):
        return False
    return hookfiles.maker(path, name) != hookfiles.OURS or bool(hookfiles.kept(path))


def _hook_config(git: Git, names: tuple[str, ...]) -> bool:
    """Hooks in config, of Git 2.54 and newer."""
    for name, events in git.config().items():
        hook = name.startswith("hook.") and not name.startswith("hook.git-data-")
        if hook and name.endswith(".event") and set(events) & set(names):
            return True
    return False
