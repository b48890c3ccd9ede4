"""Killed or interrupted at any moment, nothing is lost and the next command just works.

Each test stops the filter at an exact moment (tests/helpers/pausing.py), sends a signal to Git, to
the filter or to both, lets go whoever is left, and then looks: at once, and after the next command.
"""

import os
import signal
import subprocess
import time
from typing import NamedTuple

import pytest

from ..helpers.matrix import Scenario, remove, start
from ..helpers.matrix_outcome import look, tree_differences
from ..helpers.pausing import Pausing
from ..helpers.world import run

SECONDS = 60.0  # for a moment to come, or a process to end; never waited for in full


class Moment(NamedTuple):
    before: str  # shell lines, unhurt
    command: tuple[str, ...]  # of Git, hurt
    at: str  # when: a pattern of what the filter does to files
    after: str  # the next commands
    begin: str = "work"
    strict: bool = False


MOMENTS = {
    "clean": Moment(
        "echo z >>a.bin; head -c 3000000 /dev/zero >big.bin",
        ("add", "."),
        r"^open .*/git-data/tmp/",
        "git add . && git commit -q -m more",
    ),
    "cleaned": Moment(
        "echo z >>a.bin; head -c 3000000 /dev/zero >big.bin",
        ("add", "."),
        r"^os.rename .*/git-data/tmp/",
        "git add . && git commit -q -m more",
    ),
    "smudge": Moment(
        "",
        ("checkout", "-q", "topic"),
        r"^open .*/git-data/objects/",
        "git checkout -q -f topic && git clean -q -f",
        strict=True,
    ),
    "fetch": Moment(
        "",
        ("clone", "-q", "UP", "c"),
        r"^open .*/up.git/git-data/objects/",
        "cd c && git data pull",
        begin="none",
    ),
    "copy": Moment(
        "",
        ("checkout", "-q", "topic"),
        r"^open 1$",
        "git checkout -q main && git checkout -q topic",
    ),
    "replace": Moment(
        "",
        ("checkout", "-q", "topic"),
        r"^git_data.exchange 1 ",
        "git checkout -q main && git checkout -q topic",
    ),
}
SENT = [
    ("git", signal.SIGINT),
    ("git", signal.SIGTERM),
    ("git", signal.SIGKILL),
    ("filter", signal.SIGTERM),
    ("filter", signal.SIGKILL),
    ("group", signal.SIGINT),
    ("group", signal.SIGTERM),
    ("group", signal.SIGKILL),
]
ALL = [(name, whom, number) for name in MOMENTS for whom, number in SENT]
ALL += [(name, "group", signal.SIGHUP) for name in ("clean", "copy", "replace")]
IDS = [f"{name}, {number.name} to {whom}" for name, whom, number in ALL]


class Hurt:
    """One Git command whose filter stands at the moment."""

    def __init__(self, moment, matrix, root, pausing):
        scenario = Scenario("", (), moment.begin)
        self.env = matrix.prepare(scenario, "placed", root)
        self.cwd = start(scenario, root)
        self.shell(moment.before)
        self.pausing = pausing
        words = [str(matrix.up) if word == "UP" else word for word in moment.command]
        strict = {"GIT_DATA_STRICT": "1"} if moment.strict else {}
        self.git = subprocess.Popen(
            ["git", *pausing.setting(), *words],
            cwd=self.cwd,
            env={**self.env, **strict, "PAUSE_AT": moment.at},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.filter_pid = pausing.wait(SECONDS)

    def shell(self, lines):
        return run(["sh", "-ec", lines], self.cwd, self.env).out

    def pointers(self):
        """The files that hold a pointer."""
        files = (path for path in self.cwd.rglob("*.bin") if path.is_file())
        return [path for path in files if path.read_bytes().startswith(b"version git-data/1")]

    def untracked(self):
        """The files that Git does not know."""
        top = "." if (self.cwd / ".git").exists() else "c"
        return {*self.shell(f"git -C {top} ls-files --others").splitlines()}

    def wait_for_survivor(self):
        """Its last act is to remove the folder of what was being placed."""
        placing, until = self.cwd / ".git" / "git-data" / "placing", time.monotonic() + SECONDS
        while any(placing.glob("*")):
            assert time.monotonic() < until, "nobody finishes it"

    def send(self, whom, number):
        """Git's exit status, and what was said, once nobody is left."""
        if whom == "group":
            os.killpg(self.git.pid, number)
        else:
            os.kill(self.git.pid if whom == "git" else self.filter_pid, number)
        self.pausing.go()
        said, _ = self.git.communicate(timeout=SECONDS)  # the filter holds the pipe to its end
        return self.git.returncode, said.decode(errors="replace")


def expected(matrix, moment, folder):
    """How it would have ended without a signal."""
    clone = f"git clone -q {matrix.up} c"
    command = "git " + " ".join(moment.command) if moment.begin == "work" else clone
    lines = (moment.before or ":", command, moment.after.replace("git data pull", ":"))
    return matrix.run(Scenario("", lines, moment.begin), "reference", folder).trees


@pytest.fixture
def pausing(tmp_path):
    made = Pausing(tmp_path / "pausing")
    yield made
    made.close()


@pytest.mark.parametrize(("name", "whom", "number"), ALL, ids=IDS)
def test_the_next_command_just_works(matrix, tmp_path, pausing, name, whom, number):
    moment, root = MOMENTS[name], tmp_path / "hurt"
    hurt = Hurt(moment, matrix, root, pausing)
    status, said = hurt.send(whom, number)
    assert "Traceback" not in said
    if whom != "filter":
        assert status == -number
    if number == signal.SIGKILL and name in ("clean", "cleaned", "smudge"):
        for lock in (root / "here").rglob("index.lock"):
            lock.unlink()  # Git's own, of a Git that could not take it away
    assert hurt.untracked() <= {"big.bin", "n2.bin"}, said  # the user's, and Git's own
    if finishes_alone(name, whom, number):
        if number == signal.SIGKILL:
            hurt.wait_for_survivor()
        assert hurt.shell("git status --porcelain") == "" and hurt.pointers() == []
    hurt.shell(moment.after)
    trees, left = look(root, hurt.env)
    assert left == [], said
    assert tree_differences(expected(matrix, moment, tmp_path / "reference"), trees) == [], said
    hurt.shell("git fsck --strict" if moment.begin == "work" else "git -C c fsck --strict")
    remove(root)


def finishes_alone(name, whom, number):
    """The filter lives on and puts everything in place, without Git if that is gone.

    Killed under the lock of the index, it has a survivor that does.
    """
    return name == "replace" or (name == "copy" and (whom == "git" or number == signal.SIGINT))
