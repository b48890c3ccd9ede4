"""A disk that is full while content goes into Git, or out of it; files that change meanwhile."""

from dataclasses import replace

import pytest

from git_data import pointer

from ..helpers.trouble import SMALL_FILES, Moment, leftovers, small_disk
from ..helpers.world import Checkout, random_bytes

BIG = random_bytes(3_000_000)


@pytest.fixture
def repo(world):
    made = world.repo()
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    made.commit(**{"before.bin": b"before", "text": b"text\n"})
    return made


def blobs(repo):
    """Every blob that Git holds, reachable or not."""
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check", "--unordered").lines
    names = [line.split()[0] for line in listed if " blob " in line]
    return [repo.git("cat-file", "blob", name).out.encode() for name in names]


def no_pointer_without_content(repo):
    for blob in blobs(repo):
        found = pointer.parse(blob)
        if found:
            path = repo.objects / found.oid.hex()[:2] / found.oid.hex()
            assert path.stat().st_size == found.size


def check_refused(repo, said, name, reason):
    assert "Traceback" not in said.err
    line = next(line for line in said.err.splitlines() if line.startswith("git-data: "))
    assert name in line and reason in line and "nothing was lost" in line
    assert repo.git("ls-files", name).out == ""
    assert leftovers(repo) == []
    no_pointer_without_content(repo)


def test_add_fails_and_leaves_nothing_half(repo):
    limited = Checkout(replace(repo.world, prefix=SMALL_FILES), repo.path)
    repo.write("big.bin", BIG)
    said = limited.git("add", "big.bin", code=128)
    check_refused(repo, said, "big.bin", "File too large")
    assert repo.read("big.bin") == BIG
    repo.git("add", "big.bin")
    assert repo.status() == "A  big.bin\n"


@pytest.mark.parametrize("size", [700_000, 6_000_000], ids=["small", "large"])
def test_add_on_a_full_disk(repo, size):
    """The cache's disk is full, and has room again later. Small files go another way than large."""
    folder = repo.git_dir / "git-data"
    content = random_bytes(size, 1)
    with small_disk(repo.world, folder, "512k") as on_disk:
        there = Checkout(on_disk, repo.path)
        repo.write("new.bin", content)
        said = there.git("add", "new.bin", code=128)
        assert "new.bin" in said.err and "No space left on device" in said.err
        assert repo.git("ls-files", "new.bin").out == ""
        assert on_disk.run("find", folder, "-type", "f").out == ""
        on_disk.run("mount", "-o", "remount,size=20m", folder)
        there.git("add", "new.bin")
        oid = pointer.parse(repo.staged("new.bin")).oid.hex()
        on_disk.run("cmp", repo.path / "new.bin", folder / "objects" / oid[:2] / oid)


def test_one_of_many_that_does_not_fit(repo):
    limited = Checkout(replace(repo.world, prefix=SMALL_FILES), repo.path)
    for name, content in {"a.bin": b"a", "big.bin": BIG, "c.bin": b"c"}.items():
        repo.write(name, content)
    check_refused(repo, limited.git("add", ".", code=128), "big.bin", "File too large")
    repo.git("add", ".")
    assert repo.status() == "A  a.bin\nA  big.bin\nA  c.bin\n"


def test_commit_all_fails_and_keeps_the_last_commit(repo):
    head = repo.head()
    repo.write("before.bin", BIG)
    limited = Checkout(replace(repo.world, prefix=SMALL_FILES), repo.path)
    limited.git("commit", "-q", "-a", "-m", "too large", code=128)
    assert repo.head() == head
    assert repo.read("before.bin") == BIG
    repo.git("commit", "-q", "-a", "-m", "fits now")
    no_pointer_without_content(repo)


def test_a_checkout_that_does_not_fit_leaves_pointers_whole_files_and_no_temporaries(world, repo):
    repo.commit(**{"big.bin": BIG, "small.bin": b"small"})
    limited = replace(world, prefix=SMALL_FILES)
    clone = limited.clone(repo)
    assert "big.bin" in clone.said.err and "git data pull" in clone.said.err
    assert clone.read("small.bin") == b"small"
    assert clone.read("big.bin") == repo.staged("big.bin")
    assert clone.status() == ""
    assert leftovers(clone) == []
    world.git("data", "pull", cwd=clone.path)
    assert clone.read("big.bin") == BIG


def test_placing_that_does_not_fit_leaves_pointers(world, repo):
    """The object is in the cache, but its copy does not fit beside the others."""
    clone = world.clone(repo)
    repo.commit(**{"big.bin": BIG})
    clone.git("fetch", "-q")
    clone.data("fetch", "origin/main")
    limited = Checkout(replace(world, prefix=SMALL_FILES), clone.path)
    said = limited.git("merge", "-q", "--ff-only", "origin/main")
    assert "big.bin" in said.err and "File too large" in said.err and "git data pull" in said.err
    assert clone.read("big.bin") == repo.staged("big.bin")
    assert clone.status() == ""
    assert leftovers(clone) == []
    clone.data("pull")
    assert clone.read("big.bin") == BIG
    assert clone.status() == ""


# A file that changes while it is added


CHANGES = {
    "grows": "open({0!r}, 'ab').write(b'more')",
    "shrinks": "os.truncate({0!r}, 1_000_000)",
    "is replaced": "os.replace({0!r} + '.other', {0!r})",
    "is removed": "os.unlink({0!r})",
    "is rewritten": "open({0!r}, 'r+b').write(bytes(2_000_000))",
}


@pytest.mark.parametrize("how", CHANGES)
def test_its_pointer_is_that_of_the_bytes_that_were_stored(world, repo, how):
    """It changes when its first bytes have arrived."""
    path = repo.write("big.bin", BIG)
    repo.write("big.bin.other", b"other")
    moment = Moment(world)
    env = moment.at(1, "open .*/git-data/tmp/", CHANGES[how].format(str(path)))
    repo.git("add", "big.bin", env=env, code=None)
    assert moment.came
    no_pointer_without_content(repo)
    assert leftovers(repo) == []
    repo.write("big.bin", BIG)
    repo.git("add", "big.bin")
    assert repo.git("diff", "--name-only", "--cached").out == "big.bin\n"
    assert repo.git("diff", "--name-only").out == ""
    no_pointer_without_content(repo)
