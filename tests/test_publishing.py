"""Many who push at once; deletion and features, which come later and are obeyed now."""

import pytest

from git_data import publishing
from git_data.errors import Conflict, FormatError, Unreachable
from git_data.oid import ObjectId, hash_bytes
from git_data.stores.local import LocalStore
from git_data.transfer import Wanted

from .helpers import pusher
from .helpers.engine import (
    Clone,
    arrives,
    calls,
    clone,
    content,
    counting,
    files_of,
    ids,
    manifest_of,
    rewrite,
    send,
    stored_bytes,
)

MIB = 1 << 20


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def here(tmp_path, root):
    return clone(tmp_path / "here", root)


@pytest.fixture
def there(tmp_path, root):
    return clone(tmp_path / "there", root)


def test_pushes_at_the_same_time_lose_nothing(tmp_path, root):
    pushes = [pusher.start(tmp_path / f"p{n}", root, f"file {n}", 900_000 + n) for n in range(6)]
    assert [push.wait() for push in pushes] == [0] * 6
    at = clone(tmp_path / "there", root)
    files = {f"file {n}": content(f"file {n}", 900_000 + n) for n in range(6)}
    arrives(at, [Wanted(hash_bytes(d), len(d), p) for p, d in files.items()], files)
    assert manifest_of(root).generation == 7


def test_two_pushes_of_one_repository_at_once(tmp_path, root):
    pushes = [pusher.start(tmp_path / "here", root, f"f{n}", 10 * MIB + n) for n in range(2)]
    assert [push.wait() for push in pushes] == [0, 0]
    at = clone(tmp_path / "there", root)
    wanted = [hash_bytes(content(f"f{n}", 10 * MIB + n)) for n in range(2)]
    assert at.objects.missing(wanted) == set()


class Racing(LocalStore):
    """Somebody else pushes just before our first swap; or the answer to it is lost."""

    other: Clone | None = None
    lost = False

    def replace_if(self, name, data, version):
        other, self.other = self.other, None
        if other and version:
            send(other, {"other": content("other", 400_000)})
        new = super().replace_if(name, data, version)
        if self.lost and version:
            self.lost = False
            raise Unreachable("no answer")
        return new


@pytest.mark.parametrize("lost", [False, True])
def test_a_lost_race_and_a_lost_answer(tmp_path, root, there, lost):
    store = Racing(str(root), create=True)
    at = Clone(tmp_path / "here", store)
    at.objects.create()
    store.other = clone(tmp_path / "other", root)
    store.lost = lost
    files = {"mine": content("mine", 700_000), "other": content("other", 400_000)}
    wanted = send(at, {"mine": files["mine"]})
    wanted.append(Wanted(hash_bytes(files["other"]), 400_000, "other"))
    arrives(there, wanted, files)
    assert manifest_of(root).generation == 3  # one for each, none twice


def test_a_store_that_never_answers_the_swap(tmp_path, root):
    class Silenced(LocalStore):
        def replace_if(self, name, data, version):
            if version:
                raise Unreachable("no answer")
            return super().replace_if(name, data, version)

    at = Clone(tmp_path / "here", Silenced(str(root), create=True))
    with pytest.raises(Unreachable):
        send(at, {"f": b"content"})


@pytest.mark.parametrize("was_done", [False, True])
def test_a_lost_answer_when_a_store_is_made(tmp_path, root, there, was_done):
    class Losing(LocalStore):
        left = 2

        def replace_if(self, name, data, version):
            self.left -= 1
            if self.left >= 0 and not was_done:
                raise Unreachable("no answer")
            new = super().replace_if(name, data, version)
            if self.left >= 0:
                raise Unreachable("no answer")
            return new

    at = Clone(tmp_path / "here", Losing(str(root), create=True))
    arrives(there, send(at, {"f": b"content"}), {"f": b"content"})
    assert at.objects.id == there.objects.id


def test_a_store_that_cannot_be_made_is_told(tmp_path, root):
    class Silenced(LocalStore):
        def replace_if(self, name, data, version):
            raise Unreachable("no answer")

    at = Clone(tmp_path / "here", Silenced(str(root), create=True))
    with pytest.raises(Unreachable):
        at.objects.create()


def test_what_was_put_in_force_need_not_be_read_back(tmp_path, root):
    at = counting(tmp_path / "here", root, create=True)
    send(at, {"f": b"content"})
    assert [call.verb for call in calls(at) if call.name == "data/manifest"][-1] == "replace_if"
    wanted = send(at, {"g": b"another"})
    assert at.objects.generation == 3
    assert at.objects.size_of(wanted[0].oid) == 7


def test_a_store_that_always_changes_is_given_up(tmp_path, root):
    class Busy(LocalStore):
        def replace_if(self, name, data, version):
            if version:
                raise Conflict("somebody was faster")
            return super().replace_if(name, data, version)

    at = Clone(tmp_path / "here", Busy(str(root), create=True))
    with pytest.raises(Conflict, match=str(publishing.ATTEMPTS)):
        send(at, {"f": b"content"})


def test_what_is_condemned_counts_as_absent(here, there, root, tmp_path):
    data = content("f", 700_000)
    [wanted] = send(here, {"f": data})
    [old] = files_of(root, "packs")
    key = ObjectId.parse(old.name)
    rewrite(root, condemned=((key, "2026-01-01T00:00:00Z"),))
    arrives(there, [wanted], {"f": data})  # still there for readers
    assert here.objects.missing([wanted.oid]) == {wanted.oid}
    # Another first file, or the same pack would come out, by the same name.
    sent = here.objects.send([here.add("a", b"another"), wanted], here.cache)
    assert sent.new_bytes == len(data) + 7
    assert here.objects.missing([wanted.oid]) == set()
    old.unlink()
    arrives(clone(tmp_path / "third", root), [wanted], {"f": data})


def test_a_deletion_during_a_push_makes_it_look_again(tmp_path, root, there):
    class Deleting(LocalStore):
        once = True

        def write(self, name, parts):
            super().write(name, parts)
            if self.once and name.startswith("data/packs/") and files_of(root, "index"):
                type(self).once = False
                old = max(files_of(root, "packs"), key=lambda path: path.stat().st_size)
                old.unlink()
                rewrite(root, deletions=1, indexes=())

    base = content("base", 5 * MIB)
    send(clone(tmp_path / "first", root), {"base": base})
    at = Clone(tmp_path / "here", Deleting(str(root)))
    wanted = send(at, {"new": base + b"more"})
    arrives(there, wanted, {"new": base + b"more"})
    assert at.objects.deletions == 1


def test_unknown_features_are_refused_by_name(here, root):
    wanted = send(here, {"f": b"content"})
    rewrite(root, write_features=("two-phase",))
    assert here.objects.missing(ids(wanted)) == set()
    before = stored_bytes(root)
    with pytest.raises(FormatError, match="two-phase"):
        send(here, {"g": content("g", 5000)})
    assert stored_bytes(root) == before
    rewrite(root, read_features=("sealed",))
    with pytest.raises(FormatError, match="sealed"):
        here.objects.missing(ids(wanted))
