"""The store of repeated requests: durable, bounded, and in no exit's way when it fails."""

import threading
from dataclasses import replace
from pathlib import Path

from bastion.clock import SystemClock
from bastion.domain.repeats import KeptReply, KeptRequest
from bastion.storage import repeats as store_module
from bastion.storage.repeats import SqliteRepeats
from bastion.surfaces.rest.problems import Reply
from bastion.surfaces.rest.repeats import NOT_KEPT, Keeping, Repeats

NOW_MS = SystemClock().now_ns() // 1_000_000
ASKED = KeptRequest(owner="k1", key="a" * 64, digest="d" * 64, at_ms=NOW_MS)
REPLY = KeptReply(status=202, media_type="application/json", headers=(("Location", "/x"),), body=b"{}")
WAIT_S = 10


def opened(path: Path) -> SqliteRepeats:
    return SqliteRepeats(path, clock=SystemClock())


def test_what_was_asked_and_answered_is_known_to_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "state" / "repeats.sqlite"
    first = opened(path)
    assert first.known().result(WAIT_S) == ()
    assert not path.exists()
    first.begin(ASKED)
    first.begin(replace(ASKED, key="b" * 64))
    first.finish("k1", "a" * 64, REPLY)
    first.begin(replace(ASKED, key="c" * 64))
    first.finish("k1", "c" * 64, None)
    first.close()
    second = opened(path)
    known = {row.key[0]: row.answered for row in second.known().result(WAIT_S)}
    assert known == {"a": True, "b": False}
    assert second.reply("k1", "a" * 64).result(WAIT_S) == REPLY
    assert second.reply("k1", "b" * 64).result(WAIT_S) is None
    assert path.stat().st_mode & 0o077 == 0
    second.close()


def test_rows_go_after_a_day_and_beyond_their_number(tmp_path: Path) -> None:
    store = opened(tmp_path / "repeats.sqlite")
    store.begin(replace(ASKED, key="old", at_ms=NOW_MS - store_module.KEEP_MS - 60_000))
    assert store.known().result(WAIT_S) == ()
    most = store_module.KEPT_PER_OWNER_MAX
    for begin in range(0, most + 5, 500):
        asked = [
            store.begin(replace(ASKED, key=f"n{number}", at_ms=NOW_MS + number))
            for number in range(begin, min(begin + 500, most + 5))
        ]
        for one in asked:
            one.result(WAIT_S)
    keys = [row.key for row in store.known().result(WAIT_S)]
    assert keys == [f"n{number}" for number in range(5, most + 5)]
    store.close()


async def test_a_disk_that_takes_nothing_refuses_no_exit_and_the_answer_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    repeats = Repeats(clock=SystemClock(), store=opened(tmp_path / "file" / "repeats.sqlite"))
    warnings: list[tuple[str, ...]] = []

    async def work(keeping: Keeping) -> Reply:
        warnings.append(keeping.warnings())
        return Reply(status=200, body=b"done", media_type="text/plain")

    for stops in (True, False):
        told = await repeats.once(owner="k1", key=f"key-{stops}", digest="d", stops=stops, work=work)
        assert told.body == b"done"
        # Within one process it is known all the same.
        again = await repeats.once(owner="k1", key=f"key-{stops}", digest="d", stops=stops, work=work)
        assert again.body == b"done"
    assert warnings == [(NOT_KEPT,), (NOT_KEPT,)]


async def test_an_exit_waits_for_no_disk_that_hangs(tmp_path: Path) -> None:
    store = opened(tmp_path / "repeats.sqlite")
    hanging = threading.Event()
    clock = SystemClock()
    store._ask(hanging.wait)
    repeats = Repeats(clock=clock, store=store)
    began_ns = clock.monotonic_ns()

    async def work(keeping: Keeping) -> Reply:
        assert keeping.warnings() == (NOT_KEPT,)
        return Reply(status=200, body=b"done", media_type="text/plain")

    told = await repeats.once(owner="k1", key="key", digest="d", stops=True, work=work)
    assert told.status == 200
    assert clock.monotonic_ns() - began_ns < 1_500_000_000
    hanging.set()
    store.close()
