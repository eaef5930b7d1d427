"""Account: one key space at one venue, the unit of fan-out of an exit."""

from bastion.domain.refund import RefundPolicy
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One key space of one credential at one venue.

    `venue` is the venue's id in lower case (`binance`, `bybit`), as answers name it. `key_space` tells apart
    the product families that one credential can see (`usdm`, `coinm`, `unified`); each is its own account.
    `base_url` is scheme, host and prefix without the API path; None means the venue's own host, of which
    `host` names one: `live`, `demo` or `testnet`. `refund` says when a position may be given up for its
    margin, where the venue offers that. `trading_a_minute` is how many trading requests a minute the venue
    takes from this account; None means its published limit. `prove` says that a smallest position may be
    opened there, to prove that the exit works at the venue's own host.
    """

    name: str
    venue: str
    key_space: str
    credential: str
    base_url: str | None = None
    ws_url: str | None = None
    refund: RefundPolicy = RefundPolicy.NEVER
    trading_a_minute: int | None = None
    host: str = "live"
    prove: bool = False

    @property
    def elsewhere(self) -> bool:
        """Whether it is not at the venue's live public host."""
        return self.base_url is not None or self.host != "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a venue says a credential may do; None means that the venue did not say."""

    can_read: bool | None = None
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    ip_restricted: bool | None = None
    notes: tuple[str, ...] = ()
