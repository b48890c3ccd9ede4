"""Every question put to Git. Nothing else starts it.

Output is NUL-separated wherever Git offers it; paths are bytes, as Git has them.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, NoReturn

from .errors import GitError

# Variables that tie a Git command to one repository (git rev-parse --local-env-vars).
LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_QUARANTINE_PATH",
)
_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PATH_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")


class Location(NamedTuple):
    """Where a repository is; absolute paths."""

    git_dir: str  # this work tree's own
    common_dir: str  # shared by all work trees
    work_tree: str | None  # None: bare
    object_format: str  # sha1 or sha256


class Git:
    """Git, run in one folder with one environment."""

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self.folder = os.path.abspath(folder)
        self.environ = dict(environ)
        # Git 2.39 sets this in `checkout --recurse-submodules`, and then every command dies.
        self.environ.pop("GIT_INTERNAL_SUPER_PREFIX", None)
        for name in _PATH_VARIABLES:
            if value := self.environ.get(name):
                self.environ[name] = os.path.abspath(value)

    def elsewhere(self, folder: str, **variables: str) -> Git:
        """Git for another repository: nothing of this one's environment leaks in."""
        kept = {name: value for name, value in self.environ.items() if name not in LOCAL_VARIABLES}
        kept = {
            n: v
            for n, v in kept.items()
            if not n.startswith(("GIT_CONFIG_KEY", "GIT_CONFIG_VALUE"))
        }
        return Git(folder, {**kept, **variables})

    def run(self, *arguments: str | bytes, input: bytes | None = None) -> bytes:
        """What the command writes to standard output; GitError when it fails."""
        status, out, err = self.attempt(*arguments, input=input)
        if status != 0:
            name = next((a for a in map(os.fsdecode, arguments) if not a.startswith("-")), "")
            reason = err.decode(errors="replace").strip().splitlines() or [f"exit status {status}"]
            raise GitError(f"git {name} failed in {self.folder}: {reason[-1]}")
        return out

    def attempt(
        self, *arguments: str | bytes, input: bytes | None = None
    ) -> tuple[int, bytes, bytes]:
        """Exit status, standard output, standard error: for questions that may have no answer."""
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.folder,
                env=self.environ,
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise GitError(
                f"cannot run git: {error.strerror}", "install Git 2.30 or newer"
            ) from error
        return done.returncode, done.stdout, done.stderr

    def line(self, *arguments: str) -> str | None:
        """The one line that the command answers, or None when it fails."""
        status, out, _ = self.attempt(*arguments)
        return os.fsdecode(out.removesuffix(b"\n")) if status == 0 else None

    def start(
        self, *arguments: str | bytes, stdin: int | None = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        """A running command with pipes for its standard input and output."""
        return subprocess.Popen(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
        )

    def stream(
        self,
        *arguments: str | bytes,
        source: int | bytes,
        target: int | None = None,
        silent: bool = False,
    ) -> tuple[int, bytes]:
        """Exit status and output (empty if it goes to the open file `target`) of a command that
        reads bytes, or an open file from where it stands. Unless `silent`, the user sees what it
        has to say."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environ,
            input=source if isinstance(source, bytes) else None,
            stdin=None if isinstance(source, bytes) else source,
            stdout=subprocess.PIPE if target is None else target,
            stderr=subprocess.DEVNULL if silent else None,
            check=False,
        )
        return done.returncode, done.stdout or b""

    def lines(self, *arguments: str, input: bytes) -> Iterator[bytes]:
        """The lines that a command answers, as they come: there may be very many. GitError when it
        fails. All of `input` is written first, so it must be a command that reads it first."""
        process = self.start(*arguments)
        assert process.stdin is not None and process.stdout is not None
        with process:
            try:
                process.stdin.write(input)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it died: its exit status says so
            yield from process.stdout
        if process.returncode != 0:
            raise GitError(f"git {arguments[0]} failed in {self.folder}")

    def with_variables(self, **variables: str) -> Git:
        """The same Git with more in its environment."""
        return Git(self.folder, {**self.environ, **variables})

    def run_hook(self, path: str, arguments: list[str], lines: bytes | None) -> int:
        """The exit status of a user's hook, run as Git would run it; None leaves it our input."""
        return subprocess.run(
            [path, *arguments], cwd=self.folder, env=self.environ, input=lines, check=False
        ).returncode

    def version(self) -> tuple[int, int]:
        """Major and minor number, such as (2, 39)."""
        words = (self.line("version") or "git version 0.0").split()
        major, minor, *_ = (words[2] if len(words) > 2 else "0.0").split(".")
        return int(major), int(minor)

    def locate(self) -> Location:
        """Where the repository of this folder is; GitError outside one."""
        questions = ("--git-dir", "--git-common-dir", "--show-object-format", "--show-cdup")
        status, out, err = self.attempt("rev-parse", *questions)
        if status != 0:
            reason = err.decode(errors="replace").strip().removeprefix("fatal: ")
            raise GitError(f"{self.folder}: {reason}", "run this inside a repository, or git init")
        git_dir, common_dir, object_format, *cdup = os.fsdecode(out).split("\n")[:-1]
        # An empty line means the top; no line at all means that there is no work tree.
        top = os.path.normpath(os.path.join(self.folder, cdup[0] or ".")) if cdup else None
        return Location(self._absolute(git_dir), self._absolute(common_dir), top, object_format)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.folder, path))

    def config(self) -> dict[str, tuple[str, ...]]:
        """All settings in force. Section and name in lower case; a name without value is "true"."""
        return config_entries(self.run("config", "--list", "-z"))

    def config_path(self, name: str) -> str | None:
        """A path setting as Git expands it (`~/`), or None."""
        return self.line("config", "--type=path", "--get", name)

    def index_file(self, location: Location) -> str:
        return self.environ.get("GIT_INDEX_FILE") or os.path.join(location.git_dir, "index")

    def hooks_folder(self) -> str:
        """Where Git looks for hooks, core.hooksPath honoured; absolute."""
        return self._absolute(os.fsdecode(self.run("rev-parse", "--git-path", "hooks"))[:-1])

    def remote_url(self, name: str) -> str | None:
        """A remote's URL after insteadOf, or None."""
        return self.line("ls-remote", "--get-url", "--", name)

    def http_settings(self, url: str) -> dict[str, str]:
        """What `http.*` and `http.<url>.*` say of an address, by Git's own rules. Keys in lower
        case, without "http."."""
        out = self.attempt("config", "--null", "--get-urlmatch", "http", url)[1]
        found = config_entries(out)
        return {name.removeprefix("http."): values[-1] for name, values in found.items()}

    def credential(self, action: str, description: Mapping[str, str]) -> dict[str, str] | None:
        """`git credential fill|approve|reject`; None when there is none to be had."""
        if any("\n" in value or "\0" in value for value in description.values()):
            return None
        text = "".join(f"{key}={value}\n" for key, value in description.items()) + "\n"
        status, out, _ = self.attempt("credential", action, input=text.encode())
        if status != 0:
            return None
        pairs = (line.partition("=") for line in out.decode(errors="replace").splitlines())
        return {key: value for key, _, value in pairs}

    def attributes(
        self, paths: Iterable[bytes], *names: str, source: str = ""
    ) -> dict[bytes, dict[str, str]]:
        """The named attributes of each path. `source`: "--cached" asks the index's files."""
        extra = [source] if source else []
        text = b"".join(path + b"\0" for path in paths)
        out = self.run("check-attr", "-z", "--stdin", *extra, *names, input=text)
        fields = out.split(b"\0")[:-1]
        found: dict[bytes, dict[str, str]] = {}
        for at in range(0, len(fields), 3):
            found.setdefault(fields[at], {})[fields[at + 1].decode()] = fields[at + 2].decode()
        return found

    def attributes_at(
        self, revision: str, paths: Iterable[bytes], *names: str
    ) -> dict[bytes, dict[str, str]]:
        """As `attributes`, by the files of a commit or tree, in any Git: through an index of its
        own (`--source` came with 2.40)."""
        with tempfile.TemporaryDirectory(prefix="git-data-") as folder:
            index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
            there = Git(self.folder, {**self.environ, **index})
            quiet = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.splitIndex=false")
            there.run(*quiet, "read-tree", revision)
            return there.attributes(paths, *names, source="--cached")


