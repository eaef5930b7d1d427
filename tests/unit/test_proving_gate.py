"""The gate of the one connection that opens: one order, of the one size, once."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bastion.proving.gate import OpeningGate
from bastion.venues.ccxt.generic_profile import profiles
from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed

ORDER = Outgoing(
    method="POST",
    target="/v5/order/create",
    body=b'{"symbol":"BTCUSDT","side":"Buy","orderType":"Market","category":"linear","qty":"0.001"}',
)
CANCEL = Outgoing(method="POST", target="/v5/order/cancel", body=b'{"symbol":"BTCUSDT","orderId":"1"}')
READ = Outgoing(method="GET", target="/v5/position/list?category=linear")


def gate() -> OpeningGate:
    return OpeningGate(profiles()["bybit"].shapes, prefix="")


def test_before_a_size_is_allowed_it_only_reads() -> None:
    check = gate()
    assert check(READ) is Passed.READ
    for request in (ORDER, CANCEL, replace(READ, method="POST", target="/v5/asset/withdraw/create")):
        with pytest.raises(GateRefused):
            check(request)


def test_one_order_of_the_confirmed_size_passes_once() -> None:
    check = gate()
    check.allow(Decimal("0.001"))
    assert check(ORDER) is Passed.REDUCE
    with pytest.raises(GateRefused):
        check(ORDER)
    with pytest.raises(GateRefused):
        check.allow(Decimal("0.001"))


@pytest.mark.parametrize("size", ["0.002", "0.0010001", "1"])
def test_another_size_does_not_pass_and_uses_the_word_up(size: str) -> None:
    check = gate()
    check.allow(Decimal(size))
    for _ in range(2):
        with pytest.raises(GateRefused):
            check(ORDER)


def test_what_the_seen_orders_did_not_have_is_refused() -> None:
    check = gate()
    check.allow(Decimal("0.001"))
    with pytest.raises(GateRefused):
        check(replace(ORDER, body=ORDER.body.replace(b"}", b',"stopLoss":"1"}')))
