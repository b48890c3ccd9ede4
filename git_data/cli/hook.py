"""`git data hook NAME`, which the scripts in `hooks/` and in a repository call."""

from __future__ import annotations

import argparse
import sys

from .. import hooks
from ..errors import UsageError
from ..hooking import NAMES
from ..repo import Repo
from ..upload import Target, Upload
from .findings import tell as tell_findings
from .terminal import Screen, human_size


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Run by Git's hooks. Example: git data hook pre-push origin URL < refs"
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--script", default="", help="the hook file that was started")
    parser.add_argument("arguments", nargs="*", help="what Git gave to the hook")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    return {"pre-commit": _pre_commit, "pre-push": _pre_push, "pre-receive": _pre_receive}[
        arguments.name
    ](arguments, screen)


def _pre_commit(arguments: argparse.Namespace, screen: Screen) -> int:
    repo = Repo.open()
    status = tell_findings(hooks.pre_commit(repo), screen)
    return status or hooks.run_kept(repo, "pre-commit", arguments.script, arguments.arguments)


def _pre_push(arguments: argparse.Namespace, screen: Screen) -> int:
    if len(arguments.arguments) < 2:
        raise UsageError("git data hook pre-push needs the remote and its URL, as Git gives them")
    target = Target(*arguments.arguments[:2])
    if hooks.uploads_itself(target) and not arguments.script:
        return 0  # at once: there is no hook of the user's behind this one
    repo = Repo.open()
    sent, status = hooks.pre_push(repo, sys.stdin.buffer.read(), target, arguments.script, screen)
    screen.finish()
    for part in sent:
        tell(part, screen)
    return status


def _pre_receive(arguments: argparse.Namespace, screen: Screen) -> int:
    repo, lines = Repo.open(), sys.stdin.buffer.read()
    status = tell_findings(hooks.pre_receive(repo, lines), screen)
    if status:
        screen.note("git-data: nothing of this push was accepted")
        return status
    return hooks.run_kept(repo, "pre-receive", arguments.script, arguments.arguments, lines)


def tell(part: Upload, screen: Screen) -> None:
    if part.objects:
        files = "1 object" if part.objects == 1 else f"{part.objects} objects"
        sizes = f"{human_size(part.size)}, {human_size(part.sent_bytes)} sent"
        screen.note(f"git-data: {files} ({sizes}) to {part.store}")
