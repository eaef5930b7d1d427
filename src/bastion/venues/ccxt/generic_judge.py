"""Judge: whether what ccxt was seen to send for an exchange is enough to exit an account there by it.

A flag counts as the exchange's own reduce-only flag when it alone tells an order from the same order without
it, has a name of that meaning, and ccxt does not merely pass it along as it passes any word.
"""

import json
import re
from collections.abc import Iterable, Mapping

from bastion.shape import dataclass
from bastion.venues.ccxt.generic_profile import Profile
from bastion.venues.ccxt.generic_quirks import LIKE, NO_CLIENT_ID, ORDER_SCANS, SCANS
from bastion.venues.ccxt.generic_shapes import assembled
from bastion.venues.gate.generic import document_of, places
from bastion.venues.gate.outgoing import GateRefused, Outgoing

AMOUNT = "12345"
NEEDED = ("fetchPositions", "fetchOpenOrders", "createOrder", "cancelOrder")
KEYS = frozenset({"apiKey", "secret", "password", "uid"})
WALLET_KEYS = frozenset({"privateKey", "walletAddress"})
# Its agent's key cannot withdraw; other exchanges' private keys are those of the wallet itself.
AGENTS = frozenset({"hyperliquid"})
KINDS = ("linear", "usdc", "inverse")
FLAG_NAMES = frozenset({"reduceonly", "isreduceonly", "r"})
FLAG_VALUES = (True, "true", "yes", "YES", 1, "1")
_VOLATILE = re.compile(r"sign|sig$|hash|nonce|stamp|(cl|client).*id$|sid$|(^|\.)[rsv]$", re.IGNORECASE)
_ONE_KIND = re.compile(r"usdt|usdc|linear|inverse|spot|coin", re.IGNORECASE)
_AT_ONCE = re.compile(r"ioc|immediate", re.IGNORECASE)
_CLIENT_ID = "bst00000000000000000042ab"
_NAME = re.compile(r"ZQ[A-F](USDT|USDC|USD)?", re.IGNORECASE)


class Unfit(Exception):  # noqa: N818 - named for what is known after it
    """The exchange cannot be exited by the generic path; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What one exchange's class says of itself, what it sent for each question, and how that ended."""

    has: Mapping[str, object]
    needs: tuple[str, ...]
    rate_limit_ms: str
    urls: Mapping[str, object]
    asked: Mapping[str, tuple[Outgoing, ...]]
    errors: Mapping[str, str]

    def last(self, name: str) -> Outgoing | None:
        """Return the last request of a question, which is the one that it is about."""
        sent = self.asked.get(name, ())
        return sent[-1] if sent else None


def profile_of(exchange_id: str, probed: Probed) -> Profile:
    """Return the profile of an exchange, refused where something that an exit needs was not seen."""
    try:
        return _profile(exchange_id, probed)
    except (Unfit, GateRefused) as reason:
        return Profile(exchange=exchange_id, refused=str(reason))


def _profile(exchange_id: str, probed: Probed) -> Profile:
    if exchange_id in LIKE:
        raise Unfit(f"it is {LIKE[exchange_id]} on another host: use that venue with this host as base_url")
    missing = [name for name in NEEDED if probed.has.get(name) is not True]
    if missing:
        raise Unfit(f"ccxt has no {' and no '.join(missing)} for it")
    foreign = set(probed.needs) - KEYS - (WALLET_KEYS if exchange_id in AGENTS else set())
    if foreign or not probed.needs:
        raise Unfit(
            f"it is signed with {' and '.join(sorted(foreign)) or 'a wallet'}; "
            "the generic path takes API keys only"
        )
    wants_price = "price" in probed.errors.get("market linear sell", "")
    prefix = "priced " if wants_price or probed.last("market linear sell") is None else ""
    flags = {kind: found for kind in KINDS if (found := _flag(probed, prefix, kind))}
    if "linear" not in flags:
        raise Unfit("ccxt tells reduce-only differently for buying and selling")
    scans, by_settle = _scans(exchange_id, probed)
    order_scans, trigger = _order_scans(exchange_id, probed, alone=len(scans) == 1 and not by_settle)
    if probed.last("cancel") is None:
        raise Unfit(f"ccxt sends no cancel: {_error(probed, 'cancel')}")
    ioc = _ioc(probed)
    return Profile(
        exchange=exchange_id,
        credential=probed.needs,
        scans=scans,
        order_scans=order_scans,
        by_settle=by_settle,
        trigger=trigger,
        market_price=bool(prefix),
        ioc=ioc,
        client_id=exchange_id not in NO_CLIENT_ID and _client_id(probed, prefix),
        margin_mode=_margin_mode(probed),
        closes=tuple(flags),
        rate_limit_ms=probed.rate_limit_ms,
        hosts=tuple(name for name, url in (("testnet", "test"), ("demo", "demo")) if probed.urls.get(url)),
        shapes=assembled(probed.asked, flags=flags, prefix=prefix, ioc=ioc),
    )


