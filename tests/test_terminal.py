"""Progress for people: on a terminal, after a second, never on standard output."""

import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import contextmanager

import pytest

from git_data.cli.terminal import Screen, human_size, printable

from .helpers.faults import Stall
from .helpers.world import PROJECT, random_bytes

SECONDS = 60.0  # to wait for something to be shown; never in full


class Shown(io.StringIO):
    """Standard error that somebody reads."""

    def __init__(self, is_terminal=True):
        super().__init__()
        self._is_terminal = is_terminal
        self.changed = threading.Condition()

    def isatty(self):
        return self._is_terminal

    def write(self, text):
        with self.changed:
            done = super().write(text)
            self.changed.notify_all()
        return done

    def wait_for(self, text):
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.getvalue(), SECONDS), self.getvalue()


@contextmanager
def reading(is_terminal=True):
    """Standard error, read by somebody. No fixture: pytest sets its own as a test begins."""
    before, sys.stderr = sys.stderr, Shown(is_terminal)
    try:
        yield sys.stderr
    finally:
        sys.stderr = before


def on_terminal(test):
    """A test that gets a terminal as `stderr`."""

    def run():
        with reading() as stderr:
            test(stderr)

    run.__name__ = test.__name__
    return run


@on_terminal
def test_bytes_files_rate_and_what_is_left(stderr):
    screen = Screen(patience=0)
    screen.start("Fetching", 30, 900_000_000)
    stderr.wait_for("0/30 files")
    for _ in range(10):
        screen.advance(1, 30_000_000)
    stderr.wait_for("10/30 files")
    stderr.wait_for("300M/900M")
    line = stderr.getvalue().split("\r")[-1]
    assert line.startswith("Fetching:  33%|")
    assert "B/s" in line and "<" in line
    screen.finish()
    assert stderr.getvalue().endswith("\r")  # the bar is wiped out


@on_terminal
def test_time_passes_though_nothing_moves(stderr):
    screen = Screen(patience=0)
    screen.start("Fetching", 3, 1000)
    stderr.wait_for("[00:01<")
    screen.finish()


@on_terminal
def test_what_was_done_before_there_was_a_bar_counts(stderr):
    screen = Screen(patience=0.2)
    screen.start("Sending", 4, 4000)
    screen.advance(1, 1000)
    stderr.wait_for("1.00k/4.00k")
    stderr.wait_for("1/4 files")
    screen.finish()


@on_terminal
def test_work_of_unknown_size(stderr):
    screen = Screen(patience=0)
    screen.start("Looking", 0, 0)
    stderr.wait_for("Looking: 0.00B")
    screen.advance(0, 5000)
    stderr.wait_for("5.00kB")
    screen.finish()
    assert "files" not in stderr.getvalue()


@on_terminal
def test_a_line_stands_on_its_own(stderr):
    screen = Screen(patience=0)
    screen.start("Fetching", 3, 1000)
    stderr.wait_for("0/3 files")
    screen.note("git-data: something")
    assert stderr.getvalue().endswith("\rgit-data: something\n")
    screen.finish()


@on_terminal
def test_one_stage_after_the_other(stderr):
    screen = Screen(patience=0)
    for number in range(20):
        screen.start(f"Stage{number}", 3, 1000)
        stderr.wait_for(f"Stage{number}:")
        screen.finish()
    threads = [thread for thread in threading.enumerate() if "_tick" in thread.name]
    for thread in threads:
        thread.join(SECONDS)
    assert len(threads) < 20 and not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize(
    ("wish", "quiet", "is_terminal"),
    [("0", False, True), ("false", False, True), (None, True, True), (None, False, False)],
)
def test_nothing_is_shown_to_who_wants_none(wish, quiet, is_terminal):
    with reading(is_terminal) as stderr:
        screen = Screen(wish, quiet, patience=0)
        before = threading.active_count()
        screen.start("Fetching", 3, 1000)
        assert threading.active_count() == before  # nobody is there who could
        screen.advance(1, 500)
        screen.finish()
    assert stderr.getvalue() == ""


