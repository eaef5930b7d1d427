"""Wire: Bybit v5 over one exchange core."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from bastion.paper.account import ApiKey
from bastion.paper.exchange.venue import Exchange
from bastion.paper.refusal import Refused
from bastion.paper.rules import Oversize, VenueRules
from bastion.paper.wire.bybit.calls import Call
from bastion.paper.wire.bybit.dcp import Disconnects
from bastion.paper.wire.bybit.door import KEY_HEADER, authenticate, must_trade
from bastion.paper.wire.bybit.envelope import (
    HIGH_LOAD,
    PARAMETER_ERROR,
    ROUTE_NOT_FOUND,
    SERVER_ERROR,
    SERVER_TIMEOUT,
    TOO_MANY_TEXT,
    TOO_MANY_VISITS,
    BybitError,
    answer,
    error_answer,
    text_answer,
)
from bastion.paper.wire.bybit.limits import (
    ADDRESS_REQUESTS,
    LIMITS,
    WINDOW_MS,
    AddressLimit,
    Grant,
    RateLimits,
)
from bastion.paper.wire.bybit.parameters import Parameters
from bastion.paper.wire.bybit.refusals import translated
from bastion.paper.wire.bybit.routes import ROUTES, Route
from bastion.paper.wire.bybit.session import BybitSession, is_socket
from bastion.paper.wire.protocol import WireAnswer, WirePlugin, WireRequest
from bastion.paper.wire.streams import StreamSession, Wake

VENUE = "bybit"

RULES = VenueRules(
    market_oversize=Oversize.SHRINK,
    limit_oversize=Oversize.SHRINK,
    hedge_oversize=Oversize.SHRINK,
    hold_shrinks=True,
    hedge_is_implicit=False,
    match_delay_ms=3,
    trigger_makes_new_order=False,
    post_only_is_refused=False,
    flat_cancels_reduce_only=True,
    client_id_unique_for_ever=True,
    # No exemption is documented; only an order for the whole position (qty 0) escapes the least notional.
    reduce_only_exempt_from_notional_min=False,
    counter_price_is_checked=False,
    hedge_settles=frozenset({"USDT"}),
)

_ACCESS_TOO_FREQUENT = "403, access too frequent"


class BybitWire:
    """Speaks Bybit v5. `limits` are requests a second by path, `address_requests` an address's in 5 s.

    `dcp` names the accounts whose orders go when their connections do.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        limits: Mapping[str, int] = LIMITS,
        address_requests: int = ADDRESS_REQUESTS,
        dcp: Collection[str] = (),
    ) -> None:
        self._exchange = exchange
        self._disconnects = Disconnects(exchange, dcp)
        self._limits = RateLimits(limits)
        self._addresses = AddressLimit(requests=address_requests)

    @property
    def venue(self) -> str:
        """The venue's name."""
        return VENUE

    def handle(self, request: WireRequest) -> WireAnswer:
        """Answer `request` by the venue's rules. Never raises for what a client sent."""
        now_ms = self._exchange.clock.now_ms()
        if not self._addresses.allows(request.address, now_ms):
            return text_answer(403, _ACCESS_TOO_FREQUENT)
        route = ROUTES.get((request.method, request.path))
        if route is None:
            return error_answer(_no_route(request), now_ms=now_ms)
        headers: dict[str, str] = {}
        account = ""
        try:
            key = None
            if route.is_private:
                account, key = authenticate(self._exchange, request)
            call = self._call(request, route, account, key, now_ms)
            grant = self._limits.take(account, request.path, now_ms, call.units) if route.is_private else None
            headers = grant.headers() if grant is not None else {}
            if grant is not None:
                _must_be_granted(grant)
                call = replace(call, units=grant.granted)
            if key is not None and route.needs_trade:
                must_trade(key)
            return answer(route.answers(call), now_ms=now_ms, headers=headers, account=account)
        except BybitError as error:
            return error_answer(error, now_ms=now_ms, headers=headers, account=account)
        except Refused as refused:
            return error_answer(translated(refused), now_ms=now_ms, headers=headers, account=account)

    def identify(self, request: WireRequest) -> str:
        """Return the name of the account whose key the request carries, without checking it."""
        found = self._exchange.find_key(request.headers.get(KEY_HEADER, ""))
        return found[0] if found is not None else ""

    def is_protected(self, request: WireRequest) -> bool:  # noqa: ARG002 - the port's signature
        """Return False: Bybit documents no exemption from its overload protection."""
        return False

    def failure(self, name: str, request: WireRequest) -> WireAnswer | None:
        """Return the venue's own answer for the failure `name`, or None where it has none of that name."""
        now_ms = self._exchange.clock.now_ms()
        account = self.identify(request)
        if name == "unavailable":
            return text_answer(503, "Service Unavailable")
        if name == "banned":
            return text_answer(403, _ACCESS_TOO_FREQUENT)
        if name == "rate_limited":
            grant = Grant(
                limit=LIMITS.get(request.path, 10),
                granted=0,
                remaining=0,
                resets_ms=now_ms + WINDOW_MS,
            )
            error = BybitError(TOO_MANY_VISITS, TOO_MANY_TEXT)
            return error_answer(error, now_ms=now_ms, headers=grant.headers(), account=account)
        errors = {
            "unknown_status": BybitError(SERVER_TIMEOUT, "Server Timeout"),
            "overloaded": BybitError(
                HIGH_LOAD,
                "The trading service is experiencing a high server load. "
                "Please retry if you encounter this issue.",
                status=429,
            ),
            "internal_error": BybitError(SERVER_ERROR, "Server error."),
        }
        found = errors.get(name)
        return error_answer(found, now_ms=now_ms, account=account) if found is not None else None

    def connect(self, request: WireRequest, wake: Wake) -> StreamSession | WireAnswer:
        """Open a socket under `/v5/private` or `/v5/public/CATEGORY`."""
        if not is_socket(request.path):
            return text_answer(404, "404 page not found")
        return BybitSession(
            exchange=self._exchange, request=request, wake=wake, disconnects=self._disconnects
        )

    def _call(
        self, request: WireRequest, route: Route, account: str, key: ApiKey | None, now_ms: int
    ) -> Call:
        parameters = Parameters.of(request)
        return Call(
            exchange=self._exchange,
            path=request.path,
            parameters=parameters,
            now_ms=now_ms,
            conditions=request.conditions,
            account=account,
            key=key,
            units=parameters.count("request") if route.is_batch else 1,
            disconnects=self._disconnects,
        )


