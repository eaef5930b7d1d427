"""Routes: which function answers which path, and what it asks of the caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bastion.paper.wire.okx import (
    account,
    algos,
    bills,
    cancelling,
    closing,
    fee_rates,
    history,
    market,
    placing,
    positions,
    risk,
)
from bastion.paper.wire.okx.calls import Call
from bastion.paper.wire.okx.envelope import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An endpoint. `counts_orders`: it spends the orders of the account; `expires`: it heeds expTime."""

    answers: Callable[[Call], Outcome]
    is_private: bool = True
    needs_trade: bool = False
    counts_orders: bool = False
    expires: bool = False


def _public(answers: Callable[[Call], Outcome]) -> Route:
    return Route(answers=answers, is_private=False)


def _trade(answers: Callable[[Call], Outcome]) -> Route:
    return Route(answers=answers, needs_trade=True)


def _order(answers: Callable[[Call], Outcome]) -> Route:
    return Route(answers=answers, needs_trade=True, counts_orders=True, expires=True)


_V5 = "/api/v5"

ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", f"{_V5}/public/time"): _public(market.system_time),
    ("GET", f"{_V5}/public/instruments"): _public(market.instruments),
    ("GET", f"{_V5}/public/price-limit"): _public(market.price_limit),
    ("GET", f"{_V5}/public/mark-price"): _public(market.mark_price),
    ("GET", f"{_V5}/public/funding-rate"): _public(market.funding_rate),
    ("GET", f"{_V5}/market/ticker"): _public(market.ticker),
    ("GET", f"{_V5}/market/tickers"): _public(market.tickers),
    ("GET", f"{_V5}/market/index-tickers"): _public(market.index_tickers),
    ("GET", f"{_V5}/market/books"): _public(market.books),
    ("GET", f"{_V5}/account/config"): Route(answers=account.config),
    ("GET", f"{_V5}/account/balance"): Route(answers=account.balance),
    ("GET", f"{_V5}/account/positions"): Route(answers=positions.positions),
    ("GET", f"{_V5}/account/account-position-risk"): Route(answers=risk.account_position_risk),
    ("GET", f"{_V5}/account/positions-history"): Route(answers=positions.positions_history),
    ("GET", f"{_V5}/account/bills"): Route(answers=bills.bills),
    ("GET", f"{_V5}/account/bills-archive"): Route(answers=bills.bills_archive),
    ("GET", f"{_V5}/account/trade-fee"): Route(answers=fee_rates.trade_fee),
    ("GET", f"{_V5}/account/leverage-info"): Route(answers=account.leverage_info),
    ("POST", f"{_V5}/account/set-leverage"): _trade(account.set_leverage),
    ("POST", f"{_V5}/account/set-position-mode"): _trade(account.set_position_mode),
    ("GET", f"{_V5}/asset/currencies"): Route(answers=account.currencies),
    ("POST", f"{_V5}/trade/order"): _order(placing.order),
    ("POST", f"{_V5}/trade/batch-orders"): _order(placing.batch_orders),
    ("POST", f"{_V5}/trade/amend-order"): _order(cancelling.amend_order),
    ("POST", f"{_V5}/trade/close-position"): _trade(closing.close_position),
    ("POST", f"{_V5}/trade/cancel-order"): _trade(cancelling.cancel_order),
    ("POST", f"{_V5}/trade/cancel-batch-orders"): _trade(cancelling.cancel_batch_orders),
    ("POST", f"{_V5}/trade/cancel-all-after"): _trade(cancelling.cancel_all_after),
    ("GET", f"{_V5}/trade/order"): Route(answers=history.order_details),
    ("GET", f"{_V5}/trade/orders-pending"): Route(answers=history.orders_pending),
    ("GET", f"{_V5}/trade/orders-history"): Route(answers=history.orders_history),
    ("GET", f"{_V5}/trade/fills"): Route(answers=history.fills),
    ("GET", f"{_V5}/trade/fills-history"): Route(answers=history.fills_history),
    ("POST", f"{_V5}/trade/order-algo"): _trade(algos.order_algo),
    ("POST", f"{_V5}/trade/cancel-algos"): _trade(algos.cancel_algos),
    ("GET", f"{_V5}/trade/orders-algo-pending"): Route(answers=algos.orders_algo_pending),
}
