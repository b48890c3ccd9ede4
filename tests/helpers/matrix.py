"""The driver of the command matrix: run shell lines in a fresh copy of a repository.

A scenario is some lines for `sh`. It is run once with the reference filter, which answers content
at once, and once with each way of ours; what differs is a fault. Compared are the exit statuses,
the commits, the index, every work-tree file with mode and bytes, `git status`, what hooks and
`-x` programs saw, and what lies about.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import blake3

from git_data import gitindex
from git_data.cache import Cache

from . import matrix_history as history
from .matrix_outcome import Outcome, in_git_folder, look
from .world import isolated, run

FLAVOURS = {
    "plain": "",
    "v4": "git config index.version 4; git update-index --index-version 4",
    "split": "git config core.splitIndex true; git update-index --split-index",
    "sparse": "git sparse-checkout set --cone --sparse-index sub sdir 'od d'",
}
_SETTINGS = """\
[protocol "file"]
	allow = always
[init]
	templateDir =
	defaultBranch = main
[advice]
	detachedHead = false
[gc]
	auto = 0
[maintenance]
	auto = false
[rerere]
	enabled = false
"""
_REFERENCE = """\
[filter "data"]
	process = {command}
	required = true
[merge "data"]
	name = ours stays
	driver = false
	recursive = binary
"""
# `see WHO`: what a program that runs meanwhile finds. `hook NAME`: a hook that sees. `calm`: from
# here on no entry is racy, so that Git trusts stat data where it would have looked again.
_SEE = """\
#!/bin/sh
{{ echo "== $1"; find . -name .git -prune -o -type f -name '*.bin' -print0 |
  sort -z | xargs -0 -r cksum; }} >>{seen}
"""
_PRELUDE = """\
UP={up}; SUPER={super}; ROOT={root}; SEEN={seen}
hook() {{ folder=$(git rev-parse --git-path hooks); mkdir -p "$folder"
  printf '#!/bin/sh\\nsee %s\\n' "$1" >"$folder/$1"; chmod +x "$folder/$1"; }}
calm() {{ find {root} \\( -name index -o -name 'sharedindex.*' \\) -path '*.git*' \\
  -exec touch -d '+10 seconds' {{}} +; }}
