"""Bybit v5 (bybit-exchange.github.io/docs/v5, Integration Guidance: Create A Request)."""

from collections.abc import Mapping

from bastion.venues.encoders.signed import Mac, Parameters, Signed, document, raw_form, rooted

_ROOT = "https://api.bybit.com"
METHODS: Mapping[str, tuple[str, str, str]] = {
    "privatePostV5OrderCreate": ("private", "POST", "v5/order/create"),
    "privatePostV5OrderCreateBatch": ("private", "POST", "v5/order/create-batch"),
    "privatePostV5OrderCancel": ("private", "POST", "v5/order/cancel"),
    "privatePostV5OrderCancelAll": ("private", "POST", "v5/order/cancel-all"),
    "privatePostV5PositionTradingStop": ("private", "POST", "v5/position/trading-stop"),
    "privateGetV5PositionList": ("private", "GET", "v5/position/list"),
    "privateGetV5PositionClosedPnl": ("private", "GET", "v5/position/closed-pnl"),
    "privateGetV5OrderRealtime": ("private", "GET", "v5/order/realtime"),
    "privateGetV5OrderHistory": ("private", "GET", "v5/order/history"),
    "privateGetV5ExecutionList": ("private", "GET", "v5/execution/list"),
    "privateGetV5AccountWalletBalance": ("private", "GET", "v5/account/wallet-balance"),
    "privateGetV5AccountFeeRate": ("private", "GET", "v5/account/fee-rate"),
    "privateGetV5UserQueryApi": ("private", "GET", "v5/user/query-api"),
    "publicGetV5MarketTime": ("public", "GET", "v5/market/time"),
    "publicGetV5MarketInstrumentsInfo": ("public", "GET", "v5/market/instruments-info"),
    "publicGetV5MarketOrderbook": ("public", "GET", "v5/market/orderbook"),
    "publicGetV5MarketTickers": ("public", "GET", "v5/market/tickers"),
}


class BybitEncoder:
    """Signs with the secret (HMAC); a private key in its place is left to ccxt."""

    def __init__(self, api_key: str, secret: str, *, recv_window_ms: int, base_url: str | None) -> None:
        self._api_key = api_key
        self._mac = None if "PRIVATE KEY" in secret else Mac(secret)
        self._window = str(recv_window_ms)
        self._root = rooted(base_url, _ROOT)

    def encode(self, method: str, params: Parameters, *, stamp_ms: int) -> Signed | None:
        """Return the request of ccxt's raw method; None where it is left to ccxt."""
        known = METHODS.get(method)
        if known is None or self._mac is None or not isinstance(params, Mapping):
            return None
        api, verb, path = known
        url = f"{self._root}/{path}"
        if api == "public":
            return Signed(method=verb, url=f"{url}?{raw_form(params)}" if params else url, headers={})
        told = document(params) if verb == "POST" else raw_form(params)
        stamp = str(stamp_ms)
        headers = {
            "Content-Type": "application/json",
            "X-BAPI-API-KEY": self._api_key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": self._window,
            "X-BAPI-SIGN": self._mac.hex(f"{stamp}{self._api_key}{self._window}{told}"),
        }
        if verb == "POST":
            return Signed(method=verb, url=url, headers=headers, body=told.encode())
        return Signed(method=verb, url=f"{url}?{told}", headers=headers)
