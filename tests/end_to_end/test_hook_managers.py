"""Living beside others' hooks, the real ones: whoever comes first, last or again, both work."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from git_data.hookfiles import KEPT, LEGACY, OLD, OURS, maker

from ..helpers.hooks import are_settings
from ..helpers.managers import node_modules
from ..helpers.staging import stage
from ..test_guard import TRACKED

PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
WITNESS = 'echo ran >> "$WITNESS"'
FRAMEWORK = """
repos:
- repo: local
  hooks:
  - id: witness
    name: witness
    language: system
    entry: sh -c 'echo ran >> "$WITNESS"'
    always_run: true
    pass_filenames: false
    stages: [{event}]
"""
LEFTHOOK = f"""
{{event}}:
  commands:
    witness:
      run: {WITNESS}
"""


@pytest.fixture(scope="session")
def managers(tmp_path_factory):
    return node_modules(tmp_path_factory)


class Team:
    """A repository with a remote, and how each tool puts its hook into it."""

    def __init__(self, world, managers, event):
        self.world, self.managers, self.event = world, managers, event
        self.witness = world.root / "witness"
        env = {"WITNESS": str(self.witness), "PRE_COMMIT_HOME": str(world.root / "pc")}
        world.env.update(env)
        self.origin = world.bare("origin.git")
        self.repo = world.repo("work")
        self.repo.git("remote", "add", "origin", str(self.origin.path))
        self.repo.write(".gitattributes", TRACKED)
        self.repo.git("add", ".gitattributes")
        self.repo.git("commit", "-q", "-m", "begin")
        self.hook = self.repo.path / ".git" / "hooks" / event
        self.said = []
        self.pushes = 0

    def data(self):
        if self.event == "pre-push":  # it comes by itself
            self.repo.write("a.bin", b"%d" % len(self.said))
            self.said.append(self.repo.git("add", "."))
        else:
            self.said.append(self.repo.data("install", "--hook", self.event, code=None))

    def framework(self):
        self.repo.write(".pre-commit-config.yaml", FRAMEWORK.format(event=self.event))
        self.repo.git("add", ".pre-commit-config.yaml")
        self.world.run(PRE_COMMIT, "install", "-t", self.event, cwd=self.repo.path)

    def lefthook(self):
        if not (self.repo.path / "lefthook.yml").exists():
            self.repo.write("lefthook.yml", LEFTHOOK.format(event=self.event))
        self.world.run(self.managers / "lefthook", "install", cwd=self.repo.path)

    def husky(self):
        path = self.repo.path / ".husky" / self.event
        if not path.exists():
            self.repo.write(f".husky/{self.event}", WITNESS + "\n")
        self.world.run(self.managers / "husky", cwd=self.repo.path)

    def follow_advice(self):
        """Do what the last words of ours say."""
        command = self.said[-1].err.rstrip().rpartition("run: ")[2]
        self.world.run("sh", "-c", command, cwd=self.repo.path)

    def both_work(self):
        """Ours and the other's hook run, once each."""
        self.witness.unlink(missing_ok=True)
        self.pushes += 1
        if self.event == "pre-push":
            self.repo.commit(**{"a.bin": b"push %d" % self.pushes})
            self.repo.git("push", "-q", "origin", "main")
            clone = self.world.clone(self.origin, "clone", "-c", "core.hooksPath=/dev/null")
            assert clone.read("a.bin") == b"push %d" % self.pushes
            shutil.rmtree(clone.path)
        else:
            stage(self.repo, **{"raw.bin": b"raw content"})
            self.repo.write("raw.bin", b"raw content")
            said = self.repo.git("commit", "-q", "-m", "x", code=1)
            assert "raw.bin: its content itself is in Git" in said.err
            self.repo.git("rm", "-q", "-f", "raw.bin")
            self.witness.unlink(missing_ok=True)
            self.repo.commit(text=b"commit %d" % self.pushes)
        assert self.witness.read_text() == "ran\n"


@pytest.fixture(params=["pre-push", "pre-commit"])
def team(world, managers, request):
    return Team(world, managers, request.param)


def in_order(team, other, order):
    for who in order.split():
        (team.data if who == "data" else getattr(team, other))()


AGAIN = ["data other data", "other data other"]
ORDERS = ["data other", "other data", *AGAIN]


@pytest.mark.parametrize("order", ORDERS)
def test_the_pre_commit_framework(team, order):
    in_order(team, "framework", order)
    team.both_work()


@pytest.mark.parametrize("order", ORDERS)
def test_lefthook(team, order):
    in_order(team, "lefthook", order)
    if team.event == "pre-commit" and order.endswith("other"):
        team.data()  # nothing of ours runs before a commit; doctor tells (below)
    team.both_work()
    names = sorted(path.name for path in team.hook.parent.iterdir() if team.event in path.name)
    assert [name for name in names if not name.endswith(".sample")] == [
        team.event,
        team.event + KEPT,
    ]


