"""Clean and smudge, in one process for a whole Git command.

How to think about it. Git sends one request a file and waits for the answer. Clean answers a
pointer once the content is in the cache. Smudge has three answers
(docs/decisions/0005-two-ways-of-checking-out.md):

  the pointer, and `Filter.finish` puts the file in place when Git is done (the main way);
  `delayed`, then the content when Git asks again (when somebody looks before Git ends, or strict);
  the content at once (when Git offers no delay: nobody would replace a pointer later).

A file that fails fails alone: its answer is `status=error`, or its pointer stays; the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from . import pktline, pointer, worktree
from .bringing import bring
from .cache import CacheWriter
from .conversation import Conversation
from .errors import DataError, FormatError
from .faults import KEPT, UPGRADE, Fault, fault_of
from .interrupt import Interrupt
from .oid import BLOCK
from .onlookers import somebody_looks
from .pointer import Pointer
from .progress import Progress
from .repo import Repo, wanted
from .selection import Selection
from .showing import Depicter, is_shown
from .transfer import Failure
from .worktree import Placement

SUCCESS = pktline.encode_list(b"status=success")
ERROR = pktline.encode_list(b"status=error")
DELAYED = pktline.encode_list(b"status=delayed")
_TICK = 20_000_000  # nanoseconds
# Git reads these from the work tree itself, before any filter could bring them back.
_NEVER_DATA = (b".gitattributes", b".gitignore", b".gitmodules", b".gitdata")


class Request(NamedTuple):
    path: bytes
    can_delay: bool
    blob: str
    treeish: str | None

    @property
    def name(self) -> str:
        return self.path.decode(errors="replace")


class Filter:
    def __init__(self, repo: Repo, talk: Conversation, progress: Progress) -> None:
        self.repo = repo
        self.talk = talk
        self.progress = progress
        self.treeish: str | None = None
        self.to_place: dict[bytes, Placement] = {}
        self.delayed: dict[bytes, Pointer] = {}
        self.listed: set[bytes] = set()
        self.failures: dict[str, DataError] = {}  # path -> why it is still a pointer
        self.kept: set[bytes] = set()  # paths that were told to be broken pointers
        self.lock_seen: int | None = None
        self.cleaned = False
        # The clock that stamps files may be a tick behind; Git began well before we did.
        self._since = time.time_ns() - _TICK
        self._looks: dict[bool, bool] = {}
        self._shows: bool | None = None
        self._interrupt = Interrupt()

    # The dialogue

    def serve(self) -> None:
        """Answer requests until Git closes its side."""
        try:
            while True:
                self._answer(self.talk.pairs())
        except (EOFError, BrokenPipeError):
            return

    def _answer(self, fields: dict[bytes, bytes]) -> None:
        command = fields.get(b"command")
        if command == b"list_available_blobs":
            self._list_available()
            return
        treeish = fields.get(b"treeish")
        request = Request(
            fields.get(b"pathname", b""),
            fields.get(b"can-delay") == b"1",
            fields.get(b"blob", b"").decode("ascii", "replace"),
            treeish.decode("ascii", "replace") if treeish else None,
        )
        content = self.talk.packets()
        try:
            if command == b"clean":
                self._clean(request, content)
            elif command == b"smudge":
                self._smudge(request, content)
            else:
                raise DataError(f"Git asked for {command!r}, which this filter does not know")
        except DataError as error:
            for _ in content:  # what is left of the request would be taken for the next one
                pass
            self.progress.note(f"git-data: {request.name}: {error}")
            self.talk.write(ERROR)

    # Clean

    def _clean(self, request: Request, content: Iterator[bytes]) -> None:
        self.cleaned = True
        head, complete = pktline.head(content, BLOCK)
        if complete:
            self._answer_content(self._clean_small(request, head))
            return
        if request.path.rpartition(b"/")[2] in _NEVER_DATA:
            self._answer_content(b"".join((head, *content)))
            return
        with self.repo.cache.writer() as writer:
            writer.write(head)
            for block in pktline.blocks(content, BLOCK):
                writer.write(block)
            if self._below_limit(request, writer.size):
                self._answer_stream(_stored(writer))
                return
            text = writer.commit().encode()
        self._answer_content(text)

    def _clean_small(self, request: Request, content: bytes) -> bytes:
        if found := pointer.parse_any_eol(content):
            return found.encode()
        if not content or request.path.rpartition(b"/")[2] in _NEVER_DATA:
            return content
        if (fault := fault_of(content)) in KEPT:
            self._tell_kept(request, fault)
            return content
        if self._below_limit(request, len(content)):
            return content
        return self.repo.cache.put(content).encode()

    def _tell_kept(self, request: Request, fault: Fault) -> None:
        """A pointer to a broken pointer would be valid, and what it stood for lost from sight."""
        if request.path not in self.kept and fault is not Fault.CONFLICT:  # a merge tells that
            self.kept.add(request.path)
            cure = UPGRADE if fault is Fault.NEWER else "git data guard pointers"
            self.progress.note(
                f"git-data: {request.name}: {fault.value}; Git gets it as it is. See: {cure}"
            )

    def _below_limit(self, request: Request, size: int) -> bool:
        """True for a file that is tracked by its size alone, and too small for it.

        `git data track PATTERN` also sets `diff=data`; `track --above` does not: so one question
        to Git's attributes tells which of the two tracks this path.
        """
        try:
            limit = self.repo.project_to_clean.above
        except DataError:  # a .gitdata that cannot be read is no matter of files tracked by name
            if self.repo.tracked_by_name(request.path):
                return False
            raise
        return limit is not None and size < limit and not self.repo.tracked_by_name(request.path)

    # Smudge

    def _smudge(self, request: Request, content: Iterator[bytes]) -> None:
        self.to_place.pop(request.path, None)  # whatever was pending here, Git writes it anew
        self.treeish = request.treeish or self.treeish
        head, complete = pktline.head(content, BLOCK)
        found = self.delayed.pop(request.path, None)
        if found and not head:
            self._answer_delayed(request, found)
            return
        found = pointer.parse_any_eol(head) if complete else None
        if found is None:
            if complete and fault_of(head) is Fault.NEWER:
                self._leave_newer(request)
            self._answer_content(b"".join((head, *content)))
        elif self.repo.settings.skip_smudge or not self.selection.includes(request.name):
            self._answer_content(found.encode())
        elif not request.can_delay and self._is_shown(request):
            self._answer_content(self._depicter.of_pointer(found, request.name))
        elif not request.can_delay:
            self._answer_at_once(request, found)
        elif self.repo.settings.strict or self._somebody_looks(request):
            self.delayed[request.path] = found
            self.talk.write(DELAYED)
        else:
            self._answer_later(request, found)

    @property
    def selection(self) -> Selection:
        return self.repo.selection(self.treeish)

    def _somebody_looks(self, request: Request) -> bool:
        whole_tree = request.treeish is not None
        if whole_tree not in self._looks:
            looks = somebody_looks(self.repo.git, self.repo.location, whole_tree)
            self._looks[whole_tree] = looks
        return self._looks[whole_tree]

    def _is_shown(self, request: Request) -> bool:
        """True for a side of a diff: Git has each smudged before it converts it to text."""
        if self._shows is None:
            self._shows = is_shown(self.repo)
        return self._shows and self.repo.tracked_by_name(request.path)

    @cached_property
    def _depicter(self) -> Depicter:
        return Depicter(self.repo)

    def _leave_newer(self, request: Request) -> None:
        """Told once for all, or with data.strict an error: this version cannot tell its content."""
        if self.repo.settings.skip_smudge or self._is_shown(request):
            return
        error = FormatError(Fault.NEWER.value, UPGRADE)
        if self.repo.settings.strict:
            raise error
        self.failures.setdefault(request.name, error)

    def _answer_later(self, request: Request, found: Pointer) -> None:
        text = found.encode()
        self.lock_seen = worktree.inode_of(self._lock)
        self.to_place[request.path] = Placement(request.path, text, found, request.blob)
        self._answer_content(text)

    def _answer_at_once(self, request: Request, found: Pointer) -> None:
        self._fetch({request.path: found})
        self._answer_object(request, found)

    def _list_available(self) -> None:
        """Git asks until the list is empty; the first time everything is fetched in one go."""
        available = [path for path in self.delayed if path not in self.listed]
        self._fetch({path: self.delayed[path] for path in available})
        self.listed.update(available)
        names = (pktline.encode(b"pathname=" + path) for path in available)
        self.talk.write(*names, pktline.FLUSH, SUCCESS)

    def _answer_delayed(self, request: Request, found: Pointer) -> None:
        self.listed.discard(request.path)
        self._answer_object(request, found)

    def _answer_object(self, request: Request, found: Pointer) -> None:
        """The content; where it is missing the pointer, or with data.strict an error."""
        try:
            file = self.repo.cache.open(found.oid, found.size)
        except DataError as error:
            if self.repo.settings.strict:
                raise
            self._fail([(wanted(request.name, found), error)])
            self._answer_content(found.encode())
            return
        with file:
            self._answer_stream(iter(lambda: file.read(BLOCK), b""))

    # Answers

    def _answer_content(self, content: bytes) -> None:
        # The last flush ends a list of changes to the status: there are none.
        self.talk.write(SUCCESS, pktline.encode_content(content), pktline.FLUSH)

    def _answer_stream(self, blocks: Iterable[bytes]) -> None:
        self.talk.write(SUCCESS)
        last = pktline.FLUSH
        try:
            for block in blocks:
                self.talk.write(pktline.encode_content(block)[: -len(pktline.FLUSH)])
        except DataError as error:  # success was said already: the last list takes it back
            self.progress.note(f"git-data: {error}")
            last = ERROR
        self.talk.write(pktline.FLUSH, last)

    # When Git is done

    def finish(self) -> None:
        """Sync what was cleaned; fetch and put in place what Git left as pointers."""
        if self.cleaned:
            self.repo.cache.finish()
        if self.to_place and not self._git_failed():
            self._fetch({path: item.pointer for path, item in self.to_place.items()})
            self._place()
        if worktree.needs_recovery(self.repo.location.git_dir) and not self._git_failed():
            self.repo.recover_placements(self.progress)
        self._tell()

    @cached_property
    def _lock(self) -> str:
        """Git's lock of the index in use."""
        return worktree.lock_of(self.repo.git.index_file(self.repo.location))

    def _git_failed(self) -> bool:
        """Git dies with its lock still in place: then nothing here is ours to touch."""
        return self.lock_seen is not None and self.lock_seen == worktree.inode_of(self._lock)

    def _fetch(self, items: dict[bytes, Pointer]) -> None:
        asked = [wanted(path.decode(errors="replace"), found) for path, found in items.items()]
        try:
            with self._interrupt.allowed():
                self._fail(bring(self.repo, asked, self.treeish, self.progress))
        except KeyboardInterrupt:
            missing = [w for w in asked if not self.repo.cache.has(w.oid, w.size)]
            self._fail((w, DataError("interrupted")) for w in missing)

    def _place(self) -> None:
        there = [
            item
            for path, item in self.to_place.items()
            if path.decode(errors="replace") not in self.failures
        ]
        placed = self.repo.place(there, self.progress, since=self._since)
        if placed.index_error:
            self.progress.note(f"git-data: the files are in place, but: {placed.index_error}")
        self._fail(
            (wanted(item.path.decode(errors="replace"), item.pointer), error)
            for item, error in placed.failed
        )

    def _fail(self, failures: Iterable[Failure]) -> None:
        """Keep the first reason of each file for the line at the end."""
        for w, error in failures:
            self.failures.setdefault(w.path, error)

    def _tell(self) -> None:
        """One line for all files that are still pointers."""
        if not self.failures:
            return
        count = len(self.failures)
        first, error = next(iter(self.failures.items()))
        which = first if count == 1 else f"{count} files ({first}, …)"
        left = "is left as its pointer" if count == 1 else "are left as their pointers"
        before = f"{error.hint}, then " if isinstance(error, FormatError) and error.hint else ""
        self.progress.note(
            f"git-data: {which} {left}: {error.message}. "
            f"Nothing is lost; {before}finish with: git data pull"
        )


def _stored(writer: CacheWriter) -> Iterator[bytes]:
    file = writer.read_back()
    return iter(lambda: file.read(BLOCK), b"")
