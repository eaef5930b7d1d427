"""OKX v5 (www.okx.com/docs-v5/en, REST Authentication; Transaction timeouts; Demo Trading Services)."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bastion.venues.encoders.signed import Mac, Parameters, Signed, document, form, rooted

EXPIRES_MS = 5_000
_ROOT = "https://www.okx.com"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
METHODS: Mapping[str, tuple[str, str, str]] = {
    "privatePostTradeOrder": ("private", "POST", "trade/order"),
    "privatePostTradeBatchOrders": ("private", "POST", "trade/batch-orders"),
    "privatePostTradeClosePosition": ("private", "POST", "trade/close-position"),
    "privatePostTradeCancelBatchOrders": ("private", "POST", "trade/cancel-batch-orders"),
    "privatePostTradeCancelAlgos": ("private", "POST", "trade/cancel-algos"),
    "privateGetTradeOrder": ("private", "GET", "trade/order"),
    "privateGetTradeOrdersHistory": ("private", "GET", "trade/orders-history"),
    "privateGetTradeOrdersPending": ("private", "GET", "trade/orders-pending"),
    "privateGetTradeOrdersAlgoPending": ("private", "GET", "trade/orders-algo-pending"),
    "privateGetTradeFills": ("private", "GET", "trade/fills"),
    "privateGetTradeFillsHistory": ("private", "GET", "trade/fills-history"),
    "privateGetAccountPositions": ("private", "GET", "account/positions"),
    "privateGetAccountAccountPositionRisk": ("private", "GET", "account/account-position-risk"),
    "privateGetAccountBalance": ("private", "GET", "account/balance"),
    "privateGetAccountConfig": ("private", "GET", "account/config"),
    "privateGetAccountTradeFee": ("private", "GET", "account/trade-fee"),
    "publicGetPublicTime": ("public", "GET", "public/time"),
    "publicGetPublicInstruments": ("public", "GET", "public/instruments"),
    "publicGetPublicPriceLimit": ("public", "GET", "public/price-limit"),
    "publicGetMarketBooks": ("public", "GET", "market/books"),
    "publicGetMarketIndexTickers": ("public", "GET", "market/index-tickers"),
}
_EXPIRING = frozenset({"trade/order", "trade/batch-orders"})


class OkxEncoder:
    """Signs with the secret; a new order expires 5 s after it was signed, and demo keys say what they are."""

    def __init__(
        self, *, api_key: str, secret: str, passphrase: str, demo: bool, base_url: str | None
    ) -> None:
        self._named = {"OK-ACCESS-KEY": api_key, "OK-ACCESS-PASSPHRASE": passphrase}
        self._mac = Mac(secret)
        self._demo = {"x-simulated-trading": "1"} if demo else {}
        self._root = rooted(base_url, _ROOT)

    def encode(self, method: str, params: Parameters, *, stamp_ms: int) -> Signed | None:
        """Return the request of ccxt's raw method; None where it is left to ccxt."""
        known = METHODS.get(method)
        if known is None:
            return None
        api, verb, path = known
        target = f"/api/v5/{path}"
        if verb == "GET":
            if not isinstance(params, Mapping):
                return None
            target += f"?{form(params)}" if params else ""
        if api == "public":
            return Signed(method=verb, url=self._root + target, headers=self._demo)
        if path in _EXPIRING and verb == "POST" and not _all_named(params):
            return None
        told = document(params) if verb == "POST" and params else ""
        stamp = _iso(stamp_ms)
        headers = {**self._named, "OK-ACCESS-TIMESTAMP": stamp}
        if verb == "POST":
            headers["Content-Type"] = "application/json"
        signature = self._mac.digest(f"{stamp}{verb}{target}{told}")
        headers["OK-ACCESS-SIGN"] = base64.b64encode(signature).decode("ascii")
        if path in _EXPIRING and verb == "POST":
            headers["expTime"] = str(stamp_ms + EXPIRES_MS)
        body = told.encode() if told else None
        return Signed(method=verb, url=self._root + target, headers={**headers, **self._demo}, body=body)


def _all_named(params: Parameters) -> bool:
    # Without an id of ours ccxt would make one; ours never go without.
    items = (params,) if isinstance(params, Mapping) else params
    return all(item.get("clOrdId") is not None for item in items)


def _iso(stamp_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=stamp_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{stamp_ms % 1000:03d}Z"
