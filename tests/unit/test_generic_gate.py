"""The gate of the generic path, and the profiles that it is made of."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.clock import SystemClock
from bastion.domain.venue import GENERIC_VENUES
from bastion.errors import ConfigInvalid
from bastion.venues.catalog import Catalog, generic_venues, refused_venues
from bastion.venues.ccxt.generic_judge import Probed
from bastion.venues.ccxt.generic_probe import ask, probe
from bastion.venues.ccxt.generic_profile import profiles
from bastion.venues.ccxt.generic_quirks import VARIANTS
from bastion.venues.gate.generic import check_by
from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed
from tests.venue_rig import BYBIT, account

OPENING = ("plain", "priced plain", "false", "priced false", "unknown", "priced unknown")
REDUCING = ("named", "market", "isolated")
FIT = sorted(name for name, profile in profiles().items() if not profile.refused)


def sent_by(name: str) -> list[Probed]:
    figure = str if profiles()[name].text_figures else Decimal
    found = [asyncio.run(ask(name, variant, figure)) for variant in VARIANTS.get(name, ({},))]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("name", FIT)
def test_no_opening_order_of_ccxt_passes_and_the_reducing_ones_do(name: str) -> None:
    check = check_by(profiles()[name].shapes)
    opening = reducing = 0
    for probed in sent_by(name):
        for what, requests in probed.asked.items():
            form = " ".join(what.split()[:-2])
            if form in OPENING and requests:
                opening += 1
                with pytest.raises(GateRefused):
                    check(requests[-1])
            if form in REDUCING and requests:
                reducing += 1
                assert check(requests[-1]) is Passed.REDUCE
            if what in {"cancel", "orders", "positions", "trades"} and requests:
                assert check(requests[-1]) is (Passed.CANCEL if what == "cancel" else Passed.READ)
    assert opening >= 4
    assert reducing >= 4


def test_what_opens_beside_a_reducing_order_is_refused() -> None:
    check = check_by(profiles()["okx"].shapes)
    reducing = (
        b'[{"instId":"A","side":"sell","ordType":"market","sz":"1","tdMode":"cross","reduceOnly":true}]'
    )
    sent = Outgoing(method="POST", target="/api/v5/trade/batch-orders", body=reducing)
    assert check(sent) is Passed.REDUCE
    bodies = (
        reducing.replace(b'"reduceOnly":true', b'"reduceOnly":"true"'),
        reducing.replace(b"}]", b',"attachAlgoOrds":[{"slTriggerPx":"1"}]}]'),
        reducing.replace(b"}]", b'},{"instId":"A","side":"sell","sz":"1"}]'),
        reducing.replace(b"}]", b',"reduceOnly":false}]'),
        b"[]",
        b"",
    )
    for body in bodies:
        with pytest.raises(GateRefused):
            check(replace(sent, body=body))
    for target in ("/api/v5/asset/withdrawal", "/api/v5/trade/order", "/x/api/v5/trade/batch-orders"):
        with pytest.raises(GateRefused):
            check(replace(sent, target=target))


def test_the_orders_of_an_exchange_that_shares_a_path_are_told_apart() -> None:
    check = check_by(profiles()["hyperliquid"].shapes)
    for kind in ("withdraw3", "usdClassTransfer", "approveBuilderFee", "updateLeverage", "twapOrder"):
        body = b'{"action":{"type":"%s"},"nonce":1}' % kind.encode()
        with pytest.raises(GateRefused):
            check(Outgoing(method="POST", target="/exchange", body=body))


@pytest.mark.parametrize("name", ["krakenfutures", "mexc", "weex"])
def test_the_kept_profiles_are_what_the_probe_finds(name: str) -> None:
    assert asyncio.run(probe(name)) == profiles()[name]


def test_the_configuration_knows_exactly_the_venues_of_the_generic_path() -> None:
    assert generic_venues() == GENERIC_VENUES
    assert not set(refused_venues()) & set(generic_venues())


def test_a_refused_venue_says_why() -> None:
    catalog = Catalog(clock=SystemClock(), shelf_dir=None)
    for venue, reason in (("mexc", "quantity"), ("weex", "positionSide"), ("binanceusdm", "venue binance")):
        with pytest.raises(ConfigInvalid, match=reason):
            catalog.build(replace(account(BYBIT, ""), venue=venue), {"apiKey": "k", "secret": "s"})
