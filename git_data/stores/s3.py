"""A store in a bucket of S3, or of a server that speaks as S3 does.

One request a verb. A file is one object: it is there whole or not at all, and durable when the PUT
is answered. Compare and swap is a conditional PUT; a version is an ETag. The rules of trust, as to
whom the user's credentials go: docs/formats/gitdata.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import SAFE, Conflict, Damaged, NotFound, StoreError, Unreachable
from .access import Access
from .base import Part, Versioned, check_name, check_prefix, check_range, path_of
from .s3address import S3Address, parse
from .s3body import to_send
from .s3client import Answer, S3Client, body_of
from .s3errors import Refused, Where, failure

PAGE_KEYS = 1000
MAX_PAGES = 100_000
_MAX_TOKEN = 16 << 10


def open_s3(url: str, access: Access) -> S3Store:
    """UsageError for what is no address. Nothing is asked, and nothing imported, yet."""
    return S3Store(parse(url), access)


class S3Store:
    def __init__(self, address: S3Address, access: Access) -> None:
        self._address = address
        self._client = S3Client(address, access)
        self._single_writer = access.single_writer

    @property
    def url(self) -> str:
        return self._address.url

    def server_address(self) -> str:
        return self._client.address

    def _path(self, name: str) -> str:
        return path_of(self.url, name)

    def _key(self, name: str) -> str:
        return self._address.key(check_name(name))

    # Reading

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        check_range(name, start, length)
        return self._read(name, start, length, {})

    def resume(self, name: str, start: int, length: int, version: str) -> bytes:
        check_range(name, start, length)
        return self._read(name, start, length, {"IfMatch": version})

    def _read(self, name: str, start: int, length: int | None, condition: dict[str, str]) -> bytes:
        key = self._key(name)
        if length == 0:
            return self._nothing(name, start, length)
        if start or length is not None:
            last = "" if length is None else start + length - 1
            condition = {**condition, "Range": f"bytes={start}-{last}"}
        with self._explaining(name):
            try:
                answer = self._client.ask("get_object", Key=key, **condition)
            except Refused as refused:
                if refused.status == 416:
                    return self._nothing(name, start, length)
                if refused.status == 412:
                    raise Damaged(f"{self._path(name)} was changed while it was read") from None
                raise
        return self._body(name, answer, start, length)

    def _nothing(self, name: str, start: int, length: int | None) -> bytes:
        """What a range that S3 has no bytes for comes to."""
        size = self.size(name)
        if size is None:
            raise NotFound(f"{self._path(name)} is not in the store")
        if (length == 0 and start <= size) or (length is None and start == size):
            return b""
        raise self._too_short(name, start + (length or 0))

    def _body(self, name: str, answer: Answer, start: int, length: int | None) -> bytes:
        try:
            wanted = self._promised(name, answer, start, length)
        except BaseException:
            answer["Body"].close()
            raise
        version = _version(answer)
        is_strong = version and not version.startswith("W/")  # a weak one holds of no single byte
        return body_of(answer, wanted, self._path(name), version if is_strong else None)

    def _promised(self, name: str, answer: Answer, start: int, length: int | None) -> int:
        """How many bytes to read of the body, as its headers have it."""
        given = answer.get("ContentRange")  # the header, not status 206: rclone says 200
        if start if given is None else not given.startswith(f"bytes {start}-"):
            raise StoreError(f"{self._path(name)}: {self._client.name} gave another part of it")
        size = self._length(name, answer)
        if length is None:
            check_range(name, start, size)
        elif size < length:
            raise self._too_short(name, start + length)
        return size if length is None else length

    def _length(self, name: str, answer: Answer) -> int:
        size = answer.get("ContentLength")
        if size is None:
            what = f"{self._path(name)}: {self._client.name} does not say how long it is"
            raise Unreachable(what, SAFE)
        return int(size)

    def _too_short(self, name: str, end: int) -> Damaged:
        return Damaged(f"{self._path(name)} is damaged: it ends before {end} bytes")

    def read_small(self, name: str, limit: int) -> Versioned | None:
        key = self._key(name)
        with self._explaining(name):
            try:
                answer = self._client.ask("get_object", Key=key)
            except Refused as refused:
                if refused.is_missing:
                    return None
                raise
        version = _version(answer)
        size = self._length(name, answer)
        if size > limit:
            answer["Body"].close()
            raise Damaged(f"{self._path(name)} is damaged: it has more than {limit} bytes")
        return Versioned(body_of(answer, size, self._path(name), version or None), version)

    def size(self, name: str) -> int | None:
        answer = self._head(name)
        return self._length(name, answer) if answer else None

    def _head(self, name: str) -> Answer | None:
        key = self._key(name)
        with self._explaining(name):
            try:
                return self._client.ask("head_object", Key=key)
            except Refused as refused:
                if refused.is_missing:
                    return None
                raise

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        folder = check_prefix(prefix)
        top = self._address.key(f"{folder}/" if folder else "")
        token = ""
        for _ in range(MAX_PAGES):
            with self._explaining(prefix):
                more = {"ContinuationToken": token} if token else {}
                page = self._client.ask("list_objects_v2", Prefix=top, MaxKeys=PAGE_KEYS, **more)
            if "IsTruncated" not in page:
                raise Unreachable(f"{self.url}: {self._client.name} gave no list", SAFE)
            yield from self._entries(page, top)
            if not page.get("IsTruncated"):
                return
            before, token = token, str(page.get("NextContinuationToken") or "")
            if token in ("", before) or len(token) > _MAX_TOKEN:
                break
        raise StoreError(f"{self.url}: {self._client.name} does not come to an end of its list")

    def _entries(self, page: Answer, top: str) -> Iterator[tuple[str, int]]:
        for item in page.get("Contents", ()):
            key, size = item.get("Key", ""), item.get("Size", -1)
            name = key.removeprefix(self._address.prefix)
            if key.startswith(top) and size >= 0 and _is_name(name):
                yield name, size

    # Writing

    def write(self, name: str, parts: Sequence[Part]) -> None:
        with self._explaining(name):
            self._put(name, to_send(parts))

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        if version == "":
            raise StoreError(f"{self._path(name)}: {self._client.name} gives it no usable ETag")
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        with self._explaining(name):
            if self._single_writer:
                self._compare(name, version)
            try:
                answer = self._put(name, bytes(data), **condition)
            except Refused as refused:
                if refused.is_lost_race or (version is not None and refused.is_missing):
                    raise self._changed(name) from None
                if not (self._single_writer and refused.is_unknown_condition):
                    raise
                answer = self._put(name, bytes(data))
        return _version(answer)

    def _put(self, name: str, body: Any, **condition: str) -> Answer:
        answer = self._client.ask(
            "put_object",
            Key=self._key(name),
            Body=body,
            ContentType="application/octet-stream",  # so that nobody on the way alters it
            **condition,
        )
        if "ETag" not in answer:  # some page that asks to log in, and is no S3 server's
            raise Unreachable(f"{self._path(name)}: {self._client.name} did not confirm it", SAFE)
        return answer

    def _compare(self, name: str, version: str | None) -> None:
        """Where the server may not: enough for who is alone in writing there."""
        found = self._head(name)
        if (_version(found) if found else None) != version:
            raise self._changed(name)

    def _changed(self, name: str) -> Conflict:
        return Conflict(f"{self._path(name)} was changed by somebody else")

    def delete(self, name: str) -> None:
        key = self._key(name)
        with self._explaining(name):
            try:
                self._client.ask("delete_object", Key=key)
            except Refused as refused:
                if not refused.is_missing:
                    raise

    # What went wrong

    @contextmanager
    def _explaining(self, name: str) -> Iterator[None]:
        try:
            yield
        except Refused as refused:
            where = Where(
                path=self._path(name) if name else self.url,
                bucket=self._address.bucket,
                server=self._client.name,
                anonymous=self._client.anonymous,
            )
            raise failure(refused, where) from refused


def _version(answer: Answer) -> str:
    """The ETag; empty if it has none that could be sent back."""
    found = answer.get("ETag")
    is_usable = isinstance(found, str) and found.isascii() and found.isprintable()
    return str(found) if is_usable and len(str(found)) <= 1024 else ""


def _is_name(name: str) -> bool:
    try:
        return bool(check_name(name))
    except StoreError:
        return False
