"""install.sh on a machine that has never seen git-data, as its user runs it."""

import os
import pwd
import shutil
import sys
from pathlib import Path

import pytest

from ..helpers.world import PROJECT, World, isolated

SOURCES = ("git_data", "install.sh", "pyproject.toml", "setup.py", "README.md")


@pytest.fixture
def source(tmp_path):
    """What a user has unpacked: only what an installation needs."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in SOURCES:
        if (PROJECT / name).is_dir():
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, folder / name, ignore=skip)
        else:
            shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.fixture
def machine(tmp_path):
    """A user without any configuration; pip uses the index that this machine is set up for."""
    home, root = tmp_path / "home", tmp_path / "root"
    home.mkdir()
    root.mkdir()
    env = isolated(home, home / ".local/bin")
    env.update(PYTHON=sys.executable, PIP_CACHE_DIR=str(tmp_path / "pip"))
    env["RUSTUP_HOME"] = str(tmp_path / "rustup")  # pip asks for the version of a rustc it finds
    # As on a fresh machine: Git itself finds the user's configuration.
    del env["GIT_CONFIG_GLOBAL"]
    pip = Path(pwd.getpwuid(os.getuid()).pw_dir, ".config/pip/pip.conf")
    if pip.exists():
        env["PIP_CONFIG_FILE"] = str(pip)
    return World(root, env)


def install(machine, source, *options, code=0):
    done = machine.run(source / "install.sh", *options, code=None)
    if done.code and "pip could not install" in done.err and not os.environ.get("CI"):
        pytest.skip("pip reaches no index here")
    assert done.code == code, done.out + done.err
    return done


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_install_use_update_uninstall(machine, source):
    before = files_below(source)

    first = install(machine, source)
    assert "Installing git-data" in first.out
    assert "not on your PATH" not in first.out
    assert files_below(source) == before  # nothing is built in the user's folder

    remote = machine.bare("songs.git")
    songs = machine.repo("songs")
    songs.data("track", "*.flac")
    songs.commit(**{"a.flac": b"music" * 100_000})
    songs.git("push", "-q", remote.path, "main")
    copy = machine.clone(remote, "copy")
    assert copy.read("a.flac") == b"music" * 100_000
    assert copy.status() == ""
    assert copy.staged("a.flac", "HEAD").startswith(b"version git-data/1\n")

    second = install(machine, source)
    assert "Installing" not in second.out

    package = source / "git_data/__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "7.'))
    assert "Installing" in install(machine, source).out
    assert machine.git("data", "--version").out.split()[-1].startswith("7.")

    install(machine, source, "--uninstall")
    assert files_below(machine.home) == set()
    install(machine, source, "--uninstall")  # and again: there is nothing to do


def test_a_command_from_elsewhere_is_kept(machine, source):
    other = machine.home / ".local/bin/git-data"
    other.parent.mkdir(parents=True)
    other.write_text("something else")
    said = install(machine, source, code=1).err
    assert str(other) in said and "Move it" in said
    assert files_below(machine.home) == {".local", ".local/bin", ".local/bin/git-data"}
    install(machine, source, "--uninstall")
    assert other.read_text() == "something else"


@pytest.fixture
def bare_machine(tmp_path, machine):
    """A PATH with the programs that every system has: no Git and no Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("bash", "cat", "dirname", "env", "id", "mktemp", "rm", "sed", "uname"):
        (folder / name).symlink_to(shutil.which(name))
    del machine.env["PYTHON"]
    machine.env["PATH"] = str(folder)
    return folder


def fake(folder, name, text):
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_what_is_missing_is_named(machine, source, bare_machine):
    said = install(machine, source, code=1).err
    assert "missing: git python3 python3-venv" in said
    assert files_below(machine.home) == set()


def test_a_user_on_debian_is_told_the_command(machine, source, bare_machine):
    fake(bare_machine, "id", "echo 1000")
    fake(bare_machine, "apt-get", "exit 1")
    said = install(machine, source, code=1).err
    command = "sudo apt-get install -y --no-install-recommends git python3 python3-venv"
    assert command in said


def test_root_on_debian_gets_what_is_missing(machine, source, bare_machine, tmp_path):
    fake(bare_machine, "id", "echo 0")
    fake(bare_machine, "apt-get", f'echo "$@" >>{tmp_path}/apt.log')
    said = install(machine, source, code=1).err
    assert "no Python 3.10 or newer" in said  # this apt-get only wrote down what it was asked
    asked = (tmp_path / "apt.log").read_text()
    assert "install -y --no-install-recommends git python3 python3-venv" in asked


def test_an_old_python_or_git_is_refused(machine, source, bare_machine):
    fake(bare_machine, "git", "echo git version 2.29.1")
    (bare_machine / "python3").symlink_to(sys.executable)
    assert "Git 2.29 is too old" in install(machine, source, code=1).err
    fake(bare_machine, "git", "echo git version 3.0.0")
    fake(bare_machine, "python3", "exit 1")
    assert "missing: python3" in install(machine, source, code=1).err


def test_help_and_misuse(machine, source):
    assert "--uninstall" in install(machine, source, "--help").out
    assert "--uninstall" in install(machine, source, "--nonsense", code=2).err
