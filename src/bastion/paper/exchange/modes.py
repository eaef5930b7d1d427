"""Modes: position mode, margin mode and leverage of an account, and what blocks their change."""

from collections.abc import Mapping

from bastion.paper.account import MarginMode, PositionMode
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.market import Market
from bastion.paper.exchange.orders import OrderStore
from bastion.paper.exchange.reading import Reading, matches
from bastion.paper.instrument import ContractKind, Instrument
from bastion.paper.order import Order, OrderFilter
from bastion.paper.refusal import Reason, Refused
from bastion.paper.rules import VenueRules


class Modes:
    """Changes of an account's settings, each checked before it is made."""

    def __init__(
        self,
        *,
        rules: VenueRules,
        markets: Mapping[str, Market],
        holdings: Mapping[str, Holdings],
        orders: OrderStore,
        reading: Reading,
    ) -> None:
        self._rules = rules
        self._markets = markets
        self._holdings = holdings
        self._orders = orders
        self._reading = reading

    def set_position_mode(self, account: str, mode: PositionMode, symbols: list[str] | None) -> None:
        """Set the position mode of `symbols`, or of the whole account when None; raises `Refused`."""
        holdings = self._holdings[account]
        before = [holdings.mode(None)] if symbols is None else [holdings.mode(name) for name in symbols]
        if all(one is mode for one in before):
            raise Refused(Reason.NO_CHANGE_NEEDED, "The position mode is set already.")
        self._must_be_idle(account, list(self._markets) if symbols is None else symbols)
        holdings.set_mode(mode, symbols)

    def set_leverage(self, account: str, instrument: Instrument, leverage: int) -> None:
        """Set the leverage of one symbol; raises `Refused`."""
        if not 1 <= leverage <= instrument.leverage_max:
            raise Refused(Reason.LEVERAGE_OUT_OF_RANGE, f"The largest leverage is {instrument.leverage_max}.")
        holdings = self._holdings[account]
        before = holdings.leverage(instrument.symbol)
        holdings.set_leverage(instrument.symbol, leverage)
        balance = self._reading.balance(account, instrument.settle)
        if leverage < before and balance.initial_margin > balance.equity:
            holdings.set_leverage(instrument.symbol, before)
            raise Refused(Reason.MARGIN_INSUFFICIENT, "The margin does not allow so low a leverage.")

    def set_margin_mode(self, account: str, symbol: str, mode: MarginMode) -> None:
        """Set the margin mode of one symbol; raises `Refused`."""
        holdings = self._holdings[account]
        if holdings.margin_mode(symbol) is mode:
            raise Refused(Reason.NO_CHANGE_NEEDED, "The margin mode is set already.")
        self._must_be_idle(account, [symbol])
        holdings.set_margin_mode(symbol, mode)

    def keep_to_rules(self, holdings: Holdings) -> None:
        """Put contracts that the venue keeps out of hedge mode back into one-way mode."""
        settles = self._rules.hedge_settles
        if settles is None or holdings.spec.position_mode is PositionMode.ONE_WAY:
            return
        instruments = [market.instrument for market in self._markets.values()]
        netted = [
            instrument.symbol
            for instrument in instruments
            if instrument.settle not in settles or instrument.kind is ContractKind.INVERSE
        ]
        holdings.set_mode(PositionMode.ONE_WAY, netted)

    def _must_be_idle(self, account: str, symbols: list[str]) -> None:
        orders = self._orders.open_of(account, OrderFilter(), _any_order, None)
        if any(order.symbol in symbols for order in orders):
            raise Refused(Reason.CHANGE_BLOCKED_BY_ORDERS, "Open orders block the change.")
        if any(position.symbol in symbols for position in self._holdings[account].held()):
            raise Refused(Reason.CHANGE_BLOCKED_BY_POSITIONS, "Open positions block the change.")


def _any_order(order: Order, which: OrderFilter) -> bool:
    return matches(order, which, None)
