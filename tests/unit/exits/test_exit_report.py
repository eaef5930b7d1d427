"""What a report says: folded from records, and nothing but records."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.order import OpenOrder
from bastion.domain.position import Position
from bastion.domain.records import (
    Entry,
    ExitEnded,
    ExitJudged,
    ExitRequested,
    FillsRead,
    LegJudged,
    LegStarted,
    Looked,
    LookPurpose,
    Record,
    RoundIntended,
    RunStarted,
)
from bastion.domain.verdict import ExitState, Verdict
from bastion.errors import Fault
from bastion.exits.report import ExitReport, fold
from tests.unit.exits.parts import (
    ACCOUNT,
    MS,
    UTC_NS,
    answered,
    fill,
    look,
    order,
    position,
    refused,
    request,
)


def told(*records: Record) -> ExitReport:
    begin: tuple[Record, ...] = (
        ExitRequested(
            exit_id="xtest",
            accounts=(ACCOUNT,),
            principal="owner",
            surface="test",
            deadline_s=Decimal(60),
            hold_s=Decimal(0),
            monotonic_ns=0,
            reason="drill",
        ),
        RunStarted(exit_id="xtest", run=1, monotonic_ns=0),
        LegStarted(exit_id="xtest", account="main", run=1, link="https://venue.example/positions"),
    )
    return fold(
        [
            Entry(seq=n + 1, at_ns=UTC_NS + n * MS, exit_id="xtest", record=record, previous="", hash="")
            for n, record in enumerate((*begin, *records))
        ]
    )


def seen(at_ms: int, *held: str) -> Looked:
    positions = tuple(position(name) for name in held)
    return Looked(
        exit_id="xtest", account="main", run=1, purpose=LookPurpose.VERIFY, look=look(at_ms, positions)
    )


def sent(*names: str) -> RoundIntended:
    orders = tuple(request(position(name), f"bst{name}") for name in names)
    return RoundIntended(exit_id="xtest", account="main", run=1, round=1, orders=orders)


def judged(
    verdict: Verdict,
    *,
    left: str = "",
    orders: tuple[OpenOrder, ...] = (),
    foreign: tuple[Position, ...] = (),
    unread: tuple[tuple[str, str], ...] = (),
) -> tuple[Record, ...]:
    return (
        LegJudged(
            exit_id="xtest",
            account="main",
            run=1,
            verdict=verdict,
            time_to_flat_ms=410 if verdict.success else None,
            residual=(position(left),) if left else foreign,
            orders=orders,
            unread=unread,
        ),
        ExitJudged(exit_id="xtest", verdict=verdict, held_until_ns=UTC_NS, elapsed_ms=60_000),
        ExitEnded(exit_id="xtest"),
    )


def test_a_flat_exit_says_what_it_closed_and_what_that_realised() -> None:
    report = told(
        seen(0, "BTCUSDT"),
        sent("BTCUSDT"),
        answered("bstBTCUSDT"),
        FillsRead(
            exit_id="xtest",
            account="main",
            run=1,
            begun_ns=60 * MS,
            fills=(fill(cid="bstBTCUSDT", pnl="-1250"),),
        ),
        seen(100),
        seen(350),
        *judged(Verdict.FLAT),
    )
    assert report.summary == (
        "FLAT in 0.41 s: 1 position closed on 1 venue, realized -1,250.00 USD, no errors."
    )
    assert report.success
    assert report.state is ExitState.DONE
    assert report.next_step is None
    assert report.errors == ()
    assert report.reason == "drill"
    (closed,) = report.closed_positions
    assert (closed.symbol, closed.exit_price, closed.fees_usd) == ("BTCUSDT", Decimal(110), Decimal("0.1"))
    assert len(report.looks[0].looks) == 2


def test_pnl_waits_for_the_fills_and_the_price_is_the_orders_own_until_then() -> None:
    report = told(
        seen(0, "BTCUSDT"),
        sent("BTCUSDT"),
        answered("bstBTCUSDT"),
        seen(100),
        seen(350),
        *judged(Verdict.FLAT),
    )
    assert report.pnl_pending
    assert report.closed_positions[0].realized_pnl_usd is None
    assert report.closed_positions[0].exit_price == Decimal(101)
    assert "so far" in report.summary


def test_nothing_open_is_flat_in_so_many_words() -> None:
    report = told(seen(0), seen(250), *judged(Verdict.FLAT))
    assert report.summary == "FLAT in 0.41 s: nothing was open on 1 venue."


def test_what_could_not_be_read_is_never_called_not_open() -> None:
    report = told(*judged(Verdict.UNKNOWN, unread=(("positions", "no answer"),)))
    assert report.summary.endswith(
        "binance could not be read (positions); no position was closed on 1 venue."
    )


def test_an_option_keeps_its_name_and_counts_beside_what_was_closed() -> None:
    name = "BTC-25DEC26-90000-C-USDT"
    option = replace(position(), instrument=name, symbol=name, closable=False)
    report = told(
        seen(0, "BTCUSDT"),
        sent("BTCUSDT"),
        answered("bstBTCUSDT"),
        seen(100),
        *judged(Verdict.NOT_FLAT, foreign=(option,)),
    )
    assert "1 of 2 positions remains: BTC-25DEC26-90000-C-USDT LONG 1" in report.summary


def test_an_order_that_is_left_is_named_as_its_position_would_be() -> None:
    resting = replace(order("BTC"), category="perp")
    report = told(seen(0), *judged(Verdict.NOT_FLAT, orders=(resting,)))
    assert [row.symbol for row in report.residual] == ["BTCUSDC"]
    assert [error.symbol for error in report.errors if error.code == "ORDER_LEFT"] == ["BTCUSDC"]


def test_what_is_left_is_named_with_the_venues_reason_and_what_to_do() -> None:
    report = told(
        seen(0, "BTCUSDT", "ETHUSDT"),
        sent("BTCUSDT", "ETHUSDT"),
        answered("bstETHUSDT"),
        refused(Fault.TERMINAL, "bstBTCUSDT"),
        seen(100, "BTCUSDT"),
        *judged(Verdict.NOT_FLAT, left="BTCUSDT"),
    )
    assert report.summary.startswith(
        "NOT FLAT after 60.0 s: 1 of 2 positions remains: BTCUSDT LONG 1 on binance (refused);"
    )
    assert not report.success
    assert report.positions_closed == 1
    assert [(error.code, error.remaining_qty) for error in report.errors] == [("-1", Decimal(1))]
    assert report.residual[0].link == "https://www.binance.com/en/futures/BTCUSDT"
    assert report.next_step is not None
    assert "Close by hand at https://www.binance.com/en/futures/BTCUSDT: BTCUSDT LONG 1" in report.next_step


def test_what_could_not_be_read_is_unknown_by_name() -> None:
    report = told(*judged(Verdict.UNKNOWN, unread=(("linear/USDT positions", "no answer"),)))
    assert report.summary.startswith(
        "UNKNOWN after 60.0 s: binance could not be read (linear/USDT positions);"
    )
    assert [part.part for part in report.unread] == ["linear/USDT positions"]
    assert report.next_step is not None


def test_while_it_runs_there_is_no_verdict_and_the_next_step_is_to_ask_again() -> None:
    report = told(
        seen(0, "BTCUSDT", "ETHUSDT"), sent("BTCUSDT"), answered("bstBTCUSDT"), seen(100, "ETHUSDT")
    )
    assert report.verdict is None
    assert report.state is ExitState.EXITING
    assert report.summary.startswith("EXITING: 1 of 2 positions closed after")
    assert report.next_step is not None
    assert "xtest" in report.next_step


def test_entries_without_a_request_are_no_exit() -> None:
    with pytest.raises(ValueError, match="no requested exit"):
        fold([])


def flat_leg() -> LegJudged:
    return LegJudged(exit_id="xtest", account="main", run=1, verdict=Verdict.FLAT, time_to_flat_ms=900)


def flat_exit() -> ExitJudged:
    return ExitJudged(exit_id="xtest", verdict=Verdict.FLAT, held_until_ns=UTC_NS)


@pytest.mark.parametrize(
    "records",
    [(flat_leg(), flat_exit()), (seen(500), flat_leg(), flat_exit()), (seen(100), seen(500), flat_exit())],
    ids=["no look", "one look", "no verdict of the account"],
)
def test_flat_without_its_two_looks_is_told_as_unknown(records: tuple[Record, ...]) -> None:
    report = told(*records)
    assert (report.verdict, report.success, report.time_to_flat_ms) == (Verdict.UNKNOWN, False, None)
    assert [part.part for part in report.unread] == ["proof"]
    assert report.next_step is not None
    assert report.summary.startswith("UNKNOWN ")


def test_flat_is_told_with_both_of_its_looks() -> None:
    report = told(seen(100), seen(500), flat_leg(), flat_exit())
    assert report.verdict is Verdict.FLAT
    assert [len(leg.looks) for leg in report.looks] == [2]
