"""Offers: what a venue has beside the protocol that all have."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

Further = TypeVar("Further")

_KNOWN: dict[tuple[type[object], object], bool] = {}


def offers(venue: object, protocol: Callable[..., Further]) -> Further | None:
    """Return the venue as one of the protocol where its class has all of it, else None.

    It is looked up once for each class: a protocol's own check costs as much as an order's signature, and an
    exit asks for some ten of them before its first order.
    """
    key = (type(venue), protocol)
    known = _KNOWN.get(key)
    if known is None:
        known = _KNOWN[key] = isinstance(venue, cast("Any", protocol))
    return cast("Further", venue) if known else None
