"""An empty list of positions is believed only where no other page of the venue speaks against it."""

import asyncio

import pytest

from bastion.app import PaperProcess
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.venue import WITNESS_WAIT_S
from tests.venue_paper import WAIT_S, PaperRig, instrument, paper_rig, scenario
from tests.venue_rig import Rig, hang, raw, reply, reset, v5
from tests.venue_rig import okx as answer_of_okx

LISTS = {
    "binance": "/fapi/v3/positionRisk",
    "bybit": "/v5/position/list",
    "okx": "/api/v5/account/positions",
}
WITNESSES = {
    "binance": "/fapi/v3/account",
    "bybit": "/v5/account/wallet-balance",
    "okx": "/api/v5/account/account-position-risk",
}
# The seed scenario holds 0.5 BTC at 91,200 and 40 SOL at 142.5 with leverage 10, and 3 ETH at 3,380 and
# 100 AVAX at 38.2 with leverage 5; OKX is given 0.5 contracts.
# Which of its two positions OKX's page names first is the venue's choice.
REASONS = {
    "binance": {"the position list is empty, but the account's position margin is 5130 USDT"},
    "bybit": {"the position list is empty, but the account's position margin is 2792 USDT"},
    "okx": {
        f"the position list is empty, but the account's own page names 0.5 {name}-USDT-SWAP"
        for name in ("BTC", "ETH")
    },
}
TELLING = {
    "binance": reply({"assets": [{"asset": "USDT", "positionInitialMargin": "12.30"}], "positions": []}),
    "bybit": reply(v5({"list": [{"coin": [{"coin": "USDT", "totalPositionIM": "12.30"}]}]})),
    "okx": reply(answer_of_okx({"posData": [{"instId": "BTC-USDT-SWAP", "pos": "12.30"}]})),
}
SILENT = {
    "binance": reply(
        {
            "assets": [{"asset": "USDT", "positionInitialMargin": "0.00000000"}],
            "positions": [{"symbol": "BTCUSDT", "positionAmt": "0.000"}],
        }
    ),
    "bybit": reply(v5({"list": [{"coin": [{"coin": "USDT", "totalPositionIM": "0"}]}]})),
    "okx": reply(answer_of_okx({"posData": []})),
}


async def test_a_list_that_comes_empty_twice_is_unread_with_the_reason(keyed: PaperRig) -> None:
    await keyed.fault("empty", path=LISTS[keyed.name])
    for _ in range(2):
        look = await keyed.venue.look(deadline_s=WAIT_S)
        assert (look.complete, look.positions) == (False, ())
        assert REASONS[keyed.name] & {unread.reason for unread in look.unread}
        assert {unread.terminal for unread in look.unread} == {False}
    await keyed.heal()
    assert len((await keyed.whole_look()).positions) == 2


async def test_an_account_that_holds_nothing_is_read_whole_with_one_witness_a_look(keyed: PaperRig) -> None:
    await keyed.load(scenario(keyed.name, ["BTCUSDT"]))
    await keyed.forget_requests()
    for _ in range(2):
        assert (await keyed.venue.look(deadline_s=WAIT_S)).empty
    assert len(await keyed.requests(WITNESSES[keyed.name])) == 2


@pytest.mark.parametrize(
    "fault", [{"kind": "fail"}, {"kind": "malformed", "shape": "html"}, {"kind": "reset"}]
)
async def test_a_witness_that_fails_is_ignored(keyed: PaperRig, fault: dict[str, str]) -> None:
    await keyed.load(scenario(keyed.name, ["BTCUSDT"]))
    await keyed.fault(**fault, path=WITNESSES[keyed.name])
    assert (await keyed.venue.look(deadline_s=WAIT_S)).empty
    await keyed.load(scenario(keyed.name, ["BTCUSDT"]))
    await keyed.fault(**fault, path=WITNESSES[keyed.name])
    await keyed.hold("BTCUSDT", "0.5")
    assert len((await keyed.whole_look()).positions) == 1


async def test_resting_orders_alone_speak_against_nothing(keyed: PaperRig) -> None:
    await keyed.load(scenario(keyed.name, ["BTCUSDT"]))
    await keyed.rest("BTCUSDT", "BUY", "1", price="900")
    look = await keyed.venue.look(deadline_s=WAIT_S)
    assert look.complete
    assert (look.positions, len(look.orders)) == ((), 1)


