"""History in a store, through Git: in the spirit of Git's own t5801-remote-helpers.sh.

Everything is done to a registry and to a plain repository, and both come to the same.
"""

import pytest

from ..helpers.twins import Twins, table
from ..helpers.world import Checkout, random_bytes


@pytest.fixture
def twins(world):
    return Twins.make(world)


@pytest.fixture
def repo(twins):
    made = twins.repo()
    made.commit("one", **{"file": "one\n"})
    return made


@pytest.fixture
def pushed(twins, repo):
    twins.push(repo, "main")
    return repo


def clone(twins, name="clone", *options, **how):
    return twins.world.clone(twins.address, name, *options, **how)


def refs(repo, *patterns):
    return repo.git("for-each-ref", "--format=%(refname) %(objectname)", *patterns).lines


# Cloning and fetching


def test_push_then_clone(twins, pushed):
    twins.check()
    copy = clone(twins)
    assert copy.said.err == ""
    assert copy.read("file") == b"one\n"
    assert copy.status() == ""
    assert copy.git("symbolic-ref", "HEAD").out == "refs/heads/main\n"
    assert copy.git("rev-parse", "origin/HEAD").out.strip() == pushed.head()


def test_pull_brings_what_is_new(twins, pushed):
    copy = clone(twins)
    pushed.commit("two", file="two\n")
    twins.push(pushed, "main")
    copy.git("pull", "-q")
    assert copy.read("file") == b"two\n"
    assert copy.head() == pushed.head()
    assert copy.git("fsck", "--full").out == ""


def test_push_from_a_clone(twins, pushed):
    copy = clone(twins)
    copy.commit("two", file="two\n")
    copy.git("push", "-q")
    pushed.git("pull", "-q", "origin", "main")
    assert pushed.head() == copy.head()
    pushed.git("push", "-q", "plain", "main")
    twins.check()


def test_fetch_of_a_new_branch_and_of_one_only(twins, pushed):
    copy = clone(twins)
    for name in ("new", "other"):
        pushed.git("checkout", "-q", "-b", name)
        pushed.commit(name, file=name)
    twins.push(pushed, "new", "other")
    copy.git("fetch", "-q", "origin", "new")
    assert copy.git("rev-parse", "FETCH_HEAD").out == pushed.git("rev-parse", "new").out
    copy.git("fetch", "-q")
    assert refs(copy, "refs/remotes/origin/other")[0].split()[1] == pushed.head()


def test_fetch_head_a_tag_and_an_address(twins, pushed):
    copy = clone(twins)
    pushed.commit("two", file="two\n")
    pushed.git("tag", "v1")
    twins.push(pushed, "main", "v1")
    copy.git("fetch", "-q", "origin", "HEAD")
    assert copy.git("rev-parse", "FETCH_HEAD").out.strip() == pushed.head()
    copy.git("fetch", "-q", "origin", "tag", "v1")
    assert copy.git("rev-parse", "v1").out.strip() == pushed.head()
    other = twins.world.repo("other")
    other.git("fetch", "-q", twins.address, "main:here")
    assert other.git("rev-parse", "here").out.strip() == pushed.head()


def test_tags_come_with_what_they_are_of(twins, pushed):
    copy = clone(twins)
    pushed.commit("two", file="two\n")
    pushed.git("tag", "-a", "-m", "annotated", "annotated")
    pushed.git("tag", "light")
    pushed.git("tag", "-a", "-m", "of a tag", "nested", "annotated")
    twins.push(pushed, "main", "annotated", "light", "nested")
    copy.git("fetch", "-q")
    assert refs(copy, "refs/tags") == refs(pushed, "refs/tags")
    twins.check()


def test_a_tag_of_what_is_there_already(twins, pushed):
    pushed.commit("two", file="two\n")
    twins.push(pushed, "main")
    copy = clone(twins)
    pushed.git("tag", "-a", "-m", "older", "older", "HEAD~1")
    twins.push(pushed, "older")
    alone = twins.world.repo("alone")
    alone.git("fetch", "-q", twins.address, "tag", "older")
    alone.git("checkout", "-q", "older")
    assert alone.git("fsck", "--full").err == ""
    copy.git("fetch", "-q", "--tags")
    assert refs(copy, "refs/tags") == refs(pushed, "refs/tags")
    twins.check()


