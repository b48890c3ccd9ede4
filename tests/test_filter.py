"""The filter's dialogue, as bytes in and bytes out, over a real repository."""

import io

import pytest

from git_data import pktline
from git_data.conversation import Conversation
from git_data.filter import DELAYED, ERROR, SUCCESS, Filter
from git_data.oid import BLOCK, hash_bytes
from git_data.pointer import Pointer
from git_data.repo import Repo

from .helpers.world import random_bytes


class Notes:
    """A Progress that keeps what the user would read."""

    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)

    def start(self, what, files, size):
        pass

    def advance(self, files, size):
        pass

    def finish(self):
        pass


@pytest.fixture
def repo(world):
    return world.repo()


def request(command, path, content=b"", **pairs):
    fields = [b"command=" + command.encode(), b"pathname=" + path]
    fields += [f"{name.replace('_', '-')}={value}".encode() for name, value in pairs.items()]
    return pktline.encode_list(*fields) + pktline.encode_content(content)


def serve(repo, *requests, env=None):
    """What the filter answers to these requests, its notes, and the filter itself."""
    opened = Repo.open(str(repo.path), {**repo.world.env, **(env or {})})
    talk, notes = Conversation(io.BytesIO(b"".join(requests)), io.BytesIO()), Notes()
    served = Filter(opened, talk, notes)
    served.serve()
    return talk.sink.getvalue(), notes.lines, served


def answer(content):
    return SUCCESS + pktline.encode_content(content) + pktline.FLUSH


def pointer_of(content):
    return Pointer(hash_bytes(content), len(content)).encode()


CONFLICT = (
    b"version git-data/1\n<<<<<<< HEAD\noid blake3:%s\nsize 7\n=======\noid blake3:%s\nsize 8\n"
    b">>>>>>> main\n" % (b"a" * 64, b"b" * 64)
)


@pytest.mark.parametrize("size", [1, 200, 10_240, BLOCK - 1, BLOCK, BLOCK + 1, 3_000_000])
def test_clean_stores_content_and_answers_its_pointer(repo, size):
    content = random_bytes(size)
    got, notes, served = serve(repo, request("clean", b"a.bin", content))
    assert got == answer(pointer_of(content))
    assert served.repo.cache.open(hash_bytes(content), size).read() == content
    assert notes == []


@pytest.mark.parametrize(
    "content", [b"", pointer_of(b"x"), CONFLICT], ids=["empty", "pointer", "conflict"]
)
def test_clean_passes_what_is_no_content(repo, content):
    got, _, served = serve(repo, request("clean", b"a.bin", content))
    assert got == answer(content)
    assert [*served.repo.cache.objects()] == []


@pytest.mark.parametrize(
    "name", [b".gitattributes", b"d/.gitattributes", b".gitdata", b".gitignore"]
)
@pytest.mark.parametrize("size", [100, 2 * BLOCK])
def test_what_git_reads_itself_is_never_data(repo, name, size):
    content = b"x" * size
    got, _, _ = serve(repo, request("clean", name, content))
    assert b"".join(p or b"" for p in pktline.packets(got)) == b"status=success\n" + content


def test_clean_mends_a_pointer_with_crlf(repo):
    text = pointer_of(b"x")
    got, _, served = serve(repo, request("clean", b"a.bin", text.replace(b"\n", b"\r\n")))
    assert got == answer(text)
    assert [*served.repo.cache.objects()] == []