async def test_a_margin_that_trails_our_own_close_makes_one_look_unread_and_not_the_next(
    keyed: PaperRig,
) -> None:
    await keyed.load(scenario(keyed.name, ["BTCUSDT"]))
    await keyed.hold("BTCUSDT", "0.5")
    (position,) = await keyed.positions()
    await asyncio.sleep(0.3)  # The state that the witness shows late must be one in which it was held.
    await keyed.fault("lag", path=WITNESSES[keyed.name], lag_ms=300)
    await keyed.close_all([position])
    first = await keyed.venue.look(deadline_s=WAIT_S)
    assert "positions" in first.unread[0].part
    async with asyncio.timeout(2):
        assert (await keyed.whole_look()).empty


async def test_bybits_margin_of_an_inverse_coin_speaks_of_the_inverse_list(paper: PaperProcess) -> None:
    inverse = instrument(
        "BTCUSD",
        base="BTC",
        quote="USD",
        settle="BTC",
        kind="inverse",
        step="1",
        quantity_min="1",
        quantity_max="1000000",
        market_quantity_max="500000",
    )
    document = scenario("bybit", [], balances={"USDT": "10000", "BTC": "5"})
    venues = document["venue"]
    assert isinstance(venues, list)
    venues[0]["instrument"] = [instrument("BTCUSDT"), inverse]
    async with paper_rig(paper, "bybit") as rig:
        await rig.heal()
        await rig.load(document)
        await rig.hold("BTCUSD", "300")
        await rig.hold("BTCUSDT", "1")
        await rig.fault("empty", path=LISTS["bybit"])
        look = await rig.venue.look(deadline_s=WAIT_S)
        await rig.heal()
    told = {unread.part: unread.reason for unread in look.unread}
    assert set(told) == {"positions inverse", "positions linear/USDT", "positions option"}
    assert told["positions inverse"].endswith("the account's position margin is 0.03 BTC")


async def test_what_a_witness_says_makes_an_empty_list_unread(rig: Rig) -> None:
    name = rig.flavour.venue
    rig.script.on(WITNESSES[name], TELLING[name])
    told = await rig.venue.look(deadline_s=10)
    assert [unread.reason for unread in told.unread if "12.3 " in unread.reason]
    assert all(unread.part.startswith("positions") for unread in told.unread)
    rig.script.on(WITNESSES[name], SILENT[name])
    assert (await rig.venue.look(deadline_s=10)).empty


@pytest.mark.parametrize(
    "odd",
    [
        "null",
        "[]",
        "{}",
        '{"assets": {}}',
        '{"assets": [{}], "positions": [{}]}',
        '{"code": "0", "data": [{}]}',
        '{"retCode": 0, "result": {"list": [{"coin": [{"coin": "USDT", "totalPositionIM": ""}]}]}}',
    ],
)
async def test_an_odd_witness_is_ignored(rig: Rig, odd: str) -> None:
    rig.script.on(WITNESSES[rig.flavour.venue], raw(odd))
    assert (await rig.venue.look(deadline_s=10)).empty


# A position worth 4 USD in the list, and what the other page says: that one alone, and another one beside it.
DUST = {
    "binance": (
        [
            {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "-0.5", "notional": "-4"}
            | {"marginAsset": "USDT", "positionInitialMargin": "0.4"}
        ],
        {"assets": [{"asset": "USDT", "positionInitialMargin": "0.41"}]}
        | {"positions": [{"symbol": "BTCUSDT", "positionAmt": "-0.5"}]},
        {
            "assets": [],
            "positions": [{"symbol": name, "positionAmt": "-0.5"} for name in ("BTCUSDT", "ETHUSDT")],
        },
    ),
    "bybit": (
        v5(
            {
                "list": [
                    {"symbol": "BTCUSDT", "side": "Buy", "size": "0.5", "markPrice": "8", "positionIM": "0.4"}
                ],
                "nextPageCursor": "",
            }
        ),
        v5({"list": [{"coin": [{"coin": "USDT", "totalPositionIM": "0.41"}]}]}),
        v5({"list": [{"coin": [{"coin": "USDT", "totalPositionIM": "13"}]}]}),
    ),
    "okx": (
        answer_of_okx(
            {
                "instId": "BTC-USDT-SWAP",
                "instType": "SWAP",
                "pos": "0.5",
                "posSide": "net",
                "mgnMode": "cross",
            }
            | {"notionalUsd": "4"}
        ),
        answer_of_okx({"posData": [{"instId": "BTC-USDT-SWAP", "pos": "0.5"}]}),
        answer_of_okx({"posData": [{"instId": "BTC-USDT-SWAP", "pos": "-0.75"}]}),
    ),
}


