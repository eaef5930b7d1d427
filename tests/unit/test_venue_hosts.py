"""Which host an account's requests go to, by the word in its configuration; nothing is sent."""

import pytest

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.errors import ConfigInvalid
from bastion.proving.opener import Opener
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.ccxt.bybit import BybitVenue
from bastion.venues.ccxt.hyperliquid import HyperliquidVenue
from bastion.venues.ccxt.okx import OkxVenue
from tests.unit.test_config import ACCOUNT, parse

FIELDS = {
    "apiKey": "key",
    "secret": "secret",
    "password": "passphrase",
    "walletAddress": "0x" + "22" * 20,
    "privateKey": "0x" + "11" * 32,
}


def account(venue: str, key_space: str, host: str) -> Account:
    return Account(name="main", venue=venue, key_space=key_space, credential="main", host=host)


@pytest.mark.parametrize(
    ("venue", "key_space", "host", "url"),
    [
        ("binance", "usdm", "live", "https://fapi.binance.com/fapi/v1"),
        ("binance", "usdm", "demo", "https://demo-fapi.binance.com/fapi/v1"),
        ("binance", "coinm", "demo", "https://demo-dapi.binance.com/dapi/v1"),
        ("bybit", "unified", "demo", "https://api-demo.{hostname}"),
        ("bybit", "unified", "testnet", "https://api-testnet.{hostname}"),
        ("hyperliquid", "perps", "testnet", "https://api.hyperliquid-testnet.xyz"),
        ("okx", "trading", "demo", "https://{hostname}"),
    ],
)
async def test_a_host_is_named_by_a_word(venue: str, key_space: str, host: str, url: str) -> None:
    adapter = Catalog(clock=SystemClock(), shelf_dir=None).build(account(venue, key_space, host), FIELDS)
    assert isinstance(adapter, BinanceVenue | BybitVenue | HyperliquidVenue | OkxVenue)
    try:
        client = adapter._wire._open()
        assert url in client.urls["api"].values()
        assert (client.headers.get("x-simulated-trading") == "1") is (venue == "okx")
        if isinstance(adapter, HyperliquidVenue):
            assert adapter._testnet  # Signatures name the network.
        assert (adapter.link == "") is (host != "live")
    finally:
        await adapter.close()


async def test_a_host_that_the_venue_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="it has: live, demo"):
        Catalog(clock=SystemClock(), shelf_dir=None).build(account("binance", "usdm", "testnet"), FIELDS)
    with pytest.raises(ConfigInvalid, match="must be one of: live, demo, testnet"):
        parse(ACCOUNT + 'host = "paper"\n')


async def test_the_part_that_opens_speaks_to_the_same_host() -> None:
    opener = Opener(account("binance", "coinm", "demo"), FIELDS, clock=SystemClock())
    try:
        urls = opener._wire.client().urls["api"]
        assert urls["dapiPrivate"] == "https://demo-dapi.binance.com/dapi/v1"
    finally:
        await opener.close()
