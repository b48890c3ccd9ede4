"""Real servers on loopback, started when a test first needs one, stopped when the session ends.

A test asks for a fixture of tests/conftest.py (`seaweed`, `rclone`). Another server is another
subclass of `Server`: a command line, and a question that only a ready server answers.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

from .missing import missing
from .recording import Certificate

START_SECONDS = 60.0  # a machine may be busy; what takes this long is broken
ATTEMPTS = 5  # somebody else may take a port between our look and the server's
KEY, SECRET = "testkey", "testsecret123"
_BIN = Path(sys.executable).parent  # where pip puts `weed` and `rclone`
_GRPC = 10_000  # SeaweedFS: above each of its ports


def free_port(*distances: int) -> int:
    """A port that nobody listens at, and neither at those that lie so far above it."""
    while True:
        port = random.SystemRandom().randrange(10_000, 22_000)  # below those given to clients
        if all(_is_free(port + distance) for distance in (0, *distances)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def program(name: str) -> str:
    """Where a program is; without it the test is skipped, in CI it fails."""
    path = os.pathsep.join([str(_BIN), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    found = shutil.which(name, path=path)
    return found or missing(f"{name} is not installed")


class Server:
    """A server that runs. `environment`: what a client has to know besides `url`."""

    url = ""
    stop_seconds = 10.0  # until it is killed
    environment: Mapping[str, str] = MappingProxyType({})

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        for _ in range(ATTEMPTS):
            self._start(self.command())
            if self._wait():
                return
            self.stop()
        pytest.fail(f"{self.log} says why it does not start:\n{self.log.read_text()[-3000:]}")

    def command(self) -> Sequence[str]:
        """The command line, with new ports; sets `url`."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """One question."""
        raise NotImplementedError

    def _start(self, command: Sequence[str]) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_us,
            )

    def _server_environment(self) -> dict[str, str]:
        at = str(self.folder)
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": at, "TMPDIR": at}

    def _wait(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.is_ready():
                return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _die_with_us() -> None:
    """A killed test run leaves no server behind, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def answers(url: str) -> bool:
    """True when there is an HTTP answer, whatever it says."""
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


class S3Server(Server):
    """A server that speaks as S3 does. Each test takes a prefix of its own in `bucket`."""

    bucket = "work"
    environment = MappingProxyType({"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})

    def address(self, prefix: str, bucket: str = "") -> str:
        return f"s3://{bucket or self.bucket}/{prefix}?endpoint={self.url}"


class SeaweedFS(S3Server):
    """Everything that we need of S3, conditional writes included. `public`: anybody may read."""

    public = "public"

    def command(self) -> Sequence[str]:
        (self.folder / "data").mkdir(exist_ok=True)
        rights = [
            {
                "name": "admin",
                "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
                "actions": ["Admin"],
            },
            {"name": "anonymous", "actions": [f"Read:{self.public}", f"List:{self.public}"]},
        ]
        (self.folder / "s3.json").write_text(json.dumps({"identities": rights}))
        ports = {name: free_port(_GRPC) for name in ("master", "volume", "filer", "s3", "admin")}
        self.sockets = [
            Path(f"/tmp/seaweedfs-{name}-grpc-{port + _GRPC}.sock") for name, port in ports.items()
        ]
        self.url = f"http://127.0.0.1:{ports['s3']}"
        return [
            *(program("weed"), "-logtostderr=true", "mini", f"-dir={self.folder / 'data'}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-{name}.port={port}" for name, port in ports.items()),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
            *("-master.telemetry=false", "-s3.autoCreateBucket=false"),
            *(f"-bucket={self.bucket},{self.public}", f"-s3.config={self.folder / 's3.json'}"),
            *(f"-{name}.localSocket={self.folder / name}.sock" for name in ("s3", "filer")),
        ]

    def _server_environment(self) -> dict[str, str]:
        return {**super()._server_environment(), **self.environment}

    def stop(self) -> None:
        super().stop()
        for path in self.sockets:  # there it wants them, and some stay
            path.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Reading comes first, then buckets, then writing: so a store is asked to do all three."""
        return answers(f"{self.url}/{self.public}?list-type=2") and _takes_a_file(self)


class Rclone(S3Server):
    """Answers 200 to a condition and ignores it: must fail the probe. `folder/bucket` is shown."""

    stop_seconds = 0.2  # it waits until the last client hangs up

    def command(self) -> Sequence[str]:
        (self.folder / "buckets" / self.bucket).mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        return [
            *(program("rclone"), "serve", "s3", "--addr", f"127.0.0.1:{port}"),
            *("--auth-key", f"{KEY},{SECRET}", "--config", str(self.folder / "rclone.conf")),
            str(self.folder / "buckets"),
        ]

    def is_ready(self) -> bool:
        return answers(self.url)


def _takes_a_file(server: S3Server) -> bool:
    from git_data.errors import DataError
    from git_data.stores.access import Access
    from git_data.stores.s3 import open_s3

    try:
        store = open_s3(server.address("ready"), Access(trusted=True, profile=PROFILE))
        store.write("ready", [b"x"])
        store.delete("ready")
    except DataError:
        return False
    return True


def certificate(folder: Path) -> Certificate:
    """A certificate of this machine's loopback address, which nobody knows."""
    found = Certificate(folder / "server.crt", folder / "server.key")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-keyout", str(found.key), "-out", str(found.path), "-days", "3650"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([program("openssl"), *words], check=True, capture_output=True)
    return found


# Credentials: profiles in a file that the whole session has, see tests/conftest.py

PROFILE, WRONG_SECRET, UNKNOWN_KEY = "good", "wrong-secret", "unknown-key"
CREDENTIALS = f"""\
[default]
aws_access_key_id = ambient
aws_secret_access_key = {SECRET}
[{PROFILE}]
aws_access_key_id = {KEY}
aws_secret_access_key = {SECRET}
[{WRONG_SECRET}]
aws_access_key_id = {KEY}
aws_secret_access_key = another{SECRET}
[{UNKNOWN_KEY}]
aws_access_key_id = nobody
aws_secret_access_key = {SECRET}
"""


@contextmanager
def running(kind: type[Server], folder: Path) -> Iterator[Server]:
    """One server, for a session."""
    server = kind(folder)
    try:
        yield server
    finally:
        server.stop()
