"""Account: one key space at one venue, the unit of fan-out of an exit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One key space of one credential at one venue.

    `venue` is the venue's id in lower case (`binance`, `bybit`), as answers name it. `key_space` tells apart
    the product families that one credential can see (`usdm`, `coinm`, `unified`); each is its own account.
    `base_url` is scheme, host and prefix without the API path; None means the venue's public host.
    """

    name: str
    venue: str
    key_space: str
    credential: str
    base_url: str | None = None
    ws_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a venue says a credential may do; None means that the venue did not say."""

    can_read: bool | None = None
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    ip_restricted: bool | None = None
    notes: tuple[str, ...] = ()
