"""A store on a web server: any that serves a folder to read, one with PUT and conditions to write.

Immutable files are put whole and read in ranges. The manifests are replaced by `swap.py`. Whoever
writes a store over HTTP must write it over HTTP alone: the lock of a folder store is another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import Damaged, NotFound
from .access import Access
from .base import Part, Versioned, check_name, check_prefix, check_range
from .web.answers import GONE, NOT_OFFERED, any_etag, content_length, content_range
from .web.body import Answer, Sent
from .web.ranges import range_header, read_range
from .web.session import Folder, Session
from .web.swap import Swapper
from .web.tree import Tree
from .web.url import WebUrl, parse_url
from .web.wire import Timeouts
from .web.writer import DONE, Writer

_LARGE = 1 << 20  # bytes; a larger body is not sent before its folder is known to be there


def open_http(url: str, access: Access, timeouts: Timeouts | None = None) -> HttpStore:
    """The store at `http://…` or `https://…`; nothing is asked yet. UsageError for no address."""
    found, login = parse_url(url)
    timeouts = timeouts or Timeouts(stall=access.stall(Timeouts().stall))
    return HttpStore(Session(found, access, login, timeouts), timeouts.turn, access.single_writer)


class HttpStore:
    def __init__(self, session: Session, patience: float, alone: bool) -> None:
        self._session = session
        self._writer = Writer(session)
        self._swapper = Swapper(session, self._writer, patience, alone)
        self._tree = Tree(session, self.size)

    @property
    def url(self) -> str:
        return self._session.url.shown

    def _at(self, name: str) -> WebUrl:
        return self._session.url.below(check_name(name))

    # Reading

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        check_range(name, start, length)
        if length == 0:
            return self._nothing(name)
        with self._session.ask("GET", self._at(name), range_header(start, length)) as answer:
            if answer.status in (200, 206):
                return read_range(answer, start, length)
            refused = answer.refuse("read")
        if length is None and isinstance(refused, Damaged) and self.size(name) == start:
            return b""  # a range that starts where the file ends is refused
        raise refused

    def resume(self, name: str, start: int, length: int, version: str) -> bytes:
        """The rest of a body that broke off, if the file still has this strong ETag."""
        check_range(name, start, length)
        asked = {**range_header(start, length), "If-Match": version}
        with self._session.ask("GET", self._at(name), asked) as answer:
            if answer.status == 412 or _is_other(answer, version):
                raise Damaged(f"{answer.address} was changed while it was read")
            if answer.status in (200, 206):
                return read_range(answer, start, length)
            raise answer.refuse("read")

    def _nothing(self, name: str) -> bytes:
        if self.size(name) is None:
            raise NotFound(f"{self._at(name).shown} is not in the store")
        return b""

    def read_small(self, name: str, limit: int) -> Versioned | None:
        found = self._swapper.look(check_name(name), limit)
        return Versioned(found.data, found.version) if found else None

    def size(self, name: str) -> int | None:
        try:
            return self._look(name)
        except Folder:
            return None

    def _look(self, name: str) -> int | None:
        """As `size`; Folder for a folder, which must be neither replaced nor removed."""
        with self._session.ask("HEAD", self._at(name)) as answer:
            if answer.status in GONE:
                return None
            size = content_length(answer.headers)
            if answer.status == 200 and size is not None:
                return size
            if answer.status != 200 and answer.status not in NOT_OFFERED:
                raise answer.refuse("look at")
        return self._size_by_reading(name)

    def _size_by_reading(self, name: str) -> int | None:
        """From a server that tells no size of what it is not asked to send."""
        with self._session.ask("GET", self._at(name), range_header(0, 1)) as answer:
            if answer.status in GONE:
                return None
            if answer.status == 416:
                return 0
            part = content_range(answer.headers) if answer.status == 206 else None
            size = part.total if part else content_length(answer.headers)
            if answer.status in (200, 206) and size is not None:
                return size
            raise answer.refuse("find the size of")

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        return self._tree.walk(check_prefix(prefix))

    # Writing

    def write(self, name: str, parts: Sequence[Part]) -> None:
        body = Sent(parts)
        if self._look(name) == body.size:
            return
        if body.size > _LARGE and self._writer.is_dav():
            self._writer.make_folder_of(name)
        answer = self._writer.put(name, body)
        if answer.status not in DONE:
            raise self._writer.refuse(answer, "write")

    def delete(self, name: str) -> None:
        if self._look(name) is not None:
            self._writer.delete(name)

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        return self._swapper.replace(check_name(name), data, version)

    def prove(self, name: str) -> str:
        """For the probe: what is wrong with the server's conditions; "" when nothing was found."""
        return self._swapper.prove(check_name(name))


def _is_other(answer: Answer, version: str) -> bool:
    return answer.status in (200, 206) and any_etag(answer.headers) != version
