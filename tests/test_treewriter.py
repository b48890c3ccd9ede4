"""One file put in place of another: nothing that somebody wrote in between is lost."""

import errno
import os
import tempfile

import pytest

from git_data import treewriter
from git_data.disk import exchange
from git_data.treewriter import Tree

OLD, NEW, OTHER = b"a pointer", b"the content", b"something"  # OTHER is as long as OLD


@pytest.fixture
def place(tmp_path):
    """Replaces d/file, if it holds OLD, by a file that holds NEW."""
    folder, waiting = tmp_path / "work" / "d", tmp_path / "waiting"
    folder.mkdir(parents=True)
    waiting.mkdir()
    (folder / "file").write_bytes(OLD)
    (waiting / "0").write_bytes(NEW)

    def replace():
        fd = os.open(waiting, os.O_RDONLY)
        try:
            with Tree(tmp_path / "work") as tree:
                return tree.replace(b"d/file", OLD, b"0", fd)
        finally:
            os.close(fd)

    replace.file, replace.waiting = folder / "file", waiting / "0"
    return replace


def test_the_new_file_takes_the_place_of_the_old(place):
    inode = place.waiting.stat().st_ino
    placed = place()
    assert (placed.st_ino, placed.st_size) == (inode, len(NEW))
    assert place.file.read_bytes() == NEW


def test_without_an_exchange_it_is_renamed(place, monkeypatch):
    monkeypatch.setattr(treewriter, "exchange", lambda *_: False)
    assert place().st_size == len(NEW)
    assert place.file.read_bytes() == NEW and not place.waiting.exists()


@pytest.mark.parametrize("text", [OTHER, b"", OLD + b"\n"])
def test_other_content_stays(place, text):
    place.file.write_bytes(text)
    assert place() is None
    assert (place.file.read_bytes(), place.waiting.read_bytes()) == (text, NEW)


@pytest.mark.parametrize("kind", ["link", "folder", "fifo", "nothing"])
def test_what_is_no_file_stays(place, tmp_path, kind):
    place.file.unlink()
    target = tmp_path / "target"
    target.write_bytes(OLD)
    make = {"link": lambda p: p.symlink_to(target), "folder": os.mkdir, "fifo": os.mkfifo}
    make.get(kind, lambda p: None)(place.file)
    before = place.file.lstat().st_ino if kind != "nothing" else None
    assert place() is None
    assert (place.file.lstat().st_ino if kind != "nothing" else None) == before
    assert (target.read_bytes(), place.waiting.read_bytes()) == (OLD, NEW)


@pytest.mark.parametrize("kind", ["in place", "by rename"])
def test_what_is_written_at_the_last_moment_stays(place, tmp_path, monkeypatch, kind):
    def late(*names):
        """Somebody writes after we looked, and before the files change places."""
        monkeypatch.setattr(treewriter, "exchange", exchange)
        new = tmp_path / "new" if kind == "by rename" else place.file
        new.write_bytes(OTHER)
        os.rename(new, place.file)
        return exchange(*names)

    if not can_exchange(tmp_path):
        pytest.skip("no two files can change places in this file system")
    monkeypatch.setattr(treewriter, "exchange", late)
    assert place() is None
    assert (place.file.read_bytes(), place.waiting.read_bytes()) == (OTHER, NEW)


def test_across_file_systems_is_an_error_of_its_own(tmp_path):
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("one file system only")
    (tmp_path / "a").write_bytes(NEW)
    here = os.open(tmp_path, os.O_RDONLY)
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as other, pytest.raises(OSError) as raised:
        exchange(b"a", here, other.name.encode(), here)
    os.close(here)
    assert raised.value.errno == errno.EXDEV


def can_exchange(folder):
    (folder / "x").touch()
    (folder / "y").touch()
    fd = os.open(folder, os.O_RDONLY)
    try:
        return exchange(b"x", fd, b"y", fd)
    finally:
        os.close(fd)
