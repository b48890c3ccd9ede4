"""A registry is its own data store: nothing to configure, for a push, a clone or a checkout."""

import shutil

import pytest

from ..helpers.world import Checkout, random_bytes

TRACKED = "*.bin filter=data diff=data merge=data -text\n"
ONE, TWO = random_bytes(60_000, 1), random_bytes(70_000, 2)


@pytest.fixture
def root(world):
    return world.root / "registry"


@pytest.fixture
def repo(world, root):
    made = world.repo("work")
    made.git("remote", "add", "origin", f"data::file://{root}")
    made.write(".gitattributes", TRACKED)
    made.commit("one", **{"a.bin": ONE, "text": "text\n"})
    return made


@pytest.fixture
def pushed(repo):
    repo.git("push", "-q", "-u", "origin", "main")
    return repo


def naked(world):
    """The package is installed, and `git data install` was never run."""
    (world.home / ".gitconfig").write_text("")
    return world


def clone(world, root, name="clone", *options, **how):
    return world.clone(f"data::file://{root}", name, *options, **how)


def test_a_clone_on_a_fresh_machine_has_its_data(world, root, repo):
    said = repo.git("push", "origin", "main")
    assert f"git-data: 1 object (60.0 KB, 60.2 KB sent) to file://{root}" in said.err
    assert sorted(path.name for path in root.iterdir()) == ["data", "git", "tmp"]
    copy = clone(naked(world), root)
    assert copy.said.err == ""
    assert copy.read("a.bin") == ONE
    assert copy.status() == ""
    assert (copy.git_dir / "hooks/pre-push").is_file()


def test_a_checkout_fetches_what_it_needs(world, root, pushed):
    pushed.git("checkout", "-q", "-b", "side")
    pushed.commit("two", **{"a.bin": TWO})
    pushed.git("push", "-q", "origin", "side")
    copy = clone(naked(world), root)
    assert len([path for path in copy.objects.rglob("*") if path.is_file()]) == 1
    said = copy.git("checkout", "-q", "side")
    assert said.err == ""
    assert copy.read("a.bin") == TWO
    assert copy.status() == ""


def test_a_clone_pushes_data_on(world, root, pushed):
    copy = clone(naked(world), root)
    copy.commit("two", **{"b.bin": TWO})
    said = copy.git("push")
    assert "1 object" in said.err
    pushed.git("pull", "-q")
    assert pushed.read("b.bin") == TWO


def test_nothing_skips_the_data(world, root, repo):
    repo.git("push", "-q", "--no-verify", "origin", "main")
    assert clone(naked(world), root).read("a.bin") == ONE


def test_missing_data_stops_the_push(root, repo):
    repo.forget_data()
    (repo.path / "a.bin").unlink()
    said = repo.git("push", "--porcelain", "origin", "main", "main:new", code=1)
    assert "a.bin: its content" in said.err
    assert "Traceback" not in said.err
    assert len([line for line in said.lines if line.startswith("!")]) == 2
    assert repo.git("ls-remote", "origin").out == ""


def test_a_dry_run_sends_no_data(root, pushed):
    before = sorted(root.rglob("*"))
    pushed.commit("two", **{"a.bin": TWO})
    pushed.git("push", "--dry-run", "origin", "main")
    assert sorted(root.rglob("*")) == before


def test_a_refused_push_sends_no_data(world, root, pushed):
    copy = clone(world, root)
    pushed.commit("theirs", text="theirs\n")
    pushed.git("push", "-q", "origin", "main")
    before = sorted(root.rglob("*"))
    copy.commit("ours", **{"b.bin": TWO})
    copy.git("push", code=1)
    assert sorted(root.rglob("*")) == before


def test_gitdata_may_name_another_store(world, root, repo):
    repo.git("data", "store", str(world.root / "store"))
    repo.commit("store")
    repo.git("push", "-q", "origin", "main")
    assert not (root / "data").exists()
    assert (world.root / "store/data/manifest").is_file()
    copy = clone(naked(world), root)
    assert copy.read("a.bin") == ONE


