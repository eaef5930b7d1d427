"""Signing: the bytes of a venue's requests, made by unmodified ccxt (Hyperliquid's actions by our signer)."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bastion.embedded import paper_credential
from bastion.venues.ccxt.door import exchange_class
from bastion.venues.ccxt.hyperliquid_signing import Signer

IDS = {"binance": "binanceusdm", "bybit": "bybit", "okx": "okx", "hyperliquid": "hyperliquid"}
EXPIRES_MS = 60_000


class _Captured(Exception):  # noqa: N818 - it carries a request
    def __init__(self, request: bytes) -> None:
        super().__init__()
        self.request = request


class Maker:
    """Makes the bytes of one venue's requests."""

    def __init__(self, venue: str, url: str, credential: Mapping[str, str] | None = None) -> None:
        self.venue = venue
        self._url = urlsplit(url)
        credential = paper_credential(venue) if credential is None else credential
        self._wallet = credential.get("walletAddress", "").lower()
        base: Any = exchange_class(IDS[venue])

        class Held(base):  # type: ignore[misc]
            async def fetch(self, url: str, method: str = "GET", *rest: Any) -> None:  # noqa: ANN401 - ccxt's shape
                headers, body = (*rest, None, None)[:2]
                raise _Captured(written(url, method, headers or {}, body))

        self._client = Held(
            {
                "apiKey": credential.get("apiKey"),
                "secret": credential.get("secret"),
                "password": credential.get("password"),
                "enableRateLimit": False,
            }
        )
        self._client.urls["api"] = moved(self._client.urls["api"], url)
        self._signer = Signer(credential["privateKey"]) if venue == "hyperliquid" else None
        self._nonce = 0

    def allow_late(self) -> None:
        """Let Bybit's requests stay valid for a minute, as they are made before the clock starts."""
        self._client.options["recvWindow"] = 60_000

    async def by_ccxt(self, method: str, params: object) -> bytes:
        """Return the request that ccxt's raw method of that name would send."""
        try:
            await getattr(self._client, method)(params)
        except _Captured as captured:
            return captured.request
        raise AssertionError(f"{method} sent nothing")

    def action(self, action: dict[str, object]) -> bytes:
        """Return a signed action of Hyperliquid."""
        assert self._signer is not None
        self._nonce = max(time.time_ns() // 1_000_000, self._nonce + 1)
        ends = self._nonce + EXPIRES_MS
        signature = self._signer.sign(
            action, nonce=self._nonce, vault=None, expires_after=ends, testnet=False
        )
        body = {"action": action, "nonce": self._nonce, "signature": signature, "expiresAfter": ends}
        return self._posted("/exchange", body)

    def info(self, asked: dict[str, object]) -> bytes:
        """Return a read of Hyperliquid."""
        return self._posted("/info", {"user": self._wallet, **asked})

    def _posted(self, path: str, body: object) -> bytes:
        text = json.dumps(body)
        return written(f"{self._url.geturl()}{path}", "POST", {"Content-Type": "application/json"}, text)


def written(url: str, method: str, headers: dict[str, Any], body: Any) -> bytes:  # noqa: ANN401 - text, bytes or None
    """Return an HTTP/1.1 request as it goes over the socket."""
    parts = urlsplit(url)
    content = body.encode() if isinstance(body, str) else body or b""
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode() + content


def moved(urls: dict[str, Any], base: str) -> dict[str, Any]:
    """Return a client's addresses, moved to another host."""
    return {
        name: moved(url, base) if isinstance(url, dict) else base + urlsplit(url).path
        for name, url in urls.items()
    }


async def close_of(maker: Maker, row: dict[str, Any], instruments: Sequence[str]) -> bytes:
    """Return the one order that closes a position, as the venue takes it singly."""
    match maker.venue:
        case "binance":
            return await maker.by_ccxt("fapiPrivatePostOrder", binance_close(row))
        case "bybit":
            maker.allow_late()
            body = {"category": "linear", **bybit_close(row)}
            return await maker.by_ccxt("privatePostV5OrderCreate", body)
        case "okx":
            return await maker.by_ccxt("privatePostTradeOrder", okx_close(row))
        case _:
            order = hyperliquid_close(row, instruments.index(row["symbol"]))
            return maker.action({"type": "order", "orders": [order], "grouping": "na"})


def binance_close(row: dict[str, Any]) -> dict[str, object]:
    return {
        "symbol": row["symbol"],
        "side": _closing(row),
        "type": "MARKET",
        "quantity": _size(row),
        "reduceOnly": "true",
        "newOrderRespType": "RESULT",
        "recvWindow": 60_000,
    }


def bybit_close(row: dict[str, Any]) -> dict[str, object]:
    return {
        "symbol": row["symbol"],
        "side": _closing(row).capitalize(),
        "orderType": "Market",
        "qty": _size(row),
        "reduceOnly": True,
        "positionIdx": 0,
    }


def okx_close(row: dict[str, Any]) -> dict[str, object]:
    return {
        "instId": row["symbol"],
        "tdMode": "cross",
        "side": _closing(row).lower(),
        "ordType": "market",
        "sz": _size(row),
        "reduceOnly": "true",
    }


def hyperliquid_close(row: dict[str, Any], number: int) -> dict[str, object]:
    return {
        "a": number,
        "b": _closing(row) == "BUY",
        "p": f"{float(row['mark_price']) * (1.05 if _closing(row) == 'BUY' else 0.95):.5g}",
        "s": _size(row),
        "r": True,
        "t": {"limit": {"tif": "Ioc"}},
    }


def _closing(row: dict[str, Any]) -> str:
    return "BUY" if str(row["quantity"]).startswith("-") else "SELL"


def _size(row: dict[str, Any]) -> str:
    return str(row["quantity"]).removeprefix("-")