async def test_a_list_that_shows_dust_alone_is_weighed_against_the_witness(rig: Rig) -> None:
    name = rig.flavour.venue
    listed, alone, more = DUST[name]
    rig.script.on(rig.flavour.look_paths[0], reply(listed))
    rig.script.on(WITNESSES[name], reply(alone))
    assert (await rig.venue.look(deadline_s=10)).complete
    rig.script.on(WITNESSES[name], reply(more))
    look = await rig.venue.look(deadline_s=10)
    # What is shown can still be acted on.
    assert {str(position.quantity) for position in look.positions} == {"0.5"}
    assert look.unread
    assert all(unread.part.startswith("positions") for unread in look.unread)
    assert look.unread[0].reason.startswith("the position list shows nothing but what is small, but the acc")


async def test_a_witness_that_is_cut_off_is_ignored(rig: Rig) -> None:
    rig.script.on(WITNESSES[rig.flavour.venue], reset())
    assert (await rig.venue.look(deadline_s=10)).empty


async def test_a_witness_that_hangs_holds_no_look_up_for_long(rig: Rig) -> None:
    rig.script.on(WITNESSES[rig.flavour.venue], hang())
    await rig.venue.open(deadline_s=10)
    look = await rig.venue.look(deadline_s=10)
    assert look.empty
    assert look.ended_ns - look.begun_ns < (WITNESS_WAIT_S + 1) * 1_000_000_000


async def test_a_refused_key_is_refused_by_the_lists_and_not_by_the_witness(rig: Rig) -> None:
    rig.script.on(WITNESSES[rig.flavour.venue], rig.flavour.terminal)
    assert (await rig.venue.look(deadline_s=10)).empty


async def test_an_empty_list_that_is_doubted_keeps_binances_weight_for_the_positions(binance: Rig) -> None:
    used = {"X-MBX-USED-WEIGHT-1M": "2100"}
    binance.script.on(WITNESSES["binance"], TELLING["binance"])
    binance.script.on(LISTS["binance"], reply([], 200, used), reply([]))
    await binance.venue.look(deadline_s=5)
    short = await binance.venue.look(deadline_s=5)
    assert {unread.part for unread in short.unread} == {"positions", "orders", "conditional orders"}


async def test_an_empty_list_that_is_doubted_keeps_okxs_algo_lists_for_the_proof(okx: Rig) -> None:
    okx.venue._throttle["algos"].resize(20)
    okx.script.on(WITNESSES["okx"], TELLING["okx"])
    for _ in range(4):
        await okx.venue.look(deadline_s=5)
    assert len(okx.script.seen("orders-algo-pending")) <= 12


async def test_the_witness_takes_no_weight_from_the_lists(binance: Rig) -> None:
    # Where no position is known, all lists are read. They weigh 85 and the clock 1: nothing is left for the
    # witness, which is given up.
    assert isinstance(binance.venue, BinanceVenue)
    binance.venue._thrift.saw(())
    binance.venue._throttle["weight"].resize(86)
    binance.script.on(WITNESSES["binance"], TELLING["binance"])
    assert (await binance.venue.look(deadline_s=5)).empty
    assert binance.script.seen(WITNESSES["binance"]) == []


async def test_under_portfolio_margin_bybits_unrealised_pnl_speaks_in_the_margins_place(bybit: Rig) -> None:
    def wallet(profit: str) -> object:
        coin = {"coin": "USDT", "totalPositionIM": "", "unrealisedPnl": profit}
        return v5({"list": [{"accountType": "UNIFIED", "coin": [coin]}]})

    bybit.script.on(WITNESSES["bybit"], reply(wallet("-3.2")))
    told = await bybit.venue.look(deadline_s=10)
    assert {unread.part for unread in told.unread} == {"positions linear/USDT", "positions option"}
    assert told.unread[0].reason.endswith("the account's unrealised PnL is -3.2 USDT")
    bybit.script.on(WITNESSES["bybit"], reply(wallet("0")))
    assert (await bybit.venue.look(deadline_s=10)).empty


async def test_under_portfolio_margin_okxs_page_names_its_positions_of_every_kind(okx: Rig) -> None:
    # The documented answer of an account in that mode: adjEq is told, what is reckoned by position is not.
    rows = [
        {"instId": "BTC-USD-261225-100000-C", "instType": "OPTION", "mgnMode": "cross", "pos": "-2"},
        {"instId": "ETH-USDT", "instType": "MARGIN", "mgnMode": "cross", "pos": "1.5", "posCcy": "ETH"},
    ]
    for row in rows:
        page = {"adjEq": "174238.6793", "balData": [], "posData": [row], "ts": "1"}
        okx.script.on(WITNESSES["okx"], reply(answer_of_okx(page)))
        told = await okx.venue.look(deadline_s=10)
        (reason,) = [unread.reason for unread in told.unread if unread.part == "positions"]
        assert reason.endswith(f"names {row['pos']} {row['instId']}")
