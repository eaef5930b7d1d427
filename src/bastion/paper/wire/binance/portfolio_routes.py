"""Portfolio routes: every endpoint of `/papi` that the wire speaks, and which accounts may call which family.

What `papi` has in the form of `fapi` is that route, below `um/` or `cm/`. The documents are named in
`portfolio`; weights are those of each endpoint's page. The accounts are Portfolio Margin accounts where the
venue's setting `portfolio_margin` is 1: then the signed calls of `fapi` and `dapi` are refused, since a key
of such an account has no futures right, and otherwise those of `papi` (-21001). Which code each refusal truly
has is not in the documents at hand.
"""

from dataclasses import replace

from bastion.paper.wire.binance import portfolio, settings
from bastion.paper.wire.binance.call import Route, Security
from bastion.paper.wire.binance.errors import BinanceError, unknown_key
from bastion.paper.wire.binance.routes import ROUTES, by_symbol

NO_PORTFOLIO_ACCOUNT = -21001
USER, TRADE = Security.USER_DATA, Security.TRADE
_ONE = frozenset({"symbol"})

_BOTH = (
    *(("POST", "order"), ("GET", "order"), ("DELETE", "order")),
    *(("GET", "openOrders"), ("DELETE", "allOpenOrders"), ("GET", "userTrades")),
    *(("GET", "forceOrders"), ("GET", "commissionRate")),
)
_ALGO = (
    ("POST", "um/algo/order", "algoOrder"),
    ("GET", "um/algo/algoOrder", "algoOrder"),
    ("GET", "um/algo/openAlgoOrders", "openAlgoOrders"),
    ("GET", "um/algo/allAlgoOrders", "allAlgoOrders"),
    ("DELETE", "um/algo/allOpenOrders", "algoOpenOrders"),
)
_SHARED = {
    (verb, f"/papi/v1/{side}/{name}"): ROUTES[verb, f"/fapi/v1/{name}"]
    for side in ("um", "cm")
    for verb, name in _BOTH
}
PORTFOLIO: dict[tuple[str, str], Route] = {
    **_SHARED,
    **{(verb, f"/papi/v1/{path}"): ROUTES[verb, f"/fapi/v1/{name}"] for verb, path, name in _ALGO},
    ("GET", "/papi/v1/cm/userTrades"): replace(_SHARED["GET", "/papi/v1/cm/userTrades"], weight=20),
    ("DELETE", "/papi/v1/um/algo/order"): Route(
        handler=portfolio.cancel_algo, security=TRADE, reads=frozenset({"algoId", "clientAlgoId"})
    ),
    ("GET", "/papi/v1/cm/conditional/openOrders"): Route(
        handler=portfolio.cm_open_strategies, security=USER, weight=by_symbol(1, 40), reads=_ONE
    ),
    ("DELETE", "/papi/v1/cm/conditional/order"): Route(
        handler=portfolio.cm_cancel_strategy,
        security=TRADE,
        reads=frozenset({"symbol", "strategyId", "newClientStrategyId"}),
    ),
    ("DELETE", "/papi/v1/cm/conditional/allOpenOrders"): Route(
        handler=portfolio.cm_cancel_strategies, security=TRADE, reads=_ONE
    ),
    ("GET", "/papi/v1/um/positionRisk"): Route(
        handler=portfolio.um_position_risk, security=USER, weight=5, reads=_ONE
    ),
    ("GET", "/papi/v1/cm/positionRisk"): Route(handler=portfolio.cm_position_risk, security=USER),
    ("GET", "/papi/v1/um/account"): Route(handler=portfolio.side_account, security=USER, weight=5),
    ("GET", "/papi/v1/cm/account"): Route(handler=portfolio.side_account, security=USER, weight=5),
    ("GET", "/papi/v1/um/accountConfig"): Route(handler=settings.account_config, security=USER, weight=5),
    ("GET", "/papi/v1/balance"): Route(handler=portfolio.balance, security=USER, weight=20),
    ("GET", "/papi/v1/account"): Route(handler=portfolio.account, security=USER, weight=20),
    ("GET", "/papi/v1/margin/openOrders"): Route(
        handler=portfolio.margin_open_orders, security=USER, weight=5, reads=_ONE
    ),
}


def check_family(path: str, route: Route, *, portfolio_account: bool) -> None:
    """Refuse a signed call that is not of the account's family; raises `BinanceError`."""
    if route.security is Security.NONE:
        return
    if path.startswith("/papi/") and not portfolio_account:
        raise BinanceError(NO_PORTFOLIO_ACCOUNT, "User is not a Portfolio Margin user.")
    if portfolio_account and path.startswith(("/fapi/", "/dapi/")):
        raise unknown_key()
