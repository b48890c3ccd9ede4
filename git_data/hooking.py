"""How our hooks get into a repository, and out of it again.

Ours is a small script with a marker (`hookfiles`). Since Git 2.54 it lies in our own folder, and a
setting names it: Git runs it beside the hook files, whoever made those. Before, it is a hook file,
and whoever comes last calls the other: ours runs what it kept, the pre-commit framework runs ours
as `.legacy`. Every filter process looks whether the pre-push hook is there, so this is light.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from . import hookfiles, managers
from .errors import UsageError
from .files import remove_quietly, write_file
from .hookfiles import KEPT, LEFTHOOK, LEGACY, OLD, OURS, PRE_COMMIT
from .repo import Repo

NAMES = ("pre-commit", "pre-push", "pre-receive")
_CONFIG_HOOKS = (2, 54)  # since this Git, hooks can be settings
_SCRIPT = """\
#!/bin/sh
{marker}: {what}; then runs {name}{kept}, if there is one.
{first}if test -x {program}; then exec {command} hook --script "$0" -- {name} "$@"; fi
if command -v git-data >/dev/null; then exec git-data hook --script "$0" -- {name} "$@"; fi
{without}
"""
_WHAT = {
    "pre-commit": "stops a commit of broken pointers and of large files outside of git-data",
    "pre-push": "sends the data of the pushed commits first",
    "pre-receive": "refuses a push whose data this server's store lacks",
}
_FIRST = {
    # To such a remote git-remote-data sends the data. Nothing has to be started, to see that.
    "pre-push": """\
case "$2" in data::*) test -e "${{0%/*}}/{name}{kept}" || exit 0 ;; esac
""",
}
_WITHOUT = {
    "pre-commit": """\
if git diff --cached --name-only -z | git check-attr --cached -z --stdin filter |
  tr '\\0\\n' '\\n ' | awk 'NR % 3 == 0 && $0 == "data" {{ n++ }} END {{ exit !n }}'; then
  echo "git-data is not installed, this commit would hold whole files: nothing was committed." \\
    "Install git-data and commit again" >&2
  exit 1
fi
kept="${{0%/*}}/{name}{kept}"
if test -x "$kept"; then exec "$kept" "$@"; fi""",
    "pre-push": """\
lines=$(cat)
pushed=$(printf '%s\\n' "$lines" | sed 's/.* \\([0-9a-f]*\\) [^ ]* [0-9a-f]*$/\\1/')
for oid in $(printf '%s\\n' "$pushed" | grep -v '^0*$'); do
  if git grep -q '^version git-data/1$' "$oid" --; then
    echo "git-data is not installed, this push would leave its data behind: nothing was sent." \\
      "Install git-data and push again" >&2
    exit 1
  fi
done
kept="${{0%/*}}/{name}{kept}"
if test -x "$kept"; then printf '%s\\n' "$lines" | "$kept" "$@"; fi""",
    "pre-receive": """\
