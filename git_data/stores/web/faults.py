"""Why a request had no answer, found in the exceptions of whatever library sent it.

Their own texts are never shown: they hold whole addresses, and with them what may be a secret.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Iterator

from ...errors import SAFE, DataError, Denied, Unreachable

_DEEP = 50  # causes, each once: a chain that is longer tells no more


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, the outermost first."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting and len(seen) < _DEEP:
        one = waiting.pop(0)
        if any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        inner = [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
        waiting.extend(found for found in inner if isinstance(found, BaseException))


def unanswered(error: BaseException, address: str, server: str, proxy: str = "") -> DataError:
    """The error for a request to `address` that had no answer. `proxy`: what stood between."""
    through = f" through the proxy {proxy}" if proxy else ""
    for one in causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return Denied(
                f"{address}: the certificate of {server} is not trusted ({one.verify_message})",
                f"if it is right, name its CA: git config --global http.{server}/.sslCAInfo FILE",
            )
    return Unreachable(f"{address} does not answer{through}: {why(error)}", SAFE)


def why(error: BaseException) -> str:
    """A few words, of the innermost cause that says something."""
    found = "the connection broke"
    for one in causes(error):
        if isinstance(one, http.client.RemoteDisconnected):
            return "the connection was closed without an answer"
        if isinstance(one, socket.gaierror):
            return f"its name cannot be looked up ({one.strerror})"
        if isinstance(one, TimeoutError):
            return "no answer in time"
        if isinstance(one, ssl.SSLError):
            return f"no encrypted connection could be made ({one.reason or 'the handshake failed'})"
        if isinstance(one, OSError) and one.errno:
            found = os.strerror(one.errno)
        elif isinstance(one, http.client.HTTPException):
            found = "what came back is no HTTP"
    return found
