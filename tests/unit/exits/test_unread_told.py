"""The reason of a part that was not read says how long it was tried, and what failed last."""

from dataclasses import replace

import pytest

from bastion.domain.look import Look, Unread
from bastion.domain.records import Looked, LookPurpose
from bastion.exits.settings import ExitSettings
from bastion.exits.unread_told import at_length, limits_alone
from tests.unit.exits.parts import MS, look

SETTINGS = ExitSettings(read_deadline_s=8.0)
DEADLINE_MS = 60_000
CUT = "no answer within 0.2 s"


def told(looks: list[Look], part: str = "positions", *, run: int = 1) -> str:
    reason = next(one.reason for one in looks[-1].unread if one.part in {part, "everything"})
    records = [
        (0, Looked(exit_id="xtest", account="main", run=run, purpose=LookPurpose.VERIFY, look=one))
        for one in looks
    ]
    ((name, why),) = at_length([(part, reason)], records, SETTINGS, run=1, deadline_ns=DEADLINE_MS * MS)
    assert name == part
    return why


def vain(at_ms: int, reason: str, *, took_ms: int = 100, part: str = "positions", **more: bool) -> Look:
    missed = Unread(part=part, reason=reason, **more)
    one = replace(look(at_ms), parts=("orders",), unread=(missed,))
    return replace(one, ended_ns=(at_ms + took_ms) * MS)


def test_a_venue_that_hangs_is_told_by_how_long_it_was_tried_and_not_by_the_share_of_the_last_look() -> None:
    looks = [vain(at, "no answer within 8.0 s", took_ms=8_000) for at in range(0, 50_000, 10_000)]
    assert told([*looks, vain(58_000, CUT, took_ms=200)]) == "no answer for 58 s, asked 6 times"


def test_what_failed_last_is_named_also_where_the_last_look_was_cut_short() -> None:
    looks = [vain(at, "the connection was refused") for at in (0, 20_000, 40_000, 52_000)]
    words = "not read for 58 s, asked 5 times; last: the connection was refused"
    assert told([*looks, vain(58_000, CUT, took_ms=200)]) == words


def test_a_failure_of_long_ago_is_not_called_the_last() -> None:
    looks = [vain(0, "the connection was refused")]
    looks += [vain(at, "no answer within 8.0 s", took_ms=8_000) for at in (10_000, 30_000, 50_000)]
    assert told([*looks, vain(58_900, CUT)]) == "no answer for 59 s, asked 5 times"


def test_the_time_is_counted_from_when_it_was_read_last() -> None:
    read = replace(look(30_000), parts=("positions (left out: nothing there)", "orders"), unread=())
    looks = [vain(0, "HTTP 502"), read, vain(40_000, "HTTP 502"), vain(49_900, "HTTP 502")]
    assert told(looks) == "not read for 10 s, asked 2 times; last: HTTP 502"


def test_looks_that_were_about_something_else_or_asked_nothing_are_not_counted() -> None:
    other = replace(look(20_000), parts=("positions",), unread=(Unread(part="x", reason="y"),))
    spared = vain(30_000, "kept for those who hold something", part="orders", unsent=True)
    spared = replace(spared, parts=("positions",))
    looks = [vain(0, "HTTP 502", part="orders"), other, spared, vain(49_900, "HTTP 502", part="orders")]
    looks = [replace(one, parts=("positions",)) for one in looks]
    assert told(looks, "orders") == "not read for 50 s, asked 2 times; last: HTTP 502"


def test_one_failure_a_refusal_for_a_person_and_another_run_keep_their_own_words() -> None:
    assert told([vain(50_000, CUT)]) == CUT
    assert told([vain(1_000, "no answer came in time", took_ms=8_000)]) == "no answer for 8 s"
    terminal = [vain(at, "-2015: Invalid API-key", terminal=True) for at in (0, 9_000)]
    assert told(terminal) == "-2015: Invalid API-key"
    assert told([vain(0, "HTTP 502"), vain(9_000, "HTTP 502")], run=2) == "HTTP 502"
    assert told([vain(0, "HTTP 502"), vain(100, "HTTP 502")]) == "HTTP 502"


LIMIT = "not sent: the minute's weight is used up"


@pytest.mark.parametrize(
    ("looks", "waits"),
    [
        ([vain(0, LIMIT, limited=True), vain(50_000, LIMIT, limited=True)], True),
        # The deadline cut the last one short: what no answer came to then was not asked in vain.
        ([vain(50_000, LIMIT, limited=True), vain(58_000, CUT, took_ms=200)], True),
        ([vain(50_000, LIMIT, limited=True), vain(53_000, CUT), vain(58_000, CUT)], True),
        ([vain(50_000, CUT, took_ms=8_000), vain(58_500, CUT)], False),
        ([vain(50_000, LIMIT, limited=True), vain(52_000, CUT, took_ms=8_000)], False),
        ([vain(50_000, LIMIT, limited=True), vain(58_000, "HTTP 502")], False),
        ([vain(50_000, "HTTP 502"), vain(58_000, CUT)], False),
        ([vain(50_000, LIMIT, limited=True), replace(look(55_000), unread=())], False),
        ([vain(58_000, CUT)], False),
        ([], False),
    ],
)
def test_an_exit_waits_where_limits_alone_keep_its_proof_back(looks: list[Look], *, waits: bool) -> None:
    records = [
        (0, Looked(exit_id="xtest", account="main", run=1, purpose=LookPurpose.VERIFY, look=one))
        for one in looks
    ]
    assert limits_alone(records, SETTINGS, run=1, deadline_ns=DEADLINE_MS * MS) is waits
    assert not limits_alone(records, SETTINGS, run=2, deadline_ns=DEADLINE_MS * MS)