def test_the_hook_of_the_user_runs_once(world, repo):
    hook = repo.git_dir / "hooks/pre-push"
    kept = hook.with_name("pre-push.before-git-data")
    kept.write_text('#!/bin/sh\ncat >>"$0.log"; echo "$@" >>"$0.log"; exit ${REFUSE-0}\n')
    kept.chmod(0o755)
    assert hook.is_file()
    repo.git("push", "origin", "main", env={"REFUSE": "3"}, code=1)
    assert repo.git("ls-remote", "origin", code=128).out == ""
    repo.git("push", "-q", "origin", "main")
    lines = kept.with_name(kept.name + ".log").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["refs/heads/main", "origin"] * 2


def test_without_git_data_a_push_needs_no_hook(repo):
    """The hook lets data:: remotes pass even where git-data is gone: their helper is gone too."""
    hook = repo.git_dir / "hooks/pre-push"
    words = ["sh", hook, "origin", "data::s3://bucket/registry"]
    said = repo.world.run(*words, cwd=repo.path, env={"PATH": "/usr/bin:/bin"}, input=b"")
    assert said.err == ""


def test_for_a_data_remote_the_hook_starts_nothing(world, repo):
    """Not even to find out that there is nothing to do: here it would find no repository."""
    words = ["sh", repo.git_dir / "hooks/pre-push", "origin", "data::s3://bucket/registry"]
    outside = world.root / "outside"
    outside.mkdir()
    said = world.run(*words, cwd=outside, input=b"", env={"GIT_CEILING_DIRECTORIES": world.root})
    assert said.err == ""


# The commands of git data


def test_git_data_knows_the_registry(world, root, pushed):
    assert "data goes to: file://" in pushed.data("store").out
    assert "named by: remote origin" in pushed.data("store").out
    pushed.commit("two", **{"b.bin": TWO})
    assert pushed.data("status", "--json").json()["not_in_store"]
    assert "1 object" in pushed.data("push").err
    assert not pushed.data("status", "--json").json()["not_in_store"]
    copy = clone(world, root, "copy", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    assert copy.read("a.bin") != ONE
    copy.data("pull")
    assert copy.read("a.bin") == ONE
    assert pushed.data("doctor").out.endswith("nothing is wrong\n")


def test_before_the_first_push(repo, root):
    assert "the first push makes it one" in repo.data("store").out
    repo.git("push", "-q", "origin", "main")
    assert "answers" in repo.data("store").out


def test_a_work_tree_elsewhere_and_a_linked_one(world, root, pushed):
    pushed.git("worktree", "add", "-q", "-b", "side", "../side")
    side = Checkout(world, world.root / "side")
    assert side.read("a.bin") == ONE
    side.commit("side", **{"s.bin": TWO})
    side.git("push", "-q", "origin", "side")
    copy = clone(naked(world), root, "clone", "--separate-git-dir", str(world.root / "apart"))
    copy.git("checkout", "-q", "side")
    assert copy.read("s.bin") == TWO


@pytest.mark.parametrize("options", [["--depth=1"], ["--bare"], ["--sparse"], ["-b", "main"]])
def test_kinds_of_clones(world, root, pushed, options):
    copy = clone(naked(world), root, "clone", *options)
    if options == ["--bare"]:
        assert copy.git("config", "filter.data.required").out == "true\n"
        return
    assert copy.read("a.bin") == ONE
    assert copy.status() == ""


def test_data_that_is_gone_leaves_a_pointer(world, root, pushed):
    shutil.rmtree(root / "data")
    copy = clone(naked(world), root)
    assert "a.bin" in copy.said.err and "git data pull" in copy.said.err
    assert copy.read("text") == b"text\n"
    assert copy.status() == ""
