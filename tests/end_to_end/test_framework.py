"""Our ids in the real pre-commit framework: each stops what it should, and nothing else."""

import pytest
import yaml
from pre_commit.xargs import partition

from ..helpers.framework import IDS, PRE_COMMIT
from ..helpers.staging import commit_raw, pointer_to, stage
from ..helpers.world import Checkout, random_bytes
from ..test_guard import TRACKED
from ..test_locked import said

MANY = 10_000


@pytest.fixture
def world(bare_world, framework):
    """A machine without git-data: only the framework brings it."""
    bare_world.env.update(framework.env)
    bare_world.env["PATH"] = bare_world.env["PATH"].partition(":")[2]
    return bare_world


@pytest.fixture
def repo(world, framework):
    made = world.repo()
    large = {"args": ["--limit", "2KB"]}
    made.write(".pre-commit-config.yaml", framework.config(git_data_large_files=large))
    made.write(".gitattributes", TRACKED)
    made.git("add", ".")
    made.git("commit", "-q", "-m", "begin")
    return made


def pre_commit(repo, *words, code=0):
    """What `pre-commit run` says."""
    return repo.world.run(PRE_COMMIT, "run", *words, cwd=repo.path, code=code).out


def failed(text):
    return [line.split("hook id: ")[1] for line in text.splitlines() if "hook id" in line]


def everything_wrong(repo):
    stage(
        repo,
        **{
            "raw.bin": b"raw",
            "big": random_bytes(3000),
            ".gitdata": said("not/there", "1f0c" * 10).encode(),
        },
    )
    repo.git("checkout-index", "-a", "-f")


def test_try_repo_with_every_id(world, framework):
    """At the stage that all of them have, for each `try-repo` makes an environment of its own."""
    repo = world.repo("try")
    repo.git("remote", "add", "origin", str(world.bare("origin.git").path))
    commit_raw(repo, **{".gitattributes": TRACKED.encode(), "lost.bin": pointer_to(b"lost")})
    everything_wrong(repo)
    stage(repo, big=random_bytes(11 << 20))
    words = ("try-repo", framework.source, "--hook-stage", "pre-push")
    done = world.run(PRE_COMMIT, *words, cwd=repo.path, code=1)
    assert set(failed(done.out)) == {*IDS}
    for word in (
        "raw.bin: its content itself",
        "big: 11,534,336 bytes",
        "not/there: this import",
        "lost.bin: its content",
    ):
        assert word in done.out


def test_commits_are_stopped_and_good_ones_pass(repo):
    repo.world.run(PRE_COMMIT, "install", "-t", "pre-commit", cwd=repo.path)
    everything_wrong(repo)
    done = repo.git("commit", "-m", "x", code=1)
    assert set(failed(done.err)) == {*IDS[:3]}
    repo.git("reset", "-q", "--hard")
    stage(repo, **{"a.bin": pointer_to(b"a"), "text": b"text"})
    repo.git("checkout-index", "-a", "-f")
    repo.git("commit", "-q", "-m", "good")


def test_a_clean_merge_is_stopped(repo):
    """Git makes its commit itself, and asks `pre-merge-commit`, not `pre-commit`."""
    repo.git("checkout", "-q", "-b", "topic")
    everything_wrong(repo)
    repo.git("commit", "-q", "--no-verify", "-m", "wrong")
    repo.git("checkout", "-q", "-f", "main")
    stage(repo, text=b"text")
    repo.git("checkout-index", "-a", "-f")
    repo.git("commit", "-q", "-m", "here")
    head = repo.head()
    repo.world.run(PRE_COMMIT, "install", "-t", "pre-merge-commit", cwd=repo.path)
    done = repo.git("merge", "-m", "x", "topic", code=1)
    assert set(failed(done.err + done.out)) == {*IDS[:3]} and repo.head() == head
    repo.git("merge", "--abort")
    repo.git("branch", "-q", "good", "topic~1")
    repo.git("checkout", "-q", "good")
    stage(repo, **{"a.bin": pointer_to(b"a")})
    repo.git("commit", "-q", "-m", "good")
    repo.git("checkout", "-q", "-f", "main")
    repo.git("merge", "-q", "-m", "x", "good")


