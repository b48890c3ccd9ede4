"""Several clones that push at the same time, each a process of its own.

A push counts as acknowledged when `git push` ended with success; then its commit is printed. One
that was refused is tried again, and counted.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from measure import Failed

# In a clone, with its number, its branch, how many rounds, and (of data) where its files are. Each
# commit is pushed at once; who is refused fetches, rebases and tries again.
_SCRIPT = """\
number=$1 branch=$2 rounds=$3 files=$4
for round in $(seq "$rounds"); do
  if test "$files"; then
    mkdir -p data && cp "$files/$round-"* data/ || exit 9
  else
    echo "$branch $round" >"file-$number-$round"
  fi
  git add . && git commit -q -m "$number $round" || exit 9
  tries=0
  until git push -q origin "HEAD:refs/heads/$branch" 2>>"../errors-$number"; do
    tries=$((tries + 1))
    echo "$branch $round" >>"../refused-$number"
    test $tries -lt 100 || exit 8
    git fetch -q origin || exit 7
    if git rev-parse -q --verify "origin/$branch" >/dev/null; then
      git rebase -q "origin/$branch" 2>>"../errors-$number" || exit 6
    fi
  done
  git rev-parse HEAD
done
"""


class Told(NamedTuple):
    acknowledged: list[list[str]]  # commits, for each clone
    refused: int  # pushes that were tried again


def contend(
    clones: Sequence[Path],
    branch: str,
    rounds: int,
    environ: Mapping[str, str],
    files: Sequence[Path] = (),
) -> Told:
    """All of them at once. `branch` may hold `{}`, for a number; the clones lie in one folder."""
    started = [
        subprocess.Popen(
            ["sh", "-c", _SCRIPT, "sh", *_arguments(number, branch, rounds, files)],
            cwd=clone,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, clone in enumerate(clones)
    ]
    told = [process.communicate()[0].split() for process in started]
    if any(process.returncode for process in started):
        codes = [process.returncode for process in started]
        raise Failed(
            f"pushers ended with {codes}:\n{_written(clones[0].parent, 'errors-*')[-4000:]}"
        )
    refused = len(_written(clones[0].parent, "refused-*").splitlines())
    for path in clones[0].parent.glob("refused-*"):
        path.unlink()
    return Told(told, refused)


def _arguments(number: int, branch: str, rounds: int, files: Sequence[Path]) -> list[str]:
    return [
        *(str(number), branch.format(number), str(rounds)),
        str(files[number]) if files else "",
    ]


def _written(folder: Path, pattern: str) -> str:
    return "".join(path.read_text(errors="replace") for path in sorted(folder.glob(pattern)))
