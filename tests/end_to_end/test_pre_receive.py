"""A server that guards: what it refuses, and that it asks nobody but whom its own config names."""

import json

import pytest

from ..helpers.staging import commit_raw, pointer_to, stage
from ..helpers.world import PROJECT, random_bytes
from ..test_guard import TRACKED
from ..test_locked import said

LIMIT = "4KB"


@pytest.fixture
def server(world):
    """A bare repository with our hook; its data lies in a store of its own."""
    made = world.bare("server.git")
    store = world.root / "store"
    world.repo("maker").data("store", str(store))
    made.git("config", "data.store", str(store))
    made.git("config", "data.rawLimit", LIMIT)
    assert made.data("install", "--hook", "pre-receive").out == "the pre-receive hook is in place\n"
    return made


@pytest.fixture
def repo(world, server):
    """A clone whose pushes send data to the server's store."""
    made = world.repo("work")
    made.git("remote", "add", "origin", str(server.path))
    made.git("config", "data.store", str(world.root / "store"))
    made.commit("begin", **{".gitattributes": TRACKED, "a.bin": random_bytes(9000)})
    made.git("push", "-q", "origin", "main")
    return made


def refused(repo, *words, code=1):
    """What the server says of a push made past our own hook, a line each."""
    done = repo.git("push", "--no-verify", "origin", *words or ["HEAD:main"], code=code)
    lines = [line.removeprefix("remote: ").rstrip() for line in done.err.splitlines()]
    return [line.removeprefix("git-data: ") for line in lines if line.startswith("git-data: ")]


def head_of(server):
    return server.git("rev-parse", "main").out.strip()


def test_a_good_push_passes(server, repo):
    repo.commit(**{"b.bin": random_bytes(100_000), "doc.txt": pointer_to(b"an example")})
    repo.git("push", "-q", "origin", "main")
    assert head_of(server) == repo.head()
    repo.git("push", "-q", "origin", "main")


def test_each_thing_that_is_refused_has_its_path_commit_and_cure(server, repo):
    before = head_of(server)
    lost = repo.commit(**{"lost.bin": b"never sent"})
    raw = commit_raw(repo, **{"raw.bin": b"content", "big": b"x" * 4001, "fits": b"x" * 4000})
    assert refused(repo) == [
        f"big (commit {raw[:12]}): 4,001 bytes in Git itself, more than 4,000; git data track big "
        "&& git add --renormalize big .gitattributes && git commit --amend --no-edit",
        f"raw.bin (commit {raw[:12]}): its content itself is in Git, not a pointer: it was added "
        "without the filter; git add --renormalize raw.bin && git commit --amend --no-edit",
        f"lost.bin (commit {lost[:12]}): its content ({pointer_to(b'never sent')[23:94].decode()})"
        " is not in this server's store; send it: git data push, then push again",
        "nothing of this push was accepted",
    ]
    assert head_of(server) == before


def test_the_cures_cure(server, repo):
    lost = repo.commit(**{"lost.bin": b"never sent"})
    assert refused(repo)[0].startswith(f"lost.bin (commit {lost[:12]})")
    repo.data("push")
    assert refused(repo, code=0) == []
    assert head_of(server) == lost


def test_a_fault_that_a_later_commit_mends_is_still_one(server, repo):
    raw = commit_raw(repo, **{"raw.bin": random_bytes(5000)})
    commit_raw(repo, **{"raw.bin": pointer_to(random_bytes(9000))})
    assert [line.split(":")[0] for line in refused(repo)[:-1]] == [f"raw.bin (commit {raw[:12]})"]


