"""Close everything with ccxt, one position after the other: the loop that most bots carry.

It reads what to trade on from BASTION_GAUNTLET_CONFIG; with your own keys in `connect` it is an exit script
like many in use. It means well: it retries, it reads the positions again, and it says so when one is left.
"""

import json
import os
import sys
import time

import ccxt

TRIES = 3


def connect(account):
    """Return ccxt's own client on one account of the gauntlet."""
    keys = {
        "apiKey": account["api_key"],
        "secret": account["secret"],
        "password": account["password"],
        "walletAddress": account["wallet_address"],
        "privateKey": account["private_key"],
    }
    exchange = getattr(ccxt, account["ccxt_id"])({name: key for name, key in keys.items() if key})
    for name, url in exchange.urls["api"].items():
        for host, base in account["hosts"].items():
            url = url.replace(host, base)
        exchange.urls["api"][name] = url
    return exchange


def open_positions(exchange):
    return [position for position in exchange.fetch_positions() if position["contracts"]]


def cancel_orders(exchange, symbol):
    for order in exchange.fetch_open_orders(symbol):
        exchange.cancel_order(order["id"], symbol)


def close(exchange, position):
    symbol = position["symbol"]
    side = "sell" if position["side"] == "long" else "buy"
    # Hyperliquid has no market orders; ccxt makes a limit order from the price that it is given.
    price = exchange.fetch_ticker(symbol)["last"] if exchange.id == "hyperliquid" else None
    exchange.create_order(symbol, "market", side, position["contracts"], price, {"reduceOnly": True})


def exit_account(account):
    """Close what is open and return what is left."""
    exchange = connect(account)
    exchange.load_markets()
    for _ in range(TRIES):
        positions = open_positions(exchange)
        if not positions:
            return []
        for position in positions:
            try:
                cancel_orders(exchange, position["symbol"])
                close(exchange, position)
            except ccxt.BaseError as error:
                print(f"{position['symbol']}: {error}", file=sys.stderr)
        time.sleep(1)
    return open_positions(exchange)


def main():
    with open(os.environ["BASTION_GAUNTLET_CONFIG"], encoding="utf-8") as file:
        config = json.load(file)
    left = []
    for account in config["accounts"]:
        try:
            left += [position["symbol"] for position in exit_account(account)]
        except ccxt.BaseError as error:
            print(f"{account['venue']}: {error}", file=sys.stderr)
            left.append(account["venue"])
    print(f"Left open: {', '.join(left)}" if left else "All flat.")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
