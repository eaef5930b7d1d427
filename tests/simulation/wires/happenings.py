"""Happenings: what happens at a venue that nobody asked the desk about."""

from collections.abc import Callable
from decimal import Decimal

from bastion.paper.book import DepthShape
from bastion.paper.order import Direction, Forced, OrderKind, OrderRequest, PositionSide, TimeInForce
from bastion.paper.refusal import Refused
from tests.simulation.wires.host import Host
from tests.simulation.wires.stage import STEPS, TICKS, price_at, symbol_of
from tests.simulation.wires.worlds import BASES, MARKS, EventDraw

BAND_SHARE = Decimal("0.08")
DEEP = 100_000
FORCED = {"adl": Forced.ADL, "liquidation": Forced.LIQUIDATION}


class Happenings:
    """Carries out a venue's events; `told` is called with each one that took place."""

    def __init__(
        self, host: Host, *, hedged: Callable[[str], bool], told: Callable[[EventDraw], None]
    ) -> None:
        self._host = host
        self._hedged = hedged
        self._told = told

    def happen(self, event: EventDraw) -> None:
        """Let it happen, where it still can."""
        self._host.settle()
        try:
            if self._carry_out(event):
                self._told(event)
        except Refused:
            return  # The bot's order was not taken; nothing happened.
        finally:
            self._host.settle()

    def mend(self) -> None:
        """Give every book its depth back."""
        for base in BASES:
            self._reshape(base, offset=0, steps=DEEP)
        self._host.stir()

    def _carry_out(self, event: EventDraw) -> bool:
        exchange, venue = self._host.exchange, self._host.plan.venue
        if event.kind == "price":
            exchange.set_mark(symbol_of(venue, event.base), price_at(event.base, event.share))
            return True
        if event.kind in {"band", "thin", "no_depth"}:
            if not self._host.sick:
                return False
            for base in BASES:
                away = int(MARKS[base] * BAND_SHARE / Decimal(TICKS[base]))
                if event.kind == "no_depth":
                    exchange.set_depth(symbol_of(venue, base), DepthShape(bids=(), asks=()))
                else:
                    self._reshape(
                        base,
                        offset=away if event.kind == "band" else 0,
                        steps=DEEP if event.kind == "band" else 10,
                    )
            return True
        return self._of_an_account(event)

    def _of_an_account(self, event: EventDraw) -> bool:
        exchange, symbol = self._host.exchange, symbol_of(self._host.plan.venue, event.base)
        hedged = self._hedged(event.account)
        side = PositionSide(event.side) if hedged else PositionSide.NET
        held = next(
            (
                view.position.quantity
                for view in exchange.positions(event.account)
                if view.position.symbol == symbol and view.position.side is side
            ),
            Decimal(0),
        )
        step = Decimal(STEPS[event.base])
        if event.kind in {"reopen", "bot_order"}:
            size, buys = step * 30, event.side == "LONG"
        elif held == 0:
            return False
        elif event.kind == "grow":
            size, buys = max(abs(held) * event.share // step, Decimal(1)) * step, held > 0
        elif event.kind == "shrink":
            size, buys = max(abs(held) * event.share // step, Decimal(1)) * step, held < 0
        else:
            size, buys = abs(held), held < 0
        if event.kind in FORCED:
            exchange.forced.close(event.account, symbol, side, how=FORCED[event.kind])
            return True
        rests = event.kind == "bot_order"
        tick = Decimal(TICKS[event.base])
        away = exchange.mark_price(symbol) * Decimal("0.98" if buys else "1.02") // tick * tick
        exchange.place(
            event.account,
            OrderRequest(
                symbol=symbol,
                direction=Direction.BUY if buys else Direction.SELL,
                kind=OrderKind.LIMIT if rests else OrderKind.MARKET,
                quantity=size,
                price=away if rests else None,
                time_in_force=TimeInForce.GTC if rests else TimeInForce.IOC,
                position_side=side,
                client_order_id=f"bot-{event.kind}-{round(event.at_s * 1e6)}",
            ),
        )
        return True

    def _reshape(self, base: str, *, offset: int, steps: int) -> None:
        size = Decimal(STEPS[base]) * steps
        shape = DepthShape(
            bids=((offset, size), (offset + 5, size)),
            asks=((offset + 1, size), (offset + 6, size)),
            replenish_ms=0 if steps == DEEP else 400,
        )
        self._host.exchange.set_depth(symbol_of(self._host.plan.venue, base), shape)
