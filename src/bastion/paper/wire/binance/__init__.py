"""Binance.

The wire of Binance USD-M (`/fapi`) and COIN-M futures (`/dapi`), and of the one wallet call that tells a
key's rights.
"""

from bastion.paper.wire.binance.plugin import PLUGIN

__all__ = ["PLUGIN"]