echo "git-data is not installed on this server: nothing was accepted." >&2
exit 1""",
}


class State(NamedTuple):
    """How one of our hooks stands in a repository."""

    installed: bool
    path: str  # the hook file, or where it would be
    advice: str = ""  # what a person has to do, when we may not
    hint: str = ""  # what he should do, for another tool may take it away again


def state(repo: Repo, name: str = "pre-push") -> State:
    """Whether our hook will run at the next event of this name."""
    folder = repo.git.hooks_folder()
    path = os.path.join(folder, name)
    lefthook = managers.lefthook(repo.top, name)
    if _runs(repo, path, name):
        fragile = lefthook and not lefthook.runs_ours and not _is_configured(repo, name)
        return State(True, path, hint=lefthook.mend if lefthook and fragile else "")
    if lefthook and lefthook.runs_ours and hookfiles.maker(path, name) == LEFTHOOK:
        return State(True, path)
    husky = managers.husky(folder, name, repo.top)
    if husky:
        return State(husky.runs_ours, path, "" if husky.runs_ours else f"run: {husky.mend}")
    if not _inside(folder, repo.location.common_dir):  # core.hooksPath, or a link: maybe committed
        what = "core.hooksPath" if repo.settings.hooks_path else os.path.realpath(folder)
        mend = managers.append(path, name, repo.top)
        return State(False, path, f"{what} is yours to write, so run: {mend}")
    return State(False, path)


def _runs(repo: Repo, path: str, name: str) -> bool:
    who = hookfiles.maker(path, name)
    legacy = who == PRE_COMMIT and hookfiles.maker(path + LEGACY, name) == OURS
    by_hand = who == "" and hookfiles.calls_us(path, name)
    return _is_configured(repo, name) or who == OURS or legacy or by_hand


def runs_framework(repo: Repo, name: str) -> bool:
    """True when the pre-commit framework runs at this event, by its own hook or kept by ours."""
    path = os.path.join(repo.git.hooks_folder(), name)
    return any(hookfiles.maker(p, name) == PRE_COMMIT for p in (path, *hookfiles.kept(path)))


def _is_configured(repo: Repo, name: str) -> bool:
    """True when a setting runs our hook, in this Git: an older one passes over it."""
    return (
        name in repo.settings.values.get(_section(name) + ".event", ())
        and hookfiles.maker(_own(repo, name), name) == OURS
        and repo.git.version() >= _CONFIG_HOOKS
    )


def _own(repo: Repo, name: str) -> str:
    """Where the script lies that a setting names."""
    return os.path.join(repo.folder, "hooks", name)


def _section(name: str) -> str:
    return f"hook.git-data-{name}"


def ensure(repo: Repo, command: Sequence[str], name: str = "pre-push") -> State:
    """Put one of our hooks in place unless it is, or unless its folder is not ours to write.

    Doing it twice is the same as once. Raises OSError or DataError when it cannot be written.
    """
    if name not in NAMES:
        raise UsageError(f"there is no hook {name!r}", f"there are: {', '.join(NAMES)}")
    found = state(repo, name)
    if found.installed:
        return found
    if repo.git.version() >= _CONFIG_HOOKS:
        return _configure(repo, command, name)
    if found.advice:
        return found
    os.makedirs(os.path.dirname(found.path), exist_ok=True)
    ours = hookfiles.maker(found.path, name) == OURS  # then another process was quicker
    if os.path.lexists(found.path) and not ours:
        hookfiles.keep(found.path, name)
    write_file(found.path, _script(command, name).encode(), mode=0o777)
    if hookfiles.maker(found.path + OLD, name) == OURS:
        os.unlink(found.path + OLD)  # where lefthook had put it, and would refuse to put another
    return state(repo, name)


def _configure(repo: Repo, command: Sequence[str], name: str) -> State:
    path = _own(repo, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_file(path, _script(command, name).encode(), mode=0o777)
    # Found from where Git runs it: a repository may be moved.
    found = f'"$(git rev-parse --git-common-dir)"/git-data/hooks/{name}'
    repo.git.run("config", "--local", _section(name) + ".command", found)
    repo.git.run("config", "--local", _section(name) + ".event", name)
    return State(True, path)


def remove(repo: Repo, name: str = "pre-push") -> bool:
    """Take one of our hooks out again and put back what was there. True if there was one."""
    path = os.path.join(repo.git.hooks_folder(), name)
    found = _section(name) + ".event" in repo.settings.values
    if found:
        repo.git.attempt("config", "--local", "--remove-section", _section(name))
        remove_quietly(_own(repo, name))
    for place in (path, path + LEGACY, path + OLD):
        if hookfiles.maker(place, name) == OURS:
            found = True
            os.unlink(place)
            if place == path:
                hookfiles.restore(path)
    _clear(path, name)
    return found


def _clear(path: str, name: str) -> None:
    """When another tool has its hook in place: what we kept of it is old, what we kept of a person
    goes where that tool looks for it."""
    who = hookfiles.maker(path, name)
    for kept in hookfiles.kept(path) if who in (PRE_COMMIT, LEFTHOOK) else []:
        if hookfiles.maker(kept, name) == who:
            os.unlink(kept)
        else:
            place = path + (LEGACY if who == PRE_COMMIT else OLD)
            if not os.path.lexists(place):
                os.replace(kept, place)


def _script(command: Sequence[str], name: str) -> str:
    return _SCRIPT.format(
        marker=hookfiles.marker(name),
        what=_WHAT[name],
        name=name,
        kept=KEPT,
        program=shlex.quote(command[-1]),
        command=" ".join(map(shlex.quote, command)),
        first=_FIRST.get(name, "").format(name=name, kept=KEPT),
        without=_WITHOUT[name].format(name=name, kept=KEPT),
    )


def _inside(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
