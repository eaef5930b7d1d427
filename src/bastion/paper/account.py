"""Account: one balance sheet at a venue, its keys and its modes."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class PositionMode(StrEnum):
    """Whether an account nets its positions of one symbol or holds a long and a short beside each other."""

    ONE_WAY = "ONE_WAY"
    HEDGE = "HEDGE"


class MarginMode(StrEnum):
    """Whether a position shares the account's balance."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


class Permission(StrEnum):
    """What an API key may do."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A credential of an account. `addresses` lists the IP addresses it may be used from; empty means any.

    `passphrase` is the third part of a key where the venue has one; empty means the wire's own default.
    """

    key: str
    secret: str = field(repr=False)
    permissions: frozenset[Permission] = frozenset({Permission.READ, Permission.TRADE})
    addresses: tuple[str, ...] = ()
    created_ms: int = 0
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """How an account starts: keys, mode, opening balances per settle coin, leverage for symbols not named.

    `address` is the account's own address at venues that know accounts by one (0x and 40 hex digits); where
    it is empty, the venue's wire derives one from the name.
    """

    name: str
    keys: tuple[ApiKey, ...]
    position_mode: PositionMode = PositionMode.ONE_WAY
    margin_mode: MarginMode = MarginMode.CROSS
    leverage: int = 20
    leverages: dict[str, int] = field(default_factory=dict)
    balances: dict[str, Decimal] = field(default_factory=dict)
    uid: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An account's money in one settle coin.

    `wallet` is deposits plus realised results; `equity` adds unrealised PnL; `initial_margin` is what
    positions and opening orders bind; `available` is what a new order may use.
    """

    coin: str
    wallet: Decimal
    unrealized_pnl: Decimal
    equity: Decimal
    position_margin: Decimal
    order_margin: Decimal
    maintenance_margin: Decimal
    available: Decimal

    @property
    def initial_margin(self) -> Decimal:
        """Margin of positions and of open orders."""
        return self.position_margin + self.order_margin


class IncomeKind(StrEnum):
    """Why a wallet balance changed."""

    TRANSFER = "TRANSFER"
    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """One change of a wallet balance; `amount` is signed from the account's view."""

    income_id: int
    account: str
    kind: IncomeKind
    symbol: str
    coin: str
    amount: Decimal
    time_ms: int
    fill_id: int = 0
