"""Whoever is killed, the survivor ends the work: also when it was only just begun."""

import os
import signal
import subprocess
import sys

from .helpers.world import PROJECT

KILLED_AT_ONCE = """\
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from git_data.survivor import survivor
with survivor(lambda: os.write(int(sys.argv[2]), b"finished")):
    {last}
"""


def what_is_finished(last):
    """What the survivor wrote, and the status of the process, which ended with the line `last`."""
    reader, writer = os.pipe()
    command = [sys.executable, "-c", KILLED_AT_ONCE.format(last=last), str(PROJECT), str(writer)]
    child = subprocess.Popen(command, pass_fds=[writer], start_new_session=True)
    os.close(writer)
    with open(reader, "rb") as pipe:
        written = pipe.read()  # to its end: until nobody is left who could write
    return written, child.wait()


def test_a_group_killed_at_once_has_a_survivor():
    for _ in range(10):
        killed = what_is_finished("os.killpg(0, signal.SIGKILL)")
        assert killed == (b"finished", -signal.SIGKILL)


def test_a_process_that_ends_by_itself_needs_none():
    assert what_is_finished("pass") == (b"", 0)
