"""`git data track` and `git data untrack`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

from .. import gitattributes, project, tracking
from ..errors import UsageError
from ..git import Git
from ..repo import Repo
from .hooked import ensure_hook
from .options import (
    Here,
    add_dry_run,
    add_json,
    add_quiet,
    count,
    describe,
    need_work_tree,
    write_json,
)
from .terminal import Screen, printable

_SHOWN = 3  # names in a sentence


def configure(parser: argparse.ArgumentParser) -> None:
    if parser.get_default("command") == "track":
        describe(
            parser,
            "Say which files are data, by pattern in this folder's .gitattributes, or by size in "
            "the whole repository (.gitdata has the limit). Without arguments: list what is "
            "tracked.",
            "git data track '*.flac' 'images/**'",
            "git data track --above 1MB",
        )
        parser.add_argument("--above", metavar="SIZE", help="all files of this size or larger")
    else:
        describe(
            parser,
            "Let files be plain Git files again. Their content stays where it is.",
            "git data untrack '*.flac'",
            "git data untrack --above",
        )
        parser.add_argument("--above", action="store_true", help="no longer track by size")
    parser.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help="as in .gitattributes, quoted for the shell"
    )
    add_dry_run(parser, "say what would change")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    repo = Repo.open()
    need_work_tree(repo)
    if arguments.command == "untrack":
        _untrack(repo, arguments, screen)
    elif arguments.patterns or arguments.above is not None:
        _track(repo, arguments, screen)
    else:
        return _show(repo, arguments, screen)
    # For a program: what is tracked now.
    return _show(Repo.open(), arguments, screen) if arguments.json else 0


def _show(repo: Repo, arguments: argparse.Namespace, screen: Screen) -> int:
    found, above = tracking.tracked(repo), repo.project_to_clean.above
    if arguments.json:
        entries = [{"pattern": item.pattern, "file": item.file} for item in found]
        write_json(screen, {"patterns": entries, "above": above})
        return 0
    here = Here.of(repo)
    for item in found:
        everything = item.pattern == "*" and above is not None
        limit = f" at or above {above:,} bytes" if everything else ""
        screen.write(f"{printable(item.pattern)}{limit}    ({here.shown(item.file)})\n")
    if not found:
        screen.say("nothing is tracked yet; for example: git data track '*.bin'")
    return 0


def _track(repo: Repo, arguments: argparse.Namespace, screen: Screen) -> None:
    here = Here.of(repo)
    patterns = [tracking.pattern_of(word, here.folder) for word in arguments.patterns]
    limit = None if arguments.above is None else project.parse_size(arguments.above)
    changed = False
    if limit is not None:
        changed = _set_limit(repo, arguments, limit, screen)
    if patterns:
        add = _Edit(repo.git, here, lambda text: gitattributes.add_lines(text, patterns))
        changed |= add.apply(arguments.dry_run)
        _tell(add, patterns, "tracked", "already tracked", screen)
    _advise(repo, here, arguments.dry_run, changed, screen)


def _set_limit(repo: Repo, arguments: argparse.Namespace, limit: int, screen: Screen) -> bool:
    top = Here(os.path.realpath(repo.top), "")
    edit = _Edit(repo.git, top, gitattributes.add_everything)
    found = project.read_file(repo.git, repo.top)
    before = found.above if found else None
    changed = edit.apply(arguments.dry_run) or before != limit
    if before != limit and not arguments.dry_run:
        project.write(repo.git, repo.top, "track.above", arguments.above)
    screen.say(f"files at or above {limit:,} bytes are {'' if changed else 'already '}tracked")
    return changed


def _untrack(repo: Repo, arguments: argparse.Namespace, screen: Screen) -> None:
    if not arguments.patterns and not arguments.above:
        raise UsageError("name what to untrack", "git data track lists it")
    here = Here.of(repo)
    changed = arguments.above and _remove_limit(repo, arguments.dry_run, screen)
    if arguments.patterns:
        words = [os.fsencode(word.removeprefix("./")) for word in arguments.patterns]
        meant = [tracking.pattern_of(word, here.folder) for word in arguments.patterns]
        remove = _Edit(repo.git, here, _without(*words, *meant))
        if not remove.changed:
            names = " ".join(printable(word) for word in arguments.patterns)
            raise UsageError(
                f"{names}: not tracked in {here.shown(here.to_top(tracking.NAME))}",
                "git data track lists what is",
            )
        changed |= remove.apply(arguments.dry_run)
        _tell(remove, meant, "no longer tracked", "", screen)
    _advise(repo, here, arguments.dry_run, changed, screen)


def _remove_limit(repo: Repo, dry_run: bool, screen: Screen) -> bool:
    top = Here(os.path.realpath(repo.top), "")
    edit = _Edit(repo.git, top, _without(gitattributes.EVERYTHING))
    found = project.read_file(repo.git, repo.top)
    limited = found is not None and found.above is not None
    if not edit.changed and not limited:
        raise UsageError("files are not tracked by size here", "git data track lists what is")
    if limited and not dry_run:
        project.write(repo.git, repo.top, "track.above", None)
    edit.apply(dry_run)
    screen.say("files are no longer tracked by size")
    return True


def _without(*patterns: bytes) -> Callable[[bytes], bytes]:
    return lambda text: gitattributes.remove_lines(text, patterns)


class _Edit:
    """One change of the `.gitattributes` of a folder."""

    def __init__(self, git: Git, here: Here, change: Callable[[bytes], bytes]) -> None:
        self.git = git
        self.folder = here.folder
        self.before = tracking.read(self.folder)
        self.after = change(self.before)

    @property
    def changed(self) -> bool:
        return self.after != self.before

    def apply(self, dry_run: bool) -> bool:
        if self.changed and not dry_run:
            tracking.write(self.git, self.folder, self.after)
        return self.changed


def _tell(edit: _Edit, patterns: Sequence[bytes], done: str, already: str, screen: Screen) -> None:
    before = gitattributes.patterns_in(edit.before)
    for pattern in patterns:
        was = pattern in before
        word = already if already and was else done
        screen.say(f"{word}: {printable(os.fsdecode(pattern))}")


def _advise(repo: Repo, here: Here, dry_run: bool, changed: bool, screen: Screen) -> None:
    """The next step: files that are committed already have to be converted."""
    if dry_run:
        screen.say("nothing was changed (--dry-run)" if changed else "nothing would change")
        return
    if "filter.data.process" not in repo.settings.values:
        screen.note("git-data: Git does not use git-data yet, and would commit whole files; run:")
        screen.note("  git data install")
        return
    if changed:
        ensure_hook(repo, screen)
    again = tracking.unconverted(Repo.open())
    names = [*again.to_pointer, *again.to_plain]
    if not names:
        return
    shown = ", ".join(here.shown(name) for name in names[:_SHOWN])
    more = ", …" if len(names) > _SHOWN else ""
    what = "is" if len(names) == 1 else "are"
    screen.note(
        f"git-data: {count(len(names), 'file')} in Git {what} not as this says ({shown}{more}); "
        f"convert with: git add --renormalize {':/' if here.prefix else '.'}"
    )
