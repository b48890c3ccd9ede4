"""Every kind of clone and work tree has its data, and pushes it. What single commands leave behind
is the command matrix's; here it is where the data comes from and goes to."""

import re
import tarfile
from io import BytesIO

import pytest

from ..helpers.world import Checkout, random_bytes

FILES = {"a.bin": b"a v3", "sub/s.bin": random_bytes(60_000), "other/o.bin": random_bytes(9000, 1)}


@pytest.fixture
def origin(world):
    made = world.bare("origin.git")
    for name in ("allowFilter", "allowAnySHA1InWant"):
        made.git("config", f"uploadpack.{name}", "true")
    return made


@pytest.fixture
def repo(world, origin):
    """Three commits, pushed; a.bin differs in each."""
    world.git("config", "--global", "protocol.file.allow", "always")
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", "*.bin filter=data diff=data merge=data -text\n")
    made.commit("v1", **{"a.bin": b"a v1", "sub/s.bin": FILES["sub/s.bin"]})
    made.commit("v2", **{"a.bin": b"a v2"})
    made.commit("v3", **FILES)
    made.git("push", "-q", "origin", "main")
    return made


def is_pointer(data):
    return data.startswith(b"version git-data/1\n") and len(data) < 200


def check(checkout, files=FILES):
    assert {name: checkout.read(name) for name in files} == files
    assert checkout.status() == ""


def url(origin):
    return f"file://{origin.path}"


def push_comes_through(world, origin, checkout, name="checked"):
    """A commit made there arrives, with its data, in an ordinary clone."""
    checkout.git("checkout", "-q", "-B", "mine")
    checkout.commit(**{"sub/new.bin": name.encode()})
    checkout.git("push", "-q", "origin", "mine")
    clone = world.clone(origin, name, "-b", "mine")
    assert clone.said.err == ""
    check(clone, {**FILES, "sub/new.bin": name.encode()})


# How one clones

OPTIONS = {
    "path": (),
    "depth": ("--depth=1",),
    "exclude": ("--shallow-exclude=v1tag",),
    "single": ("--single-branch",),
    "no-blobs": ("--filter=blob:none",),
    "no-trees": ("--filter=tree:0",),
    "small-blobs": ("--filter=blob:limit=1k",),
    "separate": ("--separate-git-dir=ROOT/gitdir",),
    "template": ("--template=",),
    "a-tag": ("-b", "v2tag", "-c", "advice.detachedHead=false"),
    "jobs": ("-j4", "--recurse-submodules"),
}


def test_each_kind_has_its_data_and_pushes(world, origin, repo):
    repo.git("tag", "v1tag", "main~2")
    repo.git("tag", "v2tag", "main~1")
    repo.git("push", "-q", "origin", "v1tag", "v2tag")
    for name, words in OPTIONS.items():
        clone = world.clone(
            url(origin), name, *(word.replace("ROOT", str(world.root)) for word in words)
        )
        assert clone.said.err == "", name
        if name == "a-tag":
            check(clone, {"a.bin": b"a v2"})
            clone.git("checkout", "-q", "main")
        check(clone)
        clone.git("checkout", "-q", "-b", name)
        clone.commit(**{"sub/new.bin": name.encode()})
        clone.git("push", "-q", "origin", name)
    check_branches(world.clone(origin, "checked"), OPTIONS)


def check_branches(clone, names):
    for name in names:
        assert clone.git("checkout", "-q", name).err == ""
        check(clone, {**FILES, "sub/new.bin": name.encode()})


@pytest.mark.parametrize("how", ["--reference", "--shared", "--dissociate"])
def test_a_clone_that_borrows_objects(world, origin, repo, how):
    words = {"--shared": ["--shared", str(repo.path)]}.get(
        how, ["--reference", str(repo.path), url(origin)]
    )
    if how == "--dissociate":
        words.insert(0, how)
    world.git("clone", "-q", *words, "clone")
    clone = Checkout(world, world.root / "clone")
    check(clone)
    clone.git("remote", "set-url", "origin", str(origin.path))
    push_comes_through(world, origin, clone)


