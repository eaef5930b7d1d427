"""Bybit: the wire of Bybit v5 for perpetuals of a unified account.

Modelled: linear (USDT and USDC) and inverse perpetuals, one-way and hedge mode, market, limit and conditional
orders, batches, take profit and stop loss of a position, the disconnection protection (DCP); `routes` lists
every endpoint, `session` the websockets. Spot and options have no instruments: their lists are truly empty.
Not modelled, and refused by name: take profit and stop loss attached to an order, trailing stops, portfolio
margin, fractional leverage, candles, transfers.
"""

from bastion.paper.wire.bybit.wire import PLUGIN

__all__ = ["PLUGIN"]
