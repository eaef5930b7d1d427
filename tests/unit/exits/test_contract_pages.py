"""The page on which a person closes one contract by hand."""

import pytest

from bastion.exits.pages import contract_page

ACCOUNT = "https://venue.example/positions"


@pytest.mark.parametrize(
    ("venue", "instrument", "page"),
    [
        ("binance", "BTCUSDT", "https://www.binance.com/en/futures/BTCUSDT"),
        ("binance", "1000PEPEUSDC", "https://www.binance.com/en/futures/1000PEPEUSDC"),
        ("binance", "BTCUSD_PERP", "https://www.binance.com/en/delivery/btcusd_perpetual"),
        ("bybit", "ETHUSDT", "https://www.bybit.com/trade/usdt/ETHUSDT"),
        ("bybit", "POLPERP", "https://www.bybit.com/trade/futures/usdc/POL-PERP"),
        ("bybit", "BTCUSD", "https://www.bybit.com/trade/inverse/BTCUSD"),
        ("okx", "BTC-USD-SWAP", "https://www.okx.com/trade-swap/btc-usd-swap"),
        ("hyperliquid", "kPEPE", "https://app.hyperliquid.xyz/trade/kPEPE"),
        ("hyperliquid", "xyz:TSLA", "https://app.hyperliquid.xyz/trade/xyz:TSLA"),
    ],
)
def test_each_contract_has_its_own_page(venue: str, instrument: str, page: str) -> None:
    assert contract_page(venue, instrument, account_page=ACCOUNT) == page


@pytest.mark.parametrize(
    ("venue", "instrument"),
    [
        ("binance", "BTCUSDT_260925"),
        ("bybit", "BTC-26DEC26-90000-C"),
        ("okx", "BTC-USD-261225"),
        ("hyperliquid", "@107"),
        ("hyperliquid", "PURR/USDC"),
        ("binance", "BTCUSDT?next=//elsewhere.example"),
        ("kraken", "PF_XBTUSD"),
    ],
)
def test_what_has_no_page_that_is_known_leads_to_the_account(venue: str, instrument: str) -> None:
    assert contract_page(venue, instrument, account_page=ACCOUNT) == ACCOUNT


def test_an_account_without_a_page_has_none_for_its_contracts() -> None:
    assert not contract_page("binance", "BTCUSDT", account_page="")
