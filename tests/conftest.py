"""Fixtures for real repositories: nothing outside of a test's own folder is read or written."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .helpers import servers, web
from .helpers.faults import FaultProxy
from .helpers.network import Network, over_http, over_s3
from .helpers.sshd import Sshd
from .helpers.webfolder import WebFolder
from .helpers.world import World, isolated, make_launcher, run


def pytest_configure() -> None:
    """`nohup` and a shell's `&` have signals ignored, in all that is started here as well."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # still nothing here; its own way there


_HOME = Path.home()
_WATCHED = (".gitconfig", ".config/git/config", ".cache/git-data/error.log", ".local/bin/git-data")


@pytest.fixture(scope="session", autouse=True)
def _no_home(tmp_path_factory):
    """A test that forgets its `world` meets a home that is no folder, and fails on it."""
    folder = tmp_path_factory.mktemp("guard")
    home, config, aws = folder / "home-is-no-folder", folder / "gitconfig", folder / "aws"
    home.touch()
    config.touch()
    aws.write_text(servers.CREDENTIALS)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "AWS_"))]:
            patch.delenv(name)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(aws))
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        yield


@pytest.fixture(autouse=True)
def _home_untouched():
    """No test may change the home of whoever runs it."""
    before = _home_state()
    yield
    changed = [name for name, state in _home_state().items() if state != before[name]]
    assert not changed, f"this test, or something beside it, changed {changed} in {_HOME}"


def _home_state() -> dict[str, tuple[int, int] | None]:
    found: dict[str, tuple[int, int] | None] = {}
    for name in _WATCHED:
        try:
            stat = os.lstat(_HOME / name)
            found[name] = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            found[name] = None
    return found


@pytest.fixture(scope="session")
def commands(tmp_path_factory) -> Path:
    """A folder for PATH with the `git-data` command in it."""
    return make_launcher(tmp_path_factory.mktemp("commands")).parent


@pytest.fixture(scope="session")
def installed_config(tmp_path_factory, commands) -> str:
    """The global Git config as `git data install` leaves it."""
    home = tmp_path_factory.mktemp("home")
    run(["git", "data", "install"], home, isolated(home, commands))
    return (home / ".gitconfig").read_text()


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory):
    """SeaweedFS: a server that does what S3 does."""
    with servers.running(servers.SeaweedFS, tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="session")
def rclone(tmp_path_factory):
    """`rclone serve s3`: a server that ignores conditions."""
    with servers.running(servers.Rclone, tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture(scope="session")
def sshd(tmp_path_factory):
    """sshd: folders over SFTP."""
    with servers.running(Sshd, tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def nginx():
    """nginx: a folder on the web, to be read."""
    with web.running(web.Nginx) as server:
        yield server


@pytest.fixture(scope="session")
def apache():
    """Apache with WebDAV: a folder on the web that can be written."""
    with web.running(web.Apache) as server:
        yield server


@pytest.fixture
def bare_world(tmp_path, commands) -> World:
    """A fresh machine: `git-data` is on PATH, but `git data install` was never run."""
    home, root = tmp_path / "home", tmp_path / "world"
    home.mkdir()
    root.mkdir()
    return World(root, isolated(home, commands))


@pytest.fixture
def world(bare_world, installed_config) -> World:
    """A fresh machine on which `git data install` was run."""
    (bare_world.home / ".gitconfig").write_text(installed_config)
    return bare_world


@pytest.fixture
def network(tmp_path, world) -> Iterator[Network]:
    """A machine with its data in a store over a network: on a small web server of our own."""
    (tmp_path / "served").mkdir()
    with WebFolder(tmp_path / "served") as server, FaultProxy(server.port) as proxy:
        yield over_http(world, server, proxy)


@pytest.fixture
def s3_network(world, seaweed) -> Iterator[Network]:
    """The same in S3."""
    with FaultProxy(int(seaweed.url.rpartition(":")[2])) as proxy:
        yield over_s3(world, seaweed, proxy)


@pytest.fixture
def repo(world):
    """A new repository of this world."""
    return world.repo()
