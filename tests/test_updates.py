import pytest

from git_data.errors import FormatError
from git_data.history import Thing
from git_data.updates import (
    CURRENT,
    EXISTS,
    FETCH_FIRST,
    FUNNY_NAME,
    NEEDS_FORCE,
    NO_COMMIT,
    NO_SUCH_SOURCE,
    NON_FAST_FORWARD,
    NOT_ATOMIC,
    STALE,
    Judge,
    Request,
    Update,
    apply,
    decide,
    parse_push,
)

OLD, NEW, SIDE, TREE, GONE = (letter * 40 for letter in "12345")
ZERO = "0" * 40
REFS = {"refs/heads/main": OLD, "refs/tags/v1": OLD, "refs/heads/other": GONE, "refs/x": OLD}


class Known:
    """NEW follows OLD; SIDE does not; of GONE nothing is here."""

    def existing(self, oids):
        return {oid for oid in oids if oid != GONE}

    def find(self, expressions):
        return [thing(oid) for oid in expressions]

    def is_ancestor(self, old, new):
        return (old, new) == (OLD, NEW)


def thing(oid):
    return Thing(oid, "tree" if oid == TREE else "commit", commit=oid != TREE)


def update(ref, new=None, force=False, lease=None, source=None):
    request = Request(source if source is not None else new or "", ref, force, lease)
    return Update(request, thing(new) if new else None)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (update("refs/heads/main", NEW), ""),
        (update("refs/heads/main", OLD), ""),
        (update("refs/heads/main", SIDE), NON_FAST_FORWARD),
        (update("refs/heads/main", SIDE, force=True), ""),
        (update("refs/heads/new", SIDE), ""),
        (update("refs/heads/other", NEW), FETCH_FIRST),
        (update("refs/heads/other", NEW, force=True), ""),
        (update("refs/heads/other"), ""),
        (update("refs/heads/nothing"), ""),
        (update("refs/heads/main"), CURRENT),
        (update("refs/tags/v1", NEW), EXISTS),
        (update("refs/tags/v1", NEW, force=True), ""),
        (update("refs/tags/v1", OLD), ""),
        (update("refs/tags/tree", TREE), ""),
        (update("refs/heads/tree", TREE, force=True), NO_COMMIT),
        (update("refs/x", NEW), ""),
        (update("refs/x", TREE), NEEDS_FORCE),
        (update("refs/heads/main", SIDE, lease=OLD), ""),
        (update("refs/heads/main", SIDE, lease=NEW), STALE),
        (update("refs/heads/main", SIDE, lease=ZERO), STALE),
        (update("refs/heads/main", OLD, lease=NEW), ""),
        (update("refs/heads/new", SIDE, lease=ZERO), ""),
        (update("refs/heads/new", SIDE, lease=OLD), STALE),
        (update("refs/heads/other", lease=GONE), ""),
        (update("refs/heads/other", lease=OLD), STALE),
        (update("refs/tags/v1", NEW, force=True, lease=NEW), STALE),
        (update("main", NEW), FUNNY_NAME),
        (update("HEAD", NEW), FUNNY_NAME),
        (update("refs/heads/../x", NEW), FUNNY_NAME),
        (update("refs/heads/x", source="nothing"), NO_SUCH_SOURCE),
    ],
)
def test_reasons(asked, reason):
    judge = Judge(REFS, "refs/heads/main", Known())
    assert decide([asked], judge, REFS, atomic=False) == {asked.ref: reason}


def test_each_for_itself_or_all_or_none():
    good, bad = update("refs/heads/new", NEW), update("refs/heads/main", SIDE)
    judge = Judge(REFS, "refs/heads/main", Known())
    assert list(decide([good, bad], judge, REFS, False).values()) == ["", NON_FAST_FORWARD]
    assert list(decide([good, bad], judge, REFS, True).values()) == [NOT_ATOMIC, NON_FAST_FORWARD]


@pytest.mark.parametrize(
    ("updates", "refused"),
    [
        ([update("refs/heads/main/x", NEW)], ["refs/heads/main/x"]),
        ([update("refs/heads/main/x/y", NEW)], ["refs/heads/main/x/y"]),
        ([update("refs/x/y", NEW), update("refs/x")], []),
        ([update("refs/heads", NEW)], ["refs/heads"]),
        ([update("refs/a/b", NEW), update("refs/a", NEW)], ["refs/a"]),
        ([update("refs/a", NEW), update("refs/a/b", NEW)], ["refs/a/b"]),
        ([update("refs/a/b", NEW), update("refs/a/c", NEW)], []),
    ],
)
def test_files_and_folders(updates, refused):
    judge = Judge(REFS, "refs/heads/main", Known())
    reasons = decide(updates, judge, REFS, atomic=False)
    assert [ref for ref, reason in reasons.items() if reason] == refused
    assert all("exists; cannot create" in reasons[ref] for ref in refused)


def test_apply():
    changed = [update("refs/x"), update("refs/heads/main", NEW), update("refs/heads/nothing")]
    assert apply(REFS, changed) == {
        "refs/heads/main": NEW,
        "refs/tags/v1": OLD,
        "refs/heads/other": GONE,
    }


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("push main:refs/heads/main", Request("main", "refs/heads/main")),
        ("push +main:refs/heads/main", Request("main", "refs/heads/main", force=True)),
        ("push :refs/heads/x", Request("", "refs/heads/x")),
        ("push HEAD^{/a: b}:refs/heads/x", Request("HEAD^{/a: b}", "refs/heads/x")),
        ("push a:refs/heads/l", Request("a", "refs/heads/l", lease=OLD)),
    ],
)
def test_push_lines(line, request_):
    assert parse_push(line, {"refs/heads/l": OLD}) == request_


def test_no_push_line():
    with pytest.raises(FormatError):
        parse_push("push main")
