"""What is a text, and which Git command is above."""

import pytest

from git_data.caller import git_command
from git_data.texts import is_text


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (b"", True),
        (b"a,b\r\n1,\t2\n", True),
        ("größe\n".encode(), True),
        ("größe\n".encode("latin-1"), True),
        (b"\x1b[31mred\x1b[0m", True),
        (b"text" * 100_000 + b"\0", False),
        (b"\x89PNG\r\n\x1a\n", False),
        ("größe\n".encode("utf-16"), False),
        (bytes(range(1, 256)), False),
    ],
)
def test_texts(content, answer):
    assert is_text(content) is answer


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("git diff -w", "diff -w"),
        ("/usr/bin/git -c a.b=c -C sub --git-dir x --no-pager -p log -1", "log -1"),
        ("git --git-dir=x --exec-path=/y show", "show"),
        ("/usr/lib/git-core/git-merge-tree a b", "merge-tree a b"),
        ("git", ""),
        ("git --version", ""),
        ("/bin/sh -c git log", ""),
        ("git-data filter-process", ""),
        ("", ""),
    ],
)
def test_the_command_of_a_process(line, command):
    assert git_command(line.split()) == command.split()