def _flag(probed: Probed, prefix: str, kind: str) -> tuple[str, object] | None:
    """Return place and value of the reduce-only flag; None where a kind other than linear has none."""
    try:
        selling, buying = (_flag_of(probed, prefix, kind, side) for side in ("sell", "buy"))
    except Unfit:
        if kind == "linear":
            raise
        return None
    return selling if selling == buying else None


def _flag_of(probed: Probed, prefix: str, kind: str, side: str) -> tuple[str, object]:
    def sent(name: str) -> Mapping[str, object]:
        request = probed.last(f"{prefix}{name} {kind} {side}")
        if request is None:
            raise Unfit(
                "ccxt builds no market order for it without the venue: "
                + _error(probed, f"{prefix}{name} {kind} {side}")
            )
        return _values(request)

    plain, again, reducing = sent("plain"), sent("plain again"), sent("market")
    unsteady = {place for place in plain if plain[place] != again.get(place)}
    changed = {
        place
        for place in plain.keys() | reducing.keys()
        if plain.get(place) != reducing.get(place)
        and place not in unsteady
        and (_is_flag(place) or not _VOLATILE.search(place))
    }
    if not changed:
        raise Unfit("ccxt sends no reduce-only flag for it")
    told = ", ".join(sorted(_shown(place) for place in changed))
    if AMOUNT not in {str(value).lstrip("-") for value in reducing.values()}:
        raise Unfit("ccxt changes the quantity of an order of it")
    place = next(iter(changed))
    value = reducing.get(place)
    if len(changed) > 1 or not _is_flag(place) or not _among(value, FLAG_VALUES):
        raise Unfit(f"ccxt tells reduce-only by {told}, which is not known to be able only to reduce")
    handled = (
        place not in _values_or_empty(probed.last(f"{prefix}false {kind} {side}"))
        or probed.has.get("createReduceOnlyOrder") is True
        or place.rpartition(".")[2].lstrip("?") != "reduceOnly"
        or not _among(value, _passed_along(sent("unknown")))
    )
    if not handled:
        raise Unfit(
            "ccxt passes reduceOnly along as it passes any word, and does not say that the venue knows it"
        )
    return place, value


def _scans(exchange_id: str, probed: Probed) -> tuple[tuple[Mapping[str, str], ...], bool]:
    if exchange_id in SCANS:
        _each_seen(probed, "scan", len(SCANS[exchange_id]))
        return SCANS[exchange_id], False
    base = probed.last("positions")
    if base is None:
        raise Unfit(f"ccxt lists no positions without a contract: {_error(probed, 'positions')}")
    groups = [probed.last(f"positions_{index}") for index in range(len(KINDS))]
    told = [_told(request) for request in groups if request is not None]
    if len(told) == len(KINDS) and all(_told(base) == one for one in told):
        if _ONE_KIND.search(_told(base)):
            raise Unfit("ccxt lists the positions of one kind of contract only")
        return ({},), False
    whole = [request for request in groups if request is not None and not _names_contract(request)]
    if len(whole) == len(KINDS):
        return ({},), True
    if whole or _ONE_KIND.search(_told(base)):
        raise Unfit("ccxt does not list the positions of every kind of contract as a whole")
    return ({},), False


def _order_scans(
    exchange_id: str, probed: Probed, *, alone: bool
) -> tuple[tuple[Mapping[str, str], ...], bool]:
    if exchange_id in ORDER_SCANS:
        count = len(ORDER_SCANS[exchange_id])
        _each_seen(probed, "order_scan", count)
        separate = _separate(probed.last("order_scan_0"), probed.last("order_scan_trigger_0"))
        return ORDER_SCANS[exchange_id], separate
    base = probed.last("orders")
    if base is None:
        raise Unfit(f"ccxt lists no working orders without a contract: {_error(probed, 'orders')}")
    if not alone or _ONE_KIND.search(_told(base)):
        raise Unfit("ccxt does not list the working orders of every kind of contract")
    return ({},), _separate(base, probed.last("orders_trigger"))


