"""Hyperliquid orders: the closing order in the venue's own form, and how far its price may reach.

Source: Hyperliquid docs, "Exchange endpoint" (Place an order), "Tick and lot size", "Order types". There is
no market order: an immediate-or-cancel limit far enough from the mark is one. Too far is refused as well
("too far from oracle"), so the reach widens after a miss and narrows after that refusal.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.money import ZERO, Quantity, floor_to_step
from bastion.domain.order import Direction, OrderKind, OrderRequest
from bastion.domain.protective import Protection, ProtectiveRequest
from bastion.shape import dataclass
from bastion.venues.ccxt.hyperliquid_cloid import cloid_of
from bastion.venues.ccxt.hyperliquid_rows import tick_at
from bastion.venues.raw import plain

TOLERANCE = Decimal("0.1")
FIRST_REACH = Decimal("0.05")
WIDEST_REACH = Decimal("0.6")
_WIDER, _NARROWER, _RECOVERY = Decimal(2), Decimal("0.6"), Decimal("1.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    share: Decimal = FIRST_REACH
    cap: Decimal = WIDEST_REACH


class Reaches:
    """How far from the mark a market order of each coin may go: 5 % at first, as the venue's own tools do."""

    def __init__(self) -> None:
        self._known: dict[str, _Reach] = {}

    def share(self, coin: str) -> Decimal:
        """Return the distance to use now, as a share of the mark."""
        return self._known.get(coin, _Reach()).share

    def missed(self, coin: str) -> None:
        """Nothing, or not all, was to be had within the reach: go further next time."""
        known = self._known.get(coin, _Reach())
        # The venue's own limit moves with its oracle, so a cap that was learnt gives way slowly.
        cap = min(known.cap * _RECOVERY, WIDEST_REACH)
        self._known[coin] = _Reach(share=min(known.share * _WIDER, cap), cap=cap)

    def too_far(self, coin: str) -> None:
        """The venue refused the price as too far from its oracle: stay nearer."""
        share = self.share(coin) * _NARROWER
        self._known[coin] = _Reach(share=share, cap=share)

    def filled(self, coin: str) -> None:
        """All was filled: begin anew."""
        self._known.pop(coin, None)


def order_form(
    request: OrderRequest, contract: Instrument, *, mark: Decimal, reach: Decimal
) -> Mapping[str, object]:
    """Return one order of an action: reduce-only always, and immediate or cancel unless it is to rest.

    The fields stand in the order in which they are signed. The size is never rounded up.
    """
    rests = request.kind is OrderKind.RESTING and request.limit_price is not None
    if request.kind in {OrderKind.IOC, OrderKind.RESTING} and request.limit_price is not None:
        # Never worse than what was asked for.
        price = _valid(request.limit_price, contract, up=request.direction is Direction.SELL)
    else:
        buying = request.direction is Direction.BUY
        price = _valid(mark * (1 + reach if buying else 1 - reach), contract, up=buying)
    size = floor_to_step(request.quantity, contract.quantity_step) or request.quantity
    return {
        "a": contract.number,
        "b": request.direction is Direction.BUY,
        "p": plain(price),
        "s": plain(size),
        "r": True,
        "t": {"limit": {"tif": "Gtc" if rests else "Ioc"}},
        "c": cloid_of(request.client_order_id),
    }


def trigger_form(request: ProtectiveRequest, contract: Instrument) -> Mapping[str, object]:
    """Return a protective order of an action: reduce-only always, at market once the mark is there.

    A size of zero, with the grouping `positionTpsl`, is the whole position whatever it is then. The worst
    price is a tenth beyond the trigger, as the venue's own tolerance for triggered market orders.
    """
    buying, trigger = request.direction is Direction.BUY, request.trigger_price
    size = request.quantity or Quantity(ZERO)
    return {
        "a": contract.number,
        "b": buying,
        "p": plain(_valid(trigger * (1 + TOLERANCE if buying else 1 - TOLERANCE), contract, up=buying)),
        "s": plain(floor_to_step(size, contract.quantity_step)),
        "r": True,
        "t": {
            "trigger": {
                "isMarket": True,
                "triggerPx": plain(_valid(trigger, contract, up=not request.rising)),
                "tpsl": "tp" if request.kind is Protection.TAKE_PROFIT else "sl",
            }
        },
        "c": cloid_of(request.client_order_id),
    }


def _valid(price: Decimal, contract: Instrument, *, up: bool) -> Decimal:
    step = contract.quantity_step.normalize().as_tuple().exponent
    decimals = -step if isinstance(step, int) and step < 0 else 0
    tick = tick_at(price, decimals)
    count = (price / tick).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    return max(count * tick, tick) if price > ZERO else tick