@on_terminal
def test_who_wants_it_gets_it_without_a_terminal(stderr):
    stderr._is_terminal = False
    screen = Screen("1", patience=0)
    screen.start("Fetching", 3, 1000)
    stderr.wait_for("0/3 files")
    screen.finish()


@on_terminal
def test_a_reader_that_is_gone_stops_nothing(stderr):
    screen = Screen(patience=0)
    screen.start("Fetching", 3, 1000)
    stderr.wait_for("0/3 files")
    stderr.close()
    screen.advance(1, 500)
    screen.note("nobody hears this")
    screen.finish()
    screen.start("Placing", 3, 1000)
    screen.advance(3, 1000)
    screen.finish()


HOLDING_OFF = """
import os, signal, sys, threading
from git_data.cli.terminal import Screen
screen = Screen("1", patience=0)
screen.start("Fetching", 3, 1000)
sys.stdin.readline()  # the bar is shown
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.kill(os.getpid(), signal.SIGTERM)
print(signal.sigwait({signal.SIGTERM}) == signal.SIGTERM, threading.active_count())
"""


def test_signals_are_not_for_the_thread_that_shows():
    """One that the main thread holds off would be given to any other that does not."""
    words = [sys.executable, "-c", HOLDING_OFF]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, cwd=PROJECT, text=True, bufsize=0, **pipes) as child:
        assert child.stderr.read(9)
        assert child.communicate("go\n", SECONDS)[0] == "True 2\n"


def test_sizes_and_names_for_people():
    assert [human_size(n) for n in (5, 999, 1000, 1_500_000, 2 * 10**12)] == [
        "5 B",
        "999 B",
        "1.0 KB",
        "1.5 MB",
        "2.0 TB",
    ]
    assert printable("a\x1b[31m\nb") == "a\\x1b[31m\\nb"


# The real command on a real terminal


class OnTerminal:
    """A command whose standard error is a terminal; what that shows is in `shown`."""

    def __init__(self, network, folder, words, columns=100, **env):
        self.mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            ["git", "data", *words],
            cwd=folder,
            env={**network.world.env, "TERM": "xterm", **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        self.shown = ""

    def read_until(self, text):
        until = time.monotonic() + SECONDS
        while text not in self.shown:
            assert select.select([self.mine], [], [], until - time.monotonic())[0], self.shown
            self.shown += os.read(self.mine, 1 << 16).decode()

    def end(self):
        """Standard output; the rest of what the terminal showed is in `shown`."""
        out, _ = self.process.communicate(timeout=SECONDS)
        try:
            while piece := os.read(self.mine, 1 << 16):
                self.shown += piece.decode()
        except OSError:
            pass  # how Linux says that nobody is left on the other side
        os.close(self.mine)
        assert self.process.returncode == 0
        return out.decode()


def test_on_a_real_terminal(network):
    repo = network.repo(**{f"{n}.bin": random_bytes(50_000, n) for n in range(5)})
    repo.git("push", "-q", "origin", "main")
    copies = [network.clone(f"c{n}", env={"GIT_DATA_SKIP_SMUDGE": "1"}) for n in range(4)]
    network.proxy.add(Stall(1000), "GET", "/packs/", times=None)
    quiet = OnTerminal(network, copies[0].path, ["pull", "--quiet"])
    unwanted = OnTerminal(network, copies[1].path, ["pull"], GIT_DATA_PROGRESS="0")
    for _ in range(2):
        network.proxy.wait_for_stall()
    loud = OnTerminal(network, copies[2].path, ["pull"])
    unsized = OnTerminal(network, copies[3].path, ["pull"], columns=0)
    loud.read_until("0/5 files")  # a second later: the others had as long
    loud.read_until("250k")
    unsized.read_until("0/5 files")
    network.proxy.heal()
    assert unsized.end() == "5 files put in place\n"
    assert loud.end() == "5 files put in place\n"
    assert quiet.end() == ""
    assert unwanted.end() == "5 files put in place\n"
    assert (quiet.shown, unwanted.shown) == ("", "")
    assert loud.shown.strip().startswith("Fetching:")
    assert loud.shown.replace("\r", "\n").splitlines()[-1].strip() == ""  # nothing is left of it
