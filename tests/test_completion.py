"""What bash and zsh offer, asked as they ask."""

import os
import shutil

import pytest

from git_data.cli import COMMANDS

GIT_COMPLETION = "/usr/share/bash-completion/completions/git"

_ASK_ALONE = """
source <(git-data completion bash)
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_git_data_alone git-data "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

# As git-completion.bash calls us: its words are in these variables, its __gitcomp takes ours.
_ASK_GIT = """
source {completion}
source <(git-data completion bash)
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_LINE="${{COMP_WORDS[*]}}" COMP_POINT=${{#COMP_LINE}}
__git_wrap__git_main
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def repo(world):
    repo = world.repo()
    repo.commit("first", a=b"x")
    repo.git("tag", "v1")
    repo.git("remote", "add", "upstream", "../upstream.git")
    return repo


def alone(repo, words):
    return repo.world.run("bash", "-c", _ASK_ALONE.format(words=words), cwd=repo.path).lines


def through_git(repo, words):
    script = _ASK_GIT.format(completion=GIT_COMPLETION, words=words)
    return [line.rstrip() for line in repo.world.run("bash", "-c", script, cwd=repo.path).lines]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("git-data st", {"store", "status"}),
        ("git-data list --r", {"--recursive", "--rev"}),
        ("git-data list --rev ''", {"main", "v1"}),
        ("git-data fetch v", {"v1"}),
        ("git-data push ''", {"upstream"}),
        ("git-data completion ''", {"bash", "zsh"}),
        ("git-data track ''", {""}),
    ],
)
def test_bash_completes_the_command_alone(repo, words, offered):
    assert set(alone(repo, words)) == offered


def test_bash_offers_every_command(repo):
    assert set(alone(repo, "git-data ''")) == set(COMMANDS)


needs_git_completion = pytest.mark.skipif(
    not os.path.exists(GIT_COMPLETION), reason="Git's own completion is not installed"
)


@needs_git_completion
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("git data st", {"store", "status"}),
        ("git -C . data st", {"store", "status"}),
        ("git data list --rec", {"--recursive"}),
        ("git data list --rev v", {"v1"}),
        ("git data push ''", {"upstream"}),
    ],
)
def test_bash_completes_through_git(repo, words, offered):
    assert set(through_git(repo, words)) == offered


# Completion runs only at a prompt: here are the functions of zsh that the script calls.
_ASK_ZSH = """
_arguments () {{ if [[ $1 == -C ]]; then state=$asked; else print -rl -- "$@"; fi }}
_describe () {{ print -rl -- $commands }}
source {script}
asked=command; _git-data
asked=argument
for name in {commands}; do words=($name); _git-data; done
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_reads_the_script_and_its_specs(repo):
    script = repo.world.root / "_git-data"
    script.write_text(repo.data("completion", "zsh").out)
    repo.world.run("zsh", "-n", script)
    asked = _ASK_ZSH.format(script=script, commands=" ".join(COMMANDS))
    told = repo.world.run("zsh", "-f", "-c", asked, cwd=repo.path)
    assert told.err == ""
    assert "store:show or set where the data lies" in told.lines
    assert "--rev[a commit, branch or tag; else what is staged]:REV:_git_data_refs" in told.lines
