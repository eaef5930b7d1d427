"""Wire: OKX v5 over one exchange core."""

from collections.abc import Mapping

from bastion.paper.account import ApiKey
from bastion.paper.exchange.venue import Exchange
from bastion.paper.refusal import Refused
from bastion.paper.rules import Oversize, VenueRules
from bastion.paper.wire.okx.algos import settle_pairs
from bastion.paper.wire.okx.beside import Beside
from bastion.paper.wire.okx.calls import Call
from bastion.paper.wire.okx.cancelling import run_out_timers
from bastion.paper.wire.okx.door import KEY_HEADER, authenticate, check_deadline, must_trade
from bastion.paper.wire.okx.envelope import (
    ACCOUNT_RATE_LIMIT,
    BUSY,
    SYSTEM_ERROR,
    TIMED_OUT,
    OkxError,
    answer,
    error_answer,
    too_many,
)
from bastion.paper.wire.okx.limits import RateLimits
from bastion.paper.wire.okx.parameters import Parameters, read
from bastion.paper.wire.okx.refusals import translated
from bastion.paper.wire.okx.routes import ROUTES, Route
from bastion.paper.wire.okx.session import OkxSession, is_socket
from bastion.paper.wire.okx.settings import Settings, read_settings
from bastion.paper.wire.protocol import WireAnswer, WirePlugin, WireRequest
from bastion.paper.wire.streams import StreamSession, Wake

VENUE = "okx"

RULES = VenueRules(
    market_oversize=Oversize.SHRINK,
    limit_oversize=Oversize.SHRINK,
    hedge_oversize=Oversize.REFUSE,
    waiting_reduce_only_holds=True,
    hedge_is_implicit=False,
    match_delay_ms=2,
    trigger_makes_new_order=True,
    post_only_is_refused=False,
    flat_cancels_reduce_only=True,
    client_id_unique_for_ever=True,
    counter_price_is_checked=False,
    hedge_exempt_from_notional_min=True,
)

__all__ = ["PLUGIN", "OkxWire", "build"]


class OkxWire:
    """Speaks OKX v5."""

    def __init__(self, exchange: Exchange, settings: Settings) -> None:
        self._exchange = exchange
        self._demo = settings.demo
        self._limits = RateLimits(settings.limits)
        self._beside = Beside(positions=settings.positions, algos=settings.algos)

    @property
    def venue(self) -> str:
        """The venue's name."""
        return VENUE

    def handle(self, request: WireRequest) -> WireAnswer:
        """Answer `request` by the venue's rules. Never raises for what a client sent."""
        now_ms = self._exchange.clock.now_ms()
        run_out_timers(self._exchange, self._beside, now_ms)
        settle_pairs(self._exchange, self._beside, self._exchange.account_names())
        route = ROUTES.get((request.method, request.path))
        account = ""
        try:
            if route is None:
                raise _no_route(request)
            key = None
            if route.is_private:
                account, key = authenticate(self._exchange, request, demo=self._demo)
            call = self._call(request, account, key, now_ms)
            self._spend(request, route, call)
            if key is not None and route.needs_trade:
                must_trade(key)
            if route.expires:
                check_deadline(request)
            return answer(route.answers(call), now_ms=now_ms, account=account)
        except OkxError as error:
            return error_answer(error, account=account)
        except Refused as refused:
            return error_answer(translated(refused), account=account)

    def identify(self, request: WireRequest) -> str:
        """Return the name of the account whose key the request carries, without checking it."""
        found = self._exchange.find_key(request.headers.get(KEY_HEADER, ""))
        return found[0] if found is not None else ""

    def is_protected(self, request: WireRequest) -> bool:  # noqa: ARG002 - the port's signature
        """Return False: OKX documents no exemption from its overload protection."""
        return False

    def failure(self, name: str, request: WireRequest) -> WireAnswer | None:
        """Return the venue's own answer for the failure `name`, or None where it has none of that name."""
        account = self.identify(request)
        errors = {
            "unavailable": OkxError("50001", "Service temporarily unavailable. Try again later.", status=503),
            "unknown_status": OkxError(
                TIMED_OUT,
                "API endpoint request timeout (does not mean that the request was successful or failed, "
                "please check the request result).",
                status=400,
            ),
            "overloaded": OkxError(BUSY, "Systems are busy. Please try again later.", status=429),
            "rate_limited": too_many(),
            "banned": OkxError(
                "50110", "Your IP is not included in your API key's IP whitelist.", status=401
            ),
            "internal_error": OkxError(SYSTEM_ERROR, "System error. Try again later.", status=500),
        }
        found = errors.get(name)
        return error_answer(found, account=account) if found is not None else None

    def connect(self, request: WireRequest, wake: Wake) -> StreamSession | WireAnswer:
        """Open a socket under `/ws/v5/public`, `/ws/v5/private` or `/ws/v5/business`."""
        if not is_socket(request.path):
            return error_answer(_no_route(request))
        return OkxSession(
            exchange=self._exchange, beside=self._beside, demo=self._demo, request=request, wake=wake
        )

    def _call(self, request: WireRequest, account: str, key: ApiKey | None, now_ms: int) -> Call:
        items = read(request)
        return Call(
            exchange=self._exchange,
            beside=self._beside,
            path=request.path,
            parameters=items[0] if items else Parameters({}),
            items=items,
            now_ms=now_ms,
            conditions=request.conditions,
            account=account,
            key=key,
        )

    def _spend(self, request: WireRequest, route: Route, call: Call) -> None:
        names = [item.text("instId") for item in call.items]
        allowed = self._limits.take(
            request.method,
            request.path,
            account=call.account,
            address=request.address,
            instruments=names,
            now_ms=call.now_ms,
        )
        if not allowed:
            raise too_many()
        if route.counts_orders and not self._limits.take_orders(call.account, len(call.items), call.now_ms):
            text = "Order rate limit reached. Maximum of 1000 orders per 2 seconds per account."
            raise OkxError(ACCOUNT_RATE_LIMIT, text)


def build(exchange: Exchange, settings: Mapping[str, object]) -> OkxWire:
    """Return a wire on `exchange`; `settings` says which settings there are.

    Raises:
        ValueError: a setting is unknown or of the wrong kind.
    """
    return OkxWire(exchange, read_settings(settings))


def _no_route(request: WireRequest) -> OkxError:
    known = {path for _, path in ROUTES}
    if request.path in known:
        return OkxError("50115", "Invalid request method.", status=405)
    text = f"Not Found. The paper exchange does not model {request.method} {request.path}."
    return OkxError("404", text, status=404)


PLUGIN = WirePlugin(venue=VENUE, rules=RULES, build=build)
