"""The pre-push hook: it comes by itself, and keeps what was there."""

import pytest

from git_data.hookfiles import KEPT, marker

from ..helpers.hooks import are_settings, our_hook, users_hook

MARKER = marker("pre-push")


@pytest.fixture
def origin(world):
    return world.bare("origin.git")


@pytest.fixture
def repo(world, origin):
    made = world.repo("work")
    made.git("remote", "add", "origin", str(origin.path))
    made.write(".gitattributes", "*.bin filter=data\n")
    return made


def hook_of(repo, name="pre-push"):
    return repo.path / ".git" / "hooks" / name


def add(repo, word):
    return repo.commit(**{"a.bin": word})


def data_is_there(world, origin, word, name):
    clone = world.clone(origin, name)
    assert clone.read("a.bin") == word


def test_it_comes_with_the_first_add_and_with_a_clone(world, origin, repo):
    add(repo, b"one")
    text = our_hook(repo).read_text()
    assert MARKER in text
    assert our_hook(repo).stat().st_mode & 0o111
    add(repo, b"two")
    assert our_hook(repo).read_text() == text
    assert not hook_of(repo, "pre-push" + KEPT).exists()
    repo.git("push", "-q", "origin", "main")
    clone = world.clone(origin, "clone")
    assert our_hook(clone).read_text() == text


def test_a_repository_that_was_moved_still_has_it(world, origin, repo):
    add(repo, b"one")
    moved = repo.path.rename(world.root / "moved")
    world.git("push", "-q", "origin", "main", cwd=moved)
    data_is_there(world, origin, b"one", "clone")


def test_an_older_git_is_not_left_without_it(world, origin, repo):
    """A setting that this Git does not run is no hook."""
    if are_settings():
        pytest.skip("this Git runs hooks that are settings")
    repo.git("config", "hook.git-data-pre-push.command", "true")
    repo.git("config", "hook.git-data-pre-push.event", "pre-push")
    add(repo, b"one")
    assert MARKER in our_hook(repo).read_text()


def test_an_existing_hook_is_kept_gets_its_input_and_decides(world, origin, repo):
    seen = world.root / "seen"
    script = f'#!/bin/sh\necho "$@" > {seen}\ncat >> {seen}\n'
    hook_of(repo).parent.mkdir(exist_ok=True)
    hook_of(repo).write_text(script + "exit 7\n")
    hook_of(repo).chmod(0o755)
    head = add(repo, b"one")
    repo.git("push", "origin", "main", code=1)
    assert origin.git("for-each-ref").out == ""
    users_hook(repo).write_text(script)
    repo.git("push", "-q", "origin", "main")
    told = seen.read_text().splitlines()
    assert told[0] == f"origin {origin.path}"
    assert told[1].split()[:2] == ["refs/heads/main", head]
    data_is_there(world, origin, b"one", "clone")


def test_uninstall_leaves_what_was_there_before(repo):
    hook_of(repo).parent.mkdir(exist_ok=True)
    hook_of(repo).write_text("#!/bin/sh\n# mine\n")
    hook_of(repo).chmod(0o755)
    add(repo, b"one")
    repo.git("data", "uninstall", "--local")
    assert hook_of(repo).read_text() == "#!/bin/sh\n# mine\n"
    assert not hook_of(repo, "pre-push" + KEPT).exists()


def test_uninstall_leaves_the_commands_of_others(world, repo):
    def process(*words):
        return world.git("config", "--global", *words, "filter.data.process", code=None).out

    world.git("config", "--global", "diff.data.textconv", "cat")
    world.git("config", "--global", "filter.data.process", "mine")
    said = world.git("data", "uninstall")
    assert process("--get") == "mine\n"
    assert world.git("config", "--global", "diff.data.textconv").out == "cat\n"
    assert "merge.data" not in world.git("config", "--global", "--list").out
    assert "git data uninstall --local" in said.out
    said = world.git("data", "install")
    assert "filter.data.process was mine; it is replaced" in said.err
    assert "filter-process" in process("--get")
    said = repo.git("data", "uninstall", "--local")
    assert "bring the pre-push hook back" in said.out


def test_a_hooks_path_of_the_user_is_never_written_to(world, repo):
    folder = world.root / "my-hooks"
    folder.mkdir()
    repo.git("config", "core.hooksPath", str(folder))
    repo.write("a.bin", b"one")
    said = repo.git("add", "a.bin")
    assert [*folder.iterdir()] == []
    if are_settings():
        return
    assert f"{folder}/pre-push" in said.err and 'git-data hook pre-push "$@"' in said.err


def test_a_hooks_path_inside_the_git_folder_is_ours_to_use(world, origin, repo):
    repo.git("config", "core.hooksPath", ".git/other-hooks")
    add(repo, b"one")
    if not are_settings():
        assert MARKER in (repo.path / ".git" / "other-hooks" / "pre-push").read_text()
    repo.git("push", "-q", "origin", "main")
    data_is_there(world, origin, b"one", "clone")


def test_without_the_program_a_push_that_carries_pointers_is_refused(world, origin, repo):
    repo.commit(**{"text": b"text"})
    add(repo, b"one")
    text = our_hook(repo).read_text()
    program = next(w for w in text.split() if w.endswith("git-data;")).rstrip(";").strip("'")
    our_hook(repo).write_text(text.replace(program, "/gone/git-data"))
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    said = repo.git("push", "origin", "main", code=1, env=path)
    assert "git-data is not installed" in said.err
    assert origin.git("for-each-ref").out == ""
    repo.git("push", "-q", "origin", "main~1:refs/heads/texts", env=path)
    repo.git("push", "-q", "origin", "--delete", "texts", env=path)


def test_a_data_address_uploads_by_itself(repo):
    head = add(repo, b"one")
    lines = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n".encode()
    said = repo.git("data", "hook", "pre-push", "origin", "data::s3://bucket/x", input=lines)
    assert (said.out, said.err) == ("", "")