def test_new_branches_tags_deletions_and_forced_pushes(server, repo):
    first = repo.head()
    repo.git("push", "-q", "origin", "HEAD:refs/heads/topic", "HEAD:refs/tags/light")
    repo.git("tag", "-a", "-m", "x", "v1")
    repo.git("push", "-q", "origin", "v1", ":refs/heads/topic", ":refs/heads/nothing", code=None)
    assert server.git("for-each-ref", "--format=%(refname)").lines == [
        "refs/heads/main",
        "refs/tags/light",
        "refs/tags/v1",
    ]
    repo.commit(**{"b.bin": b"two"})
    repo.git("push", "-q", "origin", "main")
    repo.git("reset", "-q", "--hard", first)
    bad = repo.commit(**{"c.bin": b"never sent"})
    assert refused(repo, "+main")[0].startswith(f"c.bin (commit {bad[:12]})")
    assert refused(repo, "main:refs/heads/new")[0].startswith(f"c.bin (commit {bad[:12]})")
    repo.git("push", "-q", "--force", "origin", "main")
    assert head_of(server) == bad


def test_one_bad_ref_refuses_the_whole_push(server, repo):
    good = repo.head()
    repo.git("branch", "good")
    repo.commit(**{"c.bin": b"never sent"})
    refused(repo, "good", "main")
    assert server.git("for-each-ref", "--format=%(refname) %(objectname)").lines == [
        f"refs/heads/main {good}"
    ]


def test_what_no_commit_holds(server, repo):
    """Tags of blobs and trees bring large content too."""
    big = repo.git("hash-object", "-w", "--stdin", input=random_bytes(5000)).out.strip()
    tree = repo.git("mktree", input=f"100644 blob {big}\tin tree\n".encode()).out.strip()
    repo.git("tag", "of-tree", tree)
    repo.git("tag", "-a", "-m", "x", "of-blob", big)
    assert refused(repo, "of-tree")[0].startswith("in tree: 5,000 bytes in Git itself")
    assert refused(repo, "of-blob")[0].startswith(f"{big}: 5,000 bytes")
    small = repo.git("hash-object", "-w", "--stdin", input=b"small").out.strip()
    repo.git("tag", "small", small)
    repo.git("push", "-q", "origin", "small")


def test_a_pushed_gitdata_leads_nowhere(world, server, repo):
    """Its address has the object, and does not count: it is never opened."""
    elsewhere = world.root / "elsewhere"
    repo.git("config", "--unset", "data.store")
    repo.data("store", str(elsewhere))
    repo.commit(**{"b.bin": b"sent elsewhere"})
    said = repo.git("push", "origin", "main", code=1)
    assert "to " + str(elsewhere) in said.err
    assert "b.bin (commit" in said.err and "is not in this server's store" in said.err
    server.git("config", "--add", "data.allowStore", str(elsewhere))
    repo.git("push", "-q", "origin", "main")


def test_an_import_that_lies_elsewhere_is_named_or_allowed(world, server, repo):
    source = world.repo("source")
    source.git("remote", "add", "origin", str(world.bare("source.git").path))
    source.commit(**{".gitattributes": TRACKED, "cats/one.bin": b"a cat"})
    source.git("push", "-q", "origin", "main")
    there = str(world.root / "source.git")
    tree = source.git("rev-parse", "HEAD:cats").out.strip()
    gitdata = said("cats", tree, source.head(), f"\tstore = {there}\n")
    commit_raw(repo, **{"cats/one.bin": pointer_to(b"a cat"), ".gitdata": gitdata.encode()})
    (line, _) = refused(repo)
    assert line.startswith("cats/one.bin (commit ")
    assert f"lies in {there}, where this server does not look" in line
    assert f"on the server: git config --add data.allowStore {there}" in line
    server.git("config", "--add", "data.allowStore", there)
    assert refused(repo, code=0) == []


def test_a_store_that_does_not_answer(world, server, repo):
    repo.commit(**{"b.bin": b"x"})
    repo.data("push")
    (world.root / "store").rename(world.root / "away")
    (line, _) = refused(repo)
    assert "b.bin (commit" in line and "could not be looked for" in line
    (world.root / "away").rename(world.root / "store")
    assert refused(repo, code=0) == []


def test_a_server_whose_folder_is_the_store(world, server):
    """A remote that is a folder gets the data beside its refs: that is its own place too."""
    server.git("config", "--unset", "data.store")
    repo = world.repo("plain")
    repo.git("remote", "add", "origin", str(server.path))
    repo.commit(**{".gitattributes": TRACKED, "a.bin": b"one"})
    assert "is not in this server's store" in refused(repo)[0]
    repo.git("push", "-q", "origin", "main")
    assert world.clone(server, "clone").read("a.bin") == b"one"


