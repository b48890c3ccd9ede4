"""A real sshd on loopback that serves SFTP, for whoever runs the tests, with keys of its own.

`ssh_folder` is what a user's ~/.ssh would be: a key that is let in, and the server in known_hosts.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from .servers import Server, free_port, program

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""
_SEPARATION = Path("/run/sshd")  # sshd of root wants this empty folder to be there


class Sshd(Server):
    def command(self) -> Sequence[str]:
        self.port = free_port()
        self.root = self.folder / "root"
        self.ssh_folder = self.folder / "dot-ssh"
        self.root.mkdir(exist_ok=True)
        self.ssh_folder.mkdir(mode=0o700, exist_ok=True)
        self.url = f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}"
        for key in (self.folder / "host", self.ssh_folder / "id_ed25519"):
            make_key(key)
        (self.folder / "authorized").write_text((self.ssh_folder / "id_ed25519.pub").read_text())
        (self.ssh_folder / "known_hosts").write_text(self.known(self.folder / "host"))
        config = self.folder / "config"
        config.write_text(_CONFIG.format(folder=self.folder, port=self.port))
        if os.geteuid() == 0:
            _SEPARATION.mkdir(mode=0o755, exist_ok=True)
        return [program("sshd"), "-D", "-e", "-f", str(config)]

    def known(self, key: Path) -> str:
        """A line of known_hosts that says that the server has this key."""
        kind, value, *_ = key.with_suffix(".pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {value}\n"

    def is_ready(self) -> bool:
        return "Server listening" in self.log.read_text()

    def fresh(self) -> tuple[Path, str]:
        """A folder that is not there yet, and its address."""
        folder = self.root / f"a b ü {uuid.uuid4().hex[:12]}" / "store"
        return folder, f"{self.url}{folder}"


class Limited(Sshd):
    """One on whose disk no file grows past 2 MiB."""

    def command(self) -> Sequence[str]:
        limited = "import resource, signal, sys, os\n"
        limited += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))\n"
        limited += "os.execv(sys.argv[1], sys.argv[1:])"
        return [sys.executable, "-c", limited, *super().command()]


def make_key(path: Path, passphrase: str = "") -> None:
    if not path.exists():
        words = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
