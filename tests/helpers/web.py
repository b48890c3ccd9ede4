"""Real web servers on loopback, of this user's own, started when a test first needs one.

nginx serves a folder as it is, and one that can be written; Apache has WebDAV. Both are started
with a configuration of a few lines in a folder of their own. What every test has for itself is a
folder below `root`, see `fresh`.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import servers
from .servers import free_port, program

USER, PASSWORD = "alice", "s3cret pass:word"


class WebServer(servers.Server):
    """What lies below `root` is at `url`."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        super().__init__(folder)

    def command(self) -> Sequence[str]:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        return self.started()

    def started(self) -> Sequence[str]:
        """The command line, its configuration written for this port."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

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

    def started(self) -> Sequence[str]:
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

    def started(self) -> Sequence[str]:
        binary = program("apache2")
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
def running(kind: type[WebServer]) -> Iterator[servers.Server]:
    """One server, for a session, in a folder that others may enter too."""
    with tempfile.TemporaryDirectory(prefix="git-data-test-", ignore_cleanup_errors=True) as made:
        folder = Path(made).resolve()
        folder.chmod(0o755)
        with servers.running(kind, folder) as server:
            yield server
