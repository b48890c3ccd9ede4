"""Temporaries that are taken away while threads still make them. In processes of their own: what
is abandoned is abandoned for good."""

import subprocess
import sys
import time

import pytest

from git_data.unfinished import THREADS

from .helpers.world import PROJECT

MANY = """
import os, sys, threading
from git_data import unfinished
from git_data.cache import Cache
from git_data.errors import DataError
from git_data.oid import hash_bytes
from git_data.stores.local import LocalStore
cache, store = Cache(sys.argv[1]), LocalStore(sys.argv[2], create=True)
started, stopped = threading.Barrier(9), []

def work(number):
    started.wait()
    try:
        for count in range(1_000_000):
            data = b"%d %d" % (number, count)
            cache.keep([(hash_bytes(data * 100), data * 100)])
            fd, path = cache.temporary()
            os.write(fd, data)
            os.close(fd)
            if number % 2:
                store.write(f"data/packs/{number}-{count}", [data])
            cache.adopt(path, hash_bytes(data), len(data))
    except DataError as error:
        stopped.append(str(error))

threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
started.wait()
while len(list(cache.objects())) < 100:
    pass
unfinished.abandon()
for thread in threads:
    thread.join()
print(len(stopped), len(list(cache.objects())))
"""

HANGING = """
import sys, threading
from git_data.cli.leaving import leave
threading.Thread(target=threading.Event().wait, name=sys.argv[1]).start()
print("said")
sys.exit(leave(130))
"""

FORKED = """
import os, sys, threading
from git_data import unfinished
unfinished._HERE.lock.acquire()  # as another thread may at this moment
child = os.fork()
if child == 0:
    os.close(unfinished.create(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o600))
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run(code, *words, **more):
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, **more)


def test_nothing_stays_whatever_threads_do(tmp_path):
    done = run(MANY, tmp_path / "cache", tmp_path / "store", timeout=60)
    assert done.stderr == ""
    stopped, objects = map(int, done.stdout.split())
    assert stopped == 8 and objects >= 100
    for folder in ("cache", "store"):
        assert [*(tmp_path / folder / "tmp").iterdir()] == []


def test_a_process_ends_without_its_hanging_threads():
    began = time.monotonic()
    done = run(HANGING, f"{THREADS}_0", timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "said\n", "")
    assert time.monotonic() - began < 50


def test_other_threads_are_waited_for():
    with pytest.raises(subprocess.TimeoutExpired):
        run(HANGING, "another", timeout=1)


def test_a_fork_is_not_held_by_a_thread_that_is_not_there(tmp_path):
    assert run(FORKED, tmp_path / "file", timeout=60).stdout == "7\n"
