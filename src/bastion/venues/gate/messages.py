"""Messages: how a websocket may be opened, and what may leave on it: a ping, a login, a subscription.

Venues take orders on their websockets too.
"""

from collections.abc import Mapping

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed, read_json
from bastion.venues.gate.rules import Check, check_of

_WORD = {"binance": "method", "bybit": "op", "okx": "op", "hyperliquid": "method"}
_PASSED = frozenset({"auth", "login", "ping", "subscribe", "unsubscribe", "SUBSCRIBE", "UNSUBSCRIBE"})
_PING = "ping"


def check_message(venue: str, text: str) -> None:
    """Return where a message neither orders nor changes anything.

    Raises:
        GateRefused: it is no ping, no login and no subscription, or the venue is not known.
    """
    if text == _PING:
        return
    name = _WORD.get(venue)
    data = read_json(text)
    if name is None or not isinstance(data, Mapping) or data.get(name) not in _PASSED:
        raise GateRefused(f"a message to {venue} is no ping, no login and no subscription")


def opening_check(venue: str, path: str) -> Check:
    """Return the check for a stream at `path`: its opening passes, and what the venue's rules let pass."""
    otherwise = check_of(venue)

    def check(request: Outgoing) -> Passed:
        if request.method == "GET" and not request.body and path in request.path:
            return Passed.READ
        return otherwise(request)

    return check
