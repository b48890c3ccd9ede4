"""Real files that nobody here made: added, pushed, cloned, compared byte for byte."""

import filecmp
import os
import random
import shutil
import stat
from pathlib import Path

ROOTS = ("/usr/share", "/usr/lib")
MOST_BYTES = 500 << 20
SEED = 7


def regular_files():
    """All regular files below the roots that may be read, with their sizes, in a fixed order."""
    found = []
    for root in ROOTS:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name.lower() != ".git")
            for name in sorted(names):
                path = os.path.join(folder, name)
                state = os.lstat(path)
                if (
                    stat.S_ISREG(state.st_mode)
                    and os.access(path, os.R_OK)
                    and name != ".gitattributes"
                ):
                    found.append((path, state.st_size))
    return found


def thinned(files):
    """A part of them, chosen by a seed, that has about MOST_BYTES in all."""
    random.Random(SEED).shuffle(files)
    chosen, size = [], 0
    for path, count in files:
        if size + count <= MOST_BYTES:
            chosen.append(path)
            size += count
    return chosen


def same(left: Path, right: Path) -> bool:
    return filecmp.cmp(left, right, shallow=False) and os.access(left, os.X_OK) == os.access(
        right, os.X_OK
    )


def test_usr_share_and_usr_lib_come_back_byte_for_byte(world):
    origin, repo = world.bare("origin.git"), world.repo("work")
    chosen = thinned(regular_files())
    assert len(chosen) > 1000
    for path in chosen:
        target = repo.path / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    repo.write(".gitattributes", "usr/** filter=data diff=data merge=data -text\n")
    repo.git("add", "--force", ".")
    repo.git("commit", "-q", "-m", "all of it")
    repo.git("push", "-q", str(origin.path), "main")
    clone = world.clone(origin)
    assert clone.said.err == ""
    assert clone.status() == ""
    differing = [p for p in chosen if not same(Path(p), clone.path / p.lstrip("/"))]
    assert differing == []
    stored = [p.stat().st_size for p in (origin.path / "data").rglob("*") if p.is_file()]
    assert len(stored) < 60
    assert sum(stored) < sum(os.path.getsize(p) for p in chosen)
