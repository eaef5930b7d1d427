"""Plugin: the Binance wire itself: route, limit, authenticate, handle, answer."""

import json
import re
from collections.abc import Mapping

from bastion.paper.exchange.venue import Exchange
from bastion.paper.rules import Oversize, VenueRules
from bastion.paper.wire.binance.algo_book import AlgoBook
from bastion.paper.wire.binance.algos import run
from bastion.paper.wire.binance.call import Call, Route, Security
from bastion.paper.wire.binance.errors import (
    NOT_FOUND,
    REQUEST_TIMEOUT,
    TEAPOT_BANNED,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    BinanceError,
    not_modelled,
)
from bastion.paper.wire.binance.gate import (
    KEY_HEADER,
    check_signature,
    check_time,
    find_account,
    read_parameters,
)
from bastion.paper.wire.binance.limits import Limits, LimitSettings
from bastion.paper.wire.binance.listen_keys import ListenKeys
from bastion.paper.wire.binance.parameters import Parameters
from bastion.paper.wire.binance.portfolio_routes import PORTFOLIO, check_family
from bastion.paper.wire.binance.routes import NOT_MODELLED, ROUTES, SIGNED
from bastion.paper.wire.binance.session import BinanceSession, is_socket
from bastion.paper.wire.protocol import WireAnswer, WirePlugin, WireRequest
from bastion.paper.wire.streams import StreamSession, Wake

_RULES = VenueRules(
    market_oversize=Oversize.SHRINK,
    limit_oversize=Oversize.REFUSE,
    hedge_oversize=Oversize.REFUSE,
    resting_reduce_only_holds=True,
    hedge_is_implicit=True,
    trigger_makes_new_order=True,
    post_only_is_refused=True,
    client_id_unique_for_ever=False,
    first_order_id=283_194_001,
)

# Binance's answers while it is in trouble (documentation, "General Info: HTTP Return Codes").
_FAILURES: dict[str, BinanceError] = {
    "unknown_status": BinanceError(
        -1000, "Unknown error, please check your request or try again later.", status=UNAVAILABLE
    ),
    "unavailable": BinanceError(-1001, "Service Unavailable.", status=UNAVAILABLE),
    "overloaded": BinanceError(
        -1008,
        "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. "
        "Please try again.",
        status=UNAVAILABLE,
    ),
    "timeout": BinanceError(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        status=REQUEST_TIMEOUT,
    ),
    "internal_error": BinanceError(
        -1001, "Internal error; unable to process your request. Please try again.", status=500
    ),
    "rate_limited": BinanceError(
        -1003,
        "Too many requests; current limit of IP is 2400 requests per minute. "
        "Please use the websocket for live updates to avoid polling the API.",
        status=TOO_MANY_REQUESTS,
        retry_after_s=1,
    ),
    "banned": BinanceError(
        -1003,
        "Way too many requests; IP banned. Please use the websocket for live updates to avoid bans.",
        status=TEAPOT_BANNED,
        retry_after_s=120,
    ),
}

_CHOSEN_ERROR = re.compile(r"code:(-?[0-9]{1,6}):([1-5][0-9]{2}):(.+)")


