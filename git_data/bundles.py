"""The bundles of a registry: made from the local repository, stored, brought here, taken in.

A bundle is named by its bytes and never changes. It is checked by our own hash before Git sees it;
what it says of itself must be what the manifest says; then Git unpacks it as it does a fetch, with
`fetch.fsckObjects` and `fetch.unpackLimit` (or those of `transfer`) honoured. A name is given to
objects only when all of that went well.
"""

from __future__ import annotations

import mmap
import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from .bundleheader import Header, encode_header, read_header
from .errors import Damaged, GitError, NotFound, StoreError
from .files import failure, make_folders, open_temporary, remove_quietly, remove_stale, write_all
from .gitmanifest import BundleRef
from .history import History, News
from .oid import hash_stream, hasher
from .progress import SILENT, Progress
from .stores.base import READ_BYTES, HasPaths, Store
from .threads import thread_pool

AHEAD = 4  # pieces that are read before they are needed
_SLICE = 8 << 20
_UNPACK_LIMIT = 100  # objects: from there on Git keeps a fetched pack as it is


class Draft:
    """A bundle in a temporary file."""

    def __init__(self, path: str, ref: BundleRef) -> None:
        self.path = path
        self.ref = ref

    def close(self) -> None:
        """The file goes."""
        remove_quietly(self.path)

    def parts(self) -> list[memoryview]:
        """Its bytes, without holding them in memory."""
        with open(self.path, "rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return [view[at : at + _SLICE] for at in range(0, len(view), _SLICE)]


class Maker(NamedTuple):
    """Makes bundles, as files in `folder`."""

    history: History
    folder: str
    refs: Mapping[str, str]  # of the registry as they will be, for the names of the tips
    shown: bool | None  # with Git's progress; None: not even what it has to complain of

    def make(self, news: News, known: Iterable[str]) -> Draft:
        """A bundle of what is new beside what is `known`."""
        fd, path = _temporary(self.folder)
        try:
            object_format = self.history.location.object_format
            write_all(fd, encode_header(object_format, news.prerequisites, self._names(news)))
            self._pack(fd, news, known)
            os.lseek(fd, 0, os.SEEK_SET)
            with open(os.dup(fd), "rb", buffering=0) as file:
                oid, size = hash_stream(file)
        except BaseException as error:
            remove_quietly(path)
            if isinstance(error, OSError):
                raise failure(error, "write", path) from error
            raise
        finally:
            os.close(fd)
        return Draft(path, BundleRef(oid, size, news.tips, news.prerequisites))

    def _names(self, news: News) -> dict[str, str]:
        """What the tips are called in the bundle, for those who read it by hand."""
        known = {oid: name for name, oid in self.refs.items()}
        return {known.get(oid, f"refs/tips/{oid}"): oid for oid in news.tips}

    def _pack(self, fd: int, news: News, known: Iterable[str]) -> None:
        wanted = [*news.tips, "--not", *known, *news.prerequisites]
        words = ["pack-objects", "--stdout", "--revs", "--delta-base-offset"]
        words += ["--thin"] if news.prerequisites else []
        words += ["--progress", "--all-progress-implied"] if self.shown else ["-q"]
        text = "".join(f"{word}\n" for word in wanted).encode()
        git = self.history.git
        status, _ = git.stream(*words, source=text, target=fd, silent=self.shown is None)
        if status != 0:
            raise GitError(
                f"git pack-objects failed in {git.folder}, nothing was pushed", "try: git fsck"
            )


def _temporary(folder: str) -> tuple[int, str]:
    try:
        make_folders(folder)
        remove_stale(folder)
        return open_temporary(folder)
    except OSError as error:
        raise failure(error, "write in", folder) from error


def put(store: Store, draft: Draft) -> None:
    """Store a bundle, and have the store say that it is there, whole."""
    store.write(draft.ref.name, draft.parts())
    if (stored := store.size(draft.ref.name)) != draft.ref.size:
        raise StoreError(
            f"{store.url}/{draft.ref.name} has {stored} bytes after {draft.ref.size} were written",
            "nothing was pushed; the same push tries again",
        )


# Bringing


def bring(
    store: Store,
    refs: Sequence[BundleRef],
    folder: str,
    progress: Progress = SILENT,
    piece_bytes: int = READ_BYTES,
) -> Iterator[tuple[BundleRef, str]]:
    """Each bundle with the path of a file that holds it, verified, in this order. The file is
    there until the next one is asked for. A store of folders is read in place."""
    in_place = {ref: _local_path(store, ref) for ref in refs}
    remote = [ref for ref in refs if in_place[ref] is None]
    with thread_pool(AHEAD) as pool:
        pieces = _read_ahead(pool, store, remote, piece_bytes)
        for ref in refs:
            path = in_place[ref]
            if path is not None:
                _check_in_place(path, ref)
                yield ref, path
                continue
            path = _gather(store, ref, pieces, folder, progress)
            try:
                yield ref, path
            finally:
                remove_quietly(path)


def _local_path(store: Store, ref: BundleRef) -> str | None:
    return store.local_path(ref.name) if isinstance(store, HasPaths) else None


def _check_in_place(path: str, ref: BundleRef) -> None:
    try:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != ref.size:
                raise _damaged(path)
            oid, _ = hash_stream(file)
    except OSError as error:
        raise failure(error, "read", path) from error
    if oid != ref.id:
        raise _damaged(path)


def _read_ahead(
    pool: ThreadPoolExecutor, store: Store, refs: Sequence[BundleRef], piece_bytes: int
) -> Iterator[bytes]:
    """All pieces of the bundles, in order; the next ones are under way meanwhile."""
    waiting: deque[Future[bytes]] = deque()
    for ref in refs:
        for start in range(0, ref.size, piece_bytes):
            length = min(piece_bytes, ref.size - start)
            waiting.append(pool.submit(store.read, ref.name, start, length))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _gather(
    store: Store, ref: BundleRef, pieces: Iterator[bytes], folder: str, progress: Progress
) -> str:
    """Write the pieces of one bundle to a file; its path, once its hash is right."""
    address = f"{store.url}/{ref.name}"
    fd, path = _temporary(folder)
    progress.start("Fetching history", 1, ref.size)
    try:
        state, done = hasher(), 0
        while done < ref.size:
            piece = next(pieces)
            state.update(piece)
            write_all(fd, piece)
            done += len(piece)
            progress.advance(0, len(piece))
        if state.digest() != ref.id:
            raise _damaged(address)
    except BaseException as error:
        remove_quietly(path)
        if isinstance(error, OSError):
            raise failure(error, "write", path) from error
        if isinstance(error, NotFound):
            raise Damaged(f"{address} is not there, although the registry needs it") from error
        raise
    finally:
        os.close(fd)
        progress.finish()
    return path


def _damaged(address: str) -> Damaged:
    return Damaged(f"{address} is damaged: its bytes are not those of its name; nothing was taken")


# Taking in


class Taking(NamedTuple):
    """How Git shall unpack."""

    shown: bool = False  # with its progress
    linked: bool = False  # only if everything it refers to is here then
    quiet: bool = False  # a failure is not the user's to see
    fsck: str | None = None  # None: no; "" or "=…" as index-pack's --strict takes it
    limit: int = _UNPACK_LIMIT

    @classmethod
    def of(cls, values: Mapping[str, tuple[str, ...]], **how: bool) -> Taking:
        """As the settings of the user say; those of `fetch` win over those of `transfer`."""

        def last(name: str) -> str | None:
            found = values.get(f"fetch.{name}") or values.get(f"transfer.{name}")
            return found[-1] if found else None

        wish = (last("fsckobjects") or "false").lower()
        limit = last("unpacklimit") or ""
        return cls(
            fsck=_fsck_messages(values) if wish not in ("false", "no", "off", "0") else None,
            limit=int(limit) if limit.isdigit() and int(limit) else _UNPACK_LIMIT,
            **how,
        )


def _fsck_messages(values: Mapping[str, tuple[str, ...]]) -> str:
    """The levels of fsck's messages (`fetch.fsck.<id>`), as Git hands them to index-pack."""
    known = ((name.removeprefix("fetch.fsck."), found[-1]) for name, found in values.items())
    given = [f"{name}={level}" for name, level in known if f"fetch.fsck.{name}" in values]
    return "=" + ",".join(given) if given else ""


def take(history: History, ref: BundleRef, path: str, how: Taking) -> str | None:
    """Unpack a bundle into the repository. The path of the `.keep` file that keeps its pack until
    refs are set, if it stayed one."""
    with open(path, "rb") as file:
        header = read_header(file, path)
        _compare(header, ref, path, history.location.object_format)
        os.lseek(file.fileno(), header.start, os.SEEK_SET)
        if header.objects < how.limit and not how.linked and how.fsck is None:
            words = ["unpack-objects", *([] if how.shown else ["-q"])]
        else:
            words = _index_pack(how, thin=bool(ref.prerequisites))
        status, out = history.git.stream(*words, source=file.fileno(), silent=how.quiet)
    # 1: all is well, but some of what it refers to is in other packs.
    if status != 0 and not (status == 1 and how.linked):
        raise GitError(
            f"git {words[0]} refused {path}: nothing of it was taken",
            "if the message above does not help, the registry is damaged",
        )
    kept = out.decode("ascii", "replace").split("\t")
    if kept[0] != "keep":
        return None
    folder = history.git.run("rev-parse", "--git-path", "objects")[:-1]
    pack = os.path.join(os.fsdecode(folder), "pack", f"pack-{kept[1].strip()}.keep")
    return os.path.join(history.git.folder, pack)


def _index_pack(how: Taking, thin: bool) -> list[str]:
    words = ["index-pack", "--stdin", f"--keep=git-data {os.getpid()} on {socket.gethostname()}"]
    words += ["-v"] if how.shown else []
    words += ["--fix-thin"] if thin else []
    words += ["--check-self-contained-and-connected"] if how.linked else []
    words += [f"--strict{how.fsck}"] if how.fsck is not None else []
    return words


def _compare(header: Header, ref: BundleRef, path: str, object_format: str) -> None:
    if header.object_format != object_format:
        raise Damaged(f"{path} has objects of {header.object_format}, not {object_format}")
    if (header.tips, header.prerequisites) != (ref.tips, ref.prerequisites):
        raise Damaged(f"{path} holds something else than the registry says")


def unlock(path: str) -> None:
    """Let go of a pack that `take` keeps."""
    remove_quietly(path)
