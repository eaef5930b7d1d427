"""Registry: every wire that the server can speak."""

from bastion.paper.wire import binance, bybit, hyperliquid, okx
from bastion.paper.wire.protocol import WirePlugin

PLUGINS: dict[str, WirePlugin] = {
    plugin.venue: plugin for plugin in (binance.PLUGIN, bybit.PLUGIN, hyperliquid.PLUGIN, okx.PLUGIN)
}