def test_the_hook_that_was_there_still_decides(world, server, repo):
    hook = server.path / "hooks" / "pre-receive"
    seen = world.root / "seen"
    kept = hook.with_name("pre-receive.before-git-data")
    kept.write_text(f"#!/bin/sh\ncat > {seen}\nexit 3\n")
    kept.chmod(0o755)
    repo.commit(**{"b.bin": b"two"})
    repo.git("push", "-q", "origin", "main", code=1)
    assert seen.read_text().split()[1:] == [repo.head(), "refs/heads/main"]
    kept.write_text("#!/bin/sh\nexit 0\n")
    repo.git("push", "-q", "origin", "main")
    assert server.data("uninstall", "--hook", "pre-receive").out == "the pre-receive hook is gone\n"
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_a_shallow_clone_may_push(world, server, repo):
    repo.commit(**{"b.bin": b"two"})
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(f"file://{server.path}", "shallow", "--depth=1")
    clone.git("config", "data.store", str(world.root / "store"))
    clone.commit(**{"c.bin": b"three"})
    clone.git("push", "-q", "origin", "main")
    assert head_of(server) == clone.head()


def test_without_the_program_nothing_is_accepted(world, server, repo):
    hook = server.path / "hooks" / "pre-receive"
    text = hook.read_text()
    program = next(w for w in text.split() if w.endswith("git-data;")).rstrip(";").strip("'")
    hook.write_text(text.replace(program, "/gone/git-data"))
    commit_raw(repo, text=b"x")
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = repo.git("push", "--no-verify", "origin", "main", code=1, env=path)
    assert "git-data is not installed on this server: nothing was accepted" in done.err


def test_the_script_of_the_hooks_folder(world, server, repo):
    hook = server.path / "hooks" / "pre-receive"
    hook.write_text((PROJECT / "hooks" / "pre-receive").read_text())
    repo.commit(**{"lost.bin": b"never sent"})
    assert refused(repo)[0].startswith("lost.bin (commit ")
    repo.git("push", "-q", "origin", "main")


MANY = 2000


def started_by_a_push(repo, code=0):
    """Git processes of a push made past our own hook, on both sides."""
    trace = repo.world.root / "trace"
    trace.unlink(missing_ok=True)
    env = {"GIT_TRACE2_EVENT": str(trace)}
    repo.git("push", "-q", "--no-verify", "origin", "main", code=code, env=env)
    starts = [line for line in trace.read_text().splitlines() if '"event":"start"' in line]
    return sorted(json.loads(line)["argv"][1] for line in starts)


def test_thousands_of_pointers_cost_no_more_processes_than_one(server, repo):
    """Counted, not timed: when all is well, and when nothing is."""
    server.git("config", "receive.autogc", "false")
    server.git("config", "receive.unpackLimit", "1")  # Git takes few objects in by another program
    repo.commit(**{"d/one.bin": b"one"})
    repo.data("push")
    few = started_by_a_push(repo)
    repo.commit(**{f"d/{n % 10}/{n}.bin": b"%d" % n for n in range(MANY)})
    repo.data("push")
    assert started_by_a_push(repo) == few
    assert head_of(server) == repo.head()
    repo.commit(**{"lost.bin": b"lost"})
    few = started_by_a_push(repo, code=1)
    assert "rev-list" in few and len(few) < 40
    repo.commit(**{f"d/{n % 10}/{n}.bin": b"lost %d" % n for n in range(MANY)})
    assert started_by_a_push(repo, code=1) == few


def test_a_hostile_push_does_not_harm_the_hook(server, repo):
    stage(repo, **{"new\nline.bin": b"raw", ".gitdata": b"[import\n", "\x1b[31m.bin": b"raw"})
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    lines = refused(repo)
    assert any(line.startswith("new\\nline.bin (commit") for line in lines)
    assert not any("\x1b" in line for line in lines)
