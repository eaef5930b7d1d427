"""The catalog: which venues an account can name, and what it needs to be built."""

import subprocess
import sys

import pytest

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.errors import ConfigInvalid
from bastion.venues.catalog import SUPPORTED_VENUES, Catalog, default_key_space, exchange_of
from bastion.venues.ccxt import hyperliquid
from bastion.venues.ccxt.wire import VenueKey

FIELDS = {"apiKey": "k-of-the-account", "secret": "s-of-the-account"}


def account(*, venue: str = "binance", key_space: str = "usdm") -> Account:
    return Account(name="main", venue=venue, key_space=key_space, credential="main")


def test_an_unsupported_venue_is_refused_with_the_supported_ones() -> None:
    catalog = Catalog(clock=SystemClock(), shelf_dir=None)
    with pytest.raises(ConfigInvalid, match=r"binance, bybit"):
        catalog.build(account(venue="mtgox"), FIELDS)
    with pytest.raises(ConfigInvalid, match="supported"):
        default_key_space("mtgox")


def test_every_supported_venue_has_a_default_key_space() -> None:
    assert {venue: default_key_space(venue) for venue in SUPPORTED_VENUES}["bybit"] == "unified"


def test_a_key_space_that_the_adapter_does_not_read_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="options"):
        Catalog(clock=SystemClock(), shelf_dir=None).build(account(key_space="options"), FIELDS)


@pytest.mark.parametrize("missing", ["apiKey", "secret"])
def test_a_credential_that_lacks_a_field_is_refused_without_showing_the_other(missing: str) -> None:
    fields = {name: value for name, value in FIELDS.items() if name != missing}
    with pytest.raises(ConfigInvalid) as refused:
        Catalog(clock=SystemClock(), shelf_dir=None).build(account(), fields)
    assert "of-the-account" not in str(refused.value)


def test_a_venue_key_shows_nothing_of_itself() -> None:
    key = VenueKey(api_key="k-1", secret="s-1", password="p-1")
    assert repr(key) == str(key) == "VenueKey()"


def test_what_signs_by_a_wallet_is_loaded_for_hyperliquid_alone() -> None:
    program = (
        "import sys, bastion.venues.catalog;"
        "print(sorted({'Crypto', 'coincurve', 'msgpack', 'ccxt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_cold_start_loads_no_stream_and_no_library_for_one() -> None:
    program = (
        "import sys, bastion.app;"
        "print(sorted({'aiohttp', 'bastion.venues.streams.client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_words_for_hyperliquid_are_those_of_its_adapter() -> None:
    account = Account(
        name="perps", venue="hyperliquid", key_space=hyperliquid.KEY_SPACE, credential="perps", base_url=None
    )
    assert default_key_space("hyperliquid") == hyperliquid.KEY_SPACE
    assert exchange_of(account) == hyperliquid.EXCHANGE
