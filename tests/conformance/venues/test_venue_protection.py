"""The optional ports of the ccxt adapters: what they promise of protective orders, balances and books."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
from aiohttp import web

from bastion.app import PaperProcess
from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.money import Price, Quantity
from bastion.domain.position import Position, Side
from bastion.domain.protective import Protection, ProtectiveRequest
from bastion.errors import AnswerMalformed, OutcomeUnknown, VenueRejected, VenueUnreachable, WrongSide
from bastion.ports import Accounting, Protecting, Quoting, Venue
from bastion.venues.barred import BarredVenue
from bastion.venues.catalog import Catalog
from bastion.venues.deadline import together
from tests.venue_paper import WAIT_S, PaperRig, paper_rig, scenario
from tests.venue_rig import Asked, Rig, reply, v5

D = Decimal
STOP, PROFIT = Protection.STOP_LOSS, Protection.TAKE_PROFIT
PLACING = {"binance": "/fapi/v1/algoOrder", "bybit": "/v5/position/trading-stop"}


@pytest.fixture(params=["binance", "bybit"])
async def one(request: pytest.FixtureRequest, paper: PaperProcess) -> AsyncIterator[PaperRig]:
    async with paper_rig(paper, request.param) as rig:
        await rig.heal()
        await rig.load(scenario(rig.name, ["BTCUSDT", "ETHUSDT"]))
        yield rig


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


def protecting(venue: Venue) -> Protecting:
    assert isinstance(venue, Protecting)
    return venue


def quoting(venue: Venue) -> Quoting:
    assert isinstance(venue, Quoting)
    return venue


def accounting(venue: Venue) -> Accounting:
    assert isinstance(venue, Accounting)
    return venue


def long(instrument: str = "BTCUSDT", category: str = "usdm") -> Position:
    return Position(
        instrument=instrument,
        category=category,
        symbol=instrument,
        side=Side.LONG,
        quantity=Quantity(D(1)),
        hedged=False,
    )


async def test_the_ccxt_adapters_offer_all_three_ports(one: PaperRig) -> None:
    assert isinstance(one.venue, Accounting)
    assert isinstance(one.venue, Quoting)
    assert isinstance(one.venue, Protecting)


def test_the_margin_venue_tells_a_balance_and_places_no_protection() -> None:
    account = Account(name="m", venue="strike", key_space="margin", credential="m")
    fields = {"walletAddress": "0x" + "a" * 40, "apiKey": "k"}
    venue = Catalog(clock=SystemClock(), shelf_dir=None).build(account, fields)
    assert isinstance(venue, Accounting)
    assert not isinstance(venue, Protecting)
    assert not isinstance(venue, Quoting)


async def test_an_account_without_a_credential_says_why_it_has_no_balance_and_offers_nothing_else() -> None:
    account = Account(name="b", venue="binance", key_space="usdm", credential="b")
    venue = BarredVenue(account=account, why="the vault lacks it", clock=SystemClock())
    assert isinstance(venue, Accounting)
    with pytest.raises(VenueUnreachable, match="the vault lacks it"):
        await venue.balance(deadline_s=WAIT_S)
    assert not isinstance(venue, Quoting | Protecting)


@pytest.mark.parametrize("hedge", [False, True])
@pytest.mark.parametrize("quantity", ["0.5", "-0.5"])
async def test_whatever_is_placed_can_only_reduce(one: PaperRig, *, hedge: bool, quantity: str) -> None:
    await one.load(scenario(one.name, ["BTCUSDT"], hedge=hedge))
    side = ("LONG" if quantity == "0.5" else "SHORT") if hedge else "NET"
    await one.hold("BTCUSDT", quantity, side=side)
    (position,) = await one.positions()
    away, near = ("900", "1100") if position.side is Side.LONG else ("1100", "900")
    requests = (
        asked(position, STOP, away, number=1),
        asked(position, PROFIT, near, number=2),
        asked(position, PROFIT, near, "0.2", number=3),
    )
    for request in requests:
        await protecting(one.venue).protect(request, replaces=(), deadline_s=WAIT_S)
    closing = "SELL" if position.side is Side.LONG else "BUY"
    rows = (await one.truth())["open_orders"]
    assert len(rows) == 3
    for row in rows:
        assert row["direction"] == closing
        # In hedge mode the position's own side makes an order reducing, by the venue's rule.
        assert row["reduce_only"] or row["close_position"] or (hedge and row["side"] == side)
    standing = await protecting(one.venue).protections(position, deadline_s=WAIT_S)
    assert sorted((each.kind, each.whole, each.trigger_price) for each in standing) == [
        (STOP, True, D(away)),
        (PROFIT, False, D(near)),
        (PROFIT, True, D(near)),
    ]


@pytest.mark.parametrize("hedge", [False, True])
async def test_a_part_that_is_larger_than_what_is_left_closes_it_and_never_flips(
    one: PaperRig, *, hedge: bool
) -> None:
    await one.load(scenario(one.name, ["BTCUSDT"], hedge=hedge))
    side = "LONG" if hedge else "NET"
    await one.hold("BTCUSDT", "0.5", side=side)
    (position,) = await one.positions()
    await protecting(one.venue).protect(
        asked(position, PROFIT, "1100", "0.4"), replaces=(), deadline_s=WAIT_S
    )
    # The position shrinks to less than the waiting order.
    await one.hold("BTCUSDT", "-0.3", side=side)
    await one.paper.control(
        "POST", "/price", {"venue": one.name, "symbol": "BTCUSDT", "price": "1101", "ramp_ms": 0}
    )
    assert await one.held() in ({}, {("BTCUSDT", side): D("0.2")})
    assert all(size >= 0 for size in (await one.held()).values())


async def test_the_venues_word_that_it_would_fire_is_a_wrong_side_and_changes_nothing(one: PaperRig) -> None:
    await one.hold("BTCUSDT", "0.5")
    (position,) = await one.positions()
    stop = await protecting(one.venue).protect(
        asked(position, STOP, "900", number=1), replaces=(), deadline_s=WAIT_S
    )
    await one.paper.control("POST", "/price", {"venue": one.name, "symbol": "BTCUSDT", "price": "940"})
    with pytest.raises(WrongSide, match="at once"):
        await protecting(one.venue).protect(
            asked(position, STOP, "960", number=2), replaces=(stop.order,), deadline_s=WAIT_S
        )
    with pytest.raises(WrongSide, match="at once"):
        await protecting(one.venue).protect(
            asked(position, PROFIT, "930", "0.1", number=3), replaces=(), deadline_s=WAIT_S
        )
    standing = await protecting(one.venue).protections(position, deadline_s=WAIT_S)
    assert [each.trigger_price for each in standing] == [D(900)]


async def test_only_the_orders_of_that_position_are_its_protection(one: PaperRig) -> None:
    await one.load(scenario(one.name, ["BTCUSDT", "ETHUSDT"], hedge=True))
    await one.hold("BTCUSDT", "0.5", side="LONG")
    await one.hold("BTCUSDT", "-0.5", side="SHORT")
    await one.hold("ETHUSDT", "0.5", side="LONG")
    positions = {(item.instrument, item.side): item for item in await one.positions()}
    for number, position in enumerate(positions.values()):
        trigger = "900" if position.side is Side.LONG else "1100"
        await protecting(one.venue).protect(
            asked(position, STOP, trigger, number=number), replaces=(), deadline_s=WAIT_S
        )
    for position in positions.values():
        found = await protecting(one.venue).protections(position, deadline_s=WAIT_S)
        assert len(found) == 1
        assert found[0].order.instrument == position.instrument
        assert found[0].order.side is position.side


async def test_a_protection_is_seen_and_swept_like_any_other_order(one: PaperRig) -> None:
    await one.hold("BTCUSDT", "0.5")
    (position,) = await one.positions()
    await protecting(one.venue).protect(asked(position, STOP, "900"), replaces=(), deadline_s=WAIT_S)
    look = await one.venue.look(deadline_s=WAIT_S)
    assert [(order.conditional, order.reduce_only) for order in look.orders] == [(True, True)]
    assert all(answer.gone for answer in await one.venue.sweep(look, deadline_s=WAIT_S))
    assert (await one.truth())["open_orders"] == []


async def test_a_quote_shows_the_book_best_first_and_the_accounts_fee(one: PaperRig) -> None:
    await one.hold("BTCUSDT", "0.5")
    (position,) = await one.positions()
    quote = await quoting(one.venue).quote(position, deadline_s=WAIT_S)
    assert [level.price for level in quote.bids] == sorted((each.price for each in quote.bids), reverse=True)
    assert [level.price for level in quote.asks] == sorted(each.price for each in quote.asks)
    assert quote.taker_fee == D("0.0005")


async def test_an_order_that_binance_takes_without_its_flag_is_taken_back(binance: Rig) -> None:
    async def taken(asked: Asked) -> web.StreamResponse:
        row = {
            "algoId": 7,
            "clientAlgoId": asked.params.get("clientAlgoId", ""),
            "orderType": "TAKE_PROFIT_MARKET",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "positionSide": "BOTH",
            "quantity": "0.5",
            "algoStatus": "NEW",
            "triggerPrice": "1100",
            "closePosition": False,
            "reduceOnly": False,
        }
        return web.json_response(row)

    binance.script.on("/fapi/v1/algoOrder", taken)
    with pytest.raises(VenueRejected, match="taken back"):
        await protecting(binance.venue).protect(
            asked(long(), PROFIT, "1100", "0.5"), replaces=(), deadline_s=WAIT_S
        )
    sent = [(row.method, row.params.get("algoId")) for row in binance.script.seen("/fapi/v1/algoOrder")]
    assert [method for method, _ in sent] == ["POST", "DELETE"]
    assert sent[1][1] == "7"


async def test_an_order_that_bybit_shows_without_its_flag_is_taken_back(bybit: Rig) -> None:
    row = {
        "orderId": "o-1",
        "orderLinkId": f"bsp{0:021d}",
        "symbol": "BTCUSDT",
        "side": "Sell",
        "orderStatus": "Untriggered",
        "orderType": "Market",
        "stopOrderType": "Stop",
        "triggerPrice": "1100",
        "triggerDirection": 1,
        "qty": "0.5",
        "positionIdx": 0,
        "reduceOnly": False,
        "closeOnTrigger": False,
    }
    bybit.script.on("/v5/order/create", reply(v5({"orderId": "o-1", "orderLinkId": row["orderLinkId"]})))
    bybit.script.on("/v5/order/realtime", reply(v5({"list": [row], "nextPageCursor": ""})))
    bybit.script.on("/v5/order/cancel", reply(v5({"orderId": "o-1"})))
    with pytest.raises(VenueRejected, match="taken back"):
        await protecting(bybit.venue).protect(
            asked(long(category="linear"), PROFIT, "1100", "0.5"), replaces=(), deadline_s=WAIT_S
        )
    assert len(bybit.script.seen("/v5/order/create")) == 1
    assert [each.params["orderId"] for each in bybit.script.seen("/v5/order/cancel")] == ["o-1"]


async def test_a_stop_that_bybit_takes_and_never_shows_is_of_unknown_outcome(bybit: Rig) -> None:
    bybit.script.on("/v5/position/trading-stop", reply(v5({})))
    bybit.script.on("/v5/order/realtime", reply(v5({"list": [], "nextPageCursor": ""})))
    with pytest.raises(OutcomeUnknown):
        await protecting(bybit.venue).protect(
            asked(long(category="linear"), STOP, "900"), replaces=(), deadline_s=6
        )
    sent = bybit.script.seen("/v5/position/trading-stop")
    assert all(each.params["tpslMode"] == "Full" for each in sent)
    assert {each.params["slTriggerBy"] for each in sent} == {"MarkPrice"}


async def test_binances_multi_assets_totals_are_taken_as_they_are(binance: Rig) -> None:
    asset = {"asset": "USDT", "marginBalance": "1000", "availableBalance": "9999"}
    totals = {"totalMarginBalance": "1500.5", "availableBalance": "700", "assets": [asset], "positions": []}
    binance.script.on("/fapi/v3/account", reply(totals))
    binance.script.on("/fapi/v1/accountConfig", reply({"multiAssetsMargin": True, "canTrade": True}))
    balance = await accounting(binance.venue).balance(deadline_s=WAIT_S)
    assert (balance.total_usd, balance.available_usd) == (D("1500.5"), D(700))
    assert balance.notes


async def test_binances_single_assets_are_added_up_with_other_coins_at_their_index(binance: Rig) -> None:
    assets = [
        {"asset": "USDT", "marginBalance": "1000", "availableBalance": "900"},
        {"asset": "USDC", "marginBalance": "50", "availableBalance": "50"},
        {"asset": "BNB", "marginBalance": "2", "availableBalance": "1"},
        {"asset": "BTC", "marginBalance": "0", "availableBalance": "0"},
    ]
    # The venue's own totals speak of USDT alone in this mode.
    totals = {"totalMarginBalance": "1000", "availableBalance": "900", "assets": assets, "positions": []}
    binance.script.on("/fapi/v3/account", reply(totals))
    binance.script.on("/fapi/v1/accountConfig", reply({"multiAssetsMargin": False}))
    binance.script.on("/fapi/v1/premiumIndex", reply({"symbol": "BNBUSDT", "indexPrice": "600"}))
    balance = await accounting(binance.venue).balance(deadline_s=WAIT_S)
    assert (balance.total_usd, balance.available_usd) == (D(2250), D(1550))
    assert balance.notes == ("BNB at the index price of 600 USD",)


async def test_bybits_isolated_account_has_no_available_balance_and_says_so(bybit: Rig) -> None:
    row = {"accountType": "UNIFIED", "totalEquity": "1234.5", "totalAvailableBalance": "", "coin": []}
    bybit.script.on("/v5/account/wallet-balance", reply(v5({"list": [row]})))
    balance = await accounting(bybit.venue).balance(deadline_s=WAIT_S)
    assert (balance.total_usd, balance.available_usd) == (D("1234.5"), None)
    assert balance.notes


@pytest.mark.parametrize("book", [{"bids": "none", "asks": []}, {"bids": [["1"]], "asks": []}, {"asks": []}])
async def test_a_book_of_another_shape_is_no_book(binance: Rig, book: dict[str, object]) -> None:
    binance.script.on("/fapi/v1/depth", reply(book))
    with pytest.raises(AnswerMalformed):
        await quoting(binance.venue).quote(long(), deadline_s=WAIT_S)


async def test_a_fee_that_does_not_come_leaves_the_book_usable(binance: Rig) -> None:
    binance.script.on("/fapi/v1/depth", reply({"bids": [["99", "1"]], "asks": [["101", "1"]]}))
    binance.script.on("/fapi/v1/commissionRate", reply({"code": -1008, "msg": "busy"}, 503))
    quote = await quoting(binance.venue).quote(long(), deadline_s=WAIT_S)
    assert (quote.taker_fee, quote.bids[0].price) == (None, D(99))


async def test_many_quotes_at_once_ask_for_the_fee_once(binance: Rig) -> None:
    # A question for the fee weighs four times a book, and a preview of twenty positions asked twenty times.
    binance.script.on("/fapi/v1/depth", reply({"bids": [["99", "1"]], "asks": [["101", "1"]]}))
    fee = {"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005"}
    binance.script.on("/fapi/v1/commissionRate", reply(fee))
    quotes = await together([quoting(binance.venue).quote(long(), deadline_s=WAIT_S) for _ in range(5)])
    assert [quote.taker_fee for quote in quotes] == [D("0.0005")] * 5
    assert len(binance.script.seen("/fapi/v1/commissionRate")) == 1


async def test_a_quote_gives_way_to_an_exit_when_weight_is_short(binance: Rig) -> None:
    spent = {"X-MBX-USED-WEIGHT-1M": "1500"}
    binance.script.on("/fapi/v3/positionRisk", reply([], headers=spent))
    await binance.venue.look(deadline_s=WAIT_S)
    with pytest.raises(VenueRejected, match="kept for an exit"):
        await quoting(binance.venue).quote(long(), deadline_s=WAIT_S)
    assert binance.script.seen("/fapi/v1/depth") == []


async def test_pol_is_called_matic_here_and_pol_at_the_venue(binance: Rig) -> None:
    row = {
        "symbol": "POLUSDT",
        "positionSide": "BOTH",
        "positionAmt": "10",
        "marginAsset": "USDT",
        "entryPrice": "0.5",
        "markPrice": "0.6",
    }
    binance.script.on("/fapi/v3/positionRisk", reply([row]))
    (position,) = (await binance.venue.look(deadline_s=WAIT_S)).positions
    assert (position.symbol, position.instrument) == ("MATICUSDT", "POLUSDT")
    binance.script.on("/fapi/v1/openAlgoOrders", reply([]))
    await protecting(binance.venue).protections(replace(position), deadline_s=WAIT_S)
    assert binance.script.seen("/fapi/v1/openAlgoOrders")[-1].params["symbol"] == "POLUSDT"
