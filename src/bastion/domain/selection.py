"""Selection: which part of the desk an action is meant for; none given means everything."""

from bastion.domain.position import Side
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The accounts, symbols and side that an action covers.

    An empty set restricts nothing. `venues` and `accounts` hold ids as the configuration has them; `symbols`
    and `except_symbols` hold symbols in pair form (BTCUSDT), as answers name them. What `except_` names is
    left alone, whatever else is said ("all but").
    """

    venues: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    sides: frozenset[Side] = frozenset()
    except_accounts: frozenset[str] = frozenset()
    except_symbols: frozenset[str] = frozenset()

    @property
    def whole_accounts(self) -> bool:
        """Whether everything of each covered account is meant, so that the account can be proven flat."""
        return not (self.symbols or self.sides or self.except_symbols)

    @property
    def everything(self) -> bool:
        """Whether nothing at all is left out."""
        return self == EVERYTHING

    def covers_account(self, *, venue: str, account: str) -> bool:
        """Return whether anything of that account can be meant."""
        if account in self.except_accounts:
            return False
        return (not self.venues or venue in self.venues) and (not self.accounts or account in self.accounts)

    def covers_position(self, *, symbol: str, side: Side) -> bool:
        """Return whether a position of a covered account is meant."""
        return self.covers_symbol(symbol) and (not self.sides or side in self.sides)

    def covers_symbol(self, symbol: str) -> bool:
        """Return whether that symbol of a covered account is meant, on some side."""
        return symbol not in self.except_symbols and (not self.symbols or symbol in self.symbols)


EVERYTHING = Selection()
