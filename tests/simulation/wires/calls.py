"""Calls: what a request at a venue's wire is for, told from its method and path alone."""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What a request is for."""

    CLOCK = "clock"
    CONTRACTS = "contracts"
    POSITIONS = "positions"
    ORDERS = "orders"
    CONDITIONAL = "conditional"
    WITNESS = "witness"
    IDENTITY = "identity"
    FILLS = "fills"
    LOOKUP = "lookup"
    PLACE = "place"
    CANCEL = "cancel"
    SWEEP = "sweep"
    OTHER = "other"


READS = frozenset(
    {
        Kind.CLOCK,
        Kind.CONTRACTS,
        Kind.POSITIONS,
        Kind.ORDERS,
        Kind.CONDITIONAL,
        Kind.WITNESS,
        Kind.IDENTITY,
        Kind.FILLS,
        Kind.LOOKUP,
        Kind.OTHER,
    }
)
PURE_READS = READS - {Kind.OTHER}
"""Requests that change nothing at a venue."""
LISTS = frozenset({Kind.POSITIONS, Kind.ORDERS, Kind.CONDITIONAL, Kind.FILLS, Kind.LOOKUP})

_KINDS: Mapping[tuple[str, str], Kind] = {
    ("GET", "/fapi/v1/time"): Kind.CLOCK,
    ("GET", "/fapi/v1/exchangeInfo"): Kind.CONTRACTS,
    ("GET", "/fapi/v3/positionRisk"): Kind.POSITIONS,
    ("GET", "/fapi/v1/openOrders"): Kind.ORDERS,
    ("GET", "/fapi/v1/openAlgoOrders"): Kind.CONDITIONAL,
    ("GET", "/fapi/v3/account"): Kind.WITNESS,
    ("GET", "/fapi/v2/account"): Kind.WITNESS,
    ("GET", "/fapi/v1/userTrades"): Kind.FILLS,
    ("GET", "/fapi/v1/order"): Kind.LOOKUP,
    ("GET", "/fapi/v1/algoOrder"): Kind.LOOKUP,
    ("POST", "/fapi/v1/order"): Kind.PLACE,
    ("DELETE", "/fapi/v1/order"): Kind.CANCEL,
    ("DELETE", "/fapi/v1/algoOrder"): Kind.CANCEL,
    ("DELETE", "/fapi/v1/batchOrders"): Kind.CANCEL,
    ("GET", "/sapi/v1/algo/futures/openOrders"): Kind.CONDITIONAL,
    ("DELETE", "/sapi/v1/algo/futures/order"): Kind.CANCEL,
    ("DELETE", "/fapi/v1/allOpenOrders"): Kind.SWEEP,
    ("DELETE", "/fapi/v1/algoOpenOrders"): Kind.SWEEP,
    ("GET", "/v5/market/time"): Kind.CLOCK,
    ("GET", "/v5/market/instruments-info"): Kind.CONTRACTS,
    ("GET", "/v5/position/list"): Kind.POSITIONS,
    ("GET", "/v5/order/realtime"): Kind.ORDERS,
    ("GET", "/v5/order/history"): Kind.LOOKUP,
    ("GET", "/v5/account/wallet-balance"): Kind.WITNESS,
    ("GET", "/v5/execution/list"): Kind.FILLS,
    ("GET", "/v5/position/closed-pnl"): Kind.FILLS,
    ("POST", "/v5/order/create"): Kind.PLACE,
    ("POST", "/v5/order/create-batch"): Kind.PLACE,
    ("POST", "/v5/order/cancel"): Kind.CANCEL,
    ("POST", "/v5/order/cancel-all"): Kind.SWEEP,
    ("GET", "/api/v5/public/time"): Kind.CLOCK,
    ("GET", "/api/v5/public/instruments"): Kind.CONTRACTS,
    ("GET", "/api/v5/account/positions"): Kind.POSITIONS,
    ("GET", "/api/v5/trade/orders-pending"): Kind.ORDERS,
    ("GET", "/api/v5/trade/orders-algo-pending"): Kind.CONDITIONAL,
    ("GET", "/api/v5/account/account-position-risk"): Kind.WITNESS,
    ("GET", "/api/v5/account/balance"): Kind.WITNESS,
    ("GET", "/api/v5/trade/fills"): Kind.FILLS,
    ("GET", "/api/v5/trade/fills-history"): Kind.FILLS,
    ("GET", "/api/v5/trade/order"): Kind.LOOKUP,
    ("POST", "/api/v5/trade/order"): Kind.PLACE,
    ("POST", "/api/v5/trade/batch-orders"): Kind.PLACE,
    ("POST", "/api/v5/trade/close-position"): Kind.PLACE,
    ("POST", "/api/v5/trade/cancel-order"): Kind.CANCEL,
    ("POST", "/api/v5/trade/cancel-batch-orders"): Kind.CANCEL,
    ("POST", "/api/v5/trade/cancel-algos"): Kind.CANCEL,
    ("POST", "/info/exchangeStatus"): Kind.CLOCK,
    ("POST", "/info/perpDexs"): Kind.CONTRACTS,
    ("POST", "/info/metaAndAssetCtxs"): Kind.CONTRACTS,
    ("POST", "/info/spotMeta"): Kind.CONTRACTS,
    ("POST", "/info/clearinghouseState"): Kind.POSITIONS,
    ("POST", "/info/frontendOpenOrders"): Kind.ORDERS,
    ("POST", "/info/twapHistory"): Kind.CONDITIONAL,
    ("POST", "/info/userRole"): Kind.IDENTITY,
    ("POST", "/info/extraAgents"): Kind.IDENTITY,
    ("POST", "/info/userFills"): Kind.FILLS,
    ("POST", "/info/userFillsByTime"): Kind.FILLS,
    ("POST", "/info/orderStatus"): Kind.LOOKUP,
    ("POST", "/exchange/order"): Kind.PLACE,
    ("POST", "/exchange/cancel"): Kind.CANCEL,
    ("POST", "/exchange/cancelByCloid"): Kind.CANCEL,
    ("POST", "/exchange/twapCancel"): Kind.CANCEL,
}
_PAPI: Mapping[tuple[str, str], Kind] = {
    ("GET", "positionRisk"): Kind.POSITIONS,
    ("GET", "openOrders"): Kind.ORDERS,
    ("GET", "algo/openAlgoOrders"): Kind.CONDITIONAL,
    ("GET", "conditional/openOrders"): Kind.CONDITIONAL,
    ("GET", "account"): Kind.WITNESS,
    ("GET", "userTrades"): Kind.FILLS,
    ("GET", "order"): Kind.LOOKUP,
    ("POST", "order"): Kind.PLACE,
    ("DELETE", "order"): Kind.CANCEL,
    ("DELETE", "algo/order"): Kind.CANCEL,
    ("DELETE", "conditional/order"): Kind.CANCEL,
    ("DELETE", "allOpenOrders"): Kind.SWEEP,
    ("DELETE", "algo/allOpenOrders"): Kind.SWEEP,
    ("DELETE", "conditional/allOpenOrders"): Kind.SWEEP,
}
_SIDES_OF_PAPI = ("/papi/v1/um/", "/papi/v1/cm/")


def kind_of(method: str, path: str, query: str) -> Kind:
    """Return what a request is for; Bybit asks for one order on the page of open orders."""
    if path.startswith(_SIDES_OF_PAPI):
        return _PAPI.get((method, path[len(_SIDES_OF_PAPI[0]) :]), Kind.OTHER)
    kind = _KINDS.get((method, path), Kind.OTHER)
    if kind is Kind.ORDERS and ("orderLinkId=" in query or "orderId=" in query):
        return Kind.LOOKUP
    if kind is Kind.ORDERS and "orderFilter=StopOrder" in query:
        return Kind.CONDITIONAL
    return kind
