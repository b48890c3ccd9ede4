"""A registry that others take data from: made once, copied for each test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from git_data import api
from git_data.git import Git

from ..helpers.world import Checkout, World, isolated, random_bytes

SONG = random_bytes(70_000, 1)
NEW_SONG = random_bytes(90_000, 2)
NOTES = "a plain text\n" * 500
FILES = {  # at v1
    "music/songs/1.flac": SONG,
    "music/songs/2.flac": random_bytes(3000, 3),
    "music/songs/cover.jpg": random_bytes(2000, 4),
    "music/README": b"What this is\n",
    "music/notes.txt": NOTES.encode(),
    "music/play.sh": b"#!/bin/sh\necho play\n",
    "images/cat.jpg": random_bytes(5000, 5),
}
ATTRIBUTES = "*.flac filter=data diff=data merge=data -text\n*.jpg filter=data diff=data -text\n"


@pytest.fixture(scope="session")
def made_registry(tmp_path_factory, commands, installed_config) -> Path:
    root, home = tmp_path_factory.mktemp("registry"), tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(installed_config)
    world = World(root, isolated(home, commands))
    world.bare("registry.git")
    work = world.repo("work")
    work.git("remote", "add", "origin", "../registry.git")
    work.write(".gitattributes", ATTRIBUTES)
    for name, content in FILES.items():
        work.write(name, content)
    (work.path / "music/play.sh").chmod(0o755)
    (work.path / "music/latest").symlink_to("songs/2.flac")
    work.commit("first")
    work.git("tag", "-a", "-m", "one", "v1")
    work.git("push", "-q", "origin", "main", "v1")
    work.git("rm", "-q", "music/songs/2.flac", "music/latest")
    work.commit("second", **{"music/songs/1.flac": NEW_SONG, "music/songs/3.flac": b"three"})
    work.git("tag", "v2")
    work.commit("third", **{"images/dog.jpg": random_bytes(4000, 6)})
    work.git("push", "-q", "origin", "main", "v2")
    return root


@pytest.fixture
def registry(world, made_registry) -> Checkout:
    """A bare repository with its data: tags v1 and v2, and main, which has images/dog.jpg more."""
    shutil.copytree(made_registry, world.root, symlinks=True, dirs_exist_ok=True)
    return Checkout(world, world.root / "registry.git")


@pytest.fixture
def work(world, registry) -> Checkout:
    """The repository with a work tree that `registry` was pushed from."""
    return Checkout(world, world.root / "work")


@pytest.fixture
def asking(world) -> Git:
    """Git as a user has it who stands outside of any repository."""
    return Git(str(world.root), world.env)


def kept_folders(world: World) -> list[str]:
    """What lies in the user's cache of sources."""
    folder = world.home / ".cache" / "git-data" / "sources"
    return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.fixture
def user(world, registry, monkeypatch):
    """This process is that of the world's user."""
    api.forget()
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(world.root)
    yield world
    api.forget()