def _each_seen(probed: Probed, name: str, count: int) -> None:
    requests = [probed.last(f"{name}_{index}") for index in range(count)]
    told = {_told(request) for request in requests if request is not None}
    if len(told) != count:
        raise Unfit("ccxt no longer reads every kind of contract as this version of bastion expects")


def _separate(plain: Outgoing | None, trigger: Outgoing | None) -> bool:
    if plain is None or trigger is None:
        return False
    ours = {place: value for place, value in _values(trigger).items() if not place.endswith("trigger")}
    return (plain.path, _steady(_values(plain))) != (trigger.path, _steady(ours))


def _ioc(probed: Probed) -> str:
    plain = probed.last("limit linear sell")
    found = []
    for word in ("IOC", "ioc"):
        request = probed.last(f"{word} linear sell")
        if plain is None or request is None:
            continue
        before, after = _values(plain), _values(request)
        changed = {
            place: value
            for place, value in after.items()
            if before.get(place) != value and not _VOLATILE.search(place)
        }
        told = [
            place for place, value in changed.items() if _AT_ONCE.search(place) or _AT_ONCE.search(str(value))
        ]
        if told:
            own = any(place.rpartition(".")[2].lstrip("?") != "timeInForce" for place in told)
            found.append((not own, word))
    return min(found)[1] if found else ""


def _client_id(probed: Probed, prefix: str) -> bool:
    named = probed.last("named linear sell")
    plain = probed.last(f"{prefix}market linear sell")
    if named is None or plain is None:
        return False
    at = [place for place, value in _values(named).items() if value == _CLIENT_ID]
    if not at:
        return False
    # Beside an id of ccxt's own, a literal clientOrderId is a word that the venue does not know.
    others = [place for place in _values(named) if re.search(r"client.*id$|clord", place, re.IGNORECASE)]
    return not (at[0].rpartition(".")[2].lstrip("?") == "clientOrderId" and len(others) > 1)


def _margin_mode(probed: Probed) -> bool:
    cross, isolated = probed.last("cross linear sell"), probed.last("isolated linear sell")
    base = probed.last("priced market linear sell")
    if cross is None or isolated is None or base is None:
        return False
    one, other = _values(cross), _values(isolated)
    changed = [place for place in other if one.get(place) != other[place] and not _VOLATILE.search(place)]
    known = _values(base)
    return any(
        place in known or place.rpartition(".")[2].lstrip("?") != "marginMode" or other[place] != "isolated"
        for place in changed
    )


def _values(request: Outgoing) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for place, value in places(document_of(request)):
        found.setdefault(place, value)
    return {**found, "path": _NAME.sub("*", request.path)}


def _values_or_empty(request: Outgoing | None) -> Mapping[str, object]:
    return {} if request is None else _values(request)


def _steady(values: Mapping[str, object]) -> Mapping[str, object]:
    return {place: value for place, value in values.items() if not _VOLATILE.search(place)}


def _told(request: Outgoing) -> str:
    values = {place: _NAME.sub("*", str(value)) for place, value in _steady(_values(request)).items()}
    return f"{request.method} {json.dumps(values, sort_keys=True, default=str)}"


def _names_contract(request: Outgoing) -> bool:
    return any(re.search(r"ZQ[A-F]USD", str(value)) for value in _values(request).values())


def _passed_along(values: Mapping[str, object]) -> tuple[object, ...]:
    # How ccxt writes True under a name that no venue knows.
    return tuple(value for place, value in values.items() if place.endswith("zqReduceOnly"))


def _is_flag(place: str) -> bool:
    name = place.rpartition(".")[2].lstrip("?")
    return re.sub(r"[^a-z]", "", name.lower()) in FLAG_NAMES


def _among(value: object, allowed: Iterable[object]) -> bool:
    return any(type(value) is type(one) and value == one for one in allowed)


def _shown(place: str) -> str:
    return place.removeprefix("body.").lstrip("?")


def _error(probed: Probed, name: str) -> str:
    return " ".join(probed.errors.get(name, "nothing was sent").split())[:120]
