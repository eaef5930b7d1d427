"""Bybit: the wire of Bybit v5 for perpetuals of a unified account."""

from bastion.paper.wire.bybit.wire import PLUGIN

__all__ = ["PLUGIN"]
