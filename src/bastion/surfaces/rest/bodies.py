"""Bodies: what may be asked over REST, field by field; anything else is refused before a verb sees it.

A name that is not here, a 0 for false, a number for an amount: each is refused and nothing is done. Amounts
are decimal strings, since a JSON number may be rounded on its way; what can be left out has its default.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from bastion.commands.symbols import pair_form
from bastion.domain.position import Side
from bastion.domain.selection import Selection

AMOUNT_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,18})?$"
NAME_LENGTH_MAX = 64
NAMES_MAX = 200


def _text_only(value: object) -> object:
    # A number is refused also where it would fit: whoever sends numbers will one day send a rounded one.
    if not isinstance(value, str):
        raise ValueError('an amount is a decimal string, such as "142.5"')  # noqa: TRY004 - pydantic's habit
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a whole number is wanted")  # noqa: TRY004 - as above
    return value


Amount = Annotated[str, BeforeValidator(_text_only), Field(pattern=AMOUNT_PATTERN, examples=["142.5"])]
Whole = Annotated[int, BeforeValidator(_whole)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
Names = Annotated[list[Name], Field(min_length=1, max_length=NAMES_MAX)]
Reason = Annotated[
    str | None,
    Field(max_length=500, description="Why, in printable characters; kept with the record. Optional."),
]


class Body(BaseModel):
    """A body or a query whose every field is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Body):
    """An empty object."""


class Selected(Body):
    """Which part of the desk is meant; what is left out restricts nothing. An empty list is refused."""

    venues: Names = Field(default_factory=list, description="Only these venues, by id (`binance`).")
    accounts: Names = Field(default_factory=list, description="Only these accounts, as configured.")
    symbols: Names = Field(default_factory=list, description="Only these symbols (`BTCUSDT`).")
    side: Annotated[Literal["LONG", "SHORT"] | None, Field(description="Only positions of this side.")] = None
    except_accounts: Names = Field(default_factory=list, description="Leave these accounts alone.")
    except_symbols: Names = Field(default_factory=list, description="Leave these symbols alone.")

    def selection(self) -> Selection:
        """Return what is meant, symbols in pair form.

        Raises:
            SymbolUnknown: a symbol is written in no form that is understood.
        """
        return Selection(
            venues=frozenset(self.venues),
            accounts=frozenset(self.accounts),
            symbols=frozenset(pair_form(symbol) for symbol in self.symbols),
            sides=frozenset() if self.side is None else frozenset({Side(self.side)}),
            except_accounts=frozenset(self.except_accounts),
            except_symbols=frozenset(pair_form(symbol) for symbol in self.except_symbols),
        )


class Because(Body):
    """A reason, and nothing else."""

    reason: Reason = None


class RefundBody(Body):
    """Giving one position up for its original margin."""

    position_id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$", description="As GET /v1/positions says.")]
    account: Annotated[Name | None, Field(description="Needed where several accounts could be meant.")] = None
    reason: Reason = None


class RefundQuery(Body):
    """Which position's refund is looked at."""

    position_id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
    account: Name | None = None