def test_tags_of_a_tree_and_of_a_file(twins, pushed):
    pushed.git("tag", "tree", "HEAD^{tree}")
    pushed.git("tag", "-a", "-m", "file", "file", "HEAD:file")
    loose = pushed.git("hash-object", "-w", "--stdin", input=b"in no commit").out.strip()
    pushed.git("tag", "blob", loose)
    twins.push(pushed, "tree", "file", "blob")
    twins.check()
    copy = clone(twins)
    assert copy.git("cat-file", "blob", "blob").out == "in no commit"


def test_prune_and_set_head(twins, pushed):
    pushed.git("branch", "gone")
    twins.push(pushed, "gone")
    copy = clone(twins)
    twins.push(pushed, "--delete", "gone")
    copy.git("fetch", "-q", "--prune")
    assert [line.split()[0] for line in refs(copy, "refs/remotes")] == [
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/main",
    ]
    copy.git("remote", "set-head", "origin", "--delete")
    copy.git("remote", "set-head", "origin", "--auto")
    assert copy.git("symbolic-ref", "refs/remotes/origin/HEAD").out == "refs/remotes/origin/main\n"
    assert "HEAD branch: main" in copy.git("remote", "show", "origin").out


@pytest.mark.parametrize("kind", ["--bare", "--mirror"])
def test_a_bare_clone(twins, pushed, kind):
    pushed.git("tag", "v1")
    pushed.git("update-ref", "refs/notes/x", "HEAD")
    twins.push(pushed, "v1", "refs/notes/x")
    copy = clone(twins, "copy.git", kind)
    wanted = refs(pushed, "refs/heads", "refs/tags", *(["refs/notes"] * (kind == "--mirror")))
    assert refs(copy) == wanted
    pushed.commit("two", file="two\n")
    twins.push(pushed, "main")
    if kind == "--mirror":
        copy.git("fetch", "-q")
        assert copy.git("rev-parse", "main").out.strip() == pushed.head()


def test_one_branch_only(twins, repo):
    pushed = repo
    pushed.commit("large", large=random_bytes(100_000))  # so that bundles are not merged
    twins.push(pushed, "main")
    pushed.git("checkout", "-q", "-b", "side")
    pushed.commit("side", side="side\n")
    twins.push(pushed, "side")
    copy = clone(twins, "clone", "--single-branch")
    assert refs(copy, "refs/remotes/origin/side") == []
    assert copy.git("cat-file", "-e", pushed.head(), code=1).out == ""  # its bundle was not taken
    copy.git("fetch", "-q", "origin", "side")
    assert copy.git("rev-parse", "FETCH_HEAD").out.strip() == pushed.head()
    assert copy.git("fsck", "--full").err == ""


def test_ls_remote(twins, pushed):
    pushed.git("tag", "-a", "-m", "tag", "v1")
    twins.push(pushed, "v1")
    for options in ([], ["--heads"], ["--tags"], ["--symref"], ["--refs"]):
        one = twins.world.git("ls-remote", *options, twins.address).out
        other = twins.world.git("ls-remote", *options, str(twins.plain.path)).out
        assert one == other


def test_what_nobody_refers_to_is_fetched_again_after_gc(twins, pushed):
    """A branch was fetched and its ref is gone; then gc took its objects."""
    pushed.git("checkout", "-q", "-b", "side")
    pushed.commit("side", side="side\n")
    twins.push(pushed, "side")
    copy = clone(twins)
    side = pushed.head()
    copy.git("update-ref", "-d", "refs/remotes/origin/side")
    copy.git("reflog", "expire", "--expire=now", "--all")
    copy.git("gc", "-q", "--prune=now")
    copy.git("cat-file", "-e", side, code=1)
    copy.git("fetch", "-q")
    assert copy.git("rev-parse", "origin/side").out.strip() == side
    assert copy.git("fsck", "--full").err == ""


