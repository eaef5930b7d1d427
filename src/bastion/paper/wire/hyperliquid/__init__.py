"""Hyperliquid: the wire of the info and exchange endpoints for perpetuals.

Modelled: the perpetuals of the validators and of builder-deployed (HIP-3) dexes, orders with every time in
force, triggers (take profit and stop loss, alone, attached or for the position), batches, changes, cancels by
id and by client id, the scheduled cancel, TWAPs, leverage, sub-accounts, agents, signatures, nonces, the
limits of addresses; `info` and `actions` list every type. An instrument's symbol is its coin (`BTC`,
`xyz:XYZ100`). Spot tokens are balances without a market. Collateral of one settle coin is shared by all
dexes, as in a unified account. Not modelled, and refused by name: transfers, withdrawals, isolated margin,
vaults as such, candles, WebSockets.
"""

from bastion.paper.wire.hyperliquid.wire import PLUGIN

__all__ = ["PLUGIN"]