def test_a_bundle_with_a_named_store(world, repo):
    repo.git("data", "store", str(world.root / "store"))
    repo.commit()
    repo.data("push")
    repo.git("bundle", "create", "-q", str(world.root / "all.bundle"), "main")
    clone = world.clone(world.root / "all.bundle", "clone", "-b", "main")
    assert clone.said.err == ""
    check(clone)


def test_a_mirror_is_pushed_on(world, origin, repo):
    """A bare repository pushes too: its data comes from the store it was cloned with."""
    world.git("clone", "-q", "--mirror", str(origin.path), "mirror.git")
    second = world.bare("second.git")
    mirror = Checkout(world, world.root / "mirror.git")
    mirror.git("data", "install", "--local")
    mirror.data("push", str(second.path))
    mirror.git("push", "-q", str(second.path), "main")
    (origin.path / "data").rename(world.root / "away")
    clone = world.clone(second)
    assert clone.said.err == ""
    check(clone)


# What a partial clone fetches


@pytest.mark.parametrize("filter_", ["blob:none", "tree:0"])
def test_a_push_from_a_partial_clone_fetches_nothing(world, origin, repo, filter_):
    clone = world.clone(url(origin), "clone", f"--filter={filter_}")
    check(clone)
    clone.commit(**{"sub/new.bin": b"new"})
    trace = world.root / "trace"
    clone.git("push", "-q", "origin", "main", env={"GIT_TRACE": str(trace)})
    commands = trace.read_text()
    assert "pre-push" in commands
    assert not [line for line in commands.splitlines() if " fetch " in line]
    check(world.clone(origin, "checked"), {**FILES, "sub/new.bin": b"new"})


# Work trees


def test_linked_work_trees_share_one_cache(world, origin, repo):
    clone = world.clone(origin)
    clone.git("worktree", "add", "-q", "../linked", "main~1")
    linked = Checkout(world, world.root / "linked")
    assert linked.read("a.bin") == b"a v2"
    assert linked.status() == ""
    assert linked.objects == clone.objects
    (origin.path / "data").rename(world.root / "away")
    clone.git("checkout", "-q", "--detach", "main~1")  # the other one has fetched it
    assert clone.read("a.bin") == b"a v2"
    (world.root / "away").rename(origin.path / "data")
    linked.git("checkout", "-q", "-B", "mine", "main")
    linked.commit(**{"sub/new.bin": b"new"})
    linked.git("push", "-q", "origin", "mine")
    check(world.clone(origin, "checked", "-b", "mine"), {**FILES, "sub/new.bin": b"new"})


def test_a_sparse_checkout_fetches_what_it_shows(world, origin, repo):
    clone = world.clone(url(origin), "clone", "--sparse")
    assert clone.read("a.bin") == FILES["a.bin"]
    assert not (clone.path / "sub").exists()
    assert cached(clone) == 1
    clone.git("sparse-checkout", "set", "sub")
    assert clone.read("sub/s.bin") == FILES["sub/s.bin"]
    assert cached(clone) == 2
    clone.write("sub/new.bin", b"new")
    clone.git("add", "sub/new.bin")
    clone.git("commit", "-q", "-m", "new")
    clone.git("push", "-q", "origin", "main")
    clone.git("sparse-checkout", "disable")
    check(clone, {**FILES, "sub/new.bin": b"new"})
    check(world.clone(origin, "checked"), {**FILES, "sub/new.bin": b"new"})


def cached(checkout):
    return sum(path.is_file() for path in checkout.objects.rglob("*"))