def test_a_tip_that_is_here_without_its_history_is_no_proof(twins, pushed):
    """A fetch that was killed left the newest commit and nothing behind it."""
    copy = clone(twins)
    pushed.commit("two", two="two\n")
    pushed.commit("three", three="three\n")
    twins.push(pushed, "main")
    raw = pushed.git("cat-file", "commit", "HEAD").out.encode()
    copy.git("hash-object", "-w", "-t", "commit", "--stdin", input=raw)
    copy.git("fetch", "-q")
    assert copy.git("log", "-p", "--format=%s", "origin/main").out.count("+++") == 3


# Pushing


def test_old_to_new_names(twins, pushed):
    pushed.git("checkout", "-q", "-b", "side")
    pushed.commit("side", file="side\n")
    twins.push(pushed, "side:renamed", "HEAD:refs/heads/by-head", "HEAD~1:refs/heads/older")
    twins.push(pushed, "HEAD^{/side}:refs/heads/expression", "HEAD^{tree}:refs/tags/tree")
    twins.check()


def test_existing_objects_send_nothing(twins, pushed):
    before = twins.manifest.bundles
    pushed.git("branch", "same")
    twins.push(pushed, "same", "main:refs/heads/again")
    assert twins.manifest.bundles == before
    twins.check()


def test_nothing_to_do(twins, pushed):
    generation = twins.manifest.generation
    twins.push(pushed, "main")
    assert twins.manifest.generation == generation


def test_delete(twins, pushed):
    pushed.git("branch", "gone")
    pushed.git("tag", "v1")
    twins.push(pushed, "gone", "v1")
    twins.push(pushed, ":gone", ":v1")
    assert list(twins.manifest.refs) == ["refs/heads/main"]
    twins.check()


def test_the_current_branch_is_not_deleted(twins, pushed):
    pushed.git("branch", "other")
    twins.push(pushed, "other")
    done, _ = twins.push(pushed, ":main", code=1)
    assert "deletion of the current branch prohibited" in done.out
    twins.check()


def test_head_moves_by_a_push_option(twins, pushed):
    pushed.git("branch", "trunk")
    pushed.git("push", "-q", "-o", "head=trunk", "origin", "trunk", ":main")
    assert twins.manifest.head == "refs/heads/trunk"
    assert list(twins.manifest.refs) == ["refs/heads/trunk"]
    assert clone(twins).git("symbolic-ref", "HEAD").out == "refs/heads/trunk\n"
    said = pushed.git("push", "-o", "head=nowhere", "origin", "main", code=1)
    assert "not there" in said.err
    assert list(twins.manifest.refs) == ["refs/heads/trunk"]


def test_force(twins, pushed):
    pushed.git("commit", "-q", "--amend", "-m", "rewritten")
    twins.push(pushed, "main", code=1)
    twins.push(pushed, "+main")
    twins.check()
    pushed.git("commit", "-q", "--amend", "-m", "again")
    twins.push(pushed, "--force", "main")
    twins.check()
    copy = clone(twins)
    assert copy.head() == pushed.head()


def test_fetch_first(twins, pushed):
    copy = clone(twins)
    copy.git("remote", "add", "plain", str(twins.plain.path))
    pushed.commit("theirs", file="theirs\n")
    twins.push(pushed, "main")
    copy.commit("ours", other="ours\n")
    done, _ = twins.push(copy, "main", code=1)
    assert "[rejected] (fetch first)" in done.out
    assert "Updates were rejected because the remote contains work" in done.err
    twins.check()


def test_non_fast_forward(twins, pushed):
    copy = clone(twins)
    copy.git("remote", "add", "plain", str(twins.plain.path))
    pushed.commit("theirs", file="theirs\n")
    twins.push(pushed, "main")
    copy.git("fetch", "-q")
    copy.commit("ours", other="ours\n")
    done, _ = twins.push(copy, "main", code=1)
    assert "(non-fast-forward)" in done.out
    copy.git("pull", "-q", "--rebase")
    twins.push(copy, "main")
    twins.check()


