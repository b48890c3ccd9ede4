"""What a run of the command matrix left behind, and how two of them differ."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from .world import run


@dataclass
class Tree:
    """One work tree at the end."""

    head: str
    index: list[str]
    status: list[str]
    files: dict[str, tuple[str, bytes]]
    cleaned: set[str]  # what the first status gave to the filter


@dataclass
class Outcome:
    codes: str
    seen: str
    trees: dict[str, Tree]
    left: list[str]
    said: str = field(compare=False)


def look(root: Path, env: Mapping[str, str]) -> tuple[dict[str, Tree], list[str]]:
    """Every work tree below `root`, and what lies about in the Git folders."""
    left = leftovers(root / "here")
    trees = [*_work_trees(root / "here")]
    for tree in trees:
        _make_settled(in_git_folder(tree, "index"))
    return {str(tree.relative_to(root)): _look(tree, env, root) for tree in trees}, left


def _look(path: Path, env: Mapping[str, str], root: Path) -> Tree:
    trace = root / "trace"
    trace.unlink(missing_ok=True)
    script = (
        f"GIT_TRACE_PACKET={shlex.quote(str(trace))} git status --porcelain; echo ==;"
        "git rev-parse --symbolic-full-name HEAD; git rev-parse HEAD^{tree}; git stash list;"
        "echo ==; git ls-files -s -v"
    )
    done = run(["sh", "-c", script], path, env)
    status, head, listed = done.out.split("==\n")
    return Tree(head, listed.splitlines(), status.splitlines(), _files(path), _cleaned(trace))


def _work_trees(folder: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        if ".git" in folders or ".git" in names:
            yield Path(path)
        folders[:] = sorted(f for f in folders if f != ".git" and not f.endswith(".git"))


def _make_settled(index: Path) -> None:
    """No entry is racy any more: Git decides by stat data alone, wherever it can."""
    if index.exists():
        later = index.stat().st_mtime_ns + 10**10
        os.utime(index, ns=(later, later))


def in_git_folder(work_tree: Path, name: str) -> Path:
    link = work_tree / ".git"
    if link.is_dir():
        return link / name
    return work_tree / link.read_text().removeprefix("gitdir: ").strip() / name


def _files(work_tree: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for folder, folders, names in os.walk(work_tree):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if name != ".git"]
        for name in [*names, *links]:
            path = Path(folder) / name
            if name != ".git":
                mode = stat.filemode(path.lstat().st_mode)
                content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
                found[str(path.relative_to(work_tree))] = (mode, content)
    return found


_CLEAN = re.compile(r"> command=clean\n.*?> pathname=(.*?)\n", re.DOTALL)


def _cleaned(trace: Path) -> set[str]:
    return set(_CLEAN.findall(trace.read_text())) if trace.exists() else set()


# A store's lock file, and the memory of a push: they are meant to stay.
_LASTING = re.compile(r"/data/manifest\.lock$|/git-data/push/")


def leftovers(folder: Path) -> list[str]:
    """Locks, temporaries and journals in the Git folders."""
    bad = re.compile(r"\.lock$|journal|\btmp\b|\.tmp|tmp_|\.new$")
    found = []
    for path, _, names in os.walk(folder):
        for name in names:
            inside = os.path.relpath(os.path.join(path, name), folder)
            if ".git" in inside and bad.search(inside) and not _LASTING.search(inside):
                found.append(inside)
    return sorted(found)


# Telling what differs


def differences(expected: Outcome, found: Outcome, rereads: bool = False) -> list[str]:
    """What a person has to know; empty when both ended in the same way."""
    told = []
    for name in ("codes", "seen", "left"):
        if getattr(expected, name) != getattr(found, name):
            told.append(f"{name}: {getattr(found, name)!r}, not {getattr(expected, name)!r}")
    return told + tree_differences(expected.trees, found.trees, rereads)


def tree_differences(
    expected: Mapping[str, Tree], found: Mapping[str, Tree], rereads: bool = False
) -> list[str]:
    if expected.keys() != found.keys():
        return [f"work trees: {sorted(found)}, not {sorted(expected)}"]
    return [
        f"{name}: {text}"
        for name, tree in expected.items()
        for text in _tree_differences(tree, found[name], rereads)
    ]


def _tree_differences(expected: Tree, found: Tree, rereads: bool) -> Iterator[str]:
    for name in ("head", "index", "status"):
        if getattr(expected, name) != getattr(found, name):
            yield f"{name}: {getattr(found, name)}, not {getattr(expected, name)}"
    for path in sorted(expected.files.keys() | found.files.keys()):
        wanted, got = expected.files.get(path), found.files.get(path)
        if wanted != got:
            yield f"{path}: {_brief(got)}, not {_brief(wanted)}"
    if not rereads and not found.cleaned <= expected.cleaned:
        yield f"the first status read {sorted(found.cleaned - expected.cleaned)}"


def _brief(entry: tuple[str, bytes] | None) -> str:
    if entry is None:
        return "nothing"
    mode, content = entry
    is_pointer = content.startswith(b"version git-data/1\n")
    kind = "pointer" if is_pointer else "content"
    return f"{mode} {kind} of {len(content)} bytes {blake3(content).hexdigest()[:8]}"
