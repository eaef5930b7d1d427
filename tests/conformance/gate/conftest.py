"""What the gate's tests share: unmodified ccxt that builds a request and hands its bytes over unsent."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
import pytest

from bastion.venues.gate.outgoing import Outgoing

PRIVATE_KEY = "0x" + "4c" * 32
ORDER_TYPES = [
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
]
WALLET = "0x" + "a1" * 20


class Captured(Exception):  # noqa: N818 - it carries what would have been sent
    """Carries a finished request out of ccxt."""

    def __init__(self, request: Outgoing) -> None:
        super().__init__()
        self.request = request


def _market(exchange: Any, symbol: str, ident: str, numeric: int, kind: str) -> dict[str, Any]:  # noqa: ANN401 - ccxt ships no types
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    settle = settle.partition("-")[0]
    contract = kind != "spot"
    market: dict[str, Any] = exchange.safe_market_structure(
        {
            "id": ident,
            "symbol": symbol,
            "base": base,
            "quote": quote,
            "settle": settle or None,
            "baseId": str(numeric) if exchange.id == "hyperliquid" else base,
            "quoteId": quote,
            "settleId": settle or None,
            "baseName": base,
            "type": kind,
            "spot": kind == "spot",
            "margin": False,
            "swap": kind == "swap",
            "future": False,
            "option": kind == "option",
            "contract": contract,
            "linear": (settle == quote) if contract else None,
            "inverse": (settle == base) if contract else None,
            "contractSize": 1.0 if contract else None,
            "active": True,
            "precision": {"amount": 0.001, "price": 0.1},
            "limits": {"amount": {"min": 0.001}, "cost": {"min": None}},
            "info": {"szDecimals": "3", "orderTypes": ORDER_TYPES, "quoteAsset": quote},
        }
    )
    return market


MARKETS: Mapping[str, tuple[tuple[str, str, int, str], ...]] = {
    "binanceusdm": (("BTC/USDT:USDT", "BTCUSDT", 1, "swap"), ("ETH/USDC:USDC", "ETHUSDC", 2, "swap")),
    "binancecoinm": (("BTC/USD:BTC", "BTCUSD_PERP", 1, "swap"),),
    "bybit": (
        ("BTC/USDT:USDT", "BTCUSDT", 1, "swap"),
        ("BTC/USD:BTC", "BTCUSD", 2, "swap"),
        ("BTC/USDT", "BTCUSDT", 3, "spot"),
    ),
    "okx": (
        ("BTC/USDT:USDT", "BTC-USDT-SWAP", 1, "swap"),
        ("BTC/USD:BTC", "BTC-USD-SWAP", 2, "swap"),
        ("BTC/USDT", "BTC-USDT", 3, "spot"),
    ),
    "hyperliquid": (
        ("BTC/USDC:USDC", "0", 0, "swap"),
        ("ETH/USDC:USDC", "1", 1, "swap"),
        ("PURR/USDC", "10000", 10_000, "spot"),
    ),
}


def _client(exchange_id: str) -> Any:  # noqa: ANN401 - ccxt ships no types
    class Capturing(getattr(ccxt, exchange_id)):  # type: ignore[misc]
        async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:  # noqa: ANN401
            parts = urlsplit(url)
            lowered = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
            raise Captured(
                Outgoing(
                    method=method,
                    target=parts.path + (f"?{parts.query}" if parts.query else ""),
                    body=(body or "").encode() if isinstance(body, str) or body is None else body,
                    content_type=lowered.get("content-type", ""),
                )
            )

    client = Capturing(
        {
            "apiKey": "gate-key",
            "secret": "gate-secret",
            "password": "gate-passphrase",
            "walletAddress": WALLET,
            "privateKey": PRIVATE_KEY,
            "enableRateLimit": False,
            "options": {
                "builderFee": False,
                "refSet": True,
                "approvedBuilderFee": True,
                "unifiedMarginStatus": 3,
                "enableUnifiedAccount": True,
                "enableUnifiedMargin": False,
            },
        }
    )
    client.set_markets([_market(client, *row) for row in MARKETS[exchange_id]])
    return client


@pytest.fixture
def client_of() -> Callable[[str], Any]:
    """Build a ccxt client of that id, whose requests end in `Captured`."""
    return _client