def test_submodules_have_their_own_data(world, origin, repo):
    top = world.repo("top")
    top_origin = world.bare("top.git")
    top.git("remote", "add", "origin", str(top_origin.path))
    top.write(".gitattributes", "*.bin filter=data\n")
    top.git("submodule", "add", "-q", str(origin.path), "module")
    top.commit(**{"top.bin": b"top"})
    assert top.read("module/a.bin") == FILES["a.bin"]
    top.git("push", "-q", "origin", "main")
    clone = world.clone(top_origin, "clone", "--recurse-submodules")
    assert clone.said.err == ""
    module = Checkout(world, clone.path / "module")
    check(module)
    check(clone, {"top.bin": b"top"})
    module.git("checkout", "-q", "-B", "mine")
    module.commit(**{"sub/new.bin": b"new"})
    clone.commit("with the module's change")
    module.git("push", "-q", "origin", "mine")
    clone.git("push", "-q", "origin", "main")
    again = world.clone(top_origin, "again", "--recurse-submodules")
    check(Checkout(world, again.path / "module"), {**FILES, "sub/new.bin": b"new"})


def test_a_repository_inside_another_folder_than_its_work_tree(world, origin, repo):
    env = {"GIT_DIR": str(world.root / "hidden"), "GIT_WORK_TREE": str(world.root / "tree")}
    (world.root / "tree").mkdir()
    world.git("init", "-q", "-b", "main", env=env)
    world.git("remote", "add", "origin", str(origin.path), env=env)
    world.git("pull", "-q", "origin", "main", env=env)
    tree = Checkout(world, world.root / "tree")
    assert {name: tree.read(name) for name in FILES} == FILES
    assert world.git("status", "--porcelain", env=env, cwd=tree.path).out == ""


# History, looked at and rewritten


def test_stash_brings_back_what_was_there(repo):
    repo.write("a.bin", b"mine")
    repo.write("untracked.bin", b"mine too")
    repo.git("stash", "-q", "-u")
    check(repo)
    repo.git("stash", "pop", "-q")
    assert repo.read("a.bin") == b"mine" and repo.read("untracked.bin") == b"mine too"
    assert repo.status() == " M a.bin\n?? untracked.bin\n"


def test_a_stash_survives_without_any_store(world, origin, repo):
    clone = world.clone(origin)
    clone.write("a.bin", b"never pushed")
    clone.git("stash", "-q")
    (origin.path / "data").rename(world.root / "away")
    clone.git("stash", "pop", "-q")
    assert clone.read("a.bin") == b"never pushed"


def test_rebase_and_push_by_force(world, origin, repo):
    repo.git("checkout", "-q", "-b", "side", "main~1")
    for number in range(3):
        repo.commit(**{f"side{number}.bin": b"side %d" % number})
    repo.git("rebase", "-q", "main")
    side = {f"side{number}.bin": b"side %d" % number for number in range(3)}
    check(repo, {**FILES, **side})
    repo.git("push", "-q", "origin", "side")
    repo.git("rebase", "-q", "--exec", "test $(wc -c <a.bin) = 4", "--force-rebase", "main")
    repo.git("commit", "-q", "--amend", "-m", "other")
    repo.git("push", "-q", "--force", "origin", "side")
    check(world.clone(origin, "checked", "-b", "side"), {**FILES, **side})


def test_bisect_run_reads_the_data_of_each_commit(world, origin, repo):
    clone = world.clone(origin)
    clone.git("bisect", "start", "main", "main~2")
    said = clone.git("bisect", "run", "grep", "-q", "-e", "a v1", "-e", "a v2", "a.bin")
    assert re.search("is the first '?bad'? commit", said.out)  # quoted since Git 2.5x
    assert clone.git("rev-parse", "refs/bisect/bad").out == repo.git("rev-parse", "main").out
    clone.git("bisect", "reset")
    check(clone)


def test_an_archive_has_the_content(world, origin, repo):
    clone = world.clone(origin)
    clone.forget_data()
    clone.git("archive", "-o", str(world.root / "a.tar"), "HEAD")
    with tarfile.open(fileobj=BytesIO((world.root / "a.tar").read_bytes())) as archive:
        assert {name: archive.extractfile(name).read() for name in FILES} == FILES


