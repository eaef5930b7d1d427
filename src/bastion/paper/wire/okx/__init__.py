"""OKX.

The wire of OKX v5 (`/api/v5`): perpetual contracts of the trading account, with the positions and algo orders
of other kinds that a scenario lets an account hold.
"""

from bastion.paper.wire.okx.wire import PLUGIN

__all__ = ["PLUGIN"]
