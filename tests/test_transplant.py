"""Objects from one store to another, chunk by chunk."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from git_data import transplant
from git_data.errors import Damaged, NotFound
from git_data.journal import Journal
from git_data.progress import SILENT
from git_data.sending import Sender
from git_data.stores.local import LocalStore

from .helpers.engine import (
    Clone,
    arrives,
    clone,
    content,
    counting,
    files_of,
    manifest_of,
    mixed_files,
    send,
)


@pytest.fixture
def source(tmp_path):
    """(files, wanted, whoever looks into that store): all kinds of objects in one store."""
    files = mixed_files()
    wanted = send(clone(tmp_path / "a", tmp_path / "source"), files)
    return files, wanted, clone(tmp_path / "mine", tmp_path / "source", create=False)


def target(tmp_path, name="target"):
    return Clone(tmp_path / "mine", LocalStore(str(tmp_path / name), create=True))


def cached(at):
    return [*at.cache.objects()]


def test_everything_arrives_and_nothing_is_kept(tmp_path, source):
    files, wanted, here = source
    there = target(tmp_path)
    sent = there.objects.send(wanted, there.cache, elsewhere=here.objects.locate(wanted))
    assert sent.objects == len({w.oid for w in wanted}) and cached(there) == []
    arrives(clone(tmp_path / "b", tmp_path / "target", create=False), wanted, files)


def test_by_few_reads(tmp_path):
    files = {f"{number:04}": content(str(number), 2000) for number in range(3000)}
    wanted = send(clone(tmp_path / "a", tmp_path / "source"), files)
    here, there = counting(tmp_path / "mine", tmp_path / "source"), target(tmp_path)
    there.objects.send(wanted, there.cache, elsewhere=here.objects.locate(wanted))
    calls = here.objects._catalog.store.calls
    assert sum("/packs/" in call.name for call in calls) < 10
    arrives(clone(tmp_path / "b", tmp_path / "target", create=False), wanted, files)


def test_what_the_target_has_is_not_sent_again(tmp_path, source):
    files, wanted, here = source
    there = target(tmp_path)
    large = files["random/9000001"]
    send(clone(tmp_path / "c", tmp_path / "target"), {"older": large[:-100_000] + b"x" * 50})
    new = [w for w in wanted if w.path == "random/9000001"]
    sent = there.objects.send(new, there.cache, elsewhere=here.objects.locate(new))
    assert 0 < sent.new_bytes < 1_500_000
    arrives(clone(tmp_path / "b", tmp_path / "target", create=False), new, files)


def test_some_from_the_cache_and_some_from_a_store(tmp_path, source):
    files, wanted, here = source
    there = target(tmp_path)
    mine = {"mine/1": content("mine", 700_000), "mine/2": b"small"}
    more = there.add_all(mine)
    away = here.objects.locate([*wanted, *more])
    assert {*away} == {w.oid for w in wanted}
    there.objects.send([*wanted, *more], there.cache, elsewhere=away)
    both = {**files, **mine}
    arrives(clone(tmp_path / "b", tmp_path / "target", create=False), [*wanted, *more], both)
    with pytest.raises(NotFound, match="cache"):
        lost = [more[0]._replace(oid=wanted[0].oid.__class__(bytes(32)))]
        there.objects.send(lost, there.cache, elsewhere=away)


def test_checkpoints_fall_between_objects(tmp_path, source):
    files, wanted, here = source
    at = target(tmp_path)
    store_id = at.objects.create()
    with Journal(at.folder, store_id, 0) as journal, ThreadPoolExecutor(4) as pool:
        catalog = at.objects._catalog
        sender = Sender(catalog, at.cache, journal, pool, SILENT)
        sender.checkpoint_chunks = 20
        once = [*{w.oid: w for w in wanted}.values()]
        sender.send(once, here.objects.locate(once))
    assert manifest_of(tmp_path / "target").generation > 2
    arrives(clone(tmp_path / "b", tmp_path / "target", create=False), wanted, files)


def test_a_file_of_the_same_chunk_again_and_again(tmp_path):
    files = {"zeros": bytes(40_000_000)}
    wanted = send(clone(tmp_path / "a", tmp_path / "source"), files)
    here, there = clone(tmp_path / "mine", tmp_path / "source"), target(tmp_path)
    there.objects.send(wanted, there.cache, elsewhere=here.objects.locate(wanted))
    arrives(clone(tmp_path / "b", tmp_path / "target", create=False), wanted, files)


def test_damage_there_comes_no_further(tmp_path, source):
    _, wanted, here = source
    away = here.objects.locate(wanted)
    for path in files_of(tmp_path / "source", "packs"):
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    there = target(tmp_path)
    with pytest.raises(Damaged):
        there.objects.send(wanted, there.cache, elsewhere=away)
    looking = clone(tmp_path / "b", tmp_path / "target", create=False)
    assert looking.objects.missing([w.oid for w in wanted]) == {w.oid for w in wanted}


def test_a_recipe_of_another_object_is_found_out(tmp_path):
    one, other = content("one", 3_000_000), content("other", 3_000_000)
    wanted = send(clone(tmp_path / "a", tmp_path / "source"), {"one": one, "other": other})
    here, there = clone(tmp_path / "mine", tmp_path / "source"), target(tmp_path)
    away = here.objects.locate(wanted)
    lie = {wanted[0].oid: transplant.Elsewhere(*away[wanted[1].oid])}
    with pytest.raises(Damaged, match="other bytes than those of"):
        there.objects.send(wanted[:1], there.cache, elsewhere=lie)
    looking = clone(tmp_path / "b", tmp_path / "target", create=False)
    assert looking.objects.missing([wanted[0].oid]) == {wanted[0].oid}
