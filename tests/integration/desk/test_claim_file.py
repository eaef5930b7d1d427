"""The raw answers behind an exit's looks: kept within bounds, exported, checked offline."""

import asyncio
import contextlib
import hashlib
import json
import time
import tracemalloc
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path

import apsw

from bastion.app import check_certificate, claim_of, find_place, open_paper_desk
from bastion.clock import SystemClock
from bastion.commands import claim_text, emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.embedded import paper_credential
from bastion.errors import JournalUnusable
from bastion.storage.answers import PLAIN_BYTES_MAX, SqliteAnswers, kept_answers

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)


@dataclass(frozen=True)
class Said:
    """A raw answer."""

    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


async def test_every_raw_answer_that_the_certificate_names_is_in_the_claim_file_and_no_secret(
    tmp_path: Path,
) -> None:
    place = find_place(config=None, environment={"BASTION_HOME": str(tmp_path)})
    async with open_paper_desk(place, scenario="seed") as (desk, _):
        report = await emergency_exit(desk, OWNER, hold_s=Decimal(0))
        async with asyncio.timeout(20):
            # They are written behind the exit, by a thread of their own.
            while claim_of(place, OWNER, report.exit_id).missing:
                await desk.clock.sleep(0.05)
        told = claim_of(place, OWNER, report.exit_id)
    text = claim_text(told)
    assert told.answers > 3
    assert told.missing == 0
    for venue in ("binance", "bybit"):
        credential = paper_credential(venue)
        assert not any(secret in text for secret in (credential["apiKey"], credential["secret"]))
    checked = check_certificate(text, fingerprint=told.fingerprint)
    assert checked.success, checked.summary
    assert (checked.answers, checked.answers_missing) == (told.answers, 0)
    document = json.loads(text)
    assert any("positionAmt" in answer for answer in document["answers"].values())
    for account in document["certificate"]["accounts"]:
        # What was asked is told with what came back, and each order's own acknowledgement is among it.
        # A question that nobody waits for any more, once all is proven, ends without an answer.
        asked = [call for call in account["asked"] if call["status"]]
        assert {call["raw_answer_sha256"] for call in account["asked"] if not call["status"]} <= {""}
        assert all(call["status"] == HTTPStatus.OK and call["took_ms"] >= 0 for call in asked), asked
        said = [document["answers"][call["raw_answer_sha256"]] for call in asked]
        assert account["orders"]
        for order in account["orders"]:
            assert any(order["client_order_id"] in answer for answer in said)
        looked = {digest for look in account["looks"] for digest in look["raw_answers_sha256"]}
        assert looked <= {call["raw_answer_sha256"] for call in asked}
        assert account["fills"]
        assert any("xecution" in call["call"] or "UserTrades" in call["call"] for call in asked)
    name, answer = next(iter(document["answers"].items()))
    for changed, says in (
        ({**document["answers"], name: answer + " "}, "does not have its hash"),
        ({k: v for k, v in document["answers"].items() if k != name}, "neither there nor said to be missing"),
        (
            {**document["answers"], hashlib.sha256(b"x").hexdigest(): "x"},
            "not one that the certificate names",
        ),
    ):
        verdict = check_certificate(json.dumps({**document, "answers": changed}))
        assert not verdict.success
        assert says in verdict.summary
    # The certificate within it is held to all that one alone is held to.
    document["certificate"]["outcome"]["verdict"] = "NOT_FLAT"
    assert "the signature does not fit" in check_certificate(json.dumps(document)).summary


def filled(path: Path, *, bytes_max: int, exits: int) -> None:
    answers = SqliteAnswers(path, clock=SystemClock(), bytes_max=bytes_max)
    for number in range(exits):
        # Text that does not compress: each answer weighs what it is long.
        said = Said("".join(hashlib.sha256(f"{number} {part}".encode()).hexdigest() for part in range(40)))
        shared = Said("[]")
        for one in (said, shared):
            answers.hear(one)
        answers.keep(f"x{number}", [said.digest, shared.digest])
    answers.close()


def test_the_store_is_bounded_and_the_oldest_exits_answers_go_first(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    filled(path, bytes_max=6_000, exits=12)
    assert kept_answers(path, "x0") == {}
    assert len(kept_answers(path, "x11")) == 2
    connection = apsw.Connection(str(path))
    ((size,),) = connection.execute("SELECT sum(length(body)) FROM answers").fetchall()
    connection.close()
    assert isinstance(size, int)
    assert 0 < size <= 6_000
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_locked_or_useless_file_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    filled(path, bytes_max=1_000_000, exits=1)
    blocker = apsw.Connection(str(path))
    blocker.execute("BEGIN IMMEDIATE")
    answers = SqliteAnswers(path, clock=SystemClock())
    begun = time.monotonic()
    for number in range(200):
        said = Said(str(number))
        answers.hear(said)
        answers.keep("xlocked", [said.digest])
    assert time.monotonic() - begun < 1.0
    blocker.execute("ROLLBACK")
    blocker.close()
    answers.close()
    assert kept_answers(path, "xlocked")
    path.write_bytes(b"this is no database, and long enough to be looked at " * 40)
    useless = SqliteAnswers(path, clock=SystemClock())
    useless.hear(Said("x"))
    useless.keep("xuseless", [Said("x").digest])
    useless.close()


def written(path: Path, exit_id: str, count: int) -> None:
    end = time.monotonic() + 20
    found = 0
    while found < count:
        assert time.monotonic() < end
        time.sleep(0.01)
        # The file is there a moment before what it is to hold.
        with contextlib.suppress(JournalUnusable):
            found = len(kept_answers(path, exit_id))


def test_what_is_written_or_waits_long_is_no_longer_held_and_can_be_named_all_the_same(
    tmp_path: Path,
) -> None:
    path = tmp_path / "answers.sqlite"
    answers = SqliteAnswers(path, clock=SystemClock())
    said = [
        Said(json.dumps([{"symbol": f"S{n}", "of": number} for n in range(4_000)])) for number in range(40)
    ]
    digests = [one.digest for one in said]
    size = sum(len(one.text) for one in said)
    assert size > 4 * PLAIN_BYTES_MAX

    def hear(some: list[Said]) -> None:
        for one in some:
            # The text is the list's own: whoever else held it would hide what is kept.
            answers.hear(Said("".join(list(one.text))))

    tracemalloc.start()
    try:
        hear(said[:20])
        answers.keep("xfirst", digests[:20])
        written(path, "xfirst", 20)
        hear(said[20:])
        end = time.monotonic() + 20
        while (held := tracemalloc.get_traced_memory()[0]) > PLAIN_BYTES_MAX + size / 16:
            assert time.monotonic() < end, held
            time.sleep(0.01)
    finally:
        tracemalloc.stop()
    answers.keep("xsecond", [*digests[10:30], "0" * 64])
    answers.close()
    assert kept_answers(path, "xsecond") == {one.digest: one.text for one in said[10:30]}
    assert kept_answers(path, "xfirst") == {one.digest: one.text for one in said[:20]}
