"""Several clones of one registry that push at the same time, each a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from .world import Checkout, World

# Each commit is pushed at once. Who is refused fetches, rebases and tries again; what was
# acknowledged is printed.
_SCRIPT = """\
number=$1 branch=$2
for round in $(seq "$3"); do
  echo "$branch $round" >"file-$number-$round"
  git add . && git commit -q -m "$number $round" || exit 9
  tries=0
  until git push -q origin "HEAD:refs/heads/$branch" 2>>../"errors-$number"; do
    tries=$((tries + 1))
    test $tries -lt 100 || exit 8
    git fetch -q origin || exit 7
    git rebase -q "origin/$branch" 2>>../"errors-$number" || exit 6
  done
  git rev-parse HEAD
done
"""


def contend(world: World, clones: Sequence[Checkout], branch: str, rounds: int) -> list[list[str]]:
    """The commits that were acknowledged to each clone. `branch` may hold `{}`, for a number."""
    started = [
        subprocess.Popen(
            ["sh", "-c", _SCRIPT, "sh", str(number), branch.format(number), str(rounds)],
            cwd=clone.path,
            env=world.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, clone in enumerate(clones)
    ]
    told = [process.communicate()[0].split() for process in started]
    codes = [process.returncode for process in started]
    errors = [(world.root / f"errors-{n}").read_text() for n in range(len(clones))]
    assert codes == [0] * len(clones), errors
    return told


def check_nothing_lost(world: World, address: str, branches: Sequence[str], told: object) -> None:
    """A fresh clone has every acknowledged commit in its branch, and is whole."""
    copy = world.clone(address, "witness", "--mirror")
    assert copy.git("fsck", "--full", "--strict").err == ""
    assert isinstance(told, list)
    for branch, commits in zip(branches, told, strict=True):
        history = set(copy.git("rev-list", f"refs/heads/{branch}").lines)
        assert len(commits) == len(set(commits)) and history.issuperset(commits)
    world.run("rm", "-rf", copy.path)
