"""What an upload sends, asked of the operation itself."""

import pytest

from git_data.repo import Repo
from git_data.stores import open_store
from git_data.transfer import ObjectStore
from git_data.upload import Target, upload

from .helpers.world import random_bytes

MEGABYTE = 1_000_000


@pytest.fixture
def repo(world):
    made = world.repo()
    made.write(".gitattributes", "*.bin filter=data -text\n")
    made.git("data", "store", str(world.root / "store"))
    return made


def opened(repo, held_bytes=None):
    """The repository, its store held by as much index as is said."""
    found = Repo.open(str(repo.path), repo.world.env)
    address = found.writing_address("HEAD", "origin", "")
    if held_bytes is not None:
        store = open_store(address.url, base=found.top)
        found._stores[address.url] = ObjectStore(store, found.folder, held_bytes)
    return found


def send(repo, held_bytes=None, **how):
    (sent,) = upload(opened(repo, held_bytes), [repo.head()], Target("origin", ""), **how)
    return sent


@pytest.mark.parametrize("held_bytes", [None, 0])
def test_an_edit_sends_what_changed_even_where_no_index_is_held(repo, held_bytes):
    content = random_bytes(6 * MEGABYTE)
    repo.commit(**{"d/a b.bin": content})
    assert send(repo).sent_bytes > len(content)
    repo.commit(**{"d/a b.bin": content[: 3 * MEGABYTE] + b"edit" + content[3 * MEGABYTE :]})
    assert send(repo, held_bytes).sent_bytes < MEGABYTE


def test_a_dry_run_counts_and_sends_nothing(repo, world):
    repo.commit(**{"a.bin": random_bytes(MEGABYTE), "b.bin": b"small"})
    told = send(repo, dry_run=True)
    assert (told.objects, told.size, told.sent_bytes) == (2, MEGABYTE + 5, 0)
    assert not (world.root / "store" / "data" / "packs").exists()
    assert send(repo).objects == 2
    assert send(repo, dry_run=True).objects == 0


def test_history_without_data_is_walked_once(repo, world):
    """A store that nobody has written to yet has no memory: what needs nothing is remembered."""
    bare = world.bare("remote.git")
    repo.git("data", "store", "--unset")
    repo.git("config", "--unset", "data.store", code=None)
    repo.commit(text="one\n")
    found = Repo.open(str(repo.path), world.env)
    target = Target("origin", str(bare.path))
    memory = repo.git_dir / "git-data/confirmed"
    assert upload(found, [repo.head()], target)[0].objects == 0
    [remembered] = memory.iterdir()
    assert remembered.read_text().splitlines()[1:] == [repo.head()]
    repo.commit(**{"a.bin": b"data"})
    assert upload(found, [repo.head()], target)[0].objects == 1
    assert len([*memory.iterdir()]) == 2
    assert remembered.read_text().splitlines()[1:] != [repo.head()]
    assert (bare.path / "data/manifest").is_file()
