"""`git data push`."""

from __future__ import annotations

import argparse

from ..inventory import all_tips, commit_of
from ..repo import Repo
from ..unsent import push_target
from ..upload import upload
from .hook import tell
from .options import add_dry_run, add_json, add_quiet, count, describe, write_json
from .terminal import Screen, human_size


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser,
        "Send what the store lacks of the data of HEAD and its history, as git push does before "
        "it moves a ref; no ref moves here. After `git data store NEW` and a commit, this fills "
        "the new store.",
        "git data push",
        "git data push --all --dry-run",
    )
    parser.add_argument(
        "remote", nargs="?", default="", metavar="REMOTE", help="as git push would take it"
    )
    parser.add_argument("--all", action="store_true", help="the data of all refs, not only of HEAD")
    add_dry_run(parser, "say what would be sent")
    add_json(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    screen.quiet = arguments.quiet or arguments.json
    repo = Repo.open()
    target = push_target(repo, arguments.remote)
    tips = all_tips(repo) if arguments.all else [commit_of(repo, "HEAD")]
    sent = upload(repo, tips, target, screen, arguments.dry_run)
    screen.finish()
    if arguments.json:
        write_json(screen, {"sent": [part._asdict() for part in sent]})
        return 0
    for part in sent:
        if arguments.dry_run:
            objects = count(part.objects, "object")
            screen.say(f"would send {objects} ({human_size(part.size)}) to {part.store}")
        elif not arguments.quiet:
            tell(part, screen)
    if not arguments.dry_run and not any(part.objects for part in sent):
        screen.say("the store has everything already" if sent else "there is no data to send")
    return 0
