"""Disks that are full, read-only or another user's, for tests of what is written to them.

A child process gets code to run: `use()` in it is what it does once its surroundings are set.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

# No file may grow past 2 MiB.
LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
use()
"""

# A disk of 2 MiB, in a mount namespace of its own that ends with the process. Root may do that
# by itself, others where user namespaces are allowed.
MOUNTED = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
folder = sys.argv[1].encode()
def mount(*arguments):
    return libc.mount(*arguments) == 0
if libc.unshare(0x20000) != 0 and libc.unshare(0x20000 | 0x10000000) != 0:  # NEWNS, NEWUSER
    sys.exit("cannot")
if not mount(b"none", b"/", None, 0x44000, None):  # MS_REC | MS_PRIVATE
    sys.exit("cannot")
if not mount(b"tmpfs", folder, b"tmpfs", 0, b"size=2m"):
    sys.exit("cannot")
use()
"""

# Root may write anywhere, so a child of root becomes somebody else: once it has loaded what it
# needs, which may lie in a home that others cannot enter.
BE_NOBODY = """
import os
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
"""


def python(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        **options,
    )


def on_a_disk_of_its_own(code, folder):
    """What the child printed. Skipped only where the system does not let us mount."""
    if not sys.platform.startswith("linux"):
        pytest.skip("mount namespaces are Linux's; the limit of a file's size is tested above")
    out, err = python(code, folder, stderr=subprocess.PIPE).communicate()
    if err.strip() == "cannot" and not may_mount():
        pytest.skip("this user may not mount; the limit of a file's size is tested above")
    assert not err
    return out


def may_mount():
    """CAP_SYS_ADMIN, which root has outside of most containers."""
    (capabilities,) = [
        line.split()[1]
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("CapEff:")
    ]
    return bool(int(capabilities, 16) >> 21 & 1)


@pytest.fixture
def public(tmp_path):
    """A folder that another user may enter; tmp_path is closed to others."""
    folder = Path("/var/tmp") / f"git-data-test-{os.getpid()}-{tmp_path.name}"
    folder.mkdir(mode=0o755)
    os.chmod(folder, 0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            os.chmod(path, 0o755)
    shutil.rmtree(folder)
