"""Hyperliquid's optional ports on the paper exchange: protective orders, balances and books."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from bastion.domain.money import Price, Quantity
from bastion.domain.position import Position, Side
from bastion.domain.protective import Protection, ProtectiveRequest
from bastion.embedded import PaperProcess
from bastion.errors import OutcomeUnknown, VenueRejected, WrongSide
from bastion.ports import Accounting, Protecting, Quoting
from bastion.venues.ccxt.hyperliquid import HyperliquidVenue
from bastion.venues.deadline import together
from tests.hyperliquid_script import (
    ORDERS,
    SPOT,
    STATE,
    Scripted,
    order_row,
    request_for,
    say,
    state,
    statuses,
)
from tests.venue_paper import WAIT_S, PaperRig, paper_process, paper_rig, scenario

D = Decimal
STOP, PROFIT = Protection.STOP_LOSS, Protection.TAKE_PROFIT


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process() -> AsyncIterator[PaperProcess]:
    async with paper_process() as one:
        yield one


@pytest.fixture
async def rig(process: PaperProcess) -> AsyncIterator[PaperRig]:
    async with paper_rig(process, "hyperliquid") as one:
        await one.heal()
        await one.load(scenario("hyperliquid", ["BTCUSDT", "ETHUSDT"]))
        yield one


def venue_of(rig: PaperRig) -> HyperliquidVenue:
    assert isinstance(rig.venue, HyperliquidVenue)
    return rig.venue


def asked(
    position: Position, kind: Protection, trigger: str, quantity: str | None = None, number: int = 0
) -> ProtectiveRequest:
    return ProtectiveRequest(
        client_order_id=f"bsp{number:021d}",
        position=position,
        kind=kind,
        trigger_price=Price(D(trigger)),
        quantity=None if quantity is None else Quantity(D(quantity)),
    )


async def price(rig: PaperRig, to: str) -> None:
    await rig.paper.control("POST", "/price", {"venue": rig.name, "symbol": "BTCUSDT", "price": to})


def test_the_adapter_offers_all_three_ports() -> None:
    for port in (Accounting, Quoting, Protecting):
        assert issubclass(HyperliquidVenue, port)


@pytest.mark.parametrize("quantity", ["0.5", "-0.5"])
async def test_whatever_is_placed_can_only_reduce(rig: PaperRig, quantity: str) -> None:
    await rig.hold("BTCUSDT", quantity)
    (position,) = await rig.positions()
    away, near = ("900", "1100") if position.side is Side.LONG else ("1100", "900")
    for request in (
        asked(position, STOP, away, number=1),
        asked(position, PROFIT, near, number=2),
        asked(position, PROFIT, near, "0.2", number=3),
    ):
        done = await venue_of(rig).protect(request, replaces=(), deadline_s=WAIT_S)
        assert done.order.order.client_order_id == request.client_order_id
    rows = (await rig.truth())["open_orders"]
    assert [(row["reduce_only"], row["direction"]) for row in rows] == [
        (True, "SELL" if position.side is Side.LONG else "BUY")
    ] * 3
    standing = await venue_of(rig).protections(position, deadline_s=WAIT_S)
    assert sorted((each.kind, each.whole, each.trigger_price) for each in standing) == [
        (STOP, True, D(away)),
        (PROFIT, False, D(near)),
        (PROFIT, True, D(near)),
    ]
    await price(rig, "899" if position.side is Side.LONG else "1101")
    assert await rig.held() == {}


async def test_a_new_stop_takes_the_place_of_the_old_once_it_stands(rig: PaperRig) -> None:
    await rig.hold("BTCUSDT", "0.5")
    (position,) = await rig.positions()
    venue = venue_of(rig)
    first = await venue.protect(asked(position, STOP, "900", number=1), replaces=(), deadline_s=WAIT_S)
    second = await venue.protect(
        asked(position, STOP, "950", number=2), replaces=(first.order,), deadline_s=WAIT_S
    )
    assert (second.replaced, second.left) == ((first.order,), ())
    standing = await venue.protections(position, deadline_s=WAIT_S)
    assert [each.trigger_price for each in standing] == [D(950)]


async def test_a_part_that_is_larger_than_what_is_left_never_flips(rig: PaperRig) -> None:
    await rig.hold("BTCUSDT", "0.5")
    (position,) = await rig.positions()
    await venue_of(rig).protect(asked(position, PROFIT, "1100", "0.4"), replaces=(), deadline_s=WAIT_S)
    await rig.hold("BTCUSDT", "-0.3")
    await price(rig, "1101")
    assert await rig.held() == {}


async def test_the_venues_word_that_it_would_fire_is_a_wrong_side_and_changes_nothing(rig: PaperRig) -> None:
    await rig.hold("BTCUSDT", "0.5")
    (position,) = await rig.positions()
    venue = venue_of(rig)
    stop = await venue.protect(asked(position, STOP, "900", number=1), replaces=(), deadline_s=WAIT_S)
    await price(rig, "940")
    with pytest.raises(WrongSide, match="at once"):
        await venue.protect(asked(position, STOP, "960", number=2), replaces=(stop.order,), deadline_s=WAIT_S)
    standing = await venue.protections(position, deadline_s=WAIT_S)
    assert [each.trigger_price for each in standing] == [D(900)]


async def test_a_lost_answer_is_resolved_by_what_stands(rig: PaperRig) -> None:
    await rig.hold("BTCUSDT", "0.5")
    (position,) = await rig.positions()
    await rig.fault_orders("reset", executed=True, count=1)
    done = await venue_of(rig).protect(asked(position, STOP, "900"), replaces=(), deadline_s=WAIT_S)
    assert done.order.trigger_price == D(900)
    assert len((await rig.truth())["open_orders"]) == 1


async def test_a_balance_counts_every_dex_once(rig: PaperRig) -> None:
    await rig.hold("BTCUSDT", "0.5", entry="900")
    balance = await venue_of(rig).balance(deadline_s=WAIT_S)
    assert (balance.total_usd, balance.available_usd) == (D(10_000_050), D(10_000_000))
    assert balance.notes == ("spot balances are not counted",)


async def test_a_quote_shows_the_book_best_first_and_the_accounts_fee(rig: PaperRig) -> None:
    await rig.hold("BTCUSDT", "0.5")
    (position,) = await rig.positions()
    quote = await venue_of(rig).quote(position, deadline_s=WAIT_S)
    assert [level.price for level in quote.bids] == [D(1000), D("999.5")]
    assert [level.price for level in quote.asks] == [D(1000), D("1000.5")]
    assert quote.taker_fee == D("0.0005")


async def test_many_quotes_at_once_ask_for_the_fee_once(hl: Scripted) -> None:
    # Each question weighs as much as ten books, of the minute that an exit may need.
    level = {"px": "1000", "sz": "1", "n": 1}
    hl.on("l2Book", say({"coin": "BTC", "time": 1, "levels": [[level], [level]]}))
    hl.on("userFees", say({"userCrossRate": "0.0005", "userAddRate": "0.0002"}))
    position = request_for("BTC").position
    quotes = await together([hl.venue.quote(position, deadline_s=WAIT_S) for _ in range(5)])
    assert [quote.taker_fee for quote in quotes] == [D("0.0005")] * 5
    assert (len(hl.seen("l2Book")), len(hl.seen("userFees"))) == (5, 1)


async def test_a_quote_gives_way_to_an_exit_when_weight_is_short(hl: Scripted) -> None:
    hl.venue._throttle["reads"].resize(300)
    with pytest.raises(VenueRejected, match="kept for an exit"):
        await hl.venue.quote(request_for().position, deadline_s=WAIT_S)
    assert hl.asked == []


async def test_an_agents_address_has_no_balance(hl: Scripted) -> None:
    hl.on("userRole", say({"role": "missing"}))
    hl.on(STATE, say(state(value="0.0")))
    hl.on(SPOT, say({"balances": []}))
    with pytest.raises(VenueRejected):
        await hl.venue.balance(deadline_s=WAIT_S)


async def test_an_order_that_the_venue_shows_without_its_flag_is_taken_back(hl: Scripted) -> None:
    row = order_row("BTC", 7, isTrigger=True, orderType="Take Profit Market", triggerPx="1100.0")
    hl.on(ORDERS, say([{**row, "reduceOnly": False, "cloid": "0xb571" + "0" * 28}]))
    hl.on("order", say(statuses({"resting": {"oid": 7}})))
    request = asked(request_for().position, PROFIT, "1100", "0.5")
    with pytest.raises(VenueRejected, match="taken back"):
        await hl.venue.protect(request, replaces=(), deadline_s=WAIT_S)
    assert [body["action"]["cancels"] for body in hl.seen("cancel")] == [[{"a": 0, "o": 7}]]


async def test_a_stop_that_the_venue_takes_and_never_shows_is_of_unknown_outcome(hl: Scripted) -> None:
    hl.on("order", say(statuses("waitingForTrigger")))
    with pytest.raises(OutcomeUnknown):
        await hl.venue.protect(asked(request_for().position, STOP, "900"), replaces=(), deadline_s=4)
    actions = [body["action"] for body in hl.seen("order")]
    assert {action["grouping"] for action in actions} == {"positionTpsl"}
    assert {action["orders"][0]["s"] for action in actions} == {"0"}