def test_existing_tags_stay(twins, pushed):
    pushed.git("tag", "v1")
    twins.push(pushed, "v1")
    pushed.commit("two", file="two\n")
    pushed.git("tag", "-f", "v1")
    done, _ = twins.push(pushed, "v1", code=1)
    assert "already exists" in done.out
    twins.push(pushed, "--force", "v1")
    twins.check()


def test_force_with_lease(twins, pushed):
    copy = clone(twins)
    copy.git("remote", "add", "plain", str(twins.plain.path))
    copy.git("fetch", "-q", "plain")
    pushed.commit("theirs", file="theirs\n")
    twins.push(pushed, "main")
    copy.git("commit", "-q", "--amend", "-m", "ours")
    done, _ = twins.push(copy, "--force-with-lease", "main", code=1)
    assert "stale info" in done.out
    twins.push(copy, f"--force-with-lease=main:{pushed.head()}", "main")
    twins.check()
    twins.push(copy, "--force-with-lease=new:", "main:new")
    copy.commit("more", more="more\n")
    twins.push(copy, "--force-with-lease=new:", "main:new", code=1)
    twins.check()


def test_force_if_includes(twins, pushed):
    pushed.git("commit", "-q", "--amend", "-m", "again")
    twins.push(pushed, "--force-with-lease", "--force-if-includes", "main")
    twins.check()


def test_some_refs_may_fail_and_others_not(twins, pushed):
    pushed.commit("two", file="two\n")
    pushed.git("branch", "good")
    pushed.git("checkout", "-q", "--orphan", "other")
    pushed.commit("other", other="other\n")
    twins.push(pushed, "good", "other:main", code=1)
    assert "refs/heads/good" in twins.manifest.refs
    twins.check()


def test_atomic(twins, pushed):
    pushed.commit("two", file="two\n")
    pushed.git("branch", "good")
    pushed.git("checkout", "-q", "--orphan", "other")
    pushed.commit("other", other="other\n")
    pushed.git("push", "--atomic", "origin", "good", "other:main", code=1)
    assert list(twins.manifest.refs) == ["refs/heads/main"]
    twins.push(pushed, "--atomic", "good", "other")
    twins.check()


def test_atomic_with_what_only_the_registry_knows(twins, pushed):
    copy = clone(twins)
    pushed.commit("theirs", file="theirs\n")
    twins.push(pushed, "main")
    copy.commit("ours", other="ours\n")
    said = copy.git("push", "--atomic", "origin", "main", "HEAD:refs/heads/good", code=1)
    assert "fetch first" in said.err and "atomic push failed" in said.err
    assert list(twins.manifest.refs) == ["refs/heads/main"]


def test_mirror(twins, pushed):
    for name in ("origin", "plain"):  # no remote-tracking refs: they would be mirrored too
        pushed.git("config", "--unset", f"remote.{name}.fetch")
        pushed.git("update-ref", "-d", f"refs/remotes/{name}/main")
    for name in ("keep", "drop"):
        pushed.git("branch", name)
    pushed.git("update-ref", "refs/notes/commits", "HEAD")
    pushed.git("update-ref", "refs/deep/er/name", "HEAD")
    twins.push(pushed, "--mirror")
    pushed.git("branch", "-q", "-D", "drop")
    pushed.commit("two", file="two\n")
    pushed.git("tag", "-a", "-m", "v1", "v1")
    twins.push(pushed, "--mirror")
    assert "refs/heads/drop" not in twins.manifest.refs
    twins.check()


def test_all_tags_follow_and_prune(twins, pushed):
    pushed.git("branch", "one")
    pushed.git("branch", "two")
    pushed.git("tag", "-a", "-m", "v1", "v1")
    twins.push(pushed, "--all")
    twins.push(pushed, "--follow-tags", "main")
    twins.push(pushed, "--tags")
    pushed.git("branch", "-q", "-D", "two")
    twins.push(pushed, "--prune", "refs/heads/*:refs/heads/*")
    twins.check()


