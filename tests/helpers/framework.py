"""The pre-commit framework with our ids, its environment built once for all tests and workers."""

from __future__ import annotations

import fcntl
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

from .world import PROJECT, isolated, run

PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
IDS = ("git-data-pointers", "git-data-large-files", "git-data-imports", "git-data-stored")
_SOURCE = ("git_data", "pyproject.toml", "setup.py", "README.md", ".pre-commit-hooks.yaml")


class Framework(NamedTuple):
    """Where our ids are to be had, as a team would name them."""

    source: Path
    revision: str
    home: Path

    @property
    def env(self) -> dict[str, str]:
        return {"PRE_COMMIT_HOME": str(self.home)}

    def config(self, **options: dict[str, object]) -> str:
        """A .pre-commit-config.yaml with all ids; options by id, with _ for -."""
        hooks = [{"id": name, **options.get(name.replace("-", "_"), {})} for name in IDS]
        repos = [{"repo": str(self.source), "rev": self.revision, "hooks": hooks}]
        return yaml.safe_dump({"repos": repos})


def prepare(folder: Path, commands: Path) -> Framework:
    """A repository of this source tree, and the framework's environment of it in `folder`."""
    made = folder / "framework"
    made.mkdir(exist_ok=True)
    env = isolated(made, commands)
    with open(made / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers wait for the first
        source, home = made / "git-data", made / "home"
        if not source.exists():
            _copy(source, env)
        revision = run(["git", "rev-parse", "HEAD"], source, env).out.strip()
        framework = Framework(source, revision, home)
        if not (made / "done").exists():
            (source / "pc.yaml").write_text(framework.config())
            words = [PRE_COMMIT, "install-hooks", "-c", "pc.yaml"]
            run(words, source, {**env, **framework.env})
            (made / "done").touch()
    return framework


def _copy(source: Path, env: dict[str, str]) -> None:
    """What an installation is made from, committed as it is now."""
    source.mkdir()
    for name in _SOURCE:
        path = PROJECT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "source"]):
        run(["git", *words], source, env)
