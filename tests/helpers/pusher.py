"""A process that pushes: `python -m tests.helpers.pusher FOLDER STORE PATH SIZE [KILLED_AFTER]`.

Puts SIZE bytes made from PATH into the cache of FOLDER and sends them. With KILLED_AFTER it kills
itself when that many packs are stored, before it can note the last of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from git_data.oid import hash_bytes
from git_data.stores.local import LocalStore
from git_data.transfer import Wanted

from .engine import Clone, content

ROOT = Path(__file__).parent.parent.parent


def start(folder: Path, store: Path, path: str, size: int, *more: int) -> subprocess.Popen[bytes]:
    words = [str(folder), str(store), path, str(size), *map(str, more)]
    return subprocess.Popen([sys.executable, "-m", __name__, *words], cwd=ROOT)


class Deadly(LocalStore):
    killed_after = 0

    def write(self, name, parts):
        super().write(name, parts)
        if name.startswith("data/packs/"):
            self.killed_after -= 1
            if self.killed_after == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, root: str, path: str, size: str, killed_after: str = "0") -> None:
    store = Deadly(root, create=True)
    store.killed_after = int(killed_after)
    clone = Clone(Path(folder), store)
    data = content(path, int(size))
    wanted = Wanted(hash_bytes(data), len(data), path)
    if not clone.cache.has(wanted.oid, wanted.size):
        clone.add(path, data)
    clone.objects.send([wanted], clone.cache)


if __name__ == "__main__":
    main(*sys.argv[1:])
