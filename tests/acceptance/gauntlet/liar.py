"""Liar: a program that does at each venue another thing that an exit must not do."""

import hashlib
import hmac
import json
import os
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit


def order(account: dict[str, str], **fields: object) -> None:
    """Send one order to the paper Binance."""
    query = urlencode({**fields, "type": "MARKET", "timestamp": time.time_ns() // 10**6})
    signature = hmac.new(account["secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    base = urlsplit(account["base_url"])
    connection = HTTPConnection(str(base.hostname), base.port, timeout=10)
    path = f"{base.path}/fapi/v1/order?{query}&signature={signature}"
    connection.request("POST", path, headers={"X-MBX-APIKEY": account["api_key"]})
    connection.getresponse().read()
    connection.close()


def main() -> int:
    """Behave badly and return the exit code."""
    config = Path(os.environ["BASTION_GAUNTLET_CONFIG"]).read_text(encoding="utf-8")
    (account,) = json.loads(config)["accounts"]
    if account["venue"] == "binance":
        # Not reduce-only: whatever the position was, this opens or turns it.
        order(account, symbol="BTCUSDT", side="BUY", quantity="5")
        return 1
    if account["venue"] == "bybit":
        return 0
    if account["venue"] == "okx":
        sys.stdout.write('{"flat": false, "verdict": "NOT_FLAT"}\n')
        return 0
    return 3


if __name__ == "__main__":
    sys.exit(main())
