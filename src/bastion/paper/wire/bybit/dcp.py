"""DCP: order/disconnected-cancel-all and account/query-dcp-info, the venue's dead-man's switch.

Source: Bybit v5 "Set Disconnect Cancel All" (a window of 3 to 300 s, 10 by default), "Get DCP Info", "Dcp" of
the private topics. Only accounts for which Bybit has switched it on have it: here those that the setting
`dcp` names. The time begins when the last private connection that subscribed the product's topic is gone, and
ends when one is back. Of its products, this exchange has orders of DERIVATIVES only.
"""

from collections.abc import Collection

from bastion.paper.exchange.venue import Exchange
from bastion.paper.order import OrderFilter
from bastion.paper.wire.bybit.calls import Call
from bastion.paper.wire.bybit.envelope import Outcome, wrong

DERIVATIVES = "DERIVATIVES"
PRODUCTS = ("OPTIONS", DERIVATIVES, "SPOT")
TOPICS = {"dcp.future": DERIVATIVES, "dcp.spot": "SPOT", "dcp.option": "OPTIONS"}
DEFAULT_S, LEAST_S, MOST_S = 10, 3, 300


class Disconnects:
    """The windows of each account, and how many connections keep its orders alive."""

    def __init__(self, exchange: Exchange, accounts: Collection[str]) -> None:
        self._exchange = exchange
        self._windows = {account: dict.fromkeys(PRODUCTS, DEFAULT_S) for account in accounts}
        self._held: dict[tuple[str, str], int] = {}

    def windows(self, account: str) -> dict[str, int]:
        """Return the seconds of each product; empty for an account without the protection."""
        return self._windows.get(account, {})

    def joined(self, account: str, product: str) -> None:
        """A private connection subscribed the product's topic: it keeps the orders alive."""
        self._held[account, product] = self._held.get((account, product), 0) + 1
        if product == DERIVATIVES:
            self._exchange.timers.set(account, OrderFilter(), None)

    def left(self, account: str, product: str) -> None:
        """Such a connection is gone; with the last one the time begins."""
        self._held[account, product] -= 1
        window_s = self.windows(account).get(product)
        if product == DERIVATIVES and window_s is not None and not self._held[account, product]:
            self._exchange.timers.set(account, OrderFilter(), window_s * 1000)


def disconnected_cancel_all(call: Call) -> Outcome:
    """POST /v5/order/disconnected-cancel-all: set the window of a product."""
    product = call.parameters.choice("product", PRODUCTS, PRODUCTS[0])
    seconds = call.parameters.integer("timeWindow")
    if seconds is None or not LEAST_S <= seconds <= MOST_S:
        raise wrong(f"params error: timeWindow must be between {LEAST_S} and {MOST_S}")
    windows = call.disconnects.windows(call.account)
    if not windows:
        # The venue's text is not documented.
        raise wrong("DCP is not enabled for this account; its client manager can switch it on")
    windows[product] = seconds
    return Outcome(message="success", executed=(f"DCP of {product} is {seconds} s",))


def query_dcp_info(call: Call) -> Outcome:
    """GET /v5/account/query-dcp-info: the window of each product; empty without the protection."""
    infos = [
        {"product": product, "dcpStatus": "ON", "timeWindow": str(seconds)}
        for product, seconds in call.disconnects.windows(call.account).items()
    ]
    return Outcome(result={"dcpInfos": infos}, message="success")