@pytest.mark.parametrize("name", IDS[:3])
def test_on_staged_files_and_on_all(repo, name):
    everything_wrong(repo)
    assert failed(pre_commit(repo, name, code=1)) == [name]
    repo.git("commit", "-q", "--no-verify", "-m", "wrong")
    (repo.path / "text").write_text("text")
    repo.git("add", "text")
    nothing_new = 0 if name != "git-data-imports" else 1  # which is always looked at
    pre_commit(repo, name, code=nothing_new)
    assert failed(pre_commit(repo, name, "--all-files", code=1)) == [name]


@pytest.mark.parametrize("name", IDS[:2])
def test_names_that_look_like_options(repo, name):
    """The framework gives them bare, in an order of its own."""
    names = ["-x.bin", "--limit", "-h", "--limit=1", "--", "plain"]
    attributes = b"* filter=data -text\n" if name == IDS[0] else b"z filter=data\n"
    stage(repo, **{".gitattributes": attributes}, **dict.fromkeys(names, b"x" * 3000))
    repo.git("checkout-index", "-a", "-f")
    for words in ([], ["--all-files"]):
        text = pre_commit(repo, name, *words, code=1)
        assert failed(text) == [name]
        assert [one for one in names if f"git-data: {one}: " not in text] == []


def test_between_two_commits(repo):
    base = repo.head()
    raw = commit_raw(repo, **{"raw.bin": b"raw", "gone.bin": b"raw", "big": random_bytes(3000)})
    repo.git("checkout-index", "-a", "-f")
    repo.git("rm", "-q", "-f", "gone.bin")
    repo.git("commit", "-q", "--no-verify", "-m", "without")
    last = repo.head()
    between = ("--from-ref", base, "--to-ref", last)
    text = pre_commit(repo, "git-data-pointers", *between, code=1)
    assert f"raw.bin (commit {raw[:12]})" in text and f"gone.bin (commit {raw[:12]})" in text
    assert "big (commit" in pre_commit(repo, "git-data-large-files", *between, code=1)
    pre_commit(repo, "git-data-pointers", "--from-ref", raw, "--to-ref", last)


def test_what_the_configuration_leaves_out(repo, framework):
    stage(repo, **{"raw.bin": b"raw"})
    repo.git("checkout-index", "-a", "-f")
    leave = {"exclude": "^raw"}
    repo.write(".pre-commit-config.yaml", framework.config(git_data_pointers=leave))
    repo.git("add", ".pre-commit-config.yaml")
    pre_commit(repo, "git-data-pointers")
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    pre_commit(repo, "git-data-pointers", "--from-ref", "HEAD~1", "--to-ref", "HEAD")


def test_what_is_pushed_has_to_be_stored(world, framework, commands, repo):
    origin = world.bare("origin.git")
    repo.git("remote", "add", "origin", str(origin.path))
    repo.world.run(PRE_COMMIT, "install", "-t", "pre-push", cwd=repo.path)
    repo.git("push", "-q", "origin", "main")
    lost = commit_raw(repo, **{"lost.bin": pointer_to(b"lost")})
    done = repo.git("push", "origin", "main", code=1)
    assert failed(done.out) == ["git-data-stored"] and "lost.bin: its content" in done.out
    stage_manual = ("git-data-stored", "--hook-stage", "pre-push")
    pre_commit(repo, *stage_manual, code=1)
    pre_commit(repo, *stage_manual, "--from-ref", "HEAD~1", "--to-ref", lost, code=1)
    content = repo.world.root / "other"
    helper = repo.world.env | {"PATH": f"{commands}:{repo.world.env['PATH']}"}
    other = world.clone(origin, content.name)
    for words in (["data", "install"], ["config", "data.store", str(origin.path)]):
        other.git(*words, env=helper)
    other.write("lost.bin", b"lost")
    other.git("add", "lost.bin", env=helper)
    other.git("commit", "-q", "-m", "x", env=helper)
    other.data("push", env=helper)
    pre_commit(repo, *stage_manual)
    repo.git("-c", "filter.data.required=false", "push", "-q", "origin", "main")