def test_a_diff_of_versions_shows_sizes_and_lines(repo):
    """A change of the work tree is shown likewise."""
    text = repo.git("diff", "main~1", "main", "--", "a.bin").out
    assert "-git-data: 4 bytes, blake3:" in text and "-a v2" in text and "+a v3" in text
    repo.write("a.bin", b"changed")
    text = repo.git("diff", "--", "a.bin").out
    assert "+git-data: 7 bytes, blake3:" in text and "+changed" in text


def test_cherry_pick_and_revert_of_what_is_not_here(world, origin, repo):
    clone = world.clone(origin)
    assert cached(clone) == 3
    clone.git("revert", "--no-edit", "HEAD")
    assert clone.read("a.bin") == b"a v2"
    assert not (clone.path / "other/o.bin").exists()
    clone.git("cherry-pick", "main@{1}")
    check(clone)


# Without the data, on purpose or not


def test_skipping_at_clone_then_pulling(world, origin, repo):
    clone = world.clone(origin, env={"GIT_DATA_SKIP_SMUDGE": "1"})
    assert clone.said.err == ""
    assert all(is_pointer(clone.read(name)) for name in FILES)
    assert clone.status() == ""
    assert not clone.objects.exists() or cached(clone) == 0
    clone.commit(**{"sub/new.bin": b"new"})
    clone.git("push", "-q", "origin", "main")
    assert all(is_pointer(clone.read(name)) for name in FILES)
    clone.data("pull", "sub")
    assert clone.read("sub/s.bin") == FILES["sub/s.bin"]
    assert is_pointer(clone.read("a.bin"))
    clone.data("pull")
    check(clone, {**FILES, "sub/new.bin": b"new"})


@pytest.mark.parametrize("name", ["data.skipSmudge", "data.strict"])
def test_the_settings_of_git_do_as_the_variables(world, origin, repo, name):
    world.git("config", "--global", name, "true")
    if name == "data.strict":
        (origin.path / "data").rename(world.root / "away")
        world.clone(origin, code=128)
        world.git("clone", "-q", origin.path, "again", env={"GIT_DATA_STRICT": "0"})
    else:
        clone = world.clone(origin)
        assert is_pointer(clone.read("a.bin"))
        clone.git("checkout", "-q", "main~1", env={"GIT_DATA_SKIP_SMUDGE": "0"})
        assert clone.read("a.bin") == b"a v2"


def test_strict_at_clone_and_all_is_there(world, origin, repo):
    clone = world.clone(origin, env={"GIT_DATA_STRICT": "1"})
    assert clone.said.err == ""
    check(clone)


def test_strict_names_what_is_missing_and_the_clone_can_go_on(world, origin, repo):
    (origin.path / "data").rename(world.root / "away")
    clone = world.clone(origin, code=128, env={"GIT_DATA_STRICT": "1"})
    assert "a.bin" in clone.said.err
    assert clone.path.exists()  # Git keeps it: "Clone succeeded, but checkout failed"
    (world.root / "away").rename(origin.path / "data")
    clone.git("checkout", "-q", "-f", "HEAD", env={"GIT_DATA_STRICT": "1"})
    check(clone)


def test_a_clone_without_the_package_then_with_it(world, origin, repo):
    config = world.home / ".gitconfig"
    installed = config.read_text()
    config.write_text("")
    clone = world.clone(origin, env={"PATH": "/usr/bin:/bin"})
    assert clone.said.err == ""
    assert all(is_pointer(clone.read(name)) for name in FILES)
    assert clone.status() == ""
    clone.write("text", "committed without git-data\n")
    clone.git("add", "text")
    clone.git("commit", "-q", "-m", "text")
    assert "git data install" in clone.data("pull", code=1).err
    config.write_text(installed)
    assert clone.status() == ""
    clone.data("pull")
    check(clone)
    push_comes_through(world, origin, clone)
