"""Which files are data: `.gitattributes` and the limit in `.gitdata`, changed as a user asks."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import faults, project, scan
from .errors import DataError, UsageError
from .files import failure, write_file
from .git import Git
from .gitattributes import patterns_in
from .pointer import MAX_BYTES as POINTER_BYTES
from .repo import Repo

NAME = ".gitattributes"
MAX_BYTES = 100 << 20  # Git ignores larger ones
# Git reads these from the work tree itself; the filter lets them through.
NEVER_DATA = (NAME, ".gitignore", ".gitmodules", project.NAME)


class Tracked(NamedTuple):
    """One pattern that makes files data, and the file that says so (from the top)."""

    pattern: str
    file: str


class Unconverted(NamedTuple):
    """Staged files that are not yet as `.gitattributes` has them; paths from the top."""

    to_pointer: list[str]
    to_plain: list[str]
    broken: list[str]  # pointers that only a person can settle


# Files


def read(folder: str) -> bytes:
    """The `.gitattributes` of a folder, empty when there is none; never through a symlink."""
    path = os.path.join(folder, NAME)
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        if os.path.islink(path):
            raise DataError(
                f"{path} is a symbolic link, which Git does not read: nothing was changed",
                "replace it with a file",
            ) from error
        raise failure(error, "read", path) from error
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise DataError(f"{path} is no file that Git would read: nothing was changed")
        return file.read()


def write(git: Git, folder: str, text: bytes) -> None:
    """Replace the `.gitattributes` of a folder; one that becomes empty is removed.

    Unless it is in the index: there Git would look for it, and find what it said before.
    """
    path = os.path.join(folder, NAME)
    read(folder)  # again: a link may have been put there
    try:
        mode = stat.S_IMODE(os.lstat(path).st_mode) if os.path.lexists(path) else 0o666
        if not text and not git.run("ls-files", "-z", "--", path):
            os.unlink(path)
            return
    except OSError as error:
        raise failure(error, "change", path) from error
    write_file(path, text, mode=mode)


def pattern_of(word: str, folder: str) -> bytes:
    """What a user means by a word: a folder stands for all files below it.

    Raises UsageError for what Git would ignore.
    """
    if not word or word.startswith("!") or "\0" in word:
        raise UsageError(
            f"{word!r} is no pattern for {NAME}", "write it as in: '*.bin' 'images/**'"
        )
    word = word.removeprefix("./")
    if word.endswith("/") or (os.path.isdir(os.path.join(folder, word)) and word not in ("", ".")):
        word = word.rstrip("/") + "/**"
    return os.fsencode("**" if word in ("", ".") else word)


# The repository


def tracked(repo: Repo) -> list[Tracked]:
    """Every pattern that the work tree's `.gitattributes` files track, from the top down."""
    found = []
    for name in _attribute_files(repo.git):
        folder = os.path.join(repo.top, os.path.dirname(name))
        try:
            patterns = patterns_in(read(folder))
        except DataError:
            continue  # Git does not read it either
        found += [Tracked(os.fsdecode(pattern), name) for pattern in patterns]
    return found


def _attribute_files(git: Git) -> list[str]:
    listed = git.run(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", f":(glob)**/{NAME}"
    )
    names = {os.fsdecode(name) for name in listed.split(b"\0")[:-1]}
    return sorted(names, key=lambda name: (name.count("/"), name))


def unconverted(repo: Repo) -> Unconverted:
    """What `git add --renormalize .` would convert, in the order of the index."""
    sizes = scan.sizes_in_index(repo.git)
    pointers = {found.path: found.pointer for found in scan.pointers_in_index(repo.git)}
    attributes = repo.git.attributes(sizes, "filter", "diff")
    limit = repo.project_to_clean.above
    found = Unconverted([], [], [])
    small_ones: list[str] = []
    for path, size in sizes.items():
        values = attributes.get(path, {})
        is_data = values.get("filter") == "data" and not _is_never_data(path)
        small = limit is not None and size < limit and values.get("diff") != "data"
        if is_data and size and path not in pointers:
            (small_ones if small else found.to_pointer).append(os.fsdecode(path))
        elif not is_data and path in pointers and _is_content(repo.top, path):
            found.to_plain.append(os.fsdecode(path))
    broken = _broken(repo, [*found.to_pointer, *small_ones], sizes)
    others = [path for path in found.to_pointer if path not in broken]
    return found._replace(to_pointer=others, broken=[*broken])


def _broken(repo: Repo, paths: Sequence[str], sizes: Mapping[bytes, int]) -> dict[str, None]:
    """Those that the filter passes through: adding them again converts nothing."""
    short = [p for p in paths if sizes[os.fsencode(p)] < faults.LONGEST and "\n" not in p]
    with scan.BlobReader(repo.git) as reader:
        texts = zip(short, reader.read([f":{path}" for path in short]), strict=True)
        return {p: None for p, text in texts if text and faults.fault_of(text) in faults.KEPT}


def _is_never_data(path: bytes) -> bool:
    return os.fsdecode(path.rpartition(b"/")[2]) in NEVER_DATA


def _is_content(top: str, path: bytes) -> bool:
    """True unless the file in the work tree is the size of a pointer, or not there."""
    try:
        return os.lstat(os.path.join(os.fsencode(top), path)).st_size > POINTER_BYTES
    except OSError:
        return False
