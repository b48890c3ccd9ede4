"""An S3 address, taken apart:

    s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION&addressing=path|virtual

It may come out of a committed file. What it may hold is listed here, all else is refused: libraries
do not agree on what the host of an odd URL is, and credentials go to that host.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import UsageError

SCHEME = "s3"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]"
_ENDPOINT = re.compile(
    rf"(https?://)({_HOST})(?::([0-9]{{1,5}}))?((?:/(?!\.{{1,2}}(?:/|$))[A-Za-z0-9._~-]+)*)/?",
    re.IGNORECASE,
)
_AWS_HOST = re.compile(
    r"s3(?:-fips)?(?:\.dualstack)?(?:\.[a-z]{2}(?:-[a-z]+)+-[0-9]+)?\.amazonaws\.com(?:\.cn)?"
)
_STYLES = ("path", "virtual")
_KEYS = ("endpoint", "region", "addressing")
_MAX_PREFIX_BYTES = 700  # of the 1,024 that a key may have
_SHAPE = "an S3 address is s3://BUCKET/PREFIX, or s3://BUCKET/PREFIX?endpoint=https://HOST:PORT"


class S3Address(NamedTuple):
    url: str  # as it was given, for messages
    bucket: str
    prefix: str = ""  # of every key; ends with its one slash unless it is empty
    endpoint: str | None = None  # None: AWS, or what the user's own AWS set-up says
    region: str | None = None
    addressing: str | None = None  # path or virtual; None: what fits the endpoint

    def key(self, name: str) -> str:
        return self.prefix + name


def parse(url: str) -> S3Address:
    """UsageError, never with a secret in it, for what is no address."""
    head, _, query = url.partition("?")
    bucket, _, path = head.partition("://")[2].partition("/")
    if "@" in bucket:
        raise UsageError("an S3 address holds no user and no password", _SHAPE)
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise UsageError("an S3 address has no bucket, or one whose name cannot be", _SHAPE)
    if "#" in url:
        raise UsageError(f"s3://{bucket}: write # as %23 in an address")
    where = head.rstrip("/") + (f"?{query}" if query else "")
    return S3Address(where, bucket, _prefix(path, bucket), **_options(query, bucket))


def is_aws(endpoint: str) -> bool:
    """True for AWS itself, over https. Not for all of amazonaws.com: anybody has a host there."""
    parts = urlsplit(endpoint)
    return parts.scheme == "https" and bool(_AWS_HOST.fullmatch(parts.hostname or ""))


def _prefix(path: str, bucket: str) -> str:
    try:
        text = unquote(path.removesuffix("/"), errors="strict")
    except UnicodeDecodeError as error:
        raise UsageError(f"s3://{bucket}: its prefix is not UTF-8") from error
    if not text:
        return ""
    if not {"", ".", ".."}.isdisjoint(text.split("/")):
        raise UsageError(f"s3://{bucket}: its prefix has an empty part (//), or . or ..")
    if not text.isprintable():
        raise UsageError(f"s3://{bucket}: its prefix has characters that cannot be shown")
    if len(text.encode()) > _MAX_PREFIX_BYTES:
        raise UsageError(f"s3://{bucket}: its prefix is longer than {_MAX_PREFIX_BYTES} bytes")
    return text + "/"


def _options(query: str, bucket: str) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=2 * len(_KEYS))
    except ValueError as error:
        raise UsageError(f"s3://{bucket}: too much after ?", _SHAPE) from error
    for key, value in fields:
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            raise UsageError(f"s3://{bucket}: {key[:40]!r} is unknown after ?", f"known: {known}")
        if key in found:
            raise UsageError(f"s3://{bucket}: {key} is given twice")
        found[key] = _CHECKS[key](value, bucket)
    return found


def _endpoint(value: str, bucket: str) -> str:
    match = _ENDPOINT.fullmatch(value)
    if not match or int(match[3] or 0) > 65535:
        what = "has a user or a password" if "@" in value else "is no https://HOST:PORT"
        raise UsageError(f"s3://{bucket}: its endpoint {what}", _SHAPE)
    port = f":{match[3]}" if match[3] else ""
    return match[1].lower() + match[2].lower() + port + match[4]


def _region(value: str, bucket: str) -> str:
    if not _REGION.fullmatch(value):
        raise UsageError(f"s3://{bucket}: its region is none", "write it as eu-west-1")
    return value


def _addressing(value: str, bucket: str) -> str:
    if value not in _STYLES:
        raise UsageError(f"s3://{bucket}: addressing is path or virtual")
    return value


_CHECKS = {"endpoint": _endpoint, "region": _region, "addressing": _addressing}
