"""The engine over a folder: what is asked of the store, what is fetched, who wins a race."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from git_data import bundles as library
from git_data import merge
from git_data.bundles import Taking
from git_data.oid import hash_bytes
from git_data.refs import Registry
from git_data.stores.base import READ_BYTES
from git_data.stores.local import LocalStore
from git_data.stores.wrap import Counting

from .helpers.sides import MAIN, PLAIN
from .helpers.world import PROJECT, random_bytes

pytest_plugins = ["tests.helpers.engine_fixtures"]


class Far(Counting):
    """A store whose files are not on this machine."""

    def __init__(self, inner):
        super().__init__(inner)
        del self.local_path


def calls(side):
    """What was asked of the store since the last time."""
    asked = [(call.verb, call.name.rpartition("/")[0] or call.name) for call in side.store.calls]
    side.store.calls.clear()
    return asked


# What it costs


def test_a_push_is_four_requests(side):
    side.push(MAIN)
    calls(side)
    for word in ("two", "three", "four"):
        side.repo.commit(word, file=word)
        assert side.push(MAIN) == [""]
        assert calls(side) == [
            ("read_small", "git"),
            ("write", "git/bundles"),
            ("size", "git/bundles"),
            ("replace_if", "git"),
        ]


def test_without_new_commits_only_the_manifest_is_written(side):
    side.push(MAIN)
    calls(side)
    assert side.push("push refs/heads/main:refs/heads/copy") == [""]
    assert calls(side) == [("read_small", "git"), ("replace_if", "git")]
    assert side.push("push refs/heads/main:refs/heads/copy") == [""]
    assert side.push("push :refs/heads/copy") == [""]


def test_a_refusal_writes_nothing(side):
    side.push(MAIN)
    side.repo.git("commit", "-q", "--amend", "-m", "again")
    calls(side)
    assert side.push(MAIN) == ["non-fast forward"]
    assert calls(side) == [("read_small", "git")]


def test_a_fetch_reads_only_what_is_new(clone, make, side):
    side.repo.commit("large", large=random_bytes(200_000))
    side.push(MAIN)
    other = clone()
    calls(other)
    side.repo.commit("small", file="small\n")
    side.push(MAIN)
    new = side.bundles()[-1]
    other.fetch()
    assert other.repo.git("cat-file", "-t", side.repo.head()).out == "commit\n"
    read = [call for call in other.store.calls if call.verb != "read_small"]
    assert read == []  # in place: a folder is read by Git itself
    remote = make("remote", Far(side.store.inner))
    remote.fetch(empty=True)
    remote.store.calls.clear()
    side.repo.commit("smaller", file="smaller\n")
    side.push(MAIN)
    assert side.bundles()[-1] != new
    remote.fetch()
    asked = [(call.verb, call.name) for call in remote.store.calls if call.verb == "read"]
    assert asked == [("read", f"git/bundles/{side.bundles()[-1]}")]


def test_the_number_of_bundles_grows_with_the_logarithm(clone, side):
    side.repo.commit("large", large=random_bytes(30_000))
    for number in range(40):
        side.repo.commit(str(number), file=f"{number}\n", **{f"f{number}": random_bytes(300)})
        assert side.push(MAIN) == [""]
    assert len(side.bundles()) <= 8
    other = clone()
    assert other.repo.git("rev-list", "--count", "origin/main").out == "42\n"
    other.check()


def test_what_is_large_is_left_as_it_is(side):
    plan = PLAIN._replace(merge_bytes=1000)
    side.repo.commit("large", large=random_bytes(2_000))
    side.push(MAIN, plan=plan)
    [large] = side.bundles()
    side.repo.commit("larger", larger=random_bytes(9_000))
    side.push(MAIN, plan=plan)
    assert side.bundles()[0] == large


def test_who_never_fetches_does_not_let_bundles_pile_up(clone, side):
    """Pushers to branches of their own have nothing to merge; they fetch it when there are many."""
    side.push(MAIN)
    sides = [clone(f"side{n}") for n in range(3)]
    for round_ in range(10):
        for number, one in enumerate(sides):
            one.repo.commit("more", **{f"{number}-{round_}": random_bytes(200, round_)})
            assert one.push(f"push mine:refs/heads/side{number}") == [""]
    assert len(side.bundles()) < merge.CROWDED + 3
    clone().check()


# Who is first


def test_two_at_once_to_two_branches(clone, side):
    side.push(MAIN)
    other = clone()
    other.repo.git("checkout", "-q", "-b", "other")
    other.repo.commit("other", other="other\n")
    side.repo.commit("two", file="two\n")
    side.before_bundle = lambda: other.push("push other:refs/heads/other")
    assert side.push(MAIN) == [""]
    manifest = Registry(side.store).need()
    assert manifest.refs == {
        "refs/heads/main": side.repo.head(),
        "refs/heads/other": other.repo.head(),
    }
    third = clone("third")
    third.check()


def test_two_at_once_to_one_branch(clone, side):
    """Who comes second is refused that ref alone; his others are done."""
    side.push(MAIN)
    other = clone()
    other.repo.git("checkout", "-q", "-b", "other")
    other.repo.commit("other", other="other\n")
    side.repo.commit("two", file="two\n")
    side.before_bundle = lambda: other.push("push other:refs/heads/main")
    assert side.push(MAIN, "push main:refs/heads/mine") == ["fetch first", ""]
    manifest = Registry(side.store).need()
    assert manifest.refs["refs/heads/main"] == other.repo.head()
    assert manifest.refs["refs/heads/mine"] == side.repo.head()


def test_an_atomic_push_that_loses_does_nothing(clone, side):
    side.push(MAIN)
    other = clone()
    other.repo.git("checkout", "-q", "-b", "other")
    other.repo.commit("other", other="other\n")
    side.repo.commit("two", file="two\n")
    side.before_bundle = lambda: other.push("push other:refs/heads/main")
    answers = side.push(MAIN, "push main:refs/heads/mine", plan=PLAIN._replace(atomic=True))
    assert answers == ["fetch first", "atomic push failed"]
    assert list(Registry(side.store).need().refs) == ["refs/heads/main"]


def test_a_lease_that_somebody_broke_meanwhile(clone, side):
    side.push(MAIN)
    other = clone()
    other.repo.git("checkout", "-q", "-b", "other")
    other.repo.commit("other", other="other\n")
    before = side.repo.head()
    side.repo.git("commit", "-q", "--amend", "-m", "again")
    side.before_bundle = lambda: other.push("push other:refs/heads/main")
    assert side.push(MAIN, leases={"refs/heads/main": before}) == ["stale info"]


def test_merging_at_once(clone, side):
    """Both merge the same small bundles; whoever comes second keeps the registry whole."""
    for word in ("one", "two"):
        side.repo.commit(word, **{word: random_bytes(3000)})
        side.push(MAIN)
    other = clone()
    other.repo.git("checkout", "-q", "-b", "other")
    other.repo.commit("other", other=random_bytes(4000, 1))
    side.repo.commit("three", three=random_bytes(4000, 2))
    side.before_bundle = lambda: other.push("push other:refs/heads/other")
    assert side.push(MAIN) == [""]
    third = clone("third")
    third.check()
    assert third.repo.git("rev-list", "--all", "--count").out == "5\n"


def test_a_deleted_branch_stays_held_for_who_builds_on_it(clone, side):
    """He knew its tip as held and sends only what is new; meanwhile the branch goes and its
    bundle is merged."""
    side.push(MAIN)
    side.repo.git("checkout", "-q", "-b", "gone")
    side.repo.commit("gone", gone="gone\n")
    side.push("push gone:refs/heads/gone")
    other = clone()
    other.repo.git("checkout", "-q", "-b", "next", "origin/gone")
    other.repo.commit("next", next="next\n")

    def meanwhile():
        side.push("push :refs/heads/gone")
        side.repo.git("checkout", "-q", "main")
        side.repo.commit("more", more="more\n")
        side.push(MAIN)

    other.before_bundle = meanwhile
    assert other.push("push next:refs/heads/next") == [""]
    third = clone("third")
    third.check()


def test_many_threads(clone, side, world, root):
    side.push(MAIN)
    sides = [clone(f"side{n}") for n in range(4)]
    for number, one in enumerate(sides):
        one.name = f"refs/heads/side{number}"
    start = threading.Barrier(4)

    def work(one):
        for round_ in range(3):
            one.repo.commit(str(round_), **{one.repo.path.name: f"{round_}\n"})
            start.wait()
            assert one.push(f"push mine:{one.name}") == [""]

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(work, sides)] == [None] * 4
    refs = Registry(side.store).need().refs
    assert {refs[one.name] for one in sides} == {one.repo.head() for one in sides}
    last = clone("last")
    last.check()


def test_what_a_fetch_keeps_until_refs_are_set(make, side):
    side.repo.commit("many", **{f"f{n}": f"{n}\n" for n in range(150)})
    side.push(MAIN)
    other = make("clone")
    done = other.fetch(empty=True)
    assert done.connected
    assert done.lock.endswith(".keep") and os.path.isfile(done.lock)
    assert done.lock.startswith(str(other.repo.git_dir / "objects/pack/pack-"))
    assert other.fetch(how=Taking()).lock is None


def test_few_objects_are_unpacked_as_git_fetch_does(clone, side):
    side.push(MAIN)
    other = clone()
    side.repo.commit("two", file="two\n")
    side.push(MAIN)
    packs = other.repo.git("count-objects", "-v").lines
    other.fetch()
    after = other.repo.git("count-objects", "-v").lines
    assert [line for line in packs if "packs" in line] == [
        line for line in after if "packs" in line
    ]
    side.repo.commit("three", file="three\n")
    side.push(MAIN)
    other.fetch(how=Taking(limit=1))
    assert "packs: 2" in other.repo.git("count-objects", "-v").lines


def test_settings_of_git_for_fetching():
    assert Taking.of({}) == Taking(limit=100, fsck=None)
    assert Taking.of({"transfer.fsckobjects": ("true",)}).fsck == ""
    assert (
        Taking.of({"fetch.fsckobjects": ("false",), "transfer.fsckobjects": ("true",)}).fsck is None
    )
    levels = {"fetch.fsckobjects": ("yes",), "fetch.fsck.missingemail": ("ignore",)}
    assert Taking.of(levels).fsck == "=missingemail=ignore"
    assert Taking.of({"fetch.unpacklimit": ("7",), "transfer.unpacklimit": ("9",)}).limit == 7


# Bundles are read in ranges


def test_bundles_in_many_pieces(side):
    """Over a network nothing large is read at once; some pieces are read ahead of their use."""
    for seed in range(3):
        side.repo.commit("more", **{f"f{seed}": random_bytes(50_000, seed)})
        side.push(MAIN, plan=PLAIN._replace(merge_bytes=0))
    far = Far(side.store.inner)
    refs = Registry(far).need().bundles
    assert len(refs) == 3
    for ref, path in library.bring(far, refs, side.folder, piece_bytes=4_000):
        with open(path, "rb") as file:
            assert hash_bytes(file.read()) == ref.id
        assert os.listdir(side.folder) == [os.path.basename(path)]
    reads = [call.size for call in far.calls if call.verb == "read"]
    assert len(reads) > 36 and max(reads) == 4_000
    assert os.listdir(side.folder) == []


def test_a_bundle_that_is_too_large_for_one_read(make, side):
    side.repo.commit("large", large=random_bytes(READ_BYTES + 1000))
    side.push(MAIN)
    other = make("other", Far(side.store.inner))
    other.fetch(empty=True)
    assert sum(call.verb == "read" for call in other.store.calls) == 2
    assert other.repo.git("rev-parse", "origin/main").out.strip() == side.repo.head()


def test_two_processes_make_one_registry(world, root):
    """Both push for the first time: whoever comes second finds the first's."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from git_data.gitmanifest import create\n"
        "from git_data.refs import Registry\n"
        "from git_data.stores.local import LocalStore\n"
        "store = LocalStore(sys.argv[2], create=True)\n"
        "sys.stdin.read(1)\n"
        "print(Registry(store).create(create('sha1', 'refs/heads/main')).registry)\n"
    )
    words = [sys.executable, "-c", code, str(PROJECT), str(root)]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for process in started:
        process.stdin.write("x")
        process.stdin.flush()
    told = {process.communicate()[0] for process in started}
    assert len(told) == 1
    assert told == {Registry(LocalStore(root)).need().registry + "\n"}