"""


@dataclass(frozen=True)
class Scenario:
    name: str
    lines: tuple[str, ...]
    start: str = "work"  # which folder is copied before: work, super, or none
    rereads: bool = False  # the first status may look into files: entries left alone
    risky: bool = False  # worth a run with `data.strict` too
    index: bool = False  # worth every flavour of index


class Fixture:
    """The upstream, its data, and one folder to copy for each flavour of index."""

    def __init__(self, folder: Path, commands: Path, installed: str) -> None:
        self.folder = folder
        self.commands = commands
        self.store = folder / "contents"
        self.up = folder / "up.git"
        self.super = folder / "super.git"
        self.environments = {
            "reference": self._machine("reference", self._reference_config()),
            "placed": self._machine("placed", installed),
        }
        self.environments["strict"] = {**self.environments["placed"], "GIT_DATA_STRICT": "1"}
        self._build()
        self._templates: dict[str, Path] = {}

    def _machine(self, name: str, config: str) -> dict[str, str]:
        home = self.folder / f"home-{name}"
        home.mkdir()
        (home / ".gitconfig").write_text(_SETTINGS + config)
        return isolated(home, self.commands)

    def _reference_config(self) -> str:
        site = Path(blake3.__file__).parent.parent
        script = Path(__file__).parent / "reference_filter.py"
        words = [sys.executable, "-IS", str(script), str(site), str(self.store)]
        return _REFERENCE.format(command=" ".join(map(shlex.quote, words)))

    def _build(self) -> None:
        self.store.mkdir()
        commits = self._import(self.up, history.HISTORY)
        self._git("-C", self.up, "tag", "v1", "base")
        for name in ("allowFilter", "allowAnySHA1InWant"):
            self._git("-C", self.up, "config", f"uploadpack.{name}", "true")
        self._import(self.super, history.superproject(self.up, commits))
        self._keep(self.up, history.all_contents())
        self._keep(self.super, [history.data(name, 500) for name in ("top1", "top2")])

    def _import(self, path: Path, commits: tuple[history.Commit, ...]) -> dict[str, str]:
        self._git("init", "-q", "--bare", path)
        stream = history.import_stream(commits)
        self._git("-C", path, "fast-import", "--quiet", "--force", input=stream)
        refs = self._git("-C", path, "for-each-ref", "--format=%(refname:short) %(objectname)")
        return dict(line.split() for line in refs.splitlines())

    def _keep(self, repository: Path, contents: list[bytes]) -> None:
        cache = Cache(repository / "git-data")
        for content in contents:
            pointer = cache.put(content)
            (self.store / pointer.oid.hex()).write_bytes(content)
        cache.finish()

    def _git(self, *words: str | Path, input: bytes | None = None) -> str:
        return run(["git", *words], self.folder, self.environments["reference"], input=input).out

    def template(self, flavour: str) -> Path:
        """A folder with the clones `work` and `super`, made by the reference."""
        if flavour not in self._templates:
            folder = self.folder / f"template-{flavour}"
            folder.mkdir()
            self._clone(folder / "work", self.up, flavour)
            if flavour == "plain":
                self._clone(folder / "super", self.super, flavour)
            self._templates[flavour] = folder
        return self._templates[flavour]

    def _clone(self, path: Path, source: Path, flavour: str) -> None:
        self._git("clone", "-q", "--recurse-submodules", source, path)
        branches = self._git(
            "-C", path, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes"
        )
        for branch in sorted(set(branches.split()) - {"main", "HEAD"}):
            self._git("-C", path, "branch", "-q", "--track", branch, f"origin/{branch}")
        (path / ".git" / "info").mkdir(exist_ok=True)
        self._keep(path / ".git", history.all_contents())
        run(["sh", "-ec", FLAVOURS[flavour] or ":"], path, self.environments["reference"])

    # One run

    def run(self, scenario: Scenario, way: str, root: Path, flavour: str = "plain") -> Outcome:
        """The lines, in a copy below `root`, with one kind of filter."""
        env = self.prepare(scenario, way, root, flavour)
        codes, said = root / "codes", root / "said"
        lines = "".join(f"{{ {line}\n}}; echo $? >>{codes}\n" for line in scenario.lines)
        prelude = _PRELUDE.format(
            up=self.up, super=self.super, root=root / "here", seen=root / "seen"
        )
        with said.open("wb") as file:
            subprocess.run(
                ["sh", "-c", prelude + lines],
                cwd=start(scenario, root),
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                check=False,
                timeout=100,
            )
        seen = root / "seen"
        return Outcome(
            codes.read_text(),
            seen.read_text() if seen.exists() else "",
            *look(root, env),
            said.read_text(errors="replace"),
        )

    def prepare(
        self, scenario: Scenario, way: str, root: Path, flavour: str = "plain"
    ) -> dict[str, str]:
        """A fresh copy of where the scenario starts; the environment for commands in it."""
        (root / "here").mkdir(parents=True)
        (root / "bin").mkdir()
        see = root / "bin" / "see"
        see.write_text(_SEE.format(seen=root / "seen"))
        see.chmod(0o755)
        env = dict(self.environments[way])
        env["PATH"] = f"{root / 'bin'}{os.pathsep}{env['PATH']}"
        env["ROOT"] = str(root / "here")
        if scenario.start != "none":
            target = start(scenario, root)
            subprocess.run(
                ["cp", "-a", self.template(flavour) / scenario.start, target], check=True
            )
            self._settle(target)
        return env

    def _settle(self, path: Path) -> None:
        """A copy has other inodes and times: let the index know them, so that all is clean."""
        reference = self.environments["reference"]
        lines = run(["git", "ls-files", "-s", "-z"], path, reference).out.split("\0")[:-1]
        blobs = {
            name: head.split()[1] for head, _, name in (line.partition("\t") for line in lines)
        }
        stats = {
            os.fsencode(name): (blob, gitindex.pack_stat((path / name).lstat()))
            for name, blob in blobs.items()
            if (path / name).is_file()
        }
        index = in_git_folder(path, "index")
        data = bytearray(index.read_bytes())
        found = gitindex.find(data, stats)
        if found.split:
            run(["git", "update-index", "-q", "--refresh"], path, reference)
        else:
            gitindex.patch(data, found, stats)
            index.write_bytes(data)
        if (path / "dep" / ".git").exists():
            self._settle(path / "dep")


def start(scenario: Scenario, root: Path) -> Path:
    """The folder where its lines begin."""
    return root / "here" / ("" if scenario.start == "none" else scenario.start)


def remove(folder: Path) -> None:
    """Free the space of a run that ended well; caches are read-only, their folders are not."""
    shutil.rmtree(folder, ignore_errors=True)
