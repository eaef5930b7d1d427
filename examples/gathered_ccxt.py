"""Close everything with ccxt, all positions at once: the faster loop, with asyncio.

It reads what to trade on from BASTION_GAUNTLET_CONFIG; with your own keys in `connect` it is an exit script
like many in use. It means well: it retries, it reads the positions again, and it says so when one is left.
"""

import asyncio
import json
import os
import sys

import ccxt.async_support as ccxt

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


async def open_positions(exchange):
    return [position for position in await exchange.fetch_positions() if position["contracts"]]


async def close(exchange, position):
    symbol = position["symbol"]
    side = "sell" if position["side"] == "long" else "buy"
    # Hyperliquid has no market orders; ccxt makes a limit order from the price that it is given.
    price = (await exchange.fetch_ticker(symbol))["last"] if exchange.id == "hyperliquid" else None
    await exchange.create_order(symbol, "market", side, position["contracts"], price, {"reduceOnly": True})


async def cancel_orders(exchange, symbol):
    orders = await exchange.fetch_open_orders(symbol)
    await asyncio.gather(*(exchange.cancel_order(order["id"], symbol) for order in orders))


async def exit_account(account):
    """Close what is open and return what is left."""
    exchange = connect(account)
    try:
        await exchange.load_markets()
        for _ in range(TRIES):
            positions = await open_positions(exchange)
            if not positions:
                return []
            work = [close(exchange, position) for position in positions]
            work += [cancel_orders(exchange, position["symbol"]) for position in positions]
            for result in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(result, Exception):
                    print(result, file=sys.stderr)
            await asyncio.sleep(1)
        return [position["symbol"] for position in await open_positions(exchange)]
    except ccxt.BaseError as error:
        print(f"{account['venue']}: {error}", file=sys.stderr)
        return [account["venue"]]
    finally:
        await exchange.close()


def read_config():
    with open(os.environ["BASTION_GAUNTLET_CONFIG"], encoding="utf-8") as file:
        return json.load(file)


async def main():
    config = read_config()
    results = await asyncio.gather(*(exit_account(account) for account in config["accounts"]))
    left = [symbol for result in results for symbol in result]
    print(f"Left open: {', '.join(left)}" if left else "All flat.")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