POINTER = pointer_of(b"x")
NEWER = POINTER.replace(b"git-data/1", b"git-data/2")
BROKEN = {
    "cut off": POINTER[:-1],
    "half": POINTER[:60],
    "edited": POINTER.replace(b"size 1", b"size one"),
    "added to": POINTER + b"more\n",
    "one CRLF": POINTER.replace(b"\n", b"\r\n", 1),
    "newer": NEWER,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_pointer_stays_what_it_is_both_ways(repo, text):
    """A pointer to it would be valid, and hide what it stood for."""
    add = request("clean", b"a.bin", text)
    got, notes, served = serve(repo, add, add, request("clean", b"b.bin", text))
    assert got == answer(text) * 3
    assert [*served.repo.cache.objects()] == []
    assert [note.split(": ")[1] for note in notes] == ["a.bin", "b.bin"]
    cure = "install a newer git-data" if text is NEWER else "git data guard pointers"
    assert all(note.endswith(cure) for note in notes)
    got, notes, served = serve(repo, request("smudge", b"a.bin", text, can_delay=1, blob="1" * 40))
    assert (got, notes, served.to_place) == (answer(text), [], {})


@pytest.mark.parametrize("size", [0, 1, 2])
def test_data_that_merely_begins_alike_is_data(repo, size):
    begun = [b"version 2 of a table", b"version git-data/1 explained\n", POINTER + b"x" * 4096]
    got, notes, _ = serve(repo, request("clean", b"a.bin", begun[size]))
    assert (got, notes) == (answer(pointer_of(begun[size])), [])


def test_a_pointer_of_a_newer_version_is_named_on_its_way_out(repo):
    both = [request("smudge", name, NEWER, can_delay=1, blob="1" * 40) for name in (b"a", b"b")]
    got, _, served = serve(repo, *both)
    served.finish()
    assert got == answer(NEWER) * 2
    (note,) = served.progress.lines
    assert "2 files (a, …) are left as their pointers: the pointer is of a newer version" in note
    assert "install a newer git-data, then finish with: git data pull" in note
    got, notes, _ = serve(repo, *both, env={"GIT_DATA_STRICT": "1"})
    assert got == ERROR * 2 and "install a newer git-data" in notes[0]
    _, _, served = serve(repo, *both, env={"GIT_DATA_SKIP_SMUDGE": "1"})
    assert served.failures == {}


def test_a_path_may_hold_newlines_and_signs(repo):
    got, _, _ = serve(repo, request("clean", b"a\nb=c\n", b"one"), request("clean", b"-x", b"two"))
    assert got == answer(pointer_of(b"one")) + answer(pointer_of(b"two"))


def test_by_size_the_small_pass_and_the_named_do_not(repo):
    repo.write(".gitattributes", "* filter=data merge=data\n*.flac filter=data diff=data\n")
    repo.write(".gitdata", "[track]\n\tabove = 2MiB\n")
    small, big = random_bytes(2 * BLOCK - 1), random_bytes(2 * BLOCK)
    got, _, served = serve(
        repo,
        request("clean", b"small.txt", b"small"),
        request("clean", b"medium", small),
        request("clean", b"big", big),
        request("clean", b"a.flac", b"flac"),
    )
    assert got.startswith(answer(b"small"))
    assert got.endswith(answer(pointer_of(big)) + answer(pointer_of(b"flac")))
    middle = got[
        len(answer(b"small")) : -len(answer(pointer_of(big)) + answer(pointer_of(b"flac")))
    ]
    assert b"".join(p or b"" for p in pktline.packets(middle)) == b"status=success\n" + small
    assert len([*served.repo.cache.objects()]) == 2


def test_a_file_that_fails_fails_alone(repo):
    objects = repo.path / ".git" / "git-data"
    objects.write_text("in the way")
    got, notes, _ = serve(repo, request("clean", b"a.bin", random_bytes(3 * BLOCK)))
    assert got == ERROR
    assert len(notes) == 1 and "a.bin" in notes[0]
    got, _, _ = serve(
        repo,
        request("clean", b"a.bin", random_bytes(3 * BLOCK)),
        request("clean", b"text", pointer_of(b"x")),
        request("unknown", b"x", b"rest"),
        request("clean", b"text", pointer_of(b"y")),
    )
    assert got == ERROR + answer(pointer_of(b"x")) + ERROR + answer(pointer_of(b"y"))


def stored(repo, content):
    serve(repo, request("clean", b"a.bin", content))
    return pointer_of(content)


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize("size", [5, 3 * BLOCK + 7])
def test_without_delay_the_content_is_answered_at_once(repo, size, crlf):
    content = random_bytes(size)
    text = stored(repo, content)
    text = text.replace(b"\n", b"\r\n") if crlf else text
    got, notes, _ = serve(repo, request("smudge", b"a.bin", text))
    assert b"".join(p or b"" for p in pktline.packets(got)) == b"status=success\n" + content
    assert got.endswith(pktline.FLUSH * 2) and notes == []


def test_with_delay_the_pointer_is_answered_and_the_file_comes_later(repo):
    text = stored(repo, b"content")
    got, _, served = serve(repo, request("smudge", b"a.bin", text, can_delay=1, blob="1" * 40))
    assert got == answer(text)
    assert [*served.to_place] == [b"a.bin"]


def test_a_later_smudge_of_the_path_cancels_what_was_pending(repo):
    text = stored(repo, b"content")
    pending = request("smudge", b"a.bin", text, can_delay=1, blob="1" * 40)
    _, _, served = serve(repo, pending, request("smudge", b"a.bin", b"no pointer", can_delay=1))
    assert served.to_place == {}


@pytest.mark.parametrize("content", [b"", b"text\n", CONFLICT, b"x" * 3 * BLOCK])
def test_smudge_passes_what_is_no_pointer(repo, content):
    got, _, served = serve(repo, request("smudge", b"a", content, can_delay=1, blob="1" * 40))
    assert b"".join(p or b"" for p in pktline.packets(got)) == b"status=success\n" + content
    assert served.to_place == {}


def test_delayed_where_a_hook_would_look(repo):
    hook = repo.write(".git/hooks/post-checkout", "#!/bin/sh\n")
    hook.chmod(0o755)
    one, two = stored(repo, b"one"), stored(repo, b"two")
    got, _, served = serve(
        repo,
        request("smudge", b"a", one, can_delay=1, blob="1" * 40, treeish="1" * 40),
        request("smudge", b"b", two, can_delay=1, blob="2" * 40, treeish="1" * 40),
        pktline.encode_list(b"command=list_available_blobs"),
        request("smudge", b"b"),
        request("smudge", b"a"),
        pktline.encode_list(b"command=list_available_blobs"),
    )
    names = pktline.encode(b"pathname=a") + pktline.encode(b"pathname=b") + pktline.FLUSH
    expected = DELAYED * 2 + names + SUCCESS + answer(b"two") + answer(b"one")
    assert got == expected + pktline.FLUSH + SUCCESS
    assert served.to_place == {}


def test_a_commit_hook_matters_only_where_a_commit_may_follow(repo):
    hook = repo.write(".git/hooks/commit-msg", "#!/bin/sh\n")
    hook.chmod(0o755)
    text = stored(repo, b"one")
    tree = {"can_delay": 1, "blob": "1" * 40}
    assert serve(repo, request("smudge", b"a", text, **tree, treeish="1" * 40))[0] == answer(text)
    assert serve(repo, request("smudge", b"a", text, **tree))[0] == DELAYED


@pytest.mark.parametrize(
    "env",
    [
        {"GIT_DATA_SKIP_SMUDGE": "1"},
        {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "data.skipSmudge",
            "GIT_CONFIG_VALUE_0": "true",
        },
    ],
)
def test_skipped_by_the_environment_or_the_config(repo, env):
    text = stored(repo, b"content")
    got, _, served = serve(repo, request("smudge", b"a.bin", text), env=env)
    assert got == answer(text) and served.failures == {}


def test_excluded_paths_stay_pointers(repo):
    repo.git("config", "data.fetchExclude", "raw, *.tmp")
    text = stored(repo, b"content")
    got, _, _ = serve(
        repo,
        request("smudge", b"raw/a", text),
        request("smudge", b"b.tmp", text),
        request("smudge", b"c", text),
    )
    assert got == answer(text) * 2 + answer(b"content")


def test_missing_data_leaves_the_pointer_or_fails_where_that_is_wished(repo):
    text = pointer_of(b"nowhere")
    got, _, served = serve(repo, request("smudge", b"a", text), request("smudge", b"b", text))
    assert got == answer(text) * 2
    served.finish()
    told = served.progress.lines
    assert len(told) == 1
    assert "2 files" in told[0] and "git data pull" in told[0] and "Nothing is lost" in told[0]
    strict = {"GIT_DATA_STRICT": "1"}
    got, notes, _ = serve(repo, request("smudge", b"a", text), env=strict)
    assert got == ERROR
    assert "a:" in notes[0]


def test_a_stream_cut_off_anywhere_ends_the_filter_quietly(repo):
    whole = request("clean", b"a.bin", b"content")
    for cut in range(1, len(whole)):
        serve(repo, whole[:cut])


def test_a_gitdata_that_cannot_be_read_stops_only_what_is_tracked_by_size(repo):
    repo.write(".gitattributes", "* filter=data\n*.flac filter=data diff=data\n")
    repo.write(".gitdata", "[unknown]\n\tkey = 1\n")
    got, notes, _ = serve(repo, request("clean", b"a.flac", b"x"), request("clean", b"a.txt", b"y"))
    assert got == answer(pointer_of(b"x")) + ERROR
    assert len(notes) == 1 and "unknown.key" in notes[0]
