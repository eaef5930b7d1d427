"""Holdings: what one account owns at a venue, how it is set up, and how it was a moment ago."""

from bastion.paper.account import AccountSpec, MarginMode, PositionMode
from bastion.paper.order import Forced, PositionSide
from bastion.paper.position import Position

_NET = (PositionSide.NET,)
_HEDGE = (PositionSide.LONG, PositionSide.SHORT)


class Holdings:
    """One account's modes and positions.

    Positions keep their versions, so that they can be read as they were. While it is `frozen`, the venue is
    about to close something and takes no order.
    """

    def __init__(self, spec: AccountSpec) -> None:
        self.spec = spec
        self.frozen: Forced | None = None
        self._mode = spec.position_mode
        self._symbol_modes: dict[str, PositionMode] = {}
        self._leverages = dict(spec.leverages)
        self._margin_modes: dict[str, MarginMode] = {}
        self._positions: dict[tuple[str, PositionSide], list[Position]] = {}

    def mode(self, symbol: str | None) -> PositionMode:
        """Return the position mode of the account, or of one symbol."""
        return self._mode if symbol is None else self._symbol_modes.get(symbol, self._mode)

    def set_mode(self, mode: PositionMode, symbols: list[str] | None) -> None:
        """Set the mode of `symbols`, or of everything when None."""
        if symbols is None:
            self._mode = mode
            self._symbol_modes.clear()
            return
        for symbol in symbols:
            self._symbol_modes[symbol] = mode

    def leverage(self, symbol: str) -> int:
        """Return the leverage set for `symbol`."""
        return self._leverages.get(symbol, self.spec.leverage)

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of `symbol`."""
        self._leverages[symbol] = leverage

    def margin_mode(self, symbol: str) -> MarginMode:
        """Return the margin mode of `symbol`."""
        return self._margin_modes.get(symbol, self.spec.margin_mode)

    def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        """Set the margin mode of `symbol`."""
        self._margin_modes[symbol] = mode

    def sides(self, symbol: str) -> tuple[PositionSide, ...]:
        """Return the position sides that `symbol` has in its mode."""
        return _NET if self.mode(symbol) is PositionMode.ONE_WAY else _HEDGE

    def position(self, symbol: str, side: PositionSide, *, at_ms: int | None = None) -> Position:
        """Return the position, flat where nothing was ever held; now or as it was at `at_ms`."""
        flat = Position(account=self.spec.name, symbol=symbol, side=side)
        versions = self._positions.get((symbol, side), [])
        if at_ms is None:
            return versions[-1] if versions else flat
        for position in reversed(versions):
            if position.updated_ms <= at_ms:
                return position
        return flat

    def save(self, position: Position) -> None:
        """Keep `position` as the newest version."""
        self._positions.setdefault((position.symbol, position.side), []).append(position)

    def held(self, *, at_ms: int | None = None) -> list[Position]:
        """Return every position that is not flat, in the order in which they were first opened."""
        all_of_them = (self.position(symbol, side, at_ms=at_ms) for symbol, side in self._positions)
        return [position for position in all_of_them if not position.is_flat]
