"""The remote helper's conversation: bytes in, bytes out; the service behind it is a record."""

import io

import pytest

from git_data.errors import DataError, FormatError
from git_data.remote import Conversation, Listing, Options, Taken, unquote
from git_data.updates import Answer, Request

ONE, TWO = "1" * 40, "2" * 40


class Record:
    """A service that remembers what it was asked for."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def refs(self, for_push):
        self.asked.append(("refs", for_push))
        return self.answers.get("refs", Listing("sha1", []))

    def fetch(self, wanted, options):
        self.asked.append(("fetch", wanted))
        return self.answers.get("fetch", Taken())

    def push(self, requests, options):
        self.asked.append(("push", requests, options.has("dry-run")))
        return [Answer(request.ref, self.answers.get("push", "")) for request in requests]


def talk(text, **answers):
    service, sink = Record(**answers), io.BytesIO()
    conversation = Conversation(io.BytesIO(text.encode()), sink, service)
    conversation.serve()
    return sink.getvalue().decode(), service.asked, conversation.options


def test_capabilities_end_with_an_empty_line():
    said, _, _ = talk("capabilities\n\n")
    assert said == "option\nfetch\npush\ncheck-connectivity\nobject-format\n\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("progress true", "ok"),
        ("progress false", "ok"),
        ("verbosity 2", "ok"),
        ("verbosity loud", "error no number"),
        ("object-format", "ok"),
        ("object-format true", "ok"),
        ("depth 5", "ok"),
        ("dry-run true", "ok"),
        ("atomic true", "ok"),
        ("push-option ci.skip", "ok"),
        (f"cas refs/heads/main:{ONE}", "ok"),
        ("pushcert if-asked", "ok"),
        ("pushcert true", "unsupported"),
        ("servpath x", "unsupported"),
        ("from-promisor true", "unsupported"),
        ("tomorrow 5", "unsupported"),
    ],
)
def test_options(line, answer):
    assert talk(f"option {line}\n\n")[0] == answer + "\n"


def test_what_options_say():
    _, _, options = talk(
        "option verbosity 0\noption progress true\noption progress false\noption atomic true\n"
        'option deepen-not "a \\"tag\\""\noption deepen-not b\noption depth 3\n\n'
    )
    assert (options.verbosity, options.has("progress"), options.has("atomic")) == (0, False, True)
    assert options.all("deepen-not") == ['a "tag"', "b"]
    assert options.text("depth") == "3"


def test_a_list():
    listing = Listing("sha256", [("refs/heads/größe", ONE), ("refs/tags/v1", TWO)], "refs/heads/x")
    said, asked, _ = talk("option object-format true\nlist\n\n", refs=listing)
    assert said == (
        f"ok\n:object-format sha256\n@refs/heads/x HEAD\n{ONE} refs/heads/größe\n"
        f"{TWO} refs/tags/v1\n\n"
    )
    assert asked == [("refs", False)]


def test_a_list_for_a_git_that_knows_no_object_formats():
    said, asked, _ = talk("list for-push\n\n", refs=Listing("sha1", [("refs/heads/x", ONE)]))
    assert said == f"{ONE} refs/heads/x\n\n"
    assert asked == [("refs", True)]


def test_a_batch_of_fetches():
    said, asked, _ = talk(f"fetch {ONE} refs/heads/a b\nfetch {TWO} HEAD\n\n\n")
    assert said == "\n"
    assert asked == [("fetch", [("refs/heads/a b", ONE), ("HEAD", TWO)])]


def test_a_fetch_tells_what_to_keep_and_what_is_whole():
    text = f"option check-connectivity true\nfetch {ONE} HEAD\n\n\n"
    said, _, _ = talk(text, fetch=Taken("/x/pack-1.keep", connected=True))
    assert said == "ok\nlock /x/pack-1.keep\nconnectivity-ok\n\n"
    assert talk(f"fetch {ONE} HEAD\n\n\n", fetch=Taken(connected=True))[0] == "\n"


def test_batches_of_pushes():
    said, asked, _ = talk(
        f"option cas refs/heads/l:{ONE}\npush a:refs/heads/l\npush +b:refs/x\n\n"
        "option dry-run true\npush :refs/x\n\n\n"
    )
    assert said == "ok\nok refs/heads/l\nok refs/x\n\nok\nok refs/x\n\n"
    assert asked == [
        ("push", [Request("a", "refs/heads/l", lease=ONE), Request("b", "refs/x", True)], False),
        ("push", [Request("", "refs/x")], True),
    ]


def test_a_lease_holds_for_its_batch_alone():
    _, asked, _ = talk(f"option cas refs/x:{ONE}\npush a:refs/x\n\npush b:refs/x\n\n\n")
    assert [requests[0].lease for _, requests, _ in asked] == [ONE, None]


def test_a_reason_is_one_line():
    said, _, _ = talk("push a:refs/x\n\n\n", push="fetch\nfirst")
    assert said == "error refs/x fetch first\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "push a:refs/heads/x\npush b:refs/heads/y\n",
        "push a:refs/heads/x",
        "push a:refs/heads/x\npush b:refs/he",
        f"fetch {ONE} HEAD\n",
        "push a:refs/heads/x\nfetch 1 x\n\n",
        "push nothing\n\n",
        "export\n",
        "option" * 1_000_000,
    ],
)
def test_what_is_cut_off_is_not_done(text):
    """Git was killed in the middle: half a batch is none."""
    service = Record()
    with pytest.raises(FormatError):
        Conversation(io.BytesIO(text.encode()), io.BytesIO(), service).serve()
    assert service.asked == []


@pytest.mark.parametrize("text", ["", "\n", "capabilities\n"])
def test_git_may_end_between_commands(text):
    assert talk(text)[1] == []


def test_errors_are_for_the_caller():
    class Failing(Record):
        def refs(self, for_push):
            raise DataError("no")

    sink = io.BytesIO()
    with pytest.raises(DataError):
        Conversation(io.BytesIO(b"list\n"), sink, Failing()).serve()
    assert sink.getvalue() == b""


def test_what_was_said_can_be_traced():
    heard = []
    source = io.BytesIO(b"option verbosity 1\n\n")
    Conversation(source, io.BytesIO(), Record(), heard.append).serve()
    assert heard == ["git> option verbosity 1", "git< ok", "git> "]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ('"quoted"', "quoted"),
        ('"a\\nb\\tc\\\\d\\"e"', 'a\nb\tc\\d"e'),
        ('"gr\\303\\266\\303\\237e"', "größe"),
        ('"\\351"', "\udce9"),
        ('"', '"'),
        ('"open', '"open'),
        ('"end\\"', "end\\"),
        ("größe", "größe"),
    ],
)
def test_quoting(text, value):
    assert unquote(text) == value


def test_no_option_is_set_at_first():
    options = Options()
    assert (options.verbosity, options.has("atomic"), options.all("cas")) == (1, False, [])
