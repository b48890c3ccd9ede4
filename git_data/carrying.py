"""Who carries a conversation with an address of Git's own, and how that program is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from . import passing, sshcommand
from .addresses import Kind, Place
from .config import truth
from .errors import UsageError
from .git import FarSide, Git, Location, become, succeeds
from .history import History
from .passing import Near, SendData
from .remote import unquote
from .sshcommand import Command, Wish

_SERVICES = ("git-upload-pack", "git-receive-pack", "git-upload-archive")
_ALWAYS = ("http", "https", "git", "ssh")
_HELPERS = ("http", "https", "ftp", "ftps")  # git remote-<scheme>


Trace = Callable[[str], None]
Values = Mapping[str, tuple[str, ...]]


class Carrier:
    """One conversation. `remote`: the name of the remote, or the address if it has none."""

    def __init__(self, place: Place, git: Git, values: Values, remote: str, trace: Trace) -> None:
        self.place = place
        self.git = git
        self.values = values
        self.remote = remote
        self.trace = trace

    def carry(self, near: Near, location: Location | None, send_data: SendData) -> int:
        """The exit status, once it is over."""
        scheme = self._scheme()
        check_allowed(scheme, self.git.environ, self.values)
        if scheme in _HELPERS:
            return self._web(scheme, near, location, send_data)
        if self.place.kind is Kind.OTHER:
            raise UsageError(
                f"{self.place.url} cannot be reached through data::",
                "use https:// or ssh://, or leave out data::",
            )
        return self._connect(near, send_data)

    def _scheme(self) -> str:
        """As Git's protocol.<name>.allow calls it."""
        if self.place.kind is Kind.PATH:
            return "file"
        if self.place.kind is Kind.SSH:
            return "ssh"
        return self.place.url.partition(":")[0].lower()

    # http, https

    def _web(self, scheme: str, near: Near, location: Location | None, send_data: SendData) -> int:
        def find(expressions: Sequence[str]) -> list[str]:
            if location is None:
                return []
            return [thing.oid for thing in History(self.git, location).find(expressions) if thing]

        self.trace(f"git remote-{scheme} {self.remote} {self.place.url}")
        words = ["git", f"remote-{scheme}", self.remote, self.place.url]
        far = FarSide(words, self.git.folder, self.git.environ)
        return passing.web(near, far, find, send_data)

    # A path, ssh

    def _connect(self, near: Near, send_data: SendData) -> int:
        wishes: dict[str, str] = {}
        try:
            while line := near.line():
                self.trace(f"git> {line}")
                word, _, rest = line.partition(" ")
                if word == "capabilities":
                    near.write(b"option\nconnect\n\n")
                elif word == "option":
                    near.write(_answer_option(rest, wishes))
                elif word == "connect" and rest in _SERVICES:
                    return self._serve(rest, near, wishes, send_data)
                else:
                    raise UsageError(f"this is for Git to start: it never says {line[:80]!r}")
        except EOFError:
            pass
        return 0

    def _serve(
        self, service: str, near: Near, wishes: Mapping[str, str], send_data: SendData
    ) -> int:
        command = self._command(service, wishes)
        there = self.git.elsewhere(self.git.folder, **command.variables)
        words = _through_shell(command.words) if command.shell else command.words
        self.trace(" ".join(words))
        near.write(b"\n")
        if service != "git-receive-pack":
            become(words, there.environ)  # and does not come back
        return passing.receive(near, FarSide(words, there.folder, there.environ), send_data)

    def _command(self, service: str, wishes: Mapping[str, str]) -> Command:
        version = self._version() if service == "git-upload-pack" else 0
        program = wishes.get("servpath")
        if self.place.kind is Kind.SSH:
            wish = Wish(program or service, version, wishes.get("family", ""))
            far = sshcommand.parse(self.place.url)
            return sshcommand.build(far, wish, self.git.environ, self.values, self._succeeds)
        variables = {"GIT_PROTOCOL": f"version={version}"} if version else {}
        if program:
            return Command([program, self.place.url], True, variables)
        return Command(["git", service.removeprefix("git-"), self.place.url], False, variables)

    def _version(self) -> int:
        found = self.values.get("protocol.version", ("2",))[-1]
        return int(found) if found in ("0", "1", "2") else 2

    def _succeeds(self, command: Command) -> bool:
        there = self.git.elsewhere(self.git.folder, **command.variables)
        words = _through_shell(command.words) if command.shell else command.words
        return succeeds(words, there.environ)


def _through_shell(words: Sequence[str]) -> list[str]:
    """As Git starts what may be a piece of shell."""
    return ["sh", "-c", f'{words[0]} "$@"', *words]


def _answer_option(text: str, wishes: dict[str, str]) -> bytes:
    name, _, value = text.partition(" ")
    if name in ("servpath", "family"):
        wishes[name] = unquote(value)
        return b"ok\n"
    return b"ok\n" if name in ("progress", "verbosity") else b"unsupported\n"


def check_allowed(scheme: str, environ: Mapping[str, str], values: Values) -> None:
    """Git's own rule for protocols (GIT_ALLOW_PROTOCOL, protocol.<name>.allow): UsageError."""
    if "GIT_ALLOW_PROTOCOL" in environ:
        allowed = scheme in environ["GIT_ALLOW_PROTOCOL"].split(":")
    else:
        default = "always" if scheme in _ALWAYS else "user"
        found = values.get(f"protocol.{scheme}.allow") or values.get("protocol.allow")
        wish = found[-1] if found else default
        from_user = environ.get("GIT_PROTOCOL_FROM_USER", "true")
        by_user = truth("GIT_PROTOCOL_FROM_USER", from_user)
        allowed = wish == "always" or (wish == "user" and by_user)
    if not allowed:
        raise UsageError(f"transport '{scheme}' not allowed")