def build(exchange: Exchange, settings: Mapping[str, object]) -> BybitWire:
    """Return a wire on `exchange`.

    Settings: `limits`, a table of requests a second by path that replaces lines of the venue's own, and
    `address_requests`, how many requests an address may send in 5 s; `dcp`, a list of the accounts that have
    the disconnection protection.

    Raises:
        ValueError: a setting is unknown or of the wrong kind.
    """
    unknown = set(settings) - {"limits", "address_requests", "dcp"}
    if unknown:
        raise ValueError(
            f"Bybit's wire knows no setting {min(unknown)}; it has limits, address_requests and dcp."
        )
    dcp = settings.get("dcp", [])
    if not isinstance(dcp, list) or not set(map(str, dcp)) <= set(exchange.account_names()):
        raise ValueError("The setting dcp of Bybit's wire must be a list of its accounts.")
    limits = settings.get("limits", {})
    if not isinstance(limits, Mapping):
        raise ValueError("The setting limits of Bybit's wire must be a table of paths and numbers.")  # noqa: TRY004 - a scenario's value is wrong
    numbers = {str(path): _positive(path, value) for path, value in limits.items()}
    requests = _positive("address_requests", settings.get("address_requests", ADDRESS_REQUESTS))
    return BybitWire(
        exchange, limits={**LIMITS, **numbers}, address_requests=requests, dcp=[str(name) for name in dcp]
    )


def _positive(name: object, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(
            f"The setting {name} of Bybit's wire must be a whole number of at least 1, not {value!r}."
        )
    return value


def _must_be_granted(grant: Grant) -> None:
    if grant.is_refused:
        raise BybitError(TOO_MANY_VISITS, TOO_MANY_TEXT)


def _no_route(request: WireRequest) -> BybitError:
    known = {path for _, path in ROUTES}
    if request.path in known:
        return BybitError(
            PARAMETER_ERROR, f"Request method {request.method} is not supported here.", status=400
        )
    text = f"Route not found. The paper exchange does not model {request.method} {request.path}."
    return BybitError(ROUTE_NOT_FOUND, text, status=404)


PLUGIN = WirePlugin(venue=VENUE, rules=RULES, build=build)
