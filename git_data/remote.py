"""The conversation with Git of a remote helper, for a registry that lies in a store.

Git writes commands, a line each, and reads answers (git's gitremote-helpers, transport-helper.c):
`capabilities`, `option NAME VALUE`, `list`, batches of `fetch` and of `push` lines that end with an
empty line; an empty line alone ends it all. Options come before what they are about, `cas` too.

Nothing here knows a store or Git: what is asked for is handed to a `Service`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from .errors import FormatError
from .refnames import decode, encode
from .updates import Answer, Request, parse_push

CAPABILITIES = ("option", "fetch", "push", "check-connectivity", "object-format")
MAX_LINE = 1 << 20
_BOOLEANS = (
    *("progress", "cloning", "check-connectivity", "atomic", "dry-run", "object-format"),
    *("deepen-relative", "update-shallow", "refetch", "force", "force-if-includes", "followtags"),
)
_TEXTS = ("depth", "deepen-since", "filter")
_LISTS = ("deepen-not", "push-option", "cas")
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}


class Options:
    """What Git has set so far."""

    def __init__(self) -> None:
        self.verbosity = 1
        self._set: set[str] = set()
        self._texts: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}

    def has(self, name: str) -> bool:
        return name in self._set

    def text(self, name: str) -> str | None:
        return self._texts.get(name)

    def all(self, name: str) -> list[str]:
        return self._lists.get(name, [])

    def forget(self, name: str) -> None:
        self._lists.pop(name, None)

    def set(self, name: str, value: str) -> str:
        """The answer: ok, unsupported, or error with a reason."""
        if name == "verbosity":
            if not value.removeprefix("-").isdigit():
                return "error no number"
            self.verbosity = int(value)
        elif name in _BOOLEANS:
            # Git 2.39 says "option object-format", and no more.
            (self._set.discard if value == "false" else self._set.add)(name)
        elif name in _TEXTS:
            self._texts[name] = value
        elif name in _LISTS:
            self._lists.setdefault(name, []).append(value)
        elif name != "pushcert" or value != "if-asked":  # nobody asks for a signature here
            return "unsupported"
        return "ok"


class Listing(NamedTuple):
    object_format: str
    refs: Sequence[tuple[str, str]]  # name, object id
    head: str | None = None  # the branch that HEAD is


class Taken(NamedTuple):
    """What a fetch did."""

    lock: str | None = None
    connected: bool = False


class Service(Protocol):
    def refs(self, for_push: bool) -> Listing: ...
    def fetch(self, wanted: Sequence[tuple[str, str]], options: Options) -> Taken: ...
    def push(self, requests: Sequence[Request], options: Options) -> Iterable[Answer]: ...


class Conversation:
    """Raises DataError when Git asked for what cannot be done: then there is no answer, and Git
    ends too."""

    def __init__(
        self,
        source: BinaryIO,
        sink: BinaryIO,
        service: Service,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._service = service
        self._trace = trace or (lambda text: None)
        self.options = Options()

    def serve(self) -> None:
        while line := self._read():
            word, _, rest = line.partition(" ")
            if word == "capabilities":
                self._write(*CAPABILITIES, "")
            elif word == "option":
                name, _, value = rest.partition(" ")
                self._write(self.options.set(name, unquote(value)))
            elif word == "list":
                self._list(rest == "for-push")
            elif word == "fetch":
                self._fetch(self._batch(line))
            elif word == "push":
                self._push(self._batch(line))
            else:
                raise FormatError(f"this is for Git to start: it never says {line[:80]!r}")

    def _list(self, for_push: bool) -> None:
        found = self._service.refs(for_push)
        told = self.options.has("object-format")
        lines = [f":object-format {found.object_format}"] if told else []
        lines += [f"@{found.head} HEAD"] if found.head else []
        self._write(*lines, *(f"{oid} {name}" for name, oid in found.refs), "")

    def _fetch(self, lines: Sequence[str]) -> None:
        words = [line.split(" ", 2) for line in lines]
        wanted = [(name, oid) for _, oid, name in words]
        taken = self._service.fetch(wanted, self.options)
        answers = [f"lock {taken.lock}"] if taken.lock else []
        if taken.connected and self.options.has("check-connectivity"):
            answers.append("connectivity-ok")
        self._write(*answers, "")

    def _push(self, lines: Sequence[str]) -> None:
        leases = dict(one.rsplit(":", 1) for one in self.options.all("cas") if ":" in one)
        requests = [parse_push(line, leases) for line in lines]
        answers = self._service.push(requests, self.options)
        self.options.forget("cas")
        self._write(*map(_answer, answers), "")

    def _batch(self, first: str) -> list[str]:
        """The lines of a batch, without the empty one that ends it."""
        lines, word = [first], first.partition(" ")[0]
        while line := self._read(may_end=False):
            if not line.startswith(word + " "):
                raise FormatError(f"{line[:80]!r} came in the middle of a batch of {word}")
            lines.append(line)
        return lines

    def _read(self, may_end: bool = True) -> str:
        """The next line; empty at the end, too. A batch that was cut off must not be done."""
        line = self._source.readline(MAX_LINE)
        if not line.endswith(b"\n") and (line or not may_end):
            raise FormatError("Git ended in the middle of what it had to say; nothing was done")
        text = decode(line.removesuffix(b"\n"))
        if line:
            self._trace(f"git> {text}")
        return text

    def _write(self, *lines: str) -> None:
        for line in lines:
            self._trace(f"git< {line}")
        self._sink.write(b"".join(encode(line) + b"\n" for line in lines))
        self._sink.flush()


def _answer(answer: Answer) -> str:
    reason = answer.reason.replace("\n", " ")
    return f"error {answer.ref} {reason}" if reason else f"ok {answer.ref}"


def unquote(text: str) -> str:
    """A value that Git has quoted as C does, where it had to."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    out, at = bytearray(), 0
    inner = text[1:-1]
    while at < len(inner):
        letter = inner[at]
        at += 1
        if letter != "\\" or at == len(inner):
            out += encode(letter)
        elif inner[at : at + 3].isdigit():
            out.append(int(inner[at : at + 3], 8) & 255)
            at += 3
        else:
            out.append(_ESCAPES.get(inner[at], ord("?")))
            at += 1
    return decode(bytes(out))
