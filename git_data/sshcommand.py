"""The command that reaches a Git repository over ssh, as Git itself would build it.

The rules are git's connect.c: GIT_SSH_COMMAND, core.sshCommand, GIT_SSH; the variant by
GIT_SSH_VARIANT, ssh.variant, the program's name, or by trying `-G`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from .errors import UsageError

_PORT = re.compile(r"[0-9]{1,5}")
_BY_NAME = {"ssh": "ssh", "plink": "plink", "tortoiseplink": "tortoiseplink"}
_VARIANTS = ("auto", "plink", "putty", "tortoiseplink", "simple")


class Far(NamedTuple):
    """A repository on another machine."""

    host: str  # with a user name before it, perhaps
    port: str | None
    path: str


class Command(NamedTuple):
    words: list[str]
    shell: bool  # the first word is a piece of shell
    variables: dict[str, str]  # for its environment


class Wish(NamedTuple):
    program: str  # git-upload-pack, or what the user named in its place
    protocol: int  # 0 or more
    family: str = ""  # ipv4, ipv6


def parse(url: str) -> Far:
    """`ssh://[user@]host[:port]/path` or `[user@]host:path`; UsageError for what ssh or the far
    side would take for an option."""
    if "://" in url:
        rest = unquote(url).partition("://")[2]
        start, slash, path = rest.partition("/")
        path = slash + path
        path = path[1:] if path.startswith("/~") else path
    else:
        end = url.index("]") if "[" in url.partition("/")[0] and "]" in url else 0
        at = url.index(":", end)
        start, path = url[:at], url[at + 1 :]
        path = path[1:] if path.startswith("/~") else path
    host, port = _host_and_port(start)
    for what, text in (("hostname", host), ("pathname", path)):
        if text.startswith("-"):
            raise UsageError(f"strange {what} {text[:80]!r} blocked")
    if not host or not path:
        raise UsageError(f"no path or no host in {url[:80]!r}")
    return Far(host, port, path)


def _host_and_port(text: str) -> tuple[str, str | None]:
    """Brackets, as round an IPv6 address, go: `[::1]:22`, `user@[host:22]`."""
    user, at, host = text.rpartition("@")
    port = None
    if host.startswith("[") and "]" in host:
        host, _, after = host[1:].partition("]")
        port = after[1:] if after.startswith(":") else None
        if port is None and host.count(":") == 1:  # `[host:22]:path`
            host, _, port = host.partition(":")
    elif ":" in host:
        host, _, port = host.partition(":")
    if port is not None and not (_PORT.fullmatch(port) and int(port) < 65536):
        if port:
            raise UsageError(f"no port: {port[:20]!r}")
        port = None
    return user + at + host, port


def build(
    far: Far,
    wish: Wish,
    environ: Mapping[str, str],
    values: Mapping[str, tuple[str, ...]],
    succeeds: Callable[[Command], bool],
) -> Command:
    """`values`: Git's settings. `succeeds`: runs a command silently, to find out what ssh it is."""
    command = environ.get("GIT_SSH_COMMAND") or _last(values, "core.sshcommand")
    shell = command is not None
    program = command if command is not None else environ.get("GIT_SSH", "ssh")
    variant = _variant(program, shell, environ, values)
    if variant == "auto":
        options, variables = _options("ssh", far, wish)
        trial = Command([program, "-G", *options, far.host], shell, variables)
        variant = "ssh" if succeeds(trial) else "simple"
    options, variables = _options(variant, far, wish)
    remote = f"{wish.program} {quote(far.path)}"
    return Command([program, *options, far.host, remote], shell, variables)


def quote(text: str) -> str:
    """As Git quotes for a shell (quote.c, sq_quote)."""
    return "'" + text.replace("'", "'\\''").replace("!", "'\\!'") + "'"


def _last(values: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    return values[name][-1] if name in values else None


def _variant(
    program: str, shell: bool, environ: Mapping[str, str], values: Mapping[str, tuple[str, ...]]
) -> str:
    wish = environ.get("GIT_SSH_VARIANT") or _last(values, "ssh.variant") or "auto"
    if wish != "auto":
        return wish if wish in _VARIANTS else "ssh"
    try:
        first = shlex.split(program)[0] if shell else program
    except (ValueError, IndexError):
        return "auto"
    name = first.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    return _BY_NAME.get(name, "auto")


def _options(variant: str, far: Far, wish: Wish) -> tuple[list[str], dict[str, str]]:
    words: list[str] = []
    variables: dict[str, str] = {}
    if variant == "ssh" and wish.protocol > 0:
        words += ["-o", "SendEnv=GIT_PROTOCOL"]
        variables["GIT_PROTOCOL"] = f"version={wish.protocol}"
    if wish.family:
        flag = "-4" if wish.family == "ipv4" else "-6"
        words += _unless_simple(variant, flag, [flag])
    if variant == "tortoiseplink":
        words.append("-batch")
    if far.port:
        flag = "-p" if variant == "ssh" else "-P"
        words += _unless_simple(variant, "setting port", [flag, far.port])
    return words, variables


def _unless_simple(variant: str, what: str, words: Sequence[str]) -> list[str]:
    if variant == "simple":
        raise UsageError(f"ssh variant 'simple' does not support {what}")
    return [*words]
