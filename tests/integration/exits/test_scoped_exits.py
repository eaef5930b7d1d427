"""An exit of a part: what is out of scope is neither closed nor cancelled nor counted."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.commands import emergency_exit, exit_status, halt
from bastion.domain.position import Side
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.domain.verdict import Verdict
from bastion.errors import Refused, SymbolUnknown
from tests.protection_rig import ProtectionRig, at

OWNER = Principal(id="owner", surface="test", scope=Scope.TRADE)
NO_HOLD = Decimal(0)


def symbols(*names: str) -> Selection:
    return Selection(symbols=frozenset(names))


async def orders(rig: ProtectionRig, venue: str = "") -> set[tuple[str, str]]:
    """The working orders of the account, as symbol and direction."""
    return {(row["symbol"], row["direction"]) for row in (await rig.truth(venue))["open_orders"]}


async def test_only_the_selected_symbol_is_closed_and_its_orders_cancelled(rig: ProtectionRig) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await rig.hold("2", symbol=symbol)
        await rig.rest("BUY", "1", symbol=symbol, price="900")
        await rig.rest(
            "SELL",
            "2",
            symbol=symbol,
            trigger_price="800",
            trigger_when="FALLS_TO",
            reduce_only=True,
        )
    report = await emergency_exit(rig.desk, OWNER, selection=symbols("btc"), hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert report.summary.startswith("FLAT in ")
    assert (
        "on the selected part (BTCUSDT): 1 position closed on 1 venue, 2 orders cancelled" in report.summary
    )
    assert report.selection.symbols == ("BTCUSDT",)
    assert (report.residual, report.errors, report.unread) == ((), (), ())
    assert await rig.held() == {("ETHUSDT", "NET"): Decimal(2)}
    assert await orders(rig) == {("ETHUSDT", "BUY"), ("ETHUSDT", "SELL")}
    assert (await exit_status(rig.desk, OWNER, report.exit_id)).summary == report.summary


async def test_one_venue_alone_is_closed(rig: ProtectionRig) -> None:
    await rig.hold("2", venue="binance")
    await rig.hold("2", venue="bybit")
    report = await emergency_exit(rig.desk, OWNER, selection=at("bybit"), hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert "on the selected part (bybit)" in report.summary
    rig.venue = "bybit"
    assert await rig.held() == {}
    rig.venue = "binance"
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}


async def test_all_but_one_symbol_is_closed(rig: ProtectionRig) -> None:
    await rig.hold("2")
    await rig.hold("3", symbol="ETHUSDT")
    selection = Selection(except_symbols=frozenset({"ETHUSDT"}))
    report = await emergency_exit(rig.desk, OWNER, selection=selection, hold_s=NO_HOLD)
    assert "on the selected part (all but ETHUSDT)" in report.summary
    assert await rig.held() == {("ETHUSDT", "NET"): Decimal(3)}


@pytest.mark.parametrize("venue", ["binance", "bybit"])
async def test_in_hedge_mode_one_side_alone_is_closed_with_its_orders(rig: ProtectionRig, venue: str) -> None:
    rig.venue = venue
    await rig.load(hedge=True)
    await rig.hold("2", side="LONG")
    await rig.hold("-2", side="SHORT")
    await rig.rest("BUY", "1", price="900", side="LONG")
    await rig.rest("SELL", "1", price="1100", side="SHORT")
    selection = Selection(sides=frozenset({Side.LONG}))
    report = await emergency_exit(rig.desk, OWNER, selection=selection, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert await rig.held() == {("BTCUSDT", "SHORT"): Decimal(-2)}
    assert await orders(rig) == {("BTCUSDT", "SELL")}


async def test_a_key_of_some_accounts_exits_exactly_these(rig: ProtectionRig) -> None:
    await rig.hold("2", venue="binance")
    await rig.hold("2", venue="bybit")
    bound = replace(OWNER, accounts=frozenset({"paper-binance"}))
    report = await emergency_exit(rig.desk, bound, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT
    assert "on the selected part (paper-binance)" in report.summary
    assert report.selection.accounts == ("paper-binance",)
    assert await rig.held() == {}
    rig.venue = "bybit"
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}
    selection = Selection(accounts=frozenset({"paper-bybit"}))
    with pytest.raises(Refused, match="no account 'paper-bybit'"):
        await emergency_exit(rig.desk, bound, selection=selection, hold_s=NO_HOLD)


async def test_a_mistyped_symbol_is_refused_and_nothing_is_sent(rig: ProtectionRig) -> None:
    await rig.hold("2")
    with pytest.raises(SymbolUnknown, match="lists BCTUSDT"):
        await emergency_exit(rig.desk, OWNER, selection=symbols("BCTUSDT"), hold_s=NO_HOLD)
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}
    assert rig.desk.journal.exit_ids() == ()


async def test_what_is_to_be_left_alone_and_is_listed_against_another_coin_is_refused(
    rig: ProtectionRig,
) -> None:
    await rig.hold("2")
    left = Selection(except_symbols=frozenset({"BTCUSDC"}))
    for act in (emergency_exit, halt):
        with pytest.raises(SymbolUnknown, match="lists BTCUSDC, which was to be left alone, but BTCUSDT"):
            await act(rig.desk, OWNER, selection=left)
    assert await rig.held() == {("BTCUSDT", "NET"): Decimal(2)}
    assert rig.desk.journal.exit_ids() == ()


async def test_what_is_to_be_left_alone_and_is_listed_nowhere_delays_nothing(rig: ProtectionRig) -> None:
    await rig.hold("2")
    left = Selection(except_symbols=frozenset({"DOGEUSDT"}))
    report = await emergency_exit(rig.desk, OWNER, selection=left, hold_s=NO_HOLD)
    assert report.verdict is Verdict.FLAT, report.summary
    assert await rig.held() == {}