@pytest.mark.parametrize("order", ORDERS)
def test_husky(team, order):
    in_order(team, "husky", order)
    if order.endswith("other"):
        team.data()
    folder = team.repo.path / ".husky" / "_"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    team.follow_advice()
    team.both_work()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    team.husky()
    team.data()
    assert team.said[-1].err == ""
    team.both_work()


def test_the_line_in_lefthooks_own_configuration(team):
    """Then lefthook runs ours, and may write its hook anew as often as it likes."""
    team.lefthook()
    team.data()
    doctor = team.repo.data("doctor", "--json", code=None).json()
    if are_settings():  # lefthook does not touch those: there is nothing to advise
        team.lefthook()
        team.both_work()
        assert not any(h["check"] == f"{team.event} hook" for h in doctor["hints"])
        return
    hint = next(h["mend"] for h in doctor["hints"] if h["check"] == f"{team.event} hook")
    entry = hint.partition(": ")[2].partition(": commands: ")[2]
    text = (team.repo.path / "lefthook.yml").read_text().rstrip()
    command = entry.partition(": ")[2]
    team.repo.write("lefthook.yml", f"{text}\n    git-data: {command}\n")
    team.repo.data("uninstall", "--hook", team.event)
    team.lefthook()
    team.data()
    assert maker(str(team.hook), team.event) == "lefthook"
    team.both_work()


@pytest.mark.parametrize("other", ["framework", "lefthook"])
@pytest.mark.parametrize("order", AGAIN)
def test_uninstall_leaves_the_other(team, other, order):
    in_order(team, other, order)
    team.repo.git("add", ".")
    team.repo.data("uninstall", "--local")
    left = [path for path in team.hook.parent.iterdir() if path.name.startswith(team.event)]
    assert [path.name for path in left if not path.name.endswith(".sample")] == [team.event]
    assert maker(str(team.hook), team.event) not in ("", OURS)
    team.witness.unlink(missing_ok=True)
    team.repo.data("uninstall")  # or the filter would put the pre-push hook back
    team.repo.write("text", b"text")
    team.repo.git("add", "text")
    team.repo.git("commit", "-q", "-m", "x")
    if team.event == "pre-push":
        team.repo.git("push", "-q", "origin", "main")
    assert team.witness.read_text() == "ran\n"


@pytest.mark.parametrize("other", ["framework", "lefthook"])
def test_a_hook_of_a_person_under_ours_under_another_tools(team, other):
    """A hand-written hook that we kept still runs when another tool comes after us."""
    mine = team.world.root / "mine"
    team.hook.parent.mkdir(exist_ok=True)
    team.hook.write_text(f"#!/bin/sh\n# mine\necho ran >> {mine}\n")
    team.hook.chmod(0o755)
    for who in ("data", other, "data"):
        getattr(team, who)()
    mine.unlink(missing_ok=True)
    team.both_work()
    assert mine.read_text().splitlines()[-1] == "ran"
    team.repo.data("uninstall", "--local")
    kept = [path for path in team.hook.parent.iterdir() if "# mine" in path.read_text()]
    where = {"framework": LEGACY, "lefthook": OLD}  # as if we had never been there
    assert [path.name for path in kept] == [team.event + where[other]]


@pytest.mark.parametrize("where", ["outside", ".githooks"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_hooks_path_of_a_persons_own(team, where, exists):
    folder = team.world.root / where if where == "outside" else team.repo.path / where
    folder.mkdir()
    hook = folder / team.event
    if exists:
        hook.write_text(f"#!/bin/sh\n{WITNESS}\n")
        hook.chmod(0o755)
    team.repo.git("config", "core.hooksPath", str(folder) if where == "outside" else where)
    before = [(path.name, path.read_bytes()) for path in folder.iterdir()]
    team.data()
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == before
    team.follow_advice()
    if not exists:
        with open(hook, "a") as file:
            file.write(WITNESS + "\n")
    team.both_work()
    team.data()
    assert team.said[-1].err == ""


def test_hooks_in_config_where_git_has_them(team):
    """This Git does not run them (2.54 does): only that they are written and taken out."""
    real = shutil.which("git")
    shim = team.world.root / "shim"
    shim.mkdir()
    text = f'#!/bin/sh\n[ "$*" = version ] && exec echo git version 2.54.0\nexec {real} "$@"\n'
    (shim / "git").write_text(text)
    (shim / "git").chmod(0o755)
    env = {"PATH": f"{shim}{os.pathsep}{team.world.env['PATH']}"}
    for _ in range(2):  # not through Git, which would find itself first
        install = ("git-data", "install", "--hook", team.event)
        team.world.run(*install, cwd=team.repo.path, env=env)
    section = f"hook.git-data-{team.event}"
    got = team.repo.git("config", "--get-regexp", rf"^{section}\.").lines
    command = got[0].split(" ", 1)[1]
    assert len(got) == 2 and got[1] == f"{section}.event {team.event}"
    there = team.world.run("sh", "-c", f"readlink -f {command}", cwd=team.repo.path).out.strip()
    assert os.access(there, os.X_OK) and maker(there, team.event) == OURS
    assert not team.hook.exists()
    team.repo.data("uninstall", "--local")
    team.repo.git("config", "--get-regexp", rf"^{section}\.", code=1)
