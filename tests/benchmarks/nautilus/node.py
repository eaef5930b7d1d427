"""Node: a NautilusTrader node on the Binance wire, warm, that is told to close everything.

Runs in an environment of its own (`make .nautilus/stamp`), and imports nothing of bastion. One JSON line says
that it is warm, with what it knows to be open. A line on standard input presses: for each instrument its
strategy calls `cancel_all_orders` and `close_all_positions`; a second line says when (monotonic nanoseconds).

python node.py HTTP_BASE WS_BASE < the key and the secret, a line each, then an empty line to press
"""

import asyncio
import json
import sys
import threading
import time

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.trading.strategy import Strategy

PRESS, READY_S, POLL_S = "press", 220.0, 0.05


class Closer(Strategy):  # type: ignore[misc]  # what it extends ships no types
    """Claims what the account holds from before, and closes it when it is told to."""

    def __init__(self, symbols: list[str]) -> None:
        ids = [InstrumentId.from_str(f"{symbol}-PERP.BINANCE") for symbol in symbols]
        super().__init__(StrategyConfig(strategy_id="CLOSER-001", external_order_claims=ids))
        self.ids = ids

    def open_count(self) -> int:
        """Return how many positions it knows to be open."""
        return len(self.cache.positions_open(strategy_id=self.id))

    def close_everything(self) -> int:
        """Press; return when."""
        begun_ns = time.monotonic_ns()
        for instrument_id in self.ids:
            self.cancel_all_orders(instrument_id)
            self.close_all_positions(instrument_id)
        return begun_ns


def node_of(http: str, ws: str, key: str, secret: str, symbols: list[str]) -> tuple[TradingNode, Closer]:
    """Return a node with one execution client and one strategy."""
    account = {
        "api_key": key,
        "api_secret": secret,
        "account_type": BinanceAccountType.USDT_FUTURES,
        "base_url_http": http,
        "base_url_ws": ws,
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    config = TradingNodeConfig(
        trader_id=TraderId("BENCH-001"),
        logging=LoggingConfig(log_level="ERROR"),
        exec_engine=LiveExecEngineConfig(reconciliation=True, reconciliation_startup_delay_secs=0.0),
        # Its data client subscribes to nothing, but is what tells the node which contracts there are.
        data_clients={BINANCE: BinanceDataClientConfig(**account)},
        exec_clients={BINANCE: BinanceExecClientConfig(**account)},
        timeout_connection=30.0,
        timeout_reconciliation=200.0,
        timeout_portfolio=30.0,
        timeout_disconnection=2.0,
        timeout_post_stop=0.5,
    )
    node = TradingNode(config=config)
    strategy = Closer(symbols)
    node.trader.add_strategy(strategy)
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
    node.build()
    return node, strategy


def main() -> int:
    """Run until standard input ends."""
    http, ws, *symbols = sys.argv[1:]
    key, secret = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    node, strategy = node_of(http, ws, key, secret, symbols)
    loop = node.get_event_loop()

    def steer() -> None:
        end = time.monotonic() + READY_S
        while not (strategy.is_running and strategy.open_count() == len(symbols)) and time.monotonic() < end:
            time.sleep(POLL_S)
        _say({"ready": strategy.is_running, "open": strategy.open_count()})
        for line in sys.stdin:
            if line.strip() != PRESS:
                break
            begun_ns = asyncio.run_coroutine_threadsafe(_pressed(strategy), loop).result()
            _say({"begun_ns": begun_ns})
        loop.call_soon_threadsafe(node.stop)

    threading.Thread(target=steer, daemon=True).start()
    node.run()
    node.dispose()
    return 0


def _say(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def _pressed(strategy: Closer) -> int:
    return strategy.close_everything()


if __name__ == "__main__":
    sys.exit(main())
