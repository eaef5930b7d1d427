"""Mode calls: what an exchange offers about position modes, leverage and margin modes."""

from bastion.paper.account import MarginMode, PositionMode
from bastion.paper.exchange.holdings import Holdings
from bastion.paper.exchange.modes import Modes
from bastion.paper.instrument import Instrument
from bastion.paper.refusal import Reason, Refused


class ModeCalls:
    """The part of `Exchange` that reads and sets modes."""

    _instruments: dict[str, Instrument]
    _holdings: dict[str, Holdings]
    _modes: Modes

    def position_mode(self, account: str, symbol: str | None = None) -> PositionMode:
        """Return the mode of `account`, or of one symbol where it was set for that symbol alone."""
        return self._holdings[account].mode(symbol)

    def set_position_mode(
        self, account: str, mode: PositionMode, *, symbol: str | None = None, settle: str | None = None
    ) -> None:
        """Switch between one-way and hedge mode: the account, one symbol, or one settle coin.

        Raises:
            Refused: NO_CHANGE_NEEDED, CHANGE_BLOCKED_BY_ORDERS or CHANGE_BLOCKED_BY_POSITIONS.
        """
        self._modes.set_position_mode(account, mode, self._symbols(symbol, settle))

    def leverage(self, account: str, symbol: str) -> int:
        """Return the leverage set for `symbol`."""
        return self._holdings[account].leverage(symbol)

    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        """Set the leverage; raises `Refused` with LEVERAGE_OUT_OF_RANGE or MARGIN_INSUFFICIENT."""
        self._modes.set_leverage(account, self._listed(symbol), leverage)

    def margin_mode(self, account: str, symbol: str) -> MarginMode:
        """Return the margin mode of `symbol`."""
        return self._holdings[account].margin_mode(symbol)

    def set_margin_mode(self, account: str, symbol: str, mode: MarginMode) -> None:
        """Switch between cross and isolated margin.

        Raises:
            Refused: NO_CHANGE_NEEDED, CHANGE_BLOCKED_BY_ORDERS or CHANGE_BLOCKED_BY_POSITIONS.
        """
        self._modes.set_margin_mode(account, self._listed(symbol).symbol, mode)

    def _symbols(self, symbol: str | None, settle: str | None) -> list[str] | None:
        if symbol is not None:
            return [self._listed(symbol).symbol]
        if settle is not None:
            return [name for name, instrument in self._instruments.items() if instrument.settle == settle]
        return None

    def _listed(self, symbol: str) -> Instrument:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise Refused(Reason.UNKNOWN_INSTRUMENT, f"There is no instrument {symbol}.")
        return instrument
