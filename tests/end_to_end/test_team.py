"""A day in a team's life: what is wrong is stopped where it is made, and all end with the same."""

import re

import yaml

from ..helpers.framework import IDS, PRE_COMMIT
from ..helpers.world import PROJECT, Checkout, World, isolated, random_bytes
from ..test_guard import TRACKED

PAGE = (PROJECT / "docs" / "teams.md").read_text(encoding="utf-8")


def copied(framework):
    """The .pre-commit-config.yaml of the page, its repository replaced by the one tested here."""
    text = re.search(r"`.pre-commit-config.yaml`, to copy:\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)[
        1
    ]
    found = yaml.safe_load(text)
    (repo,) = found["repos"]
    assert [hook["id"] for hook in repo["hooks"]] == [*IDS]
    repo.update(repo=str(framework.source), rev=framework.revision)
    return yaml.safe_dump(found)


def test_the_page_says_what_there_is():
    offered = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text())
    assert sorted(hook["id"] for hook in offered) == sorted(IDS)
    for setting in ("data.rawLimit", "data.mergeLimit", "data.diffLimit", "data.allowStore"):
        assert PAGE.count(setting) >= 2
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    pages = [yaml.safe_load(re.sub("(?m)^  ", "", b) if b.startswith("  ") else b) for b in blocks]
    copied = {stage for page in pages for stage in page.get("default_install_hook_types", ())}
    assert copied == {stage for hook in offered for stage in hook["stages"]} - {"manual"}
    (action,) = (page for page in pages if "jobs" in page)
    steps = action["jobs"]["data"]["steps"]  # a branch's name is text of somebody else: no script
    assert not any("${{" in step.get("run", "") for step in steps)


def newcomer(world, framework):
    """Bob has Git and the pre-commit framework, and nothing of git-data."""
    home, empty = world.root.parent / "bob", world.root.parent / "no-commands"
    home.mkdir()
    empty.mkdir()
    return World(world.root, {**isolated(home, empty), **framework.env})


def same_bytes(one, other):
    def contents(repo):
        paths = (p for p in repo.path.rglob("*") if p.is_file() and ".git" not in p.parts)
        return {str(path.relative_to(repo.path)): path.read_bytes() for path in paths}

    assert contents(one) == contents(other)
    assert len(contents(one)) > 5


def test_a_day(world, framework, commands):
    # Morning: Ann begins. The server guards; the store is a folder.
    store = world.root / "registry"
    server = world.bare("server.git")
    server.git("config", "data.store", str(store))
    server.data("install", "--hook", "pre-receive")
    ann = world.repo("ann")
    ann.git("remote", "add", "origin", str(server.path))
    ann.data("store", str(store))
    ann.write(".pre-commit-config.yaml", copied(framework))
    world.env.update(framework.env)
    world.run(PRE_COMMIT, "install", cwd=ann.path)
    images = {f"images/{number}.bin": random_bytes(20_000, number) for number in range(5)}
    ann.commit("begin", **{".gitattributes": TRACKED, "notes.md": "# Notes\n", **images})
    ann.git("push", "-q", "-u", "origin", "main")

    # Bob comes. His first commit has raw content: stopped where it is made.
    desk = newcomer(world, framework)
    desk.git("clone", "-q", server.path, "bob")
    bob = Checkout(desk, world.root / "bob")
    desk.run(PRE_COMMIT, "install", cwd=bob.path)
    bob.git("checkout", "-q", "-b", "dogs")
    dog = random_bytes(30_000, 77)
    bob.write("images/dog.bin", dog)
    bob.git("add", ".")
    said = bob.git("commit", "-m", "A dog", code=1).err
    assert "images/dog.bin: its content itself is in Git, not a pointer" in said
    cure = re.search("; (git data install && git add --renormalize images/dog.bin)", said)[1]

    # He gets past it, and the server refuses, with the path, the commit and the cure.
    bob.git("commit", "-q", "--no-verify", "-m", "A dog")
    said = bob.git("push", "--no-verify", "origin", "dogs", code=1).err
    assert f"images/dog.bin (commit {bob.head()[:12]}): its content itself is in Git" in said
    assert server.git("branch", "--list", "dogs").out == ""

    # He installs git-data, does as he was told, and it passes.
    desk.env["PATH"] = f"{commands}:{desk.env['PATH']}"
    desk.run("sh", "-c", cure, cwd=bob.path)
    bob.git("commit", "-q", "--amend", "--no-edit")
    bob.data("pull")
    bob.git("push", "-q", "-u", "origin", "dogs")
    assert server.git("branch", "--list", "dogs").out.strip() == "dogs"

    # Ann takes his branch. Both then change one image: a pointer conflict.
    ann.git("fetch", "-q")
    ann.git("merge", "-q", "-m", "Dogs", "origin/dogs")
    assert ann.read("images/dog.bin") == dog
    ann.commit("Brighter", **{"images/1.bin": random_bytes(20_000, 101)})
    ann.git("push", "-q", "origin", "main")
    bob.git("checkout", "-q", "main")
    darker = random_bytes(20_000, 102)
    bob.commit("Darker", **{"images/1.bin": darker})
    said = bob.git("pull", "-q", "--no-rebase", code=1).err
    assert "theirs is beside it as images/1.bin.theirs" in said
    assert bob.read("images/1.bin") == darker
    assert bob.read("images/1.bin.theirs") == ann.read("images/1.bin")
    bob.data("resolve", "--ours", "images/1.bin")
    bob.git("commit", "-q", "-m", "Darker it is")
    bob.git("push", "-q", "origin", "main")

    # Evening: a branch on a server without the hook. CI looks at it without the data.
    fork = world.clone(server, "fork.git", "--bare")
    bob.git("checkout", "-q", "-b", "late")
    bob.write("images/lost.bin", b"never sent")
    bob.git("add", ".")
    bob.git("commit", "-q", "-m", "Lost")
    late = bob.head()
    bob.git("push", "-q", "--no-verify", str(fork.path), "late")
    skip = {"GIT_DATA_SKIP_SMUDGE": "1"}
    ci = world.clone(fork, "ci", "-b", "late", "--no-local", "--depth", "2", env=skip)
    line = ("fsck", "--pointers", f"{late}~1..HEAD")
    said = ci.data(*line, code=1)
    assert f"images/lost.bin (commit {late[:12]}): no store has its content" in said.err
    assert said.out == "1 commit, 1 file checked: 1 problem\n"
    (problem,) = ci.data(*line, "--json", code=1).json()["problems"]
    assert (problem["check"], problem["mend"]) == ("stored", "git data push")
    desk.run("sh", "-c", problem["mend"], cwd=bob.path)
    ci.data(*line)
    assert [path for path in ci.objects.rglob("*") if path.is_file()] == []
    bob.git("push", "-q", "origin", "late:main")

    # Both end with the same bytes.
    ann.git("pull", "-q")
    assert ann.read("images/lost.bin") == b"never sent"
    same_bytes(ann, bob)
    for repo in (ann, bob):
        assert repo.status() == ""
        assert repo.data("doctor", code=None).lines[-1] == "nothing is wrong"
