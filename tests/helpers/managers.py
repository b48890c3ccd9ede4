"""The real hook managers: husky and lefthook out of npm, installed once for all tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .missing import missing

PACKAGES = ("husky@9.1.7", "lefthook@2.2.2")
_PREPARED = Path(sys.prefix) / "hook-managers"


def node_modules(tmp_path_factory) -> Path:
    """The folder with their commands in it; skips the test where there is no npm."""
    if (_PREPARED / "node_modules" / ".bin" / "lefthook").exists():
        return _PREPARED / "node_modules" / ".bin"
    if shutil.which("npm") is None:
        missing("npm is not installed")
    folder = tmp_path_factory.getbasetemp().parent / "hook-managers"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for all workers
        if not (folder / "node_modules" / ".bin" / "lefthook").exists() and not install(folder):
            missing("npm cannot install husky and lefthook here")
    return folder / "node_modules" / ".bin"


def install(folder: Path) -> bool:
    """True when the packages are there. Their install scripts are not run."""
    words = ["npm", "install", "--prefix", str(folder), "--no-save", "--ignore-scripts"]
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    env = {**os.environ, "HOME": str(folder), "npm_config_update_notifier": "false"}
    done = subprocess.run([*words, *quiet, *PACKAGES], env=env, stdin=subprocess.DEVNULL)
    return done.returncode == 0


if __name__ == "__main__":  # for install.sh --test
    _PREPARED.mkdir(exist_ok=True)
    sys.exit(not install(_PREPARED))
