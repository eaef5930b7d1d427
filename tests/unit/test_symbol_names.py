"""A symbol is known in every form that the interface accepts, and answered in one."""

from decimal import Decimal

import pytest

from bastion.domain.look import Look
from bastion.domain.naming import LENGTH_MAX, interface_name, pair_form
from bastion.domain.symbol import pair, symbol_of
from bastion.errors import SymbolUnknown
from bastion.venues.ccxt import hyperliquid_rows
from bastion.venues.raw import Row


@pytest.mark.parametrize(
    "text",
    ["BTC", "btc", " Btc ", "BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT", "btc-usdt", "BTC/USDT:USDT"],
)
def test_every_accepted_form_means_the_usdt_perpetual(text: str) -> None:
    assert pair_form(text) == "BTCUSDT"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("BTC/USDC:USDC", "BTCUSDC"),
        ("BTCUSD", "BTCUSD"),
        ("BTC/USD:BTC", "BTCUSD"),
        ("BTC-USD", "BTCUSD"),
        ("BTC-USDT-SWAP", "BTCUSDT"),
        ("BTCUSDT_260327", "BTCUSDT_260327"),
        ("BTC-27MAR26", "BTC-27MAR26"),
        ("ETHBTC", "ETHBTC"),
        ("1000pepe", "1000PEPEUSDT"),
        ("USDC", "USDCUSDT"),
        ("FDUSD", "FDUSDUSDT"),
    ],
)
def test_other_contracts_are_named_by_their_own_pair(text: str, answer: str) -> None:
    assert pair_form(text) == answer


# Bybit's inverse quarterlies, OKX's dated and dollar-margined contracts, Hyperliquid's collaterals.
ODD = ["BTCUSDZ25", "BTC-26DEC25", "BTCUSDT-26DEC25", "BTC-USDT-250627", "BTC-USD-250627", "BTC-USD_UM"]
ODD += ["BTC-USD_UM-250627", "FLXOILUSDH", "HYNATSLAUSDE", "XYZGOLDUSDT0"]


@pytest.mark.parametrize(
    "text", ["BTCUSDT", "BTCUSDC", "BTCUSD", "BTCUSDT_260327", "MATICUSDT", "ETHBTC", *ODD]
)
def test_what_answers_show_can_be_given_back_unchanged(text: str) -> None:
    assert pair_form(text) == text
    assert pair(text) == text


def test_a_bare_base_never_means_another_contract_than_its_usdt_perpetual() -> None:
    assert {pair_form("BTC"), pair_form("BTC/USDC"), pair_form("BTCUSD")} == {"BTCUSDT", "BTCUSDC", "BTCUSD"}


@pytest.mark.parametrize("text", ["MATIC", "POL", "polusdt", "POL/USDT:USDT", "MATIC-USDT"])
def test_matic_is_the_name_of_pol(text: str) -> None:
    assert pair_form(text) == "MATICUSDT"


def test_a_venues_pol_is_shown_as_matic_and_polyx_is_not() -> None:
    assert interface_name("POLUSDT") == "MATICUSDT"
    assert interface_name("POLUSDC") == "MATICUSDC"
    assert interface_name("POLYXUSDT") == "POLYXUSDT"
    assert pair("POL/USDT:USDT") == "MATICUSDT"


@pytest.mark.parametrize(
    ("symbol", "told"),
    [
        ("BTC/USDT:USDT-250627", "BTCUSDT_250627"),
        ("BTC/USD:BTC-250627", "BTCUSD_250627"),
        ("POL/USDT:USDT-250627", "MATICUSDT_250627"),
    ],
)
def test_a_dated_contract_is_not_named_as_the_perpetual_of_its_pair(symbol: str, told: str) -> None:
    assert pair(symbol) == told == pair_form(told) == pair_form(told.replace("MATIC", "POL"))


@pytest.mark.parametrize(("base", "told"), [("USDE", "USDEUSDT"), ("USDH", "USDHUSDT")])
def test_the_name_of_a_collateral_alone_is_a_base(base: str, told: str) -> None:
    assert pair_form(base) == told


@pytest.mark.parametrize("text", ["LUNA", "luna", "LUNAUSDT", "LUNA/USDT:USDT", "FTT", "FTT-USDT"])
def test_a_delisted_base_is_unknown(text: str) -> None:
    with pytest.raises(SymbolUnknown, match="delisted") as raised:
        pair_form(text)
    assert raised.value.code == "INVALID_SYMBOL"


def test_lunas_successor_is_not_delisted() -> None:
    assert pair_form("LUNA2") == "LUNA2USDT"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "BTC USDT",
        "BTC/XYZ",
        "BTC/USDT:EUR",
        "-USDT",
        "/USDT",
        "__/USDT",
        "../etc/passwd",
        "BTC;DROP",
        "A" * (LENGTH_MAX + 1),
    ],
)
def test_what_has_no_accepted_form_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(SymbolUnknown, match="BTC/USDT:USDT"):
        pair_form(text)


def test_a_refusal_shows_no_more_than_the_beginning_of_what_was_given() -> None:
    with pytest.raises(SymbolUnknown) as raised:
        pair_form("X" * 5000)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("coin", "settles", "symbol"),
    [
        ("BTC", {}, "BTCUSDC"),
        ("kPEPE", {}, "KPEPEUSDC"),
        ("POL", {}, "MATICUSDC"),
        ("xyz:GOLD", {}, "XYZGOLDUSDC"),
        ("flx:OIL", {"flx:OIL": "USDH"}, "FLXOILUSDH"),
    ],
)
def test_an_order_of_a_coin_is_named_as_the_position_that_it_would_open(
    coin: str, settles: dict[str, str], symbol: str
) -> None:
    row = {"coin": coin, "oid": 1, "side": "B", "sz": "1", "reduceOnly": False, "isTrigger": False}
    order = hyperliquid_rows.open_order(Row({**row, "isPositionTpsl": False}, "order"))
    assert order is not None
    look = Look(begun_ns=0, ended_ns=0, positions=(), orders=(order,), parts=(), unread=())
    (told,) = hyperliquid_rows.settled_in(look, settles).orders
    (held,) = hyperliquid_rows.left_in({coin: Decimal(1)}, settles)
    assert symbol_of(told) == pair(held.symbol) == symbol
