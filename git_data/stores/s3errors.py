"""What an S3 server's refusals mean: from its status and error code to our kinds of errors.

A server's own words are never shown: they may be an attacker's, and some repeat what was sent.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import SAFE, Conflict, DataError, Denied, NotFound, StoreError, Unreachable
from .base import Busy

_BUSY = {429, 503}
_BUSY_CODES = {
    *("SlowDown", "ServiceUnavailable", "RequestLimitExceeded", "TooManyRequests"),
    *("Throttling", "ThrottlingException", "RequestThrottled", "BandwidthLimitExceeded"),
}
_PASSING = {408, 500, 502, 504}
_PASSING_CODES = {  # of status 400: what arrived was not what was sent, or too slow
    *("RequestTimeout", "IncompleteBody", "BadDigest", "InternalError"),
    *("XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"),
}
_LOST_RACES = {"PreconditionFailed", "ConditionalRequestConflict", "OperationAborted"}
_OTHER_REGION = {
    *("PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException"),
    *("AuthorizationHeaderMalformed", "301", "302", "307", "308"),
}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "507"}
_CREDENTIALS = {
    "InvalidAccessKeyId": "this access key is not known there",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "ExpiredToken": "the session has expired",
    "ExpiredTokenException": "the session has expired",
    "TokenRefreshRequired": "the session has expired",
    "InvalidToken": "the session token is not valid",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
}


class Refused(Exception):
    """A server's answer that is no success."""

    def __init__(self, status: int, code: str, after: float | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code if code.isascii() and code.isalnum() and len(code) <= 60 else str(status)
        self.after = after  # seconds that it asks us to wait

    @property
    def is_missing(self) -> bool:
        """True when there is no such file; that there is no such bucket is something else."""
        return self.status == 404 and self.code != "NoSuchBucket"

    @property
    def is_lost_race(self) -> bool:
        """True when a condition did not hold, or somebody else is writing just now."""
        return self.status == 412 or (self.status == 409 and self.code in _LOST_RACES)

    @property
    def is_unknown_condition(self) -> bool:
        return self.status == 501 or self.code == "NotImplemented"


class Where(NamedTuple):
    """What a message has to say of the place."""

    path: str  # of the file
    bucket: str
    server: str  # what to call it
    anonymous: str  # why no credentials were sent, as a hint; empty: they were


def failure(refused: Refused, where: Where) -> DataError:
    """The error to raise for what no verb expects."""
    told = f"{where.path}: {where.server} answered {refused.code}"
    if refused.status in _BUSY or refused.code in _BUSY_CODES:
        return Busy(f"{told}: it asks for fewer requests", after=refused.after)
    if refused.status in _PASSING or refused.code in _PASSING_CODES or refused.status > 507:
        return Unreachable(told, SAFE)
    if refused.code == "NoSuchBucket":
        what = f"{where.path}: {where.server} has no bucket {where.bucket}"
        return StoreError(what, f"make it first: aws s3 mb s3://{where.bucket}")
    if refused.is_missing:
        return NotFound(f"{where.path} is not in the store")
    if refused.is_lost_race:
        return Conflict(f"{where.path} was changed by somebody else")
    if refused.code in _OTHER_REGION:
        what = f"{told}: the bucket is in another region, or at another address"
        return StoreError(what, "name it at the end of the address: ?region=REGION")
    if refused.code in _FULL:
        return StoreError(f"{told}: it is full", SAFE)
    if refused.is_unknown_condition:
        return StoreError(f"{told}: it does not know this kind of request")
    if refused.status in (401, 403) or refused.code in _CREDENTIALS:
        return _denied(refused, where)
    return StoreError(f"{told} (status {refused.status})")


def _denied(refused: Refused, where: Where) -> Denied:
    told = f"{where.path}: {where.server} denied it"
    if where.anonymous:
        # In the message, not the hint: where many files fail, only messages are told.
        return Denied(f"{told}: no credentials were sent; {where.anonymous}")
    if why := _CREDENTIALS.get(refused.code):
        return Denied(f"{told}: {why} ({refused.code})", "renew your AWS credentials, then again")
    return Denied(
        f"{told} ({refused.code})",
        f"ask who keeps {where.bucket} for the right to list it, and to get, put and delete there",
    )