class BinanceWire:
    """Binance USD-M futures over one exchange. Guarantees an answer in Binance's shape for every request."""

    def __init__(self, exchange: Exchange, settings: Mapping[str, object]) -> None:
        self._exchange = exchange
        limits = LimitSettings.parse(settings)
        self._limits = Limits(limits)
        self._listen_keys = ListenKeys(limits.listen_key_s * 1_000)
        self._algos = AlgoBook()

    @property
    def venue(self) -> str:
        """The venue's name and path prefix."""
        return "binance"

    def handle(self, request: WireRequest) -> WireAnswer:
        """Answer `request` by Binance's rules."""
        account = ""
        run(self._algos, self._exchange, request.received_ms)
        try:
            route = _route(request)
            check_family(request.path, route, portfolio_account=bool(self._limits.settings.portfolio_margin))
            parameters = read_parameters(request)
            self._limits.charge(request.address, route.weigh(parameters), request.received_ms)
            account = self._authenticated(request, route, parameters)
            _check_names(parameters, route)
            if route.orders_10s or route.orders_1m:
                self._limits.charge_orders(account, route.orders_10s, route.orders_1m, request.received_ms)
            call = Call(
                exchange=self._exchange,
                limits=self._limits,
                listen_keys=self._listen_keys,
                algos=self._algos,
                account=account,
                parameters=parameters,
                request=request,
                now_ms=request.received_ms,
            )
            reply = route.handler(call)
        except BinanceError as error:
            return self._refused(request, error, account)
        headers = self._headers(request, account if route.orders_10s else "")
        return WireAnswer(
            status=200, body=_json(reply.data), headers=headers, account=account, executed=reply.executed
        )

    def identify(self, request: WireRequest) -> str:
        """Return the account whose key the request carries, unchecked."""
        found = self._exchange.find_key(request.headers.get(KEY_HEADER, ""))
        return found[0] if found else ""

    def is_protected(self, request: WireRequest) -> bool:
        """Whether -1008 spares this request: reads, cancels, and orders that can only reduce."""
        if request.method != "POST":
            return True
        try:
            parameters = read_parameters(request)
            closes = (parameters.raw.get("side"), parameters.raw.get("positionSide")) in {
                ("SELL", "LONG"),
                ("BUY", "SHORT"),
            }
            return closes or parameters.flag("reduceOnly") or parameters.flag("closePosition")
        except BinanceError:
            return False

    def failure(self, name: str, request: WireRequest) -> WireAnswer | None:
        """Return Binance's own answer for the failure `name`.

        `code:NUMBER:STATUS:TEXT` is any other error answer, in Binance's shape.
        """
        error = _FAILURES.get(name) or _error_of_choice(name)
        return self._refused(request, error, self.identify(request)) if error else None

    def connect(self, request: WireRequest, wake: Wake) -> StreamSession | WireAnswer:
        """Open a socket under `/ws` or `/stream`, with or without the prefix of a category."""
        if not is_socket(request.path):
            return WireAnswer(status=NOT_FOUND, body=b"")
        return BinanceSession(
            exchange=self._exchange, listen_keys=self._listen_keys, request=request, wake=wake
        )

    def _authenticated(self, request: WireRequest, route: Route, parameters: Parameters) -> str:
        if route.security is Security.NONE:
            return ""
        account, credential = find_account(self._exchange, request, route.security)
        if route.security is Security.USER_STREAM:
            return account
        if "timestamp" not in parameters:
            parameters.text("timestamp")
        check_signature(request, parameters, credential)
        check_time(parameters, request.received_ms)
        return account

    def _refused(self, request: WireRequest, error: BinanceError, account: str) -> WireAnswer:
        headers = self._headers(request, "")
        if error.retry_after_s:
            headers["Retry-After"] = str(error.retry_after_s)
        body = _json({"code": error.code, "msg": error.message})
        return WireAnswer(status=error.status, body=body, headers=headers, account=account)

    def _headers(self, request: WireRequest, account: str) -> dict[str, str]:
        used = self._limits.used_weight(request.address, request.received_ms)
        headers = {"Content-Type": "application/json", "X-MBX-USED-WEIGHT-1M": str(used)}
        if account:
            ten_seconds, minute = self._limits.order_counts(account, request.received_ms)
            headers["X-MBX-ORDER-COUNT-10S"] = str(ten_seconds)
            headers["X-MBX-ORDER-COUNT-1M"] = str(minute)
        return headers


def _route(request: WireRequest) -> Route:
    key = (request.method, request.path)
    if key in NOT_MODELLED:
        raise not_modelled(f"{request.method} {request.path}")
    route = ROUTES.get(key) or PORTFOLIO.get(key)
    if route is None:
        text = f"Path {request.path}, Method {request.method} is invalid"
        raise BinanceError(-5000, f"{text} (or not modelled by the paper exchange)", status=NOT_FOUND)
    return route


def _check_names(parameters: Parameters, route: Route) -> None:
    for name, what in route.unmodelled.items():
        if name in parameters:
            raise not_modelled(f"{what} ({name})")
    known = route.reads if route.security is Security.NONE else route.reads | SIGNED
    unread = [name for name in parameters.raw if name not in known]
    if unread:
        read = len(parameters.raw) - len(unread)
        raise BinanceError(
            -1104,
            f"Not all sent parameters were read; read '{read}' parameter(s) but was sent "
            f"'{len(parameters.raw)}'. The paper exchange does not know {', '.join(sorted(unread))}.",
        )


def _error_of_choice(name: str) -> BinanceError | None:
    found = _CHOSEN_ERROR.fullmatch(name)
    return BinanceError(int(found[1]), found[3], status=int(found[2])) if found else None


def _json(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()


def _build(exchange: Exchange, settings: Mapping[str, object]) -> BinanceWire:
    return BinanceWire(exchange, settings)


PLUGIN = WirePlugin(venue="binance", rules=_RULES, build=_build)

__all__ = ["PLUGIN", "BinanceWire"]