@pytest.mark.parametrize("name", IDS)
def test_in_a_worktree_and_in_a_submodule(world, repo, name):
    repo.git("remote", "add", "origin", str(world.bare("origin.git").path))
    repo.git("worktree", "add", "-q", "../linked")
    linked = Checkout(repo.world, repo.world.root / "linked")
    outer = repo.world.repo("outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo.path), "sub")
    for place in (linked, Checkout(repo.world, outer.path / "sub")):
        words = (name, "--hook-stage", "pre-push") if name == IDS[3] else (name,)
        pre_commit(place, *words, "--all-files")
        everything_wrong(place)
        if name == IDS[3]:
            commit_raw(place, **{"lost.bin": pointer_to(b"lost")})
        assert failed(pre_commit(place, *words, code=1)) == [name]


def test_silent_where_nothing_is_data(world, framework):
    repo = world.repo("plain")
    large = {"args": ["--limit", "2KB"]}
    repo.write(".pre-commit-config.yaml", framework.config(git_data_large_files=large))
    repo.write("big", random_bytes(3000))
    repo.git("add", ".")
    text = pre_commit(repo) + pre_commit(repo, "--all-files", "--hook-stage", "pre-push")
    assert failed(text) == [] and "git-data:" not in text


@pytest.mark.parametrize("name", IDS)
def test_ten_thousand_staged_files(repo, framework, name):
    """Counted, not timed: the framework splits the names over some processes of ours, and each of
    them starts a few of Git, however many names it has."""
    repo.git("remote", "add", "origin", str(repo.world.bare("origin.git").path))
    blob = repo.git("hash-object", "-w", "--stdin", input=pointer_to(b"one")).out.strip()
    names = [f"d/{n % 100}/file-{n:05}.bin" for n in range(MANY)]
    lines = "".join(f"100644 {blob}\t{path}\n" for path in names)
    repo.git("update-index", "--index-info", input=lines.encode())
    everything_wrong(repo)
    if name == IDS[3]:
        repo.git("commit", "-q", "--no-verify", "-m", "x")
    runs = as_the_framework_runs(framework, name, [*names, "raw.bin", "big"])
    assert len(runs) == (1 if name in IDS[2:] else 2)
    told, started = "", 0
    for number, words in enumerate(runs):
        trace = repo.world.root / f"trace-{number}"
        env = {"GIT_TRACE2_EVENT": str(trace)}
        told += repo.world.run(*words, cwd=repo.path, env=env, code=None).err
        started = max(started, trace.read_text().count('"event":"start"'))
    wrong = dict(zip(IDS, ("raw.bin: ", "big: ", "not/there: ", ".bin: its content"), strict=True))
    assert wrong[name] in told
    assert started < 25


def as_the_framework_runs(framework, name, names):
    """The commands of an id for these files, split as the framework splits them."""
    program = next(framework.home.glob("repo*/py_env-*/bin/git-data"))
    offered = yaml.safe_load((framework.source / ".pre-commit-hooks.yaml").read_text())
    (hook,) = (one for one in offered if one["id"] == name)
    limit = ["--limit", "2KB"] if name == IDS[1] else hook.get("args", [])
    words = [str(program), *hook["entry"].split()[1:], *limit]
    files = names if hook.get("pass_filenames", True) else []
    return partition(words, files, 1) if files else [words]
