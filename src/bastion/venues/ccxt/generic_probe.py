"""Probe: what ccxt would send for each of its exchanges, seen without a network, and judged.

For an exchange to be an account by the generic path, ccxt must be seen to list all positions and all working
orders, to cancel one of them, and to send an order that differs from the same order without reduce-only in
that exchange's own flag. What cannot be shown so is refused, with the reason. `python -m
bastion.venues.ccxt.generic_probe` writes the profiles anew after a change of ccxt.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bastion.errors import ConfigInvalid
from bastion.venues.ccxt.door import exchange_class, exchange_ids
from bastion.venues.ccxt.generic_judge import AMOUNT, Probed, profile_of
from bastion.venues.ccxt.generic_profile import FILE, Profile, written
from bastion.venues.ccxt.generic_quirks import ORDER_SCANS, SCANS, VARIANTS, options_of
from bastion.venues.ccxt.generic_shapes import united
from bastion.venues.gate.outgoing import Outgoing

CALL_S = 5.0
STAMP_MS = 1_700_000_000_000
ORDER_ID = "4242424242"
CLIENT_ID = "bst00000000000000000042ab"
PRICE = "100"
GROUPS = (("ZQA", "ZQB", "USDT"), ("ZQC", "ZQD", "USDC"), ("ZQE", "ZQF", ""))
"""Two contracts of each kind; the last kind is inverse, settled in its own base coin."""
SYMBOLS = {"linear": "ZQA/USDT:USDT", "usdc": "ZQC/USDC:USDC", "inverse": "ZQE/USD:ZQE"}
ONE = SYMBOLS["linear"]
_REDUCE = {"reduceOnly": True}
ORDERS: Mapping[str, tuple[str, str | None, Mapping[str, object]]] = {
    "market": ("market", None, _REDUCE),
    "plain": ("market", None, {}),
    "plain again": ("market", None, {}),
    "false": ("market", None, {"reduceOnly": False}),
    "unknown": ("market", None, {"zqReduceOnly": True}),
    "priced market": ("market", PRICE, _REDUCE),
    "priced plain": ("market", PRICE, {}),
    "priced plain again": ("market", PRICE, {}),
    "priced false": ("market", PRICE, {"reduceOnly": False}),
    "priced unknown": ("market", PRICE, {"zqReduceOnly": True}),
    "limit": ("limit", PRICE, _REDUCE),
    "IOC": ("limit", PRICE, {**_REDUCE, "timeInForce": "IOC"}),
    "ioc": ("limit", PRICE, {**_REDUCE, "timeInForce": "ioc"}),
    "cross": ("market", PRICE, {**_REDUCE, "marginMode": "cross"}),
    "isolated": ("market", PRICE, {**_REDUCE, "marginMode": "isolated"}),
    "named": ("market", PRICE, {**_REDUCE, "clientOrderId": CLIENT_ID}),
    "named unpriced": ("market", None, {**_REDUCE, "clientOrderId": CLIENT_ID}),
    "named IOC": ("limit", PRICE, {**_REDUCE, "clientOrderId": CLIENT_ID, "timeInForce": "IOC"}),
    "named ioc": ("limit", PRICE, {**_REDUCE, "clientOrderId": CLIENT_ID, "timeInForce": "ioc"}),
}
WORDS = {
    "apiKey": "k" * 32,
    "secret": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
    "password": "p",
    "uid": "1",
    "privateKey": "0x" + "11" * 32,
    "walletAddress": "0x" + "22" * 20,
}


@dataclass(slots=True)
class _Log:
    sent: list[Outgoing] = field(default_factory=list)


def probed(exchange: Any, log: _Log) -> Any:  # noqa: ANN401 - ccxt ships no types
    """Return ccxt's class with nothing behind it: what it would send is kept, and answered by `{}`."""

    class Probe(exchange):  # type: ignore[misc]
        async def fetch(
            self,
            url: str,
            method: str = "GET",
            headers: Any = None,  # noqa: ANN401 - as above
            body: Any = None,  # noqa: ANN401 - as above
        ) -> dict[str, object]:
            parts = urlsplit(url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            kind = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
            log.sent.append(
                Outgoing(
                    method=method,
                    target=target,
                    body=str(body).encode() if body else b"",
                    content_type=kind.get("content-type", ""),
                )
            )
            return {}

        async def throttle(self, *_cost: object) -> None:
            return

        async def initialize_client(self) -> bool:
            return True

        async def sleep(self, *_milliseconds: object) -> None:
            return

        def milliseconds(self) -> int:
            return STAMP_MS

    return Probe


async def probe(exchange_id: str) -> Profile | None:
    """Return the profile of one exchange, None for one without swaps. Nothing leaves this process."""
    reasons: list[Profile] = []
    # Some exchanges of ccxt take an exact figure as a number only, some as text only.
    for figure in (Decimal, str):
        found = [await _probe(exchange_id, variant, figure) for variant in VARIANTS.get(exchange_id, ({},))]
        profiles = [profile for profile in found if profile is not None]
        if not profiles:
            return None
        refused = [profile for profile in profiles if profile.refused]
        if not refused:
            shapes = united([profile.shapes for profile in profiles])
            return replace(profiles[0], text_figures=figure is str, shapes=shapes)
        reasons += refused
    return reasons[0]


async def _probe(
    exchange_id: str, variant: Mapping[str, object], figure: Callable[[str], object]
) -> Profile | None:
    found = await ask(exchange_id, variant, figure)
    return None if found is None else profile_of(exchange_id, found)


async def ask(
    exchange_id: str, variant: Mapping[str, object], figure: Callable[[str], object]
) -> Probed | None:
    """Return all that ccxt would send for one exchange, None for one without swaps.

    `variant` are further options of ccxt, `figure` the type in which amounts and prices are handed over.
    """
    log = _Log()
    options = {**options_of(exchange_id), **variant}
    exchange = probed(exchange_class(exchange_id), log)(
        {**WORDS, "enableRateLimit": False, "options": options, "number": str}
    )
    try:
        if not exchange.has.get("swap"):
            return None
        exchange.number = str
        exchange.has["fetchCurrencies"] = False
        exchange.set_markets(
            [_market(base, settle) for a, b, settle in GROUPS for base in (a, b)], dict[str, object]()
        )
        return await _ask_all(exchange, exchange_id, log, figure)
    finally:
        await exchange.close()


async def probe_all(exchange_ids: Sequence[str]) -> Mapping[str, Profile]:
    """Return the profiles of those of the exchanges that have swaps."""
    found = {}
    for name in exchange_ids:
        profile = await probe(name)
        if profile is not None:
            found[name] = profile
    return found


def _market(base: str, settle: str) -> dict[str, object]:
    inverse = not settle
    coin, quote = settle or base, settle or "USD"
    return {
        "id": f"{base}{quote}",
        "lowercaseId": f"{base}{quote}".lower(),
        "symbol": f"{base}/{quote}:{coin}",
        "base": base,
        "quote": quote,
        "settle": coin,
        # Hyperliquid numbers its contracts; Delta does so beside the name.
        "baseId": str(ord(base[-1])),
        "numericId": ord(base[-1]),
        "quoteId": quote,
        "settleId": coin,
        "type": "swap",
        **dict.fromkeys(("spot", "margin", "future", "option", "index"), False),
        **dict.fromkeys(("swap", "active", "contract"), True),
        "linear": not inverse,
        "inverse": inverse,
        "subType": "inverse" if inverse else "linear",
        "taker": "0.0005",
        "maker": "0.0002",
        "contractSize": "1",
        "precision": {"amount": "1", "price": "0.1"},
        "limits": {"amount": {"min": "1", "max": None}, "price": {}, "cost": {}, "leverage": {}},
        "info": {"orderTypes": ["LIMIT", "MARKET"], "filters": [], "szDecimals": "0"},
    }


async def _ask_all(
    exchange: Any,  # noqa: ANN401 - ccxt ships no types
    exchange_id: str,
    log: _Log,
    figure: Callable[[str], object],
) -> Probed:
    asked: dict[str, tuple[Outgoing, ...]] = {}
    errors: dict[str, str] = {}

    async def put(name: str, call: Callable[[], Awaitable[object]]) -> None:
        log.sent.clear()
        try:
            async with asyncio.timeout(CALL_S):
                await call()
        except Exception as error:  # noqa: BLE001 - an empty answer fails in as many ways as there are exchanges
            errors[name] = f"{type(error).__name__}: {error}"
        asked[name] = tuple(log.sent)

    for kind, symbol in SYMBOLS.items():
        for side in ("sell", "buy"):
            for name, (form, price, params) in ORDERS.items():
                await put(
                    f"{name} {kind} {side}",
                    partial(
                        exchange.create_order,
                        symbol,
                        form,
                        side,
                        figure(AMOUNT),
                        price and figure(price),
                        dict(params),
                    ),
                )
    await put("cancel", lambda: exchange.cancel_order(ORDER_ID, ONE))
    await put("cancel_trigger", lambda: exchange.cancel_order(ORDER_ID, ONE, {"trigger": True}))
    await put("orders", exchange.fetch_open_orders)
    await put("orders_trigger", lambda: exchange.fetch_open_orders(None, None, None, {"trigger": True}))
    await put("orders_one", lambda: exchange.fetch_open_orders(ONE))
    await put("order", lambda: exchange.fetch_order(ORDER_ID, ONE))
    await put("closed", lambda: exchange.fetch_closed_orders(ONE))
    await put("trades", lambda: exchange.fetch_my_trades(ONE, STAMP_MS))
    await put("balance", exchange.fetch_balance)
    await put("markets", exchange.fetch_markets)
    await put("time", exchange.fetch_time)
    await put("positions", exchange.fetch_positions)
    await put("position", lambda: exchange.fetch_positions([ONE]))
    await _ask_scans(exchange, exchange_id, put)
    return Probed(
        has=dict(exchange.has),
        needs=tuple(sorted(name for name, needed in exchange.requiredCredentials.items() if needed)),
        rate_limit_ms=str(exchange.rateLimit),
        urls=dict(exchange.urls),
        asked=asked,
        errors=errors,
    )


async def _ask_scans(
    exchange: Any,  # noqa: ANN401 - ccxt ships no types
    exchange_id: str,
    put: Callable[[str, Callable[[], Awaitable[object]]], Awaitable[None]],
) -> None:
    for index, (first, second, settle) in enumerate(GROUPS):
        pair = [f"{base}/{settle or 'USD'}:{settle or base}" for base in (first, second)]
        await put(f"positions_{index}", partial(exchange.fetch_positions, pair))
    for index, scan in enumerate(SCANS.get(exchange_id, ())):
        await put(f"scan_{index}", partial(exchange.fetch_positions, None, dict(scan)))
    for index, scan in enumerate(ORDER_SCANS.get(exchange_id, ())):
        await put(
            f"order_scan_{index}",
            partial(exchange.fetch_open_orders, None, None, None, dict(scan)),
        )
        await put(
            f"order_scan_trigger_{index}",
            partial(exchange.fetch_open_orders, None, None, None, {**scan, "trigger": True}),
        )


def main() -> None:
    """Write the profiles of all exchanges of the installed ccxt."""
    logging.disable(logging.CRITICAL)
    names = sys.argv[1:] or list(exchange_ids())
    found = asyncio.run(probe_all(names))
    if sys.argv[1:]:
        sys.stdout.write(written(found, version=""))
        return
    version = str(re.sub(r"[^0-9.]", "", str(getattr(sys.modules["ccxt"], "__version__", ""))))
    if not version:
        raise ConfigInvalid("The version of ccxt is not known.")
    FILE.write_text(written(found, version=version), encoding="utf-8")


if __name__ == "__main__":
    main()
