"""Routes: which function answers which path, and what it asks of the caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bastion.paper.wire.bybit import (
    account,
    cancelling,
    dcp,
    fundings,
    history,
    market,
    placing,
    positions,
    trading_stop,
)
from bastion.paper.wire.bybit.calls import Call
from bastion.paper.wire.bybit.envelope import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An endpoint. A batch takes one unit of its bucket for each order in `request`."""

    answers: Callable[[Call], Outcome]
    is_private: bool = True
    needs_trade: bool = False
    is_batch: bool = False


ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "/v5/market/time"): Route(answers=market.server_time, is_private=False),
    ("GET", "/v5/market/instruments-info"): Route(answers=market.instruments_info, is_private=False),
    ("GET", "/v5/market/tickers"): Route(answers=market.tickers, is_private=False),
    ("GET", "/v5/market/orderbook"): Route(answers=market.orderbook, is_private=False),
    ("POST", "/v5/order/create"): Route(answers=placing.create, needs_trade=True),
    ("POST", "/v5/order/create-batch"): Route(answers=placing.create_batch, needs_trade=True, is_batch=True),
    ("POST", "/v5/order/amend"): Route(answers=cancelling.amend, needs_trade=True),
    ("POST", "/v5/order/cancel"): Route(answers=cancelling.cancel, needs_trade=True),
    ("POST", "/v5/order/cancel-batch"): Route(
        answers=cancelling.cancel_batch, needs_trade=True, is_batch=True
    ),
    ("POST", "/v5/order/cancel-all"): Route(answers=cancelling.cancel_all, needs_trade=True),
    ("POST", "/v5/order/disconnected-cancel-all"): Route(
        answers=dcp.disconnected_cancel_all, needs_trade=True
    ),
    ("GET", "/v5/account/query-dcp-info"): Route(answers=dcp.query_dcp_info),
    ("GET", "/v5/order/realtime"): Route(answers=history.realtime),
    ("GET", "/v5/order/history"): Route(answers=history.order_history),
    ("GET", "/v5/execution/list"): Route(answers=history.executions),
    ("GET", "/v5/position/list"): Route(answers=positions.position_list),
    ("GET", "/v5/position/closed-pnl"): Route(answers=history.closed_pnl),
    ("POST", "/v5/position/set-leverage"): Route(answers=positions.set_leverage, needs_trade=True),
    ("POST", "/v5/position/switch-mode"): Route(answers=positions.switch_mode, needs_trade=True),
    ("POST", "/v5/position/trading-stop"): Route(answers=trading_stop.trading_stop, needs_trade=True),
    ("GET", "/v5/account/wallet-balance"): Route(answers=account.wallet_balance),
    ("GET", "/v5/account/fee-rate"): Route(answers=account.fee_rate),
    ("GET", "/v5/account/transaction-log"): Route(answers=fundings.transaction_log),
    ("GET", "/v5/account/info"): Route(answers=account.account_info),
    ("POST", "/v5/account/set-margin-mode"): Route(answers=account.set_margin_mode, needs_trade=True),
    ("GET", "/v5/asset/coin/query-info"): Route(answers=account.coin_info),
    ("GET", "/v5/user/query-api"): Route(answers=account.query_api),
}
