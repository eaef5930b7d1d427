"""Tongue: what each venue calls the same things: symbols, sizes, paths, and the hosts of its clients."""

from collections.abc import Mapping
from decimal import Decimal

from bastion.embedded import paper_credential
from bastion.shape import dataclass

HYPERLIQUID_AGENT = "0x7834e911c8e12dbfef611a3d8574e6c1331ecda1"
"""The address of the agent whose private key the paper credential is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """One venue's words.

    `orders` and `positions` are the paths (patterns, with `|` between them) that place orders and that list
    positions. `hosts` are the hosts of its public API, as ccxt writes them. `sizes` are the base coin's size
    of one contract, where it is not 1. `batches`: a whole wave of orders goes into one request.
    """

    venue: str
    ccxt_id: str
    symbol: str
    settle: str
    orders: str
    positions: str
    hosts: tuple[str, ...]
    ticks: Mapping[str, str]
    sizes: Mapping[str, Decimal]
    has_hedge_mode: bool = True
    batches: bool = False

    def named(self, coin: str) -> str:
        """Return the venue's symbol of the perpetual on a coin."""
        return self.symbol.format(coin)

    def contracts(self, coin: str, quantity: Decimal) -> str:
        """Return a quantity of the coin in the venue's unit."""
        return f"{(quantity / self.sizes.get(coin, Decimal(1))).normalize():f}"

    def client_id(self, number: int) -> str:
        """Return a client id, in the venue's form, of an order that is not the program's."""
        return f"0x{number:032x}" if self.venue == "hyperliquid" else f"gauntlet{number}"

    def identity(self) -> dict[str, object]:
        """Return how a scenario writes the account's address and key."""
        given = paper_credential(self.venue)
        if self.venue == "hyperliquid":
            return {
                "address": given["walletAddress"],
                "api_key": HYPERLIQUID_AGENT,
                "secret": "the venue knows no secret",
            }
        return {"api_key": given["apiKey"], "secret": given["secret"], "passphrase": given["password"]}


_FINE = {"BTC": "0.1", "ETH": "0.01", "SOL": "0.01"}
TONGUES: Mapping[str, Tongue] = {
    tongue.venue: tongue
    for tongue in (
        Tongue(
            venue="binance",
            ccxt_id="binanceusdm",
            symbol="{}USDT",
            settle="USDT",
            orders="/fapi/v1/order|/fapi/v1/batchOrders",
            positions="/fapi/v?/positionRisk",
            hosts=("https://fapi.binance.com", "https://api.binance.com"),
            ticks=_FINE,
            sizes={},
        ),
        Tongue(
            venue="bybit",
            ccxt_id="bybit",
            symbol="{}USDT",
            settle="USDT",
            orders="/v5/order/create|/v5/order/create-batch",
            positions="/v5/position/list",
            hosts=("https://api.{hostname}",),
            ticks=_FINE,
            sizes={},
        ),
        Tongue(
            venue="okx",
            ccxt_id="okx",
            symbol="{}-USDT-SWAP",
            settle="USDT",
            orders="/api/v5/trade/order|/api/v5/trade/batch-orders|/api/v5/trade/close-position",
            positions="/api/v5/account/positions",
            hosts=("https://{hostname}",),
            ticks=_FINE,
            sizes={"BTC": Decimal("0.01"), "ETH": Decimal("0.1")},
        ),
        Tongue(
            venue="hyperliquid",
            ccxt_id="hyperliquid",
            symbol="{}",
            settle="USDC",
            orders="/exchange/order",
            positions="/info/clearinghouseState",
            hosts=("https://api.{hostname}",),
            # Prices have at most five significant figures.
            ticks={"BTC": "1", "ETH": "0.1", "SOL": "0.01"},
            sizes={},
            has_hedge_mode=False,
            batches=True,
        ),
    )
}
VENUES: tuple[str, ...] = tuple(TONGUES)
