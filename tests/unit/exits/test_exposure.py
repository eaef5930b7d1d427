"""Net exposure before and after, orphaned legs, and coins that can lose value: told from the records."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.domain.balance import Balance, CoinHeld
from bastion.domain.money import Usd
from bastion.domain.position import Position, Side
from bastion.domain.records import CoveredAccount, LegJudged, Looked, LookPurpose
from bastion.domain.verdict import Verdict
from bastion.errors import VenueUnreachable
from bastion.exits.exposure import base_of, collateral_read, exposure
from bastion.exits.progress import Leg
from tests.unit.exits.parts import UTC_NS, answered, intend, look, position, request

LONG, SHORT = position("BTCUSDT", "2"), position("BTCUSDT", "2", Side.SHORT)
DEAD = (("positions", "no answer"),)


def leg(
    name: str,
    *before: Position,
    left: tuple[Position, ...] = (),
    unread: tuple[tuple[str, str], ...] = (),
    seen: bool = True,
) -> Leg:
    one = Leg(exit_id="xtest", account=CoveredAccount(name=name, venue=f"venue-{name}", key_space="usdm"))
    if seen:
        first = Looked(
            exit_id="xtest", account=name, run=1, purpose=LookPurpose.SNAPSHOT, look=look(0, before)
        )
        one.apply(first, at_ns=UTC_NS)
    judged = LegJudged(
        exit_id="xtest",
        account=name,
        run=1,
        verdict=Verdict.NOT_FLAT if left else Verdict.UNKNOWN if unread else Verdict.FLAT,
        residual=left,
        unread=unread,
    )
    one.apply(judged, at_ns=UTC_NS)
    return one


@pytest.mark.parametrize(
    ("symbol", "base"),
    [
        ("BTC/USDT:USDT", "BTC"),
        ("BTC-USDT-SWAP", "BTC"),
        ("BTCUSDT", "BTC"),
        ("1000PEPEUSDT", "1000PEPE"),
        ("xyz:GOLD", "GOLD"),
        ("ETH", "ETH"),
        ("BTCUSD_PERP", "BTC"),
        ("ETH-26DEC25", "ETH"),
    ],
)
def test_the_base_asset_is_found_in_every_form_of_a_symbol(symbol: str, base: str) -> None:
    assert base_of(symbol) == base


def test_longs_and_shorts_of_one_asset_are_netted_over_the_accounts() -> None:
    told = exposure(
        [leg("a", LONG, position("ETHUSDT", "1")), leg("b", position("BTCUSDT", "0.5", Side.SHORT))],
        judged=True,
    )
    rows = {row.asset: (row.before_usd, row.before_qty, row.after_usd) for row in told.assets}
    assert {name: [str(one) for one in row] for name, row in rows.items()} == {
        "BTC": ["150.0", "1.50000000", "0"],
        "ETH": ["100", "1.00000000", "0"],
    }
    assert told.orphaned == ()
    assert told.summary.startswith("Net exposure: BTC +150.00 USD, ETH +100.00 USD before, none after.")


def test_what_a_dead_venue_may_hold_is_not_counted_as_nothing() -> None:
    told = exposure([leg("a", LONG), leg("b", unread=DEAD, seen=False)], judged=True)
    assert told.unknown_before == told.unknown_after == ("venue-b (b)",)
    assert "none and what venue-b (b) may hold, which is not known after" in told.summary


def test_a_leg_whose_hedge_was_closed_is_named_as_orphaned() -> None:
    hedge = leg("a", LONG)
    intend(hedge, request(LONG))
    hedge.apply(replace(answered(filled="2"), account="a"), at_ns=UTC_NS)
    told = exposure([hedge, leg("b", SHORT, left=(SHORT,), unread=DEAD)], judged=True)
    (row,) = told.orphaned
    assert (row.asset, row.account, row.direction) == ("BTC", "b", Side.SHORT)
    assert row.quantity == Decimal(2)
    assert row.reason == "what stood against it is gone: BTCUSDT LONG on venue-a (a) (closed by this exit)"
    (asset,) = told.assets
    assert asset.before_usd == Decimal(0)
    assert asset.after_usd == Decimal(-200)
    assert "Orphaned: BTCUSDT SHORT on venue-b (b)." in told.summary


def test_a_leg_that_may_be_open_on_a_venue_that_went_silent_is_named_as_such() -> None:
    told = exposure([leg("a", LONG), leg("b", SHORT, unread=DEAD)], judged=True)
    (row,) = told.orphaned
    assert row.reason.startswith("it may still be open, since that could not be read; what stood against it")
    assert told.unknown_after == ("venue-b (b)",)


def test_a_leg_whose_hedge_the_venue_took_says_that_nobody_of_ours_closed_it() -> None:
    told = exposure([leg("a", LONG), leg("b", SHORT, left=(SHORT,))], judged=True)
    assert "no order of ours closed it" in told.orphaned[0].reason


def test_a_position_without_a_hedge_is_no_orphan_and_one_without_a_value_is_not_valued() -> None:
    bare = replace(LONG, notional_usd=None)
    told = exposure([leg("a", bare, left=(bare,))], judged=True)
    assert told.orphaned == ()
    assert (told.assets[0].before_usd, told.assets[0].after_qty) == (None, None)
    assert "BTC not valued before, BTC not valued after" in told.summary


def test_coins_that_can_lose_value_are_named_and_what_was_not_read_is_not_known() -> None:
    one, other, third = leg("a"), leg("b"), leg("c")
    coins = (CoinHeld(coin="BTC", quantity=Decimal("1.5"), value_usd=Usd(Decimal(150))),)
    worth = Balance(total_usd=Usd(Decimal(1)), available_usd=None)
    one.apply(collateral_read(one, begun_ns=0, told=replace(worth, coins=coins)), at_ns=UTC_NS)
    other.apply(
        collateral_read(other, begun_ns=0, told=VenueUnreachable("no answer within 4 s")), at_ns=UTC_NS
    )
    third.apply(collateral_read(third, begun_ns=0, told=worth), at_ns=UTC_NS)
    told = exposure([one, other, third, leg("d")], judged=True)
    (row,) = told.collateral
    assert (row.account, row.coin) == ("a", "BTC")
    assert (row.quantity, row.value_usd) == (Decimal("1.5"), Decimal(150))
    assert {part.account: part.reason for part in told.collateral_unread} == {
        "b": "no answer within 4 s",
        "c": "the venue does not tell its coins apart",
        "d": "it was not read",
    }
    assert "Collateral that can lose value: 1.5 BTC on venue-a (a)." in told.summary
