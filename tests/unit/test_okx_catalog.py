"""OKX in the catalog: a passphrase is part of its key, and demo trading is a key space of its own."""

import pytest

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.venue import KEY_SPACE_DEFAULT, KEY_SPACES
from bastion.errors import VaultUnusable
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.okx import OkxVenue

FIELDS = {"apiKey": "k-of-the-account", "secret": "s-of-the-account", "password": "p-of-the-account"}


def account(key_space: str = "trading") -> Account:
    return Account(name="main", venue="okx", key_space=key_space, credential="main")


def test_without_a_passphrase_it_is_not_built_and_the_text_says_what_to_do() -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "password"}
    with pytest.raises(VaultUnusable, match="passphrase") as refused:
        Catalog(clock=SystemClock(), shelf_dir=None).build(account(), fields)
    assert "of-the-account" not in str(refused.value)


@pytest.mark.parametrize("key_space", KEY_SPACES["okx"])
def test_every_key_space_that_a_configuration_may_name_is_built(key_space: str) -> None:
    built = Catalog(clock=SystemClock(), shelf_dir=None).build(account(key_space), FIELDS)
    assert isinstance(built, OkxVenue)
    assert KEY_SPACE_DEFAULT["okx"] == KEY_SPACES["okx"][0]


def test_its_link_is_that_of_the_public_host_alone() -> None:
    catalog = Catalog(clock=SystemClock(), shelf_dir=None)
    assert catalog.build(account(), FIELDS).link.startswith("https://www.okx.com/")
    elsewhere = Account(
        name="main", venue="okx", key_space="trading", credential="main", base_url="http://127.0.0.1:1/okx"
    )
    assert catalog.build(elsewhere, FIELDS).link == ""
