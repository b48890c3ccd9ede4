"""`--depth` and its kin: history that is cut off, from a store that has only whole bundles.

The bundles are unpacked into a repository of their own, and Git fetches from that one with its own
protocol, which knows all about shallow repositories. What is saved is room here, not the transfer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from .bundles import Taking
from .errors import GitError
from .files import make_folders
from .git import Git
from .gitmanifest import GitManifest
from .history import History
from .locks import Lock
from .refs import Fetcher, Wish
from .remote import Options

_FLAGS = {"depth": "--depth", "deepen-since": "--shallow-since"}


def is_asked(options: Options) -> bool:
    return any(map(options.text, _FLAGS)) or bool(options.all("deepen-not"))


def deepen(
    fetcher: Fetcher, wanted: Sequence[tuple[str, str]], options: Options, how: Taking
) -> None:
    """Fetch refs to the depth that is asked for."""
    make_folders(fetcher.folder)
    whole = os.path.join(fetcher.folder, "whole.git")
    with Lock(whole + ".lock"):
        try:
            shutil.rmtree(whole, ignore_errors=True)  # of a process that was killed
            _set_refs(_unpack(fetcher, whole, how), fetcher.manifest)
            names = "".join(f"{name}\n" for name, _ in wanted)
            words = ["fetch-pack", "--stdin", *_flags(options), f"file://{whole}"]
            status, _ = fetcher.history.git.stream(*words, source=os.fsencode(names))
        finally:
            shutil.rmtree(whole, ignore_errors=True)
    if status != 0:
        raise GitError(f"git fetch-pack failed for {fetcher.store.url}: nothing was fetched")


def _unpack(fetcher: Fetcher, path: str, how: Taking) -> Git:
    """A repository of its own with everything that the registry's refs reach."""
    manifest, git = fetcher.manifest, fetcher.history.git
    words = ("init", "-q", "--bare", f"--object-format={manifest.object_format}", path)
    git.elsewhere(fetcher.folder).run(*words)
    there = git.elsewhere(path, GIT_DIR=path)
    history = History(there, there.locate())
    inner = Fetcher(fetcher.store, manifest, history, fetcher.folder, fetcher.progress)
    inner.fetch(Wish(tuple({*manifest.refs.values()}), empty=True), how)
    return there


def _set_refs(there: Git, manifest: GitManifest) -> None:
    lines = "".join(f"create {name} {oid}\n" for name, oid in manifest.refs.items())
    there.run("update-ref", "--stdin", input=lines.encode(errors="surrogateescape"))
    there.run("symbolic-ref", "HEAD", manifest.head)


def _flags(options: Options) -> list[str]:
    words = [f"{flag}={value}" for key, flag in _FLAGS.items() if (value := options.text(key))]
    words += [f"--shallow-exclude={name}" for name in options.all("deepen-not")]
    words += ["--deepen-relative"] if options.has("deepen-relative") else []
    words += ["--update-shallow"] if options.has("update-shallow") else []
    words += ["--cloning"] if options.has("cloning") else []
    words += [] if options.has("progress") else ["--no-progress"]
    return words + (["-q"] if options.verbosity < 1 else [])
