"""Shapes: what the gate of an exchange lets pass, from the requests that ccxt was seen to send."""

import re
from collections.abc import Iterable, Mapping, Sequence

from bastion.venues.gate.generic import ANY, Shape, Shapes, document_of, places
from bastion.venues.gate.outgoing import GateRefused, Outgoing

READS = (
    *("orders", "orders_trigger", "orders_one", "order", "closed", "trades", "balance", "positions"),
    *("position", "positions_0", "positions_1", "positions_2", "markets", "time"),
    *(f"{name}_{index}" for name in ("scan", "order_scan", "order_scan_trigger") for index in range(3)),
)
CANCELS = ("cancel", "cancel_trigger")
_OURS = re.compile(r"ZQ[A-F](USDT|USDC|USD)?(?:_\w+)?|USD[TC]|4242424242", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_/\-]{1,40}", re.ASCII)
_VOLATILE = re.compile(r"sign|sig$|hash|nonce|stamp|id$|(^|\.)[rsv]$", re.IGNORECASE)

Group = dict[tuple[str, str], list[Outgoing]]


def assembled(
    asked: Mapping[str, tuple[Outgoing, ...]],
    *,
    flags: Mapping[str, tuple[str, object]],
    prefix: str,
    ioc: str,
) -> Shapes:
    """Return the shapes of one exchange; `flags` names the reduce-only flag of each kind of contract.

    Raises:
        GateRefused: an order cannot be told from a cancel, or needs another private call.
    """
    wanted = ["market", "isolated", "cross", "named" if prefix else "named unpriced"]
    wanted += [ioc, f"named {ioc}"] if ioc else []
    orders: Group = {}
    musts: dict[tuple[str, str], dict[str, tuple[object, ...]]] = {}
    for kind, (place, value) in flags.items():
        for name in wanted:
            for side in ("sell", "buy"):
                key = f"{prefix if name == 'market' else ''}{name} {kind} {side}"
                sent = asked.get(key, ())
                if not sent:
                    continue
                if any(request.method != "GET" for request in sent[:-1]):
                    raise GateRefused("ccxt sends another private request before an order of it")
                where = _where(sent[-1])
                if place in {found for found, _ in places(document_of(sent[-1]))}:
                    orders.setdefault(where, []).append(sent[-1])
                    musts.setdefault(where, {})[place] = (value,)
    cancels = _grouped(request for name in CANCELS for request in asked.get(name, ())[-1:])
    reads = _grouped(request for name in READS for request in asked.get(name, ()))
    acting = {method for method, _ in (*orders, *cancels)}
    gets_read = "GET" not in acting
    if gets_read:
        reads = {where: sent for where, sent in reads.items() if where[0] != "GET"}
    groups = {"order": orders, "cancel": cancels, "read": reads}
    return Shapes(
        orders=tuple(
            Shape(
                method=where[0],
                path=where[1],
                fields=frozenset(place for request in sent for place, _ in places(document_of(request))),
                must={**musts[where], **_marks(groups, "order", where)},
            )
            for where, sent in sorted(orders.items())
        ),
        cancels=_free(groups, "cancel"),
        reads=_free(groups, "read"),
        gets_read=gets_read,
    )


def united(all_shapes: Sequence[Shapes]) -> Shapes:
    """Return the shapes of an exchange that ccxt speaks to in several ways."""
    return Shapes(
        orders=_each(shape for one in all_shapes for shape in one.orders),
        cancels=_each(shape for one in all_shapes for shape in one.cancels),
        reads=_each(shape for one in all_shapes for shape in one.reads),
        gets_read=all(one.gets_read for one in all_shapes),
    )


def _each(shapes: Iterable[Shape]) -> tuple[Shape, ...]:
    found: list[Shape] = []
    for shape in shapes:
        if shape not in found:
            found.append(shape)
    return tuple(found)


def _free(groups: Mapping[str, Group], name: str) -> tuple[Shape, ...]:
    return tuple(
        Shape(method=where[0], path=where[1], fields=None, must=_marks(groups, name, where))
        for where in sorted(groups[name])
    )


def _marks(groups: Mapping[str, Group], name: str, where: tuple[str, str]) -> dict[str, tuple[object, ...]]:
    """Return what tells the requests of one name from those of another that share method and path."""
    others = [group[where] for other, group in groups.items() if other != name and where in group]
    if not others:
        return {}
    own = _constant(groups[name][where])
    found: dict[str, tuple[object, ...]] = {}
    for rest in others:
        apart = [
            place
            for place, values in own.items()
            if all(values.isdisjoint(_words(request).get(place, set())) for request in rest)
        ]
        if not apart:
            raise GateRefused(f"what ccxt sends to {where[1]} cannot be told apart")
        found |= {place: tuple(sorted(own[place])) for place in apart}
    return found


def _constant(requests: Iterable[Outgoing]) -> dict[str, set[str]]:
    listed = [_words(request) for request in requests]
    shared = set(listed[0]).intersection(*listed[1:])
    return {place: {word for one in listed for word in one[place]} for place in shared}


def _words(request: Outgoing) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for place, value in places(document_of(request)):
        if isinstance(value, str) and _WORD.fullmatch(value) and not _VOLATILE.search(place):
            found.setdefault(place, set()).add(value)
    return found


def _grouped(requests: Iterable[Outgoing]) -> Group:
    found: Group = {}
    for request in requests:
        found.setdefault(_where(request), []).append(request)
    return found


def _where(request: Outgoing) -> tuple[str, str]:
    steps = (ANY if _OURS.fullmatch(step) else step for step in request.path.split("/"))
    return request.method, "/".join(steps)