class FarSide:
    """A program that takes over the conversation with whoever started us: its output and its
    complaints go where ours go, its input is ours to write."""

    def __init__(self, words: Sequence[str], folder: str, environ: Mapping[str, str]) -> None:
        self.ended, alive = os.pipe()  # closed when the last process that has the other end is gone
        try:
            self._process = subprocess.Popen(
                words, cwd=folder, env=environ, stdin=subprocess.PIPE, pass_fds=[alive], bufsize=0
            )
        except OSError as error:
            raise GitError(f"cannot run {words[0]}: {error.strerror}") from error
        finally:
            os.close(alive)

    def write(self, data: bytes) -> None:
        """BrokenPipeError when it has ended."""
        assert self._process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[self._process.stdin.write(view) :]

    def close(self) -> None:
        """It shall see the end of its input."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass

    def wait(self) -> int:
        """Its exit status, once it has ended; that of a shell for a signal."""
        status = self._process.wait()
        return status if status >= 0 else 128 - status


def become(words: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """This process becomes another program, with the same standard streams."""
    try:
        os.execvpe(words[0], [*words], environ)  # noqa: S606
    except OSError as error:
        raise GitError(f"cannot run {words[0]}: {error.strerror}") from error


def succeeds(words: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether a command ends well, with nothing to read and nobody to tell."""
    quiet = subprocess.DEVNULL
    try:
        return (
            subprocess.run(
                words, env=environ, stdin=quiet, stdout=quiet, stderr=quiet, check=False
            ).returncode
            == 0
        )
    except OSError:
        return False


class AttributeAsker:
    """`git check-attr`, kept running, for one attribute of one path after the other."""

    def __init__(self, git: Git, name: str) -> None:
        self._process = git.start("check-attr", "-z", "--stdin", name)

    def ask(self, path: bytes) -> str:
        """The attribute's value: "set", "unset", "unspecified" or a word."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(path + b"\0")
        stdin.flush()
        answer = b""
        while answer.count(b"\0") < 3:
            piece = os.read(stdout.fileno(), 1 << 16)
            if not piece:
                raise GitError("git check-attr ended early")
            answer += piece
        return answer.split(b"\0")[2].decode()


def is_full_id(revision: str) -> bool:
    """Whether it stands for the same object for ever."""
    return bool(_FULL_ID.fullmatch(revision))


def config_entries(text: bytes) -> dict[str, tuple[str, ...]]:
    """What `git config --list -z` prints, as name -> values in the order of the file."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in text.split(b"\0")[:-1]:
        name, sign, value = os.fsdecode(entry).partition("\n")
        found[name] = (*found.get(name, ()), value if sign else "true")
    return found
