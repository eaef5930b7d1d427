"""Profile: what is known of an exchange that bastion speaks to by ccxt's unified methods alone.

Profiles are made by `generic_probe` from the installed ccxt, without a network, and kept in
`generic_profiles.json`: importing every exchange of ccxt takes seconds.
"""

import json
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from bastion.shape import dataclass
from bastion.venues.gate.generic import Shape, Shapes

FILE = Path(__file__).with_name("generic_profiles.json")
NO_SHAPES = Shapes(orders=(), cancels=(), reads=(), gets_read=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One exchange. With `refused`, it cannot be an account, for that reason; the rest is then empty.

    `scans` and `order_scans` are the parameters of each reading that belongs to a full scan of positions and
    of working orders. With `by_settle`, positions are read once for each settle coin, told by two of its
    contracts, whose names ccxt does not send. `trigger` says that waiting orders are a list of their own.
    `market_price` says that a market order needs a price to reckon its bound from, `text_figures` that ccxt
    takes exact figures as text only. `ioc` is the exchange's word for an immediate limit order, empty where
    none could be proven. `client_id` says that our order id is sent, `margin_mode` that the position's
    margin mode is. `closes` are the kinds of contracts whose reducing order was seen. `rate_limit_ms` is
    ccxt's figure, `hosts` the names beside `live` that ccxt has.
    """

    exchange: str
    refused: str = ""
    credential: tuple[str, ...] = ()
    scans: tuple[Mapping[str, str], ...] = ()
    order_scans: tuple[Mapping[str, str], ...] = ()
    by_settle: bool = False
    trigger: bool = False
    market_price: bool = False
    text_figures: bool = False
    ioc: str = ""
    client_id: bool = False
    margin_mode: bool = False
    closes: tuple[str, ...] = ()
    rate_limit_ms: str = "1000"
    hosts: tuple[str, ...] = ()
    shapes: Shapes = field(default_factory=lambda: NO_SHAPES)


@cache
def profiles() -> Mapping[str, Profile]:
    """Return the profile of every exchange of ccxt that has swaps, by ccxt's id of it."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: _profile(name, value) for name, value in kept["exchanges"].items()}


def ccxt_version() -> str:
    """Return the version of ccxt that the profiles were made from."""
    return str(json.loads(FILE.read_text(encoding="utf-8"))["ccxt"])


def written(found: Mapping[str, Profile], *, version: str) -> str:
    """Return the text of the file that holds these profiles."""
    exchanges = {name: _plain(profile) for name, profile in sorted(found.items())}
    return json.dumps({"ccxt": version, "exchanges": exchanges}, indent=1, sort_keys=True) + "\n"


def _plain(profile: Profile) -> dict[str, Any]:
    if profile.refused:
        return {"refused": profile.refused}
    return {
        "credential": list(profile.credential),
        "scans": [dict(scan) for scan in profile.scans],
        "order_scans": [dict(scan) for scan in profile.order_scans],
        "by_settle": profile.by_settle,
        "trigger": profile.trigger,
        "market_price": profile.market_price,
        "text_figures": profile.text_figures,
        "ioc": profile.ioc,
        "client_id": profile.client_id,
        "margin_mode": profile.margin_mode,
        "closes": list(profile.closes),
        "rate_limit_ms": profile.rate_limit_ms,
        "hosts": list(profile.hosts),
        "gets_read": profile.shapes.gets_read,
        "orders": [_plain_shape(shape) for shape in profile.shapes.orders],
        "cancels": [_plain_shape(shape) for shape in profile.shapes.cancels],
        "reads": [_plain_shape(shape) for shape in profile.shapes.reads],
    }


def _plain_shape(shape: Shape) -> dict[str, Any]:
    return {
        "method": shape.method,
        "path": shape.path,
        "fields": None if shape.fields is None else sorted(shape.fields),
        "must": {place: list(values) for place, values in sorted(shape.must.items())},
    }


def _profile(name: str, value: Mapping[str, Any]) -> Profile:
    if value.get("refused"):
        return Profile(exchange=name, refused=str(value["refused"]))
    return Profile(
        exchange=name,
        credential=tuple(value["credential"]),
        scans=tuple(value["scans"]),
        order_scans=tuple(value["order_scans"]),
        by_settle=bool(value["by_settle"]),
        trigger=bool(value["trigger"]),
        market_price=bool(value["market_price"]),
        text_figures=bool(value["text_figures"]),
        ioc=str(value["ioc"]),
        client_id=bool(value["client_id"]),
        margin_mode=bool(value["margin_mode"]),
        closes=tuple(value["closes"]),
        rate_limit_ms=str(value["rate_limit_ms"]),
        hosts=tuple(value["hosts"]),
        shapes=Shapes(
            orders=tuple(map(_shape, value["orders"])),
            cancels=tuple(map(_shape, value["cancels"])),
            reads=tuple(map(_shape, value["reads"])),
            gets_read=bool(value["gets_read"]),
        ),
    )


def _shape(value: Mapping[str, Any]) -> Shape:
    return Shape(
        method=str(value["method"]),
        path=str(value["path"]),
        fields=None if value["fields"] is None else frozenset(value["fields"]),
        must={place: tuple(allowed) for place, allowed in value["must"].items()},
    )