def test_a_dry_run_changes_nothing(twins, pushed):
    before = (twins.root / "git/manifest").read_bytes()
    pushed.commit("two", file="two\n")
    twins.push(pushed, "--dry-run", "main", "main:new")
    twins.push(pushed, "--dry-run", ":refs/heads/none", "main:refs/heads/x")
    assert (twins.root / "git/manifest").read_bytes() == before
    assert len([*(twins.root / "git/bundles").iterdir()]) == 1


def test_a_first_dry_run_makes_nothing(twins, repo):
    repo.git("push", "--dry-run", "origin", "main")
    assert not twins.root.exists()


def test_a_folder_and_a_file_of_one_name(twins, pushed):
    pushed.git("branch", "a")
    twins.push(pushed, "a")
    said = pushed.git("push", "--porcelain", "origin", "main:refs/heads/a/b", code=1)
    assert "'refs/heads/a' exists; cannot create 'refs/heads/a/b'" in said.out
    twins.push(pushed, ":a", "main:a/b")
    twins.check()


def test_a_branch_is_a_commit(twins, pushed):
    said = pushed.git("push", "origin", "HEAD^{tree}:refs/heads/tree", code=1)
    assert "a branch must be a commit" in said.err
    assert list(twins.manifest.refs) == ["refs/heads/main"]


def test_quiet_and_verbose(twins, pushed):
    pushed.commit("two", file="two\n")
    assert pushed.git("push", "-q", "origin", "main").err == ""
    pushed.commit("three", file="three\n")
    said = pushed.git("push", "--progress", "origin", "main")
    assert "Writing objects: 100%" in said.err
    said = twins.world.git("clone", "--progress", twins.address, "shown")
    assert "Receiving objects: 100%" in said.err


def test_unknown_push_options_are_let_pass_and_signing_is_refused(twins, pushed):
    pushed.commit("two", file="two\n")
    pushed.git("push", "-q", "-o", "ci.skip", "--signed=if-asked", "origin", "main")
    pushed.commit("three", file="three\n")
    said = pushed.git("push", "--signed", "origin", "main", code=128)
    assert "does not support --signed" in said.err


def test_odd_names(twins, pushed):
    for name in ("ünïcode/größe", "with'quote", "a,b;c&d|e", "%20", "$(x)", "-dash", "emoji-🎈"):
        pushed.git("update-ref", f"refs/heads/{name}", "HEAD")
        twins.push(pushed, f"refs/heads/{name}:refs/heads/{name}")
    latin = b"refs/heads/latin-\xe9"
    pushed.git("update-ref", latin, "HEAD")
    twins.push(pushed, latin)
    twins.check()


# The first push, and none yet


def test_the_first_branch(twins, repo):
    """init.defaultBranch if it is pushed, else the branch that is checked out."""
    repo.git("config", "init.defaultBranch", "trunk")
    repo.git("branch", "trunk")
    repo.git("push", "-q", "origin", "main", "trunk")
    assert twins.manifest.head == "refs/heads/trunk"


@pytest.mark.parametrize(
    ("pushed", "head"),
    [
        (["main", "other"], "refs/heads/main"),
        (["other"], "refs/heads/other"),
        (["HEAD:refs/tags/v1"], "refs/heads/main"),
    ],
)
def test_the_first_branch_without_a_wish(twins, repo, pushed, head):
    repo.git("branch", "other")
    repo.git("push", "-q", "origin", *pushed)
    assert twins.manifest.head == head


def test_head_is_settled_when_a_branch_comes(twins, repo):
    repo.git("push", "-q", "origin", "HEAD:refs/tags/v1")
    repo.git("push", "-q", "origin", "main:refs/heads/first")
    assert twins.manifest.head == "refs/heads/first"


def test_an_empty_registry(twins, repo):
    """It is there, and has nothing: a clone is empty, a push fills it."""
    repo.git("push", "-q", "origin", "HEAD:refs/tags/only")
    repo.git("push", "-q", "origin", ":refs/tags/only")
    assert twins.manifest.refs == {}
    copy = clone(twins, code=None)
    assert "empty repository" in copy.said.err
    copy.git("symbolic-ref", "HEAD", "refs/heads/main")
    copy.commit("first", file="first\n")
    copy.git("push", "-q", "-u", "origin", "main")
    assert clone(twins, "again").read("file") == b"first\n"