class LimitQuery(Body):
    """How many rows."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ExitBody(Selected):
    """An emergency exit."""

    reason: Reason = None
    deadline_s: Annotated[
        Amount | None, Field(description="Seconds (1 to 3600) after which the exit is judged at the latest.")
    ] = None
    hold_s: Annotated[
        Amount | None, Field(description="Seconds (0 to 86400) to keep looking after FLAT.")
    ] = None


class HaltBody(Selected):
    """Cancelling working orders, positions untouched."""

    stops_too: Annotated[
        StrictBool, Field(description="Cancel protective stops as well, which leaves positions bare.")
    ] = False
    reason: Reason = None


class FlattenBody(Selected):
    """Closing what is in profit."""

    net: Annotated[
        StrictBool, Field(description="In profit after fees, funding and the estimated slippage.")
    ] = False
    reason: Reason = None


Symbol = Annotated[
    str,
    Field(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="BTC, BTCUSDT, BTC/USDT, BTC-USDT or BTC/USDT:USDT, in any case.",
        examples=["BTCUSDT"],
    ),
]
Price = Annotated[Amount, Field(description="A price in the quote currency, above zero.")]


class Placed(Body):
    """Which venues, accounts and side of one symbol are meant; what is left out restricts nothing."""

    venues: Names = Field(default_factory=list, description="Only these venues, by id (`binance`).")
    accounts: Names = Field(default_factory=list, description="Only these accounts, as configured.")
    side: Annotated[Literal["LONG", "SHORT"] | None, Field(description="Only positions of this side.")] = None
    except_accounts: Names = Field(default_factory=list, description="Leave these accounts alone.")

    def selection(self) -> Selection:
        """Return what is meant."""
        return Selection(
            venues=frozenset(self.venues),
            accounts=frozenset(self.accounts),
            sides=frozenset() if self.side is None else frozenset({Side(self.side)}),
            except_accounts=frozenset(self.except_accounts),
        )


class PartialBody(Placed):
    """Closing a part of the positions in one symbol."""

    symbol: Symbol
    exit_pct: Annotated[Whole, Field(ge=1, le=100, description="Percent of each position.")] = 50
    reason: Reason = None


class TakeProfitBody(Placed):
    """A take profit for one symbol."""

    symbol: Symbol
    tp_price: Price
    exit_pct: Annotated[Whole, Field(ge=0, le=100, description="Percent to close; 0 closes all.")] = 0


class StopLossBody(Placed):
    """A stop for one symbol."""

    symbol: Symbol
    sl_price: Price


class BreakevenBody(Selected):
    """Moving stops to the entry."""

    symbol: Annotated[Symbol | None, Field(description="Every profitable position without it.")] = None


class PreviewBody(Selected):
    """What an action would send now."""

    action: Annotated[
        Literal["exit", "flatten_winners", "partial_close"], Field(description="The action to look at.")
    ] = "exit"
    symbol: Annotated[Symbol | None, Field(description="For partial_close.")] = None
    exit_pct: Annotated[Whole | None, Field(ge=1, le=100, description="For partial_close.")] = None
    net: Annotated[
        StrictBool, Field(description="For flatten_winners: after fees, funding and estimated slippage.")
    ] = False


class ArmBody(Body):
    """What an armed engine may do without asking."""

    confidence_threshold: Annotated[Amount, Field(description="From 0 to 1.")] = "0.7"
    daily_loss_limit_usd: Annotated[Amount, Field(description="The day's loss that disarms it.")] = "5000"
    risk_threshold: Annotated[Amount | None, Field(description="From 0 to 100.")] = None
    max_action: Annotated[
        str | None, Field(max_length=NAME_LENGTH_MAX, description="The most that it may do.")
    ] = None
    confirm: StrictBool | None = None


class ResetBody(Body):
    """Lifting the latch."""

    exit_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,39}$", description="Whose latch it is.")]
    typed: Annotated[
        str, Field(max_length=NAME_LENGTH_MAX, description="The last four characters of `exit_id`.")
    ]
    reason: Annotated[str, Field(max_length=500, description="Why opening is safe again.")]


class AuditQuery(Body):
    """Which records."""

    act: Annotated[str | None, Field(max_length=NAME_LENGTH_MAX)] = None
    principal_id: Annotated[str | None, Field(max_length=NAME_LENGTH_MAX)] = None
    since: Annotated[str | None, Field(max_length=NAME_LENGTH_MAX, description="ISO-8601 with Z.")] = None
    until: Annotated[str | None, Field(max_length=NAME_LENGTH_MAX, description="ISO-8601 with Z.")] = None
    exit_id: Annotated[str | None, Field(max_length=NAME_LENGTH_MAX)] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


def decimal_of(amount: str | None) -> Decimal | None:
    """Return the number of a decimal string; None stays None."""
    return None if amount is None else Decimal(amount)
