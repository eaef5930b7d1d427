"""Generic faults: what ccxt's class of an error means, where no table of the exchange's own codes is known.

A class that could hide an executed order is in doubt, and every one that is not listed is too: the desk then
reads the account again before it sends anything.
"""

from collections.abc import Mapping

from bastion.errors import Fault
from bastion.venues.raw import Answer, excerpt

TEXT_MAX = 200

# By ccxt's own names; a subclass is known by the nearest of them. None: nobody knows what was executed.
FAULTS: Mapping[str, Fault | None] = {
    "RateLimitExceeded": Fault.RATE_LIMIT,
    "DDoSProtection": Fault.RATE_LIMIT,
    "AuthenticationError": Fault.TERMINAL,
    "PermissionDenied": Fault.TERMINAL,
    "AccountSuspended": Fault.TERMINAL,
    "AccountNotEnabled": Fault.TERMINAL,
    "InvalidNonce": Fault.CLOCK,
    "DuplicateOrderId": Fault.DUPLICATE,
    "OrderImmediatelyFillable": Fault.RESOLVE,
    "OrderNotFound": Fault.RESOLVE,
    "OrderNotFillable": Fault.BAND,
    "InvalidOrder": Fault.RESOLVE,
    "BadSymbol": Fault.RESOLVE,
    "BadRequest": Fault.RESOLVE,
    "InsufficientFunds": Fault.RESOLVE,
    "OperationRejected": Fault.RESOLVE,
    "MarketClosed": Fault.BAND,
    "ArgumentsRequired": Fault.RESOLVE,
    "NotSupported": Fault.RESOLVE,
    "RequestTimeout": None,
    "ExchangeNotAvailable": None,
    "OnMaintenance": None,
    "NetworkError": None,
    "OperationFailed": None,
    "BadResponse": None,
    "NullResponse": None,
    "ExchangeError": None,
}
NO_ORDER = frozenset({"OrderNotFound"})


class Heard(Exception):  # noqa: N818 - named for what is known after it
    """What ccxt raised, by the name of its class; `surprise` says that it was no error of ccxt's own."""

    def __init__(self, *, name: str, text: str, fault: Fault | None, surprise: bool = False) -> None:
        super().__init__(text)
        self.name = name
        self.text = text
        self.fault = fault
        self.surprise = surprise

    @property
    def in_doubt(self) -> bool:
        """Whether an order could have been executed all the same, had it left."""
        return self.fault in {None, Fault.RESOLVE}

    @classmethod
    def malformed(cls, answer: Answer) -> "Heard":
        """Return what is said of an answer that is no complete JSON."""
        text = f"not JSON (HTTP {answer.status}): {excerpt(answer.text)}"
        return cls(name="malformed", text=text, fault=None, surprise=True)


def heard(error: Exception) -> Heard:
    """Return what an exception out of ccxt means; what is not ccxt's own comes from its reading an answer."""
    if isinstance(error, Heard):
        return error
    names = [kind.__name__ for kind in type(error).__mro__]
    text = " ".join(str(error).split())[:TEXT_MAX]
    own = "BaseError" in names
    known = next((name for name in names if name in FAULTS), None) if own else None
    return Heard(
        name=names[0],
        text=text if own else f"ccxt could not read the answer: {text}",
        fault=None if known is None else FAULTS[known],
        surprise=not own,
    )
