"""Opener: opens one position of the contract's smallest size. Nothing else in bastion can open anything."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any
from urllib.parse import urlsplit

from bastion.domain.account import Account
from bastion.domain.money import ZERO
from bastion.domain.symbol import pair
from bastion.errors import AnswerMalformed, Refused, SymbolUnknown
from bastion.ports import Clock
from bastion.proving.gate import OpeningGate
from bastion.shape import dataclass
from bastion.venues.catalog import exchange_of
from bastion.venues.ccxt.door import exchange_class
from bastion.venues.ccxt.generic_markets import inner, instrument, is_contract, number
from bastion.venues.ccxt.generic_profile import profiles
from bastion.venues.ccxt.generic_quirks import options_of
from bastion.venues.ccxt.generic_wire import UnifiedWire, limit_of
from bastion.venues.throttle import Throttle

CALL_S = 15.0
LISTED = ("BTCUSDT", "BTCUSDC", "BTCUSD")
"""What is opened where no contract is named: the first of these that the venue lists."""
ABOVE_MINIMUM = Decimal("1.05")
"""The market can move between the reckoning and the order; a venue's least notional must still be met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smallest:
    """The one order that may be sent: a market buy of `quantity` contracts, worth about `notional_usd`."""

    symbol: str
    contract: str
    quantity: Decimal
    price: Decimal
    notional_usd: Decimal


class Opener:
    """The connection of one account that can open once. Not a `ports.Venue`: no exit can reach it."""

    def __init__(self, account: Account, fields: Mapping[str, str], *, clock: Clock) -> None:
        self._profile = profiles()[exchange_of(account)]
        missing = [name for name in self._profile.credential if not fields.get(name)]
        if missing:
            raise Refused(f"The credential of {account.name} lacks {', '.join(missing)}. Nothing was opened.")
        base = account.base_url
        self._gate = OpeningGate(self._profile.shapes, prefix=urlsplit(base).path.rstrip("/") if base else "")
        self._wire = UnifiedWire(
            exchange_class(self._profile.exchange),
            fields={name: fields[name] for name in self._profile.credential},
            clock=clock,
            throttle=Throttle(clock, (limit_of(self._profile.rate_limit_ms),)),
            base_url=base,
            host=account.host,
            options=options_of(self._profile.exchange),
            check=self._gate,
        )

    async def smallest(self, symbol: str | None) -> Smallest:
        """Return the smallest order of a perpetual, in pair form or the first of `LISTED`.

        Raises:
            SymbolUnknown: the venue lists no such perpetual.
            VenueError: the venue did not answer.
        """
        await self._wire.unified("load_markets", deadline_s=CALL_S)
        client = self._wire.client()
        listed = {
            pair(str(market["symbol"])): market
            for market in client.markets.values()
            if is_contract(market) and market.get("swap")
        }
        wanted = next((name for name in ((symbol,) if symbol else LISTED) if name in listed), None)
        if wanted is None:
            raise SymbolUnknown(f"The venue lists no perpetual {symbol or ' or '.join(LISTED)}.")
        market = listed[wanted]
        price = await self._price(str(market["symbol"]))
        contract = instrument(market, precision_mode=int(client.precisionMode))
        worth = contract.contract_size if contract.inverse else contract.contract_size * price
        least_usd = number(inner(market, "limits", "cost", "min")) or ZERO
        needed = max(contract.quantity_min, least_usd * ABOVE_MINIMUM / worth, contract.quantity_step)
        if needed <= ZERO:
            raise AnswerMalformed(f"{wanted}: the venue tells no smallest size")
        step = contract.quantity_step or needed
        quantity = (needed / step).to_integral_value(rounding=ROUND_CEILING) * step
        return Smallest(
            symbol=wanted,
            contract=contract.id,
            quantity=quantity,
            price=price,
            notional_usd=quantity * worth,
        )

    async def open(self, order: Smallest) -> None:
        """Send the one order, at market, once; a second call is stopped by the gate.

        Raises:
            VenueError: as for any order; with `OutcomeUnknown` it may have been executed.
        """
        self._gate.allow(order.quantity)
        figure = str if self._profile.text_figures else Decimal
        price = figure(order.price) if self._profile.market_price else None
        await self._wire.unified(
            "create_order",
            order.contract,
            "market",
            "buy",
            figure(order.quantity),
            price,
            dict[str, object](),
            deadline_s=CALL_S,
            mutating=True,
        )

    async def close(self) -> None:
        """Release the connections."""
        await self._wire.close()

    async def _price(self, contract: str) -> Decimal:
        reply = await self._wire.unified("fetch_order_book", contract, deadline_s=CALL_S)
        book: Any = reply.value
        best = [number(inner_level(book, side)) for side in ("bids", "asks")]
        found = [price for price in best if price is not None and price > ZERO]
        if not found:
            raise AnswerMalformed(f"{contract}: the order book is empty")
        return max(found)


def inner_level(book: object, side: str) -> object:
    """Return the best price of one side of ccxt's order book, None where there is none."""
    levels = book.get(side) if isinstance(book, dict) else None
    if not isinstance(levels, list) or not levels or not levels[0]:
        return None
    return str(levels[0][0])