@pytest.mark.parametrize("words", [["clone"], ["ls-remote"], ["fetch"]])
def test_a_mistyped_address_is_an_error(twins, repo, words):
    said = repo.git(*words, f"{twins.address}-mistyped", code=128)
    assert "there is no registry at" in said.err
    assert "Traceback" not in said.err
    assert not (repo.path / "registry-mistyped").exists()


def test_a_push_to_a_folder_with_other_files_is_refused(twins, repo):
    twins.root.mkdir()
    (twins.root / "thesis.txt").write_text("precious")
    said = repo.git("push", "origin", "main", code=128)
    assert "holds other files" in said.err
    assert [path.name for path in twins.root.iterdir()] == ["thesis.txt"]


def test_a_push_below_a_folder_that_is_not_there_is_refused(world, repo):
    said = repo.git("push", f"data::file://{world.root}/typo/registry", "main", code=128)
    assert "is no folder" in said.err
    assert not (world.root / "typo").exists()


def test_a_registry_that_went_away_is_not_made_anew(twins, pushed):
    """As a disk that is not mounted: a second, empty registry would hide the first."""
    twins.root.rename(twins.root.with_name("unmounted"))
    twins.root.mkdir()
    pushed.commit("two", file="two\n")
    said = pushed.git("push", "origin", "main", code=128)
    assert "although there was one before" in said.err
    assert [*twins.root.iterdir()] == []
    twins.root.rmdir()
    twins.root.with_name("unmounted").rename(twins.root)
    pushed.git("push", "-q", "origin", "main")


def test_an_empty_folder_becomes_one(twins, repo):
    twins.root.mkdir()
    repo.git("push", "-q", "origin", "main")
    assert clone(twins).read("file") == b"one\n"


# SHA-256


def test_a_sha256_repository(world):
    twins = Twins.make(world, "--object-format=sha256")
    repo = twins.repo("work", "--object-format=sha256")
    repo.commit("one", file="one\n")
    repo.git("tag", "-a", "-m", "v1", "v1")
    twins.push(repo, "main", "v1")
    repo.commit("two", file="two\n")
    twins.push(repo, "main")
    assert twins.manifest.object_format == "sha256"
    twins.check()
    copy = clone(twins)
    assert copy.git("rev-parse", "--show-object-format").out == "sha256\n"
    assert copy.read("file") == b"two\n"


def test_the_wrong_object_format_is_refused(twins, pushed, world):
    other = twins.repo("other", "--object-format=sha256")
    other.commit("one", file="one\n")
    said = other.git("push", "origin", "main", code=None)
    assert said.code != 0
    assert list(twins.manifest.refs.values()) == [pushed.head()]
    assert other.git("fetch", "origin", code=None).code != 0


# Shallow


def test_depth_is_honoured(twins, pushed):
    for word in ("two", "three"):
        pushed.commit(word, file=word)
        twins.push(pushed, "main")
    copy = clone(twins, "clone", "--depth=1")
    assert copy.git("rev-list", "--count", "HEAD").out == "1\n"
    assert copy.status() == ""
    copy.git("fetch", "-q", "--deepen=1")
    assert copy.git("rev-list", "--count", "HEAD").out == "2\n"
    copy.git("fetch", "-q", "--unshallow")
    assert copy.git("rev-list", "--count", "HEAD").out == "3\n"
    assert copy.git("fsck", "--full").err == ""
    assert not (copy.git_dir / "shallow").exists()


def test_a_shallow_clone_fetches_and_pushes(twins, pushed):
    pushed.commit("two", file="two\n")
    twins.push(pushed, "main")
    copy = clone(twins, "clone", "--depth=1")
    pushed.commit("three", file="three\n")
    twins.push(pushed, "main")
    copy.git("pull", "-q")
    assert copy.read("file") == b"three\n"
    assert copy.git("rev-list", "--count", "HEAD").out == "2\n"
    copy.commit("four", file="four\n")
    copy.git("push", "-q", "origin", "HEAD:main")
    pushed.git("pull", "-q", "origin", "main")
    pushed.git("push", "-q", "plain", "main")
    twins.check()


