"""Git hosts as users have them: smart HTTP behind Apache, and ssh; real servers on loopback.

Each is started when a test first asks for it, on a free port, and serves the bare repositories of
one folder.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .missing import missing

_APACHE = """\
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ServerRoot {root}
PidFile {root}/pid
ErrorLog {root}/error.log
LogLevel warn
DefaultRuntimeDir {root}
Mutex pthread
TypesConfig /etc/mime.types
{modules}
CustomLog {root}/access.log "%m %U%q %>s"
SetEnv GIT_PROJECT_ROOT {repositories}
SetEnv GIT_HTTP_EXPORT_ALL
SetEnvIf Git-Protocol ".*" GIT_PROTOCOL=$0
DocumentRoot {repositories}
Alias /files/ {root}/files/
ScriptAlias /git/ {backend}/
ScriptAlias /private/ {backend}/
<Directory {repositories}>
  Require all granted
</Directory>
<Directory {root}/files>
  Require all granted
</Directory>
<Location /git>
  Require all granted
  SetEnv REMOTE_USER somebody
</Location>
<Location /private>
  AuthType Basic
  AuthName private
  AuthUserFile {root}/users
  Require valid-user
</Location>
"""
_MODULES = (
    *("mpm_prefork", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic"),
    *("alias", "cgi", "env", "setenvif", "mime", "unixd", "access_compat"),
)
_MODULE_FOLDER = Path("/usr/lib/apache2/modules")
USER, PASSWORD = "somebody", "secret word"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    pytest.fail(f"the server did not start: {log.read_text() if log.exists() else ''}")


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@dataclass
class Host:
    """A server of the bare repositories in a folder."""

    folder: Path
    port: int

    @property
    def files(self) -> Path:
        """What lies here is served as it is, at /files/."""
        return self.folder.parent / "files"

    def requests(self) -> list[str]:
        """What was asked of the web server so far: METHOD PATH STATUS."""
        return (self.folder.parent / "access.log").read_text().splitlines()


def _as_somebody() -> list[str]:
    """Apache does not serve as root: there it gets another number for the same user."""
    if os.geteuid() != 0:
        return []
    words = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if subprocess.run([*words, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("this root may not make user namespaces, which Apache needs here")
    return words


@contextmanager
def web(root: Path) -> Iterator[Host]:
    """http://127.0.0.1:PORT/git/NAME for anybody, /private/NAME for USER."""
    if not shutil.which("apache2") or not _MODULE_FOLDER.is_dir():
        missing("apache2 is not installed")
    repositories = root / "repositories"
    repositories.mkdir()
    (root / "files").mkdir()
    host = Host(repositories, free_port())
    backend = subprocess.check_output(["git", "--exec-path"], text=True).strip()
    modules = [
        f"LoadModule {name}_module {_MODULE_FOLDER}/mod_{name}.so"
        for name in _MODULES
        if (_MODULE_FOLDER / f"mod_{name}.so").exists()
    ]
    words = {
        "port": host.port,
        "root": root,
        "repositories": repositories,
        "backend": f"{backend}/git-http-backend",
        "modules": "\n".join(modules),
    }
    (root / "apache.conf").write_text(_APACHE.format(**words))
    hashed = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (root / "users").write_text(f"{USER}:{{SHA}}{hashed}\n")
    process = subprocess.Popen(
        [
            *_as_somebody(),
            "apache2",
            "-DFOREGROUND",
            "-d",
            str(root),
            "-f",
            str(root / "apache.conf"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=(root / "output.log").open("w"),
        start_new_session=True,  # Apache ends its whole process group
    )
    with running(process):
        wait_for(host.port, process, root / "error.log")
        yield host


@dataclass
class SshHost(Host):
    """`ssh` reaches it with the options of `command`; the user is whoever runs the tests."""

    command: str

    @property
    def url(self) -> str:
        return f"ssh://127.0.0.1:{self.port}{self.folder}"


_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
PidFile {root}/sshd.pid
AuthorizedKeysFile {root}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
PidFile none
"""


@contextmanager
def ssh(root: Path) -> Iterator[SshHost]:
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not os.path.exists(sshd) or not shutil.which("ssh-keygen"):
        missing("sshd is not installed")
    repositories = root / "repositories"
    repositories.mkdir()
    port = free_port()
    for name in ("host_key", "user_key"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)]
        subprocess.run(make, check=True)
    shutil.copy(root / "user_key.pub", root / "authorized_keys")
    public = (root / "host_key.pub").read_text()
    (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    (root / "sshd_config").write_text(_SSHD.format(port=port, root=root))
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    log = root / "sshd.log"
    process = subprocess.Popen(
        [sshd, "-D", "-e", "-f", str(root / "sshd_config")], stderr=log.open("w")
    )
    command = (
        f"ssh -F /dev/null -i {root}/user_key -o IdentitiesOnly=yes "
        f"-o UserKnownHostsFile={root}/known_hosts -o BatchMode=yes"
    )
    with running(process):
        wait_for(port, process, log)
        yield SshHost(repositories, port, command)
