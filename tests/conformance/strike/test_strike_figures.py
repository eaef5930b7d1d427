"""The margin venue's balance over its real wire, and the plain refusal of orders that it does not have."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.clock import SystemClock
from bastion.commands.looks import Target
from bastion.commands.protective_work import prepare
from bastion.domain.account import Account
from bastion.domain.protective import Protection
from bastion.errors import Refused, VenueUnreachable
from bastion.ports import Accounting, Venue
from bastion.venues.catalog import Catalog
from tests.strike_rig import WALLET, MarginVenueProcess, margin_venue

CALL_S = 8.0


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[tuple[MarginVenueProcess, Venue]]:
    """A venue with one open position, and the adapter of its wallet."""
    with margin_venue(tmp_path / "venue") as running:
        running.open(usd="100", leverage=10)
        account = Account(name="m", venue="strike", key_space="margin", credential="m", base_url=running.url)
        fields = {"walletAddress": WALLET, "apiKey": running.service_key}
        venue = Catalog(clock=SystemClock(), shelf_dir=None).build(account, fields)
        try:
            yield running, venue
        finally:
            await venue.close()


async def test_the_balance_is_what_is_withdrawable_and_what_positions_hold(
    held: tuple[MarginVenueProcess, Venue],
) -> None:
    _, venue = held
    assert isinstance(venue, Accounting)
    balance = await venue.balance(deadline_s=CALL_S)
    assert balance.available_usd is not None
    assert balance.total_usd - balance.available_usd == Decimal(100)
    assert any("payout queue" in note for note in balance.notes)


async def test_a_venue_that_is_gone_tells_no_balance(tmp_path: Path) -> None:
    with margin_venue(tmp_path / "venue") as running:
        url, key = running.url, running.service_key
    account = Account(name="m", venue="strike", key_space="margin", credential="m", base_url=url)
    fields = {"walletAddress": WALLET, "apiKey": key}
    venue = Catalog(clock=SystemClock(), shelf_dir=None).build(account, fields)
    assert isinstance(venue, Accounting)
    try:
        with pytest.raises(VenueUnreachable):
            await venue.balance(deadline_s=CALL_S)
    finally:
        await venue.close()


@pytest.mark.parametrize(
    ("kind", "price", "word"),
    [(Protection.STOP_LOSS, "1", "stop"), (Protection.TAKE_PROFIT, "999999", "take profit")],
)
async def test_orders_that_the_venue_does_not_have_are_refused_in_plain_words(
    held: tuple[MarginVenueProcess, Venue], kind: Protection, price: str, word: str
) -> None:
    _, venue = held
    (position,) = (await venue.look(deadline_s=CALL_S)).positions
    with pytest.raises(Refused, match=f"bastion places no {word} orders at strike") as raised:
        prepare(
            Target(venue=venue, position=position),
            {},
            kind=kind,
            price=Decimal(price),
            exit_pct=0,
            act_id="a",
        )
    assert "BTCUSD LONG on m" in str(raised.value)
