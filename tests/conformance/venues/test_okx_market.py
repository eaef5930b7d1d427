"""OKX: what the account is worth and what the book offers, by the venue's own figures."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.app import PaperProcess
from bastion.errors import AnswerMalformed
from bastion.ports import Accounting, Quoting
from tests.venue_paper import WAIT_S, paper_rig, scenario
from tests.venue_rig import Rig, raw, reply

BALANCE, BOOKS, FEES = "/api/v5/account/balance", "/api/v5/market/books", "/api/v5/account/trade-fee"
BOOK = {"bids": [["100.5", "3", "0", "1"]], "asks": [["100.6", "4", "0", "2"]], "ts": "1"}


def rows(*found: object) -> dict[str, object]:
    return {"code": "0", "msg": "", "data": list(found)}


async def test_on_the_paper_exchange_equity_book_and_fee_are_the_true_ones(paper: PaperProcess) -> None:
    async with paper_rig(paper, "okx") as rig:
        await rig.heal()
        await rig.load(scenario("okx", ["BTCUSDT"], balances={"USDT": "5000"}))
        await rig.hold("BTCUSDT", "2", entry="900")
        (position,) = await rig.positions()
        assert isinstance(rig.venue, Accounting)
        assert isinstance(rig.venue, Quoting)
        balance = await rig.venue.balance(deadline_s=WAIT_S)
        assert (balance.total_usd, balance.available_usd) == (Decimal(5200), Decimal(5000))
        quote = await rig.venue.quote(position, deadline_s=WAIT_S)
        assert (quote.bids[0].price, quote.bids[0].quantity) == (Decimal(1000), Decimal(1000))
        assert quote.taker_fee == Decimal("0.0005")


async def test_where_the_account_has_no_available_equity_that_of_its_coins_is_added_up(okx: Rig) -> None:
    details = [
        {"ccy": "USDT", "eq": "100", "eqUsd": "99.9", "availEq": "50"},
        {"ccy": "BTC", "eq": "2", "eqUsd": "180000", "availEq": "1"},
        {"ccy": "ETH", "eq": "0", "eqUsd": "0", "availEq": ""},
    ]
    okx.script.on(BALANCE, reply(rows({"totalEq": "180099.9", "availEq": "", "details": details})))
    assert isinstance(okx.venue, Accounting)
    balance = await okx.venue.balance(deadline_s=5)
    assert (balance.total_usd, balance.available_usd) == (Decimal("180099.9"), Decimal("90049.95"))
    assert balance.notes


@pytest.mark.parametrize(
    ("instrument", "fee"),
    [("BTC-USDT-SWAP", "0.0005"), ("BTC-USDC-SWAP", "0.0004"), ("BTC-USD-SWAP", "0.0003")],
)
async def test_the_fee_is_that_of_the_margin_coin_and_is_asked_once(
    okx: Rig, instrument: str, fee: str
) -> None:
    okx.script.on(BOOKS, reply(rows(BOOK)))
    okx.script.on(FEES, reply(rows({"taker": "-0.0003", "takerU": "-0.0005", "takerUSDC": "-0.0004"})))
    position = replace(okx.request().position, instrument=instrument)
    assert isinstance(okx.venue, Quoting)
    for _ in range(2):
        quote = await okx.venue.quote(position, deadline_s=5)
        assert quote.taker_fee == Decimal(fee)
    assert len(okx.script.seen(FEES)) == 1


async def test_a_book_without_a_fee_is_still_a_book_and_a_broken_one_is_none(okx: Rig) -> None:
    okx.script.on(BOOKS, reply(rows(BOOK)), reply(rows({"bids": "x", "asks": []})), reply(rows()))
    okx.script.on(FEES, raw("oops", status=500))
    assert isinstance(okx.venue, Quoting)
    assert (await okx.venue.quote(okx.request().position, deadline_s=5)).taker_fee is None
    for _ in range(2):
        with pytest.raises(AnswerMalformed):
            await okx.venue.quote(okx.request().position, deadline_s=5)


@pytest.mark.parametrize(
    "body", ["{}", '{"code":"0","data":[]}', '{"code":"0","data":[{}]}', "<html></html>"]
)
async def test_a_balance_in_another_shape_is_no_balance(okx: Rig, body: str) -> None:
    okx.script.on(BALANCE, raw(body))
    assert isinstance(okx.venue, Accounting)
    with pytest.raises(AnswerMalformed):
        await okx.venue.balance(deadline_s=5)