def test_what_a_shallow_clone_lacks_it_cannot_push(world, twins, pushed):
    pushed.commit("two", file="two\n")
    source = world.bare("source.git")
    pushed.git("push", "-q", str(source.path), "main")
    copy = world.clone(f"file://{source.path}", "shallow", "--depth=1")
    copy.git("remote", "add", "registry", f"data::file://{world.root}/other")
    copy.commit("three", file="three\n")
    said = copy.git("push", "registry", "main", code=1)
    assert "shallow update not allowed" in said.err
    listed = world.git("ls-remote", f"data::file://{world.root}/other")
    assert listed.out == ""


def test_a_shallow_clone_of_a_branch_from_before_the_boundary(twins, pushed):
    """What a bundle builds on is not here: then older bundles are needed."""
    for word in ("two", "three"):
        pushed.commit(word, file=word)
        twins.push(pushed, "main")
    copy = clone(twins, "clone", "--depth=1")
    pushed.git("checkout", "-q", "-b", "old", "HEAD~2")
    pushed.commit("old", old="old\n")
    twins.push(pushed, "old")
    copy.git("fetch", "-q", "origin", "old")
    assert copy.git("log", "--format=%s", "FETCH_HEAD").lines == ["old", "one"]
    assert copy.git("fsck", "--full", "--connectivity-only").err == ""


def test_a_shallow_clone_and_content_that_came_back(twins, pushed):
    """A file of before the boundary is in no tree that the clone has, and not in the new bundle."""
    pushed.commit("gone", file="other\n", big="x" * 5000)
    twins.push(pushed, "main")
    copy = clone(twins, "clone", "--depth=1")
    pushed.git("revert", "--no-edit", "HEAD")
    twins.push(pushed, "main")
    copy.git("pull", "-q")
    assert copy.read("file") == b"one\n"
    assert copy.git("fsck", "--full", "--connectivity-only").err == ""


# Other kinds of local repositories


def test_a_filter_is_not_for_a_store(twins, pushed):
    """Everything comes. And what is only looked for does not make Git fetch, which would start us
    again, and again."""
    words = ("timeout", "60", "git")
    run = twins.world.run
    copy = clone(twins, "partial", "--filter=blob:none")
    assert copy.git("rev-list", "--objects", "--all", "--missing=print").out.count("?") == 0
    pushed.commit("two", file="two\n")
    twins.push(pushed, "main")
    run(*words, "pull", "-q", cwd=copy.path)
    assert copy.read("file") == b"two\n"
    copy.commit("three", file="three\n")
    run(*words, "push", "-q", cwd=copy.path)
    pushed.git("pull", "-q", "origin", "main")
    assert pushed.read("file") == b"three\n"
    said = run(*words, "clone", "--filter=blob:none", twins.address, "noted", cwd=twins.world.root)
    assert "has no filters" in said.err


def test_from_a_partial_clone_of_elsewhere(world, twins, pushed):
    """What it lacks comes from there, when a registry has to be whole."""
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        twins.plain.git("config", name, "true")
    pushed.commit("two", file="two\n")
    pushed.git("push", "-q", "plain", "main")
    source = f"file://{twins.plain.path}"
    copy = world.clone(source, "partial", "--filter=blob:none", "--no-checkout")
    copy.git("push", "-q", f"data::file://{world.root}/whole", "main")
    whole = world.clone(f"data::file://{world.root}/whole", "whole-clone")
    assert whole.git("log", "-p", "--format=").out.count("+++") == 2
    assert whole.git("fsck", "--full").err == ""


def test_from_a_linked_work_tree_and_a_subfolder(twins, pushed):
    pushed.write("deep/er/x", "x")
    pushed.git("worktree", "add", "-q", "-b", "side", "../side")
    side = Checkout(twins.world, twins.world.root / "side")
    side.commit("side", **{"deep/file": "side\n"})
    twins.push(Checkout(twins.world, side.path / "deep"), "side")
    twins.push(Checkout(twins.world, pushed.path / "deep/er"), "main:refs/heads/below")
    twins.world.git("--git-dir", pushed.git_dir, "fetch", "-q", "origin")
    twins.check()


