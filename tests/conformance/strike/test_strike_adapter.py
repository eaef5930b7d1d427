"""The margin venue's adapter against the real venue, and against answers that no venue should give."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.order import OrderKind, OrderRequest, OrderStatus
from bastion.domain.position import Position, Side
from bastion.domain.refund import RefundPolicy
from bastion.errors import Fault, OutcomeUnknown, VaultUnusable, VenueRejected, VenueUnreachable
from bastion.ports import Refunding, Venue
from bastion.venues.catalog import Catalog
from tests.strike_rig import PROGRAM, WALLET, MarginVenueProcess, margin_venue

CALL_S = 8.0


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[MarginVenueProcess]:
    with margin_venue(tmp_path / "venue") as running:
        yield running


@asynccontextmanager
async def adapter(
    url: str,
    fields: Mapping[str, str],
    *,
    refund: RefundPolicy = RefundPolicy.LAST_RUNG,
    trading: int | None = None,
) -> AsyncIterator[Venue]:
    account = Account(
        name="m",
        venue="strike",
        key_space="margin",
        credential="m",
        base_url=url,
        refund=refund,
        trading_a_minute=trading,
    )
    built = Catalog(clock=SystemClock(), shelf_dir=None).build(account, {"walletAddress": WALLET, **fields})
    try:
        yield built
    finally:
        await built.close()


def order(position: Position, kind: OrderKind = OrderKind.MARKET) -> OrderRequest:
    return OrderRequest(client_order_id="bst1", position=position, quantity=position.quantity, kind=kind)


async def test_a_look_shows_what_is_open_with_its_figures(venue: MarginVenueProcess) -> None:
    first = venue.open(usd="100", leverage=10)
    venue.open(usd="50", leverage=2, side="short")
    venue.mark("101000")
    async with adapter(venue.url, {"apiKey": venue.service_key}) as built:
        await built.look(deadline_s=CALL_S)
        look = await built.look(deadline_s=CALL_S)
        assert look.complete
        assert [one.side for one in look.positions] == [Side.LONG, Side.SHORT]
        one = look.positions[0]
        assert (one.position_id, one.instrument, one.category) == (str(first), str(first), "BTC-USD")
        assert (one.margin_usd, one.mark_price) == (Decimal(100), Decimal(101000))
        assert one.quantity == Decimal("0.009999")
        assert one.unrealized_pnl_usd is not None
        assert Decimal("9.5") < one.unrealized_pnl_usd < Decimal(10)
        assert await built.second_source(one, deadline_s=CALL_S) == one.quantity
        assert isinstance(built, Refunding)


async def test_a_close_leaves_one_fill_with_price_pnl_fee_and_funding_apart(
    venue: MarginVenueProcess,
) -> None:
    venue.operate("/endow", purse="treasury", amount="1000")
    venue.open(usd="100", leverage=10)
    venue.mark("110000")
    async with adapter(venue.url, {"apiKey": venue.make_personal_key()}) as built:
        [position] = (await built.look(deadline_s=CALL_S)).positions
        state = await built.place(order(position), deadline_s=CALL_S)
        assert (state.status, state.filled) == (OrderStatus.FILLED, position.quantity)
        [fill] = await built.fills([position], since_ms=0, deadline_s=CALL_S)
        assert (fill.quantity, fill.price, fill.funding_usd) == (
            position.quantity,
            Decimal(110000),
            Decimal(0),
        )
        assert fill.order_id == state.order_id
        assert fill.realized_pnl_usd == Decimal("99.890010")
        assert await built.second_source(position, deadline_s=CALL_S) == 0
        told = await built.order(order(position), deadline_s=CALL_S)
        assert told is not None
        assert told.filled == position.quantity
        with pytest.raises(VenueRejected) as caught:
            await built.place(order(position), deadline_s=CALL_S)
        assert (caught.value.fault, caught.value.code) == (Fault.MAYBE_FLAT, "NOT_OPEN")


async def test_a_refund_replays_and_is_recognised_by_looking(venue: MarginVenueProcess) -> None:
    venue.open(usd="33.25", leverage=10)
    async with adapter(venue.url, {"apiKey": venue.service_key}) as built:
        [position] = (await built.look(deadline_s=CALL_S)).positions
        asked = order(position, OrderKind.REFUND)
        assert await built.order(asked, deadline_s=CALL_S) is None
        first = await built.place(asked, deadline_s=CALL_S)
        again = await built.place(asked, deadline_s=CALL_S)
        looked = await built.order(asked, deadline_s=CALL_S)
        assert first == again == looked
        assert first.refunded_usd == Decimal("33.25")
        assert await built.fills([position], since_ms=0, deadline_s=CALL_S) == ()
        # A close whose answer was lost is not taken for a fill when the position was refunded meanwhile.
        closed = await built.order(order(position), deadline_s=CALL_S)
        assert closed is not None
        assert (closed.status, closed.filled) == (OrderStatus.CANCELED, Decimal(0))


async def test_halts_limits_and_credentials_are_told_apart(venue: MarginVenueProcess) -> None:
    venue.open()
    venue.halt()
    async with adapter(
        venue.url, {"apiKey": venue.service_key}, refund=RefundPolicy.NEVER, trading=50
    ) as built:
        [position] = (await built.look(deadline_s=CALL_S)).positions
        with pytest.raises(VenueRejected) as halted:
            await built.place(order(position), deadline_s=CALL_S)
        assert (halted.value.fault, halted.value.code) == (Fault.RETRY, "MARKET_HALTED")
        for _ in range(8):
            with pytest.raises(VenueRejected):
                await built.place(order(position), deadline_s=CALL_S)
        with pytest.raises(VenueRejected) as limited:
            await built.place(order(position), deadline_s=CALL_S)
        assert limited.value.fault is Fault.RATE_LIMIT
        assert limited.value.retry_after_s is not None
        assert 0 < limited.value.retry_after_s <= 60
        assert (await built.access(deadline_s=CALL_S)).can_trade is True
    async with adapter(venue.url, {"apiKey": "stk_" + "x" * 50}) as stranger:
        with pytest.raises(VenueRejected) as refused:
            await stranger.place(order(position), deadline_s=CALL_S)
        assert refused.value.fault is Fault.TERMINAL
        assert (await stranger.access(deadline_s=CALL_S)).can_trade is False


async def test_our_own_pacing_keeps_requests_for_refunds(venue: MarginVenueProcess) -> None:
    venue.open()
    venue.halt()
    async with adapter(venue.url, {"apiKey": venue.service_key}, trading=9) as built:
        [position] = (await built.look(deadline_s=CALL_S)).positions
        for _ in range(5):
            with pytest.raises(VenueRejected):
                await built.place(order(position), deadline_s=CALL_S)
        with pytest.raises(VenueUnreachable, match="kept for refunds"):
            await built.place(order(position), deadline_s=CALL_S)
        state = await built.place(order(position, OrderKind.REFUND), deadline_s=CALL_S)
        assert state.refunded_usd == 100


async def test_a_privy_token_trades_and_tells_how_long_it_lives(tmp_path: Path) -> None:
    folder = tmp_path / "venue"
    with margin_venue(folder) as venue:
        venue.open()
        command = [*PROGRAM, "token", "--folder", str(folder), "--user", "did:privy:me", "--wallet", WALLET]
        pair = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)  # noqa: ASYNC221 - a test's own preparation
        fields = {
            "accessToken": pair["authorization"].removeprefix("Bearer "),
            "identityToken": pair["privy-id-token"],
        }
        async with adapter(venue.url, fields) as built:
            access = await built.access(deadline_s=CALL_S)
            assert access.can_trade is None
            assert "min more" in access.notes[0]
            [position] = (await built.look(deadline_s=CALL_S)).positions
            assert (await built.place(order(position), deadline_s=CALL_S)).filled == position.quantity


ITEM = {
    "id": 1,
    "walletAddress": WALLET,
    "symbol": "BTC-USD",
    "szi": "0.01",
    "margin": "100.0",
    "entryPrice": "100000.00",
    "liquidationPrice": "90000.00",
    "exitPrice": None,
    "realizedPnl": "0.00",
    "pnlFee": "0.00",
    "status": "open",
    "createdAt": "2026-01-01T00:00:00Z",
    "closedAt": None,
    "settledAt": None,
    "accumulatedFunding": "0.00",
    "spread": "1.00",
}


@asynccontextmanager
async def scripted(answers: Mapping[str, tuple[int, str]]) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        status, text = answers.get(request.path, (404, "{}"))
        return web.Response(status=status, text=text, content_type="application/json")

    served = web.Application()
    served.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(served, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"open":[],"closed":[]}',
        '{"open":{},"closed":[],"settled":[]}',
        json.dumps({"open": [{**ITEM, "szi": "many"}], "closed": [], "settled": []}),
        json.dumps({"open": [{**ITEM, "entryPrice": "0"}], "closed": [], "settled": []}),
        json.dumps({"open": [ITEM, ITEM], "closed": [], "settled": []}),
        json.dumps({"open": [], "closed": [], "settled": ["x"]}),
        json.dumps({"open": [ITEM], "closed": [], "settled": []})[:-20],
    ],
)
async def test_a_list_of_a_wrong_shape_is_unread_and_never_empty(text: str) -> None:
    async with (
        scripted({f"/positions/{WALLET}": (200, text)}) as url,
        adapter(url, {"apiKey": "stk_x"}) as built,
    ):
        look = await built.look(deadline_s=CALL_S)
        assert not look.complete
        assert not look.empty
        assert look.positions == ()


@pytest.mark.parametrize(
    ("status", "text"), [(500, "{}"), (502, "<html>"), (200, "{}"), (200, "no"), (302, "")]
)
async def test_an_answer_that_says_nothing_leaves_the_outcome_unknown(status: int, text: str) -> None:
    listed = json.dumps({"open": [ITEM], "closed": [], "settled": []})
    answers = {
        f"/positions/{WALLET}": (200, listed),
        "/close": (status, text),
        "/emergency-exit": (status, text),
    }
    async with scripted(answers) as url, adapter(url, {"apiKey": "stk_x"}) as built:
        [position] = (await built.look(deadline_s=CALL_S)).positions
        for kind in (OrderKind.MARKET, OrderKind.REFUND):
            with pytest.raises(OutcomeUnknown):
                await built.place(order(position, kind), deadline_s=CALL_S)


async def test_a_position_that_vanished_without_its_margin_is_not_taken_for_refunded() -> None:
    account = {
        "balances": {"withdrawable": "900.00", "total": "900.00", "reserved": "0.00"},
        "deposits": [{"amount": "1000.0", "txHash": "0x1", "timestamp": "2026-01-01T00:00:00Z"}],
        "withdrawals": [],
    }
    gone = json.dumps({"open": [], "closed": [], "settled": []})
    answers = {f"/positions/{WALLET}": (200, gone), f"/account/{WALLET}": (200, json.dumps(account))}
    shown = {f"/positions/{WALLET}": (200, json.dumps({"open": [ITEM], "closed": [], "settled": []}))}
    async with scripted(shown) as url, adapter(url, {"apiKey": "stk_x"}) as built:
        [position] = (await built.look(deadline_s=CALL_S)).positions
    async with scripted(answers) as url, adapter(url, {"apiKey": "stk_x"}) as built:
        with pytest.raises(VenueUnreachable, match="does not show its margin"):
            await built.order(order(position, OrderKind.REFUND), deadline_s=CALL_S)


def test_a_credential_without_a_wallet_is_refused_with_what_to_store() -> None:
    account = Account(name="m", venue="strike", key_space="margin", credential="m")
    with pytest.raises(VaultUnusable, match="wallet_address"):
        Catalog(clock=SystemClock(), shelf_dir=None).build(account, {"apiKey": "stk_x"})
