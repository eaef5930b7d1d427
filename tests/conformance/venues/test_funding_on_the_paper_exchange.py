"""Funding: booked by the paper exchange, told on each wire in the venue's words, understood by adapters."""

from decimal import Decimal

from bastion.domain.position import Position
from bastion.ports import Funded
from tests.venue_ccxt import ccxt_client
from tests.venue_paper import WAIT_S, PaperRig, named, plainly, scenario


async def fund(rig: PaperRig, rate: str, symbol: str = "BTCUSDT") -> None:
    body = {"venue": rig.name, "symbol": named(rig.name, symbol), "rate": rate, "now": True}
    await rig.paper.control("POST", "/funding", body)


async def told(rig: PaperRig, position: Position) -> Decimal | None:
    """What the desk learns of a position's funding, by its row or, where that is silent, by the records."""
    if position.funding_usd is not None:
        return position.funding_usd
    assert isinstance(rig.venue, Funded)
    return await rig.venue.funding(position, deadline_s=WAIT_S)


async def load(rig: PaperRig, *, hedge: bool = False) -> None:
    await rig.load(scenario(rig.name, ["BTCUSDT", "ETHUSDT"], hedge=hedge))


async def by_symbol(rig: PaperRig) -> dict[str, Position]:
    return {plainly(position.instrument): position for position in await rig.positions()}


async def test_a_long_pays_a_positive_rate_and_a_short_receives_it(exchange: PaperRig) -> None:
    await load(exchange)
    await exchange.hold("BTCUSDT", "2")
    await exchange.hold("ETHUSDT", "-3")
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await fund(exchange, "0.001", symbol)
        await fund(exchange, "-0.0004", symbol)
    held = await by_symbol(exchange)
    assert await told(exchange, held["BTCUSDT"]) == Decimal("-1.2")
    assert await told(exchange, held["ETHUSDT"]) == Decimal("1.8")
    balances = (await exchange.truth())["balances"]
    assert sum(Decimal(row["wallet"]) for row in balances) == Decimal(10_000_000) - Decimal("1.2") + Decimal(
        "1.8"
    )


async def test_funding_counts_from_the_opening_of_what_is_held(exchange: PaperRig) -> None:
    await load(exchange)
    await exchange.hold("BTCUSDT", "2")
    await fund(exchange, "0.01")
    (old,) = await exchange.positions()
    await exchange.close_all([old])
    await exchange.hold("BTCUSDT", "1")
    await exchange.hold("BTCUSDT", "1")
    await fund(exchange, "0.001")
    (position,) = await exchange.positions()
    assert await told(exchange, position) == Decimal(-2)


async def test_a_position_that_never_paid_says_zero_rather_than_nothing(exchange: PaperRig) -> None:
    await load(exchange)
    await exchange.hold("BTCUSDT", "2")
    (position,) = await exchange.positions()
    assert await told(exchange, position) == 0


async def test_two_legs_are_told_apart_or_not_told_at_all(hedging: PaperRig) -> None:
    await load(hedging, hedge=True)
    await hedging.hold("BTCUSDT", "2", side="LONG")
    await hedging.hold("BTCUSDT", "-3", side="SHORT")
    await fund(hedging, "0.001")
    legs = [await told(hedging, position) for position in await hedging.positions()]
    assert sorted(str(leg) for leg in legs) in (["-2", "3"], ["None", "None"])
    assert (legs == [None, None]) is (hedging.name != "okx")


async def test_the_ledger_balances_after_funding(exchange: PaperRig) -> None:
    await load(exchange)
    await exchange.hold("BTCUSDT", "0.333", entry="777.7")
    await fund(exchange, "0.0001234")
    ledger = await exchange.paper.control("GET", "/ledger")
    assert isinstance(ledger, dict)
    assert set(ledger[exchange.name]["trial_balance"].values()) == {0}
    rows = {row["ledger_account"]: row["units"] for row in ledger[exchange.name]["balances"]}
    assert rows["venue:funding"] == 41092, "0.333 x 1000 x 0.0001234 USDT in millionths"


async def test_ccxt_reads_the_rate_and_the_payments_of_each_wire(exchange: PaperRig) -> None:
    await load(exchange)
    await exchange.hold("BTCUSDT", "2")
    await fund(exchange, "0.001")
    body = {"venue": exchange.name, "symbol": named(exchange.name, "BTCUSDT"), "rate": "0.0005"}
    await exchange.paper.control("POST", "/funding", body)
    async with ccxt_client(exchange) as client:
        (symbol,) = [row for row in await client.load_markets() if row.startswith(("BTC/", "BTCUSDT/"))]
        history = await client.fetch_funding_history(symbol)
        if exchange.name == "hyperliquid":
            rate = (await client.fetch_funding_rates([symbol]))[symbol]
        else:
            rate = await client.fetch_funding_rate(symbol)
    # Bybit's executions count what was paid as positive, and ccxt hands that on.
    paid = 2.0 if exchange.name == "bybit" else -2.0
    assert [row["amount"] for row in history] == [paid]
    assert rate["fundingRate"] == 0.0005
