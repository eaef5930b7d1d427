"""Balances and connections by the venues' own figures, on both wires, with what could not be read named."""

from decimal import Decimal

import pytest

from bastion.commands import balance, exchanges
from bastion.commands.exchanges import Connection
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import Selection
from bastion.errors import Refused, ScopeDenied
from tests.protection_rig import READER, ProtectionRig, at

D = Decimal
pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTH = Selection(venues=frozenset({"binance", "bybit"}))
BALANCE_PATHS = {"binance": "/fapi/v3/account", "bybit": "/v5/account/wallet-balance"}


async def fresh(rig: ProtectionRig) -> None:
    rig.desk.wealth.forget()
    rig.desk.readings.forget()


async def test_the_total_is_the_sum_of_the_venues_and_counts_open_profit(rig: ProtectionRig) -> None:
    await rig.hold("0.5", entry="900")
    await fresh(rig)
    report = await balance(rig.desk, READER, selection=BOTH)
    assert report.unread == ()
    assert report.total_usd == sum(each.total or D(0) for each in report.exchanges.values()) == D(20_000_050)
    assert report.exchanges[rig.venue].total == D(10_000_050)
    availables = [each.available for each in report.exchanges.values()]
    assert None not in availables
    assert report.available_margin_usd == sum(each or D(0) for each in availables)
    assert report.available_margin_usd < report.total_usd
    assert {row.account for row in report.accounts} == {"paper-binance", "paper-bybit"}


async def test_an_account_that_cannot_be_read_is_in_no_sum_and_is_named(rig: ProtectionRig) -> None:
    await rig.fault("fail", path=BALANCE_PATHS[rig.venue])
    await fresh(rig)
    report = await balance(rig.desk, READER, selection=BOTH)
    assert [part.account for part in report.unread] == [rig.account]
    assert rig.venue not in report.exchanges
    assert report.total_usd == D(10_000_000)
    assert "NOT READ" in report.summary


async def test_nothing_read_is_no_sum_and_never_zero(rig: ProtectionRig) -> None:
    await rig.fault("fail", path=BALANCE_PATHS[rig.venue])
    await fresh(rig)
    report = await balance(rig.desk, READER, selection=at(rig.venue))
    assert (report.total_usd, report.available_margin_usd) == (None, None)
    assert report.exchanges == {}


async def test_an_answer_that_breaks_off_is_no_balance(rig: ProtectionRig) -> None:
    for shape in ("truncated", "html"):
        await rig.fault("malformed", path=BALANCE_PATHS[rig.venue], shape=shape, count=1)
        await fresh(rig)
        report = await balance(rig.desk, READER, selection=at(rig.venue))
        assert report.total_usd is None, shape


async def test_many_who_ask_cost_the_venue_one_reading(rig: ProtectionRig) -> None:
    await fresh(rig)
    for _ in range(5):
        await balance(rig.desk, READER, selection=BOTH)
    assert len(await rig.requests(BALANCE_PATHS[rig.venue])) == 1


async def test_a_connected_account_tells_its_rights_and_when_it_was_read(rig: ProtectionRig) -> None:
    report = await exchanges(rig.desk, READER, selection=at(rig.venue))
    row = report.exchanges[0]
    assert (row.exchange, row.status, row.permissions) == (
        rig.venue,
        Connection.CONNECTED,
        ("read", "trade"),
    )
    assert row.last_sync is not None
    assert row.last_sync.endswith("Z")
    assert row.label == row.account == rig.account


async def test_a_credential_that_only_reads_shows_read_alone_with_a_warning(rig: ProtectionRig) -> None:
    await rig.load(permissions=["read"])
    report = await exchanges(rig.desk, READER, selection=at(rig.venue))
    assert report.exchanges[0].permissions == ("read",)
    assert any("cannot trade" in warning for warning in report.warnings)
    assert "orders would be refused" in report.summary


async def test_a_part_that_does_not_come_is_degraded_and_nothing_at_all_is_disconnected(
    rig: ProtectionRig,
) -> None:
    part = {"binance": "/fapi/v1/openAlgoOrders", "bybit": "/v5/order/realtime"}[rig.venue]
    await rig.fault("fail", path=part)
    await fresh(rig)
    assert (await exchanges(rig.desk, READER, selection=at(rig.venue))).exchanges[0].status is (
        Connection.DEGRADED
    )
    await rig.fault("fail", path="*")
    await fresh(rig)
    row = (await exchanges(rig.desk, READER, selection=at(rig.venue))).exchanges[0]
    assert (row.status, row.last_sync, row.permissions) == (Connection.DISCONNECTED, None, ())
    assert row.problems


async def test_a_key_sees_its_own_accounts_alone(rig: ProtectionRig) -> None:
    own = Principal(id="k", surface="test", scope=Scope.READ, accounts=frozenset({rig.account}))
    await fresh(rig)
    assert [row.account for row in (await balance(rig.desk, own)).accounts] == [rig.account]
    assert [row.account for row in (await exchanges(rig.desk, own)).exchanges] == [rig.account]
    other = "bybit" if rig.venue == "binance" else "binance"
    with pytest.raises(Refused, match="There is no account"):
        await balance(rig.desk, own, selection=Selection(accounts=frozenset({f"paper-{other}"})))
    stops = Principal(id="s", surface="test", scope=Scope.TRADE, only_stops=True)
    with pytest.raises(ScopeDenied):
        await balance(rig.desk, stops)
    with pytest.raises(ScopeDenied):
        await exchanges(rig.desk, stops)
