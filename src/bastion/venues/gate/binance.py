"""Binance futures: USD-M, COIN-M and Portfolio Margin (Binance derivatives documentation, New Order).

One-way mode: only `reduceOnly=true`, or `closePosition=true` of a conditional market order, cannot open.
Hedge mode: the flag is refused there; selling on the side LONG or buying on the side SHORT can only reduce.
Of the spot host nothing may be asked but reads, and the end of a futures algo.
"""

from collections.abc import Callable, Mapping

from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed, objects, read_json

_SPOT = "/sapi/"
_FAMILIES = ("/fapi/", "/dapi/", "/papi/", _SPOT)
_ALGO = "algo/futures/order"
_CLOSING = {("LONG", "SELL"), ("SHORT", "BUY")}
_WHOLE_TYPES = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
_ONE = frozenset(
    {
        *("order", "algoOrder", "um/order", "cm/order", "um/algo/order"),
        *("um/conditional/order", "cm/conditional/order"),
    }
)
_CANCELS = frozenset(
    {
        *_ONE,
        "allOpenOrders",
        "batchOrders",
        _ALGO,
        "algoOpenOrders",
        "um/allOpenOrders",
        "cm/allOpenOrders",
        "um/algo/allOpenOrders",
        "um/conditional/allOpenOrders",
        "cm/conditional/allOpenOrders",
    }
)
_ID_LISTS = frozenset({"orderidlist", "orderIdList", "origclientorderidlist", "origClientOrderIdList"})
_BATCH_FIELDS = frozenset({"symbol", "timestamp", "recvWindow", "signature"})
_IDS_MAX = 10
_ALGO_FIELDS = frozenset({"timestamp", "recvWindow", "signature", "algoId"})
_LISTEN = "listenKey"
_COUNTDOWN = frozenset({"countdownCancelAll"})


def check(request: Outgoing) -> Passed:
    """Return what the request does.

    Raises:
        GateRefused: it is no read, no cancel and no order that can only reduce.
    """
    if request.method == "GET":
        return Passed.READ
    name = _resource(request)
    if request.method == "DELETE" and name in _CANCELS:
        if name in _READ_STRICTLY:
            _READ_STRICTLY[name](request.form())
        return Passed.CANCEL
    if name == _LISTEN and request.method in {"POST", "PUT", "DELETE"}:
        return Passed.READ
    if request.method == "POST" and name in _COUNTDOWN:
        return Passed.CANCEL
    if request.method == "POST" and name in _ONE:
        _reduces(request.form())
        return Passed.REDUCE
    if request.method == "POST" and name == "batchOrders":
        for order in objects(read_json(request.form().get("batchOrders", "")), "batchOrders"):
            _reduces(order)
        return Passed.REDUCE
    raise GateRefused(f"{request.method} {request.path} neither reads, cancels nor reduces")


def _resource(request: Outgoing) -> str:
    # Behind a base URL with a prefix of its own, the family's part of the path still comes once.
    path = request.path
    family = [name for name in _FAMILIES if name in path]
    if len(family) != 1 or path.count(family[0]) != 1:
        raise GateRefused(f"{path} is no futures endpoint")
    version, _, name = path.partition(family[0])[2].partition("/")
    if version not in {"v1", "v2", "v3"}:
        raise GateRefused(f"{path} has no known version")
    if family[0] == _SPOT and (request.method, version, name) != ("DELETE", "v1", _ALGO):
        raise GateRefused(f"{request.method} {path} is no futures endpoint")
    return name


def _ends_algo(form: Mapping[str, str]) -> None:
    number = form.get("algoId", "")
    if form.keys() - _ALGO_FIELDS or not (number.isascii() and number.isdecimal()):
        raise GateRefused("the cancel of a Binance algo names one order by its number")


def _names_orders(form: Mapping[str, str]) -> None:
    lists = [name for name in form if name in _ID_LISTS]
    if len(lists) != 1 or not form.get("symbol") or form.keys() - _BATCH_FIELDS - _ID_LISTS:
        raise GateRefused("a Binance batch cancel names one symbol and one list of orders")
    ids = read_json(form[lists[0]])
    if not isinstance(ids, list) or not 1 <= len(ids) <= _IDS_MAX:
        raise GateRefused(f"a Binance batch cancel takes a list of one to {_IDS_MAX} orders")
    if not all(_is_id(one, number="client" not in lists[0].lower()) for one in ids):
        raise GateRefused("a Binance batch cancel names an order by what is no id")


def _is_id(value: object, *, number: bool) -> bool:
    if number:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return isinstance(value, str) and bool(value)


def _reduces(order: Mapping[str, object]) -> None:
    side, position_side = order.get("side"), order.get("positionSide", "BOTH")
    if position_side == "BOTH":
        whole = order.get("closePosition") in {"true", True} and order.get("type") in _WHOLE_TYPES
        if order.get("reduceOnly") not in {"true", True} and not whole:
            raise GateRefused("a Binance order without reduceOnly can open")
    elif (position_side, side) not in _CLOSING:
        raise GateRefused("a Binance order in the direction of its position side opens")


_READ_STRICTLY: Mapping[str, Callable[[Mapping[str, str]], None]] = {
    "batchOrders": _names_orders,
    _ALGO: _ends_algo,
}