def test_replaced_objects_are_sent_as_they_are(twins, pushed):
    pushed.commit("two", file="two\n")
    pushed.git("replace", "HEAD~1", "HEAD")
    twins.push(pushed, "main")
    twins.check()


def test_fsck_settings_are_honoured(twins, pushed):
    tree = pushed.git("rev-parse", "HEAD^{tree}").out.strip()
    bad = f"tree {tree}\nauthor A <a> 0 +0000\ncommitter no mail 0 +0000\n\nbad\n"
    words = ("hash-object", "--literally", "-w", "-t", "commit", "--stdin")
    oid = pushed.git(*words, input=bad.encode()).out.strip()
    pushed.git("push", "-q", "origin", f"{oid}:refs/heads/bad")
    clone(twins, "careless")
    strict = clone(twins, "strict", "-c", "transfer.fsckObjects=true", code=128)
    assert "missingEmail" in strict.said.err
    named = ("-c", "fetch.fsckObjects=true", "-c", "fetch.fsck.missingEmail=ignore")
    clone(twins, "lenient", *named)


def test_a_table_of_this_test_is_no_empty_one(twins, pushed):
    pushed.commit("two", file="two\n")
    done, _ = twins.push(pushed, "main")
    assert len(table(done)) == 1


# What went on


def test_a_trace(world, twins, pushed):
    log = world.root / "trace"
    pushed.commit("two", file="two\n")
    said = pushed.git("push", "origin", "main", env={"GIT_DATA_TRACE": "1"})
    assert "git> list for-push" in said.err and "store: replace git/manifest" in said.err
    env = {"GIT_DATA_TRACE": str(log)}
    said = pushed.git("push", "origin", "main:new", "-o", "token=hunter2", env=env)
    assert "git>" not in said.err
    text = log.read_text()
    assert "git> push refs/heads/main:refs/heads/new" in text
    assert "hunter2" not in text
    world.git("ls-remote", "data::file://user:hunter3@localhost/x", code=128, env=env)
    assert "hunter3" not in log.read_text()


# What a store that anybody may have written says


def test_hostile_names_never_reach_git(world, twins, pushed):
    """A manifest that is properly sealed, and has a name for a terminal to obey."""
    path = twins.root / "git/manifest"
    found = twins.manifest
    path.write_bytes(found._replace(refs={"refs/heads/\x1b]0;owned\x07": pushed.head()}).encode())
    for words in (["ls-remote", "origin"], ["fetch", "origin"], ["push", "origin", "main"]):
        said = pushed.git(*words, code=128)
        assert "is damaged" in said.err
        assert "\x1b" not in said.err + said.out
    copy = world.git("clone", twins.address, "copy", code=128)
    assert "is damaged" in copy.err
    assert not (world.root / "copy").exists()


@pytest.mark.parametrize(
    "data", [b"", b"[" * 200_000, b"\0" * 1000, b"<html>", b"{" + b" " * (17 << 20)]
)
def test_what_is_no_manifest(world, twins, pushed, data):
    (twins.root / "git/manifest").write_bytes(data)
    for words in (["ls-remote", "origin"], ["push", "origin", "main:x"]):
        said = pushed.git(*words, code=128)
        assert "git/manifest" in said.err and "Traceback" not in said.err
    assert (twins.root / "git/manifest").read_bytes() == data


def test_a_submodule_is_refused(world, twins, pushed):
    """Git's own default: nobody's committed .gitmodules starts us."""
    above = world.repo("above")
    said = above.git("submodule", "add", twins.address, "sub", code=128)
    assert "transport 'data' not allowed" in said.err
    above.write(".gitmodules", f'[submodule "sub"]\n\tpath = sub\n\turl = {twins.address}\n')
    above.git("update-index", "--add", "--cacheinfo", f"160000,{pushed.head()},sub")
    above.git("add", ".gitmodules")
    above.git("commit", "-q", "-m", "sub")
    said = above.git("submodule", "update", "--init", code=1)
    assert "transport 'data' not allowed" in said.err
