"""What a web server's answers mean: status codes and headers, all of them hostile. No network here.

The rules: RFC 9110, section 8.8.3 for ETags, 10.2.3 for Retry-After, 14.4 for Content-Range, 15 for
the status codes; RFC 4918, section 11 for those of WebDAV.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NamedTuple

from ...errors import SAFE, Damaged, DataError, Denied, NotFound, StoreError, Unreachable
from ..base import Busy

Headers = Mapping[str, str]  # their names in any case

GONE = (404, 410)
NOT_OFFERED = (405, 501)  # the server does not know this verb, here or at all
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_NUMBER = re.compile(r"[0-9]{1,18}")
_STRONG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]{0,256}"')
_AWAY = (408, 425, 500, 502, 504)
_LONGEST = 24 * 3600.0  # a server that asks for more may as well be away


class Part(NamedTuple):
    """What a Content-Range says: the bytes from `start` up to `end`, of so many."""

    start: int
    end: int
    total: int | None


def content_range(headers: Headers) -> Part | None:
    """None when there is none, or none that makes sense."""
    match = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if not match:
        return None
    first, last = int(match[1]), int(match[2])
    total = None if match[3] == "*" else int(match[3])
    if last < first or (total is not None and last >= total):
        return None
    return Part(first, last + 1, total)


def content_length(headers: Headers) -> int | None:
    text = headers.get("Content-Length", "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def strong_etag(headers: Headers) -> str | None:
    """An ETag that stands for exactly these bytes; None for a weak one (`W/…`)."""
    text = headers.get("ETag", "").strip()
    return text if _STRONG.fullmatch(text) else None


def any_etag(headers: Headers) -> str | None:
    text = headers.get("ETag", "").strip()
    return text if _STRONG.fullmatch(text.removeprefix("W/")) else None


def retry_after(headers: Headers, now: datetime | None = None) -> float | None:
    """Seconds; the server may give a date instead."""
    text = headers.get("Retry-After", "").strip()
    if _NUMBER.fullmatch(text):
        return min(float(text), _LONGEST)
    date = http_date(text)
    if date is None:
        return None
    wait = date - (now or datetime.now(timezone.utc))
    return min(max(wait.total_seconds(), 0.0), _LONGEST)


def http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=date.tzinfo or timezone.utc)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def refusal(status: int, headers: Headers, doing: str, address: str) -> DataError:
    """The error for an answer that is none of those hoped for. `doing`: "read", "write" …"""
    said = f"cannot {doing} {address}: the server answered {_name(status)}"
    if status in GONE:
        return NotFound(f"{address} is not in the store")
    if status in (429, 503):
        return Busy(said, after=retry_after(headers))
    if status in (401, 402, 403, 407, 451):
        return Denied(said, "ask whoever keeps that server to let you")
    if status == 416:
        return Damaged(f"{address} is damaged: it ends before what is wanted of it")
    if status in (413, 507):
        return StoreError(said, "make room there; nothing was lost: push again then")
    if status in _AWAY or status > 507:
        return Unreachable(said, SAFE)
    return StoreError(said)


def _name(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
