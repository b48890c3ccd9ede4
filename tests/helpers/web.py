"""Real web servers on loopback, of this user's own, started when a test first needs one.

nginx serves a folder as it is, and one that can be written; Apache has WebDAV. Both are started
with a configuration of a few lines in a folder of their own. What every test has for itself is a
folder below `root`, see `fresh`.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

START_SECONDS = 60.0  # a machine may be busy; what takes this long is broken
STOP_SECONDS = 10.0
ATTEMPTS = 5  # somebody else may take a port between our look and the server's
USER, PASSWORD = "alice", "s3cret pass:word"
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def program(*names: str) -> str:
    """Where a program is; without it the test is skipped, in CI it fails."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{names[0]} is missing, and nothing is skipped in CI: ./install.sh --test")
    pytest.skip(f"{names[0]} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A server that runs in the foreground, and listens at `port`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        for _ in range(ATTEMPTS):
            self.port = free_port()
            self._start(self.command())
            if self._is_up():
                return
            self.stop()
        pytest.fail(f"{self.command()} does not start:\n{self.log.read_text()[-3000:]}")

    def command(self) -> Sequence[str]:
        """The command line, its configuration written for this port."""
        raise NotImplementedError

    def _start(self, command: Sequence[str]) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_us,
            )

    def _is_up(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _die_with_us() -> None:
    """A killed test run leaves no server behind, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class WebServer(Program):
    """What lies below `root` is at `url`."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        super().__init__(folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fresh(self) -> tuple[Path, str]:
        """A folder that is not there yet, and its address."""
        name = f"a b ü {uuid.uuid4().hex[:12]}/store"
        return self.root / name, f"{self.url}/{name}"


_NGINX = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/root;
    location /written/ {{
      dav_methods PUT DELETE MKCOL;
      create_full_put_path on;
    }}
  }}
}}
"""


class Nginx(WebServer):
    """Static files; below `/written/` it takes PUT, and ignores every condition."""

    def command(self) -> Sequence[str]:
        (self.root / "written").mkdir(exist_ok=True)
        config = self.folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=self.folder, port=self.port))
        return [program("nginx"), "-p", str(self.folder), "-e", str(self.log), "-c", str(config)]


_APACHE = """\
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/log
Mutex file:{folder}
{modules}
{user}
DocumentRoot {folder}/root
DavLockDB {folder}/locks/db
<Directory {folder}/root>
  Dav On
  Require all granted
</Directory>
<Location /private>
  AuthType Basic
  AuthName private
  AuthUserFile {folder}/passwords
  Require valid-user
</Location>
"""
_MODULES = "mpm_event authz_core authz_user authn_core authn_file auth_basic dir dav dav_fs"
_FOLDERS = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2")


class Apache(WebServer):
    """WebDAV; below `/private/` for USER with PASSWORD alone."""

    def command(self) -> Sequence[str]:
        binary = program("apache2", "httpd")
        at = next(folder for folder in _FOLDERS if os.path.isdir(folder))
        modules = [f"LoadModule {m}_module {at}/mod_{m}.so" for m in _MODULES.split()]
        (self.folder / "locks").mkdir(exist_ok=True)
        (self.root / "private").mkdir(exist_ok=True)
        words = [program("htpasswd"), "-cbB", "-C", "4", "passwords", USER, PASSWORD]
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)
        user = self._give_away()
        text = _APACHE.format(
            folder=self.folder, port=self.port, modules="\n".join(modules), user=user
        )
        (self.folder / "httpd.conf").write_text(text)
        return [binary, "-f", str(self.folder / "httpd.conf"), "-D", "FOREGROUND"]

    def _give_away(self) -> str:
        """Apache never serves as root: then its workers are nobody, and own what they write to."""
        if os.geteuid() != 0:
            return ""
        nobody = pwd.getpwnam("nobody")
        for path in (self.folder, self.root, self.root / "private", self.folder / "locks"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        return f"User #{nobody.pw_uid}\nGroup #{nobody.pw_gid}"


@contextmanager
def running(kind: type[WebServer]) -> Iterator[WebServer]:
    """One server, for a session, in a folder that others may enter too."""
    with tempfile.TemporaryDirectory(prefix="git-data-test-", ignore_cleanup_errors=True) as made:
        folder = Path(made).resolve()
        folder.chmod(0o755)
        server = kind(folder)
        try:
            yield server
        finally:
            server.stop()
