"""Clients of the paper exchange: unmodified ccxt, and raw signed requests."""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import ccxt.async_support as ccxt

from tests.paper_process import PaperProcess

KEY, SECRET = "paper-binance-key", "paper-binance-secret"


def binance_client(paper: PaperProcess, key: str = KEY, secret: str = SECRET) -> ccxt.binanceusdm:
    """Return ccxt's own client, nothing changed but base URLs, keys and (for speed) its throttle."""
    client = ccxt.binanceusdm({"apiKey": key, "secret": secret, "enableRateLimit": False})
    base = paper.base_url("binance")
    for name, url in client.urls["api"].items():
        if isinstance(url, str):
            for host in ("https://fapi.binance.com", "https://api.binance.com"):
                client.urls["api"][name] = client.urls["api"][name].replace(host, base)
    return client


class RawBinance:
    """Signed requests byte by byte, so that a test may get any part of them wrong."""

    def __init__(self, paper: PaperProcess, key: str = KEY, secret: str = SECRET) -> None:
        self._paper = paper
        self.key = key
        self.secret = secret

    def signed(
        self, method: str, path: str, *, source: str = "127.0.0.1", **parameters: object
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Send a correctly signed request; parameters that are None are left out."""
        sent: dict[str, object] = {"timestamp": int(time.time() * 1000), "recvWindow": 5000, **parameters}
        query = urlencode({name: value for name, value in sent.items() if value is not None})
        return self.send(method, path, f"{query}&signature={self.sign(query)}", source=source)

    def sign(self, query: str) -> str:
        """Return the signature of a query."""
        return hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()

    def send(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        body: str | None = None,
        source: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Send bytes as they are from the address `source`; return status, JSON and headers (lower case)."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._paper.port, timeout=10, source_address=(source, 0)
        )
        try:
            sent = {"X-MBX-APIKEY": self.key} if headers is None else dict(headers)
            connection.request(method, f"/binance{path}" + (f"?{query}" if query else ""), body, sent)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()
