"""The server: checks each request in the contract's order (401, 429, 400, then the venue) and answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bastion.paper.clock import Clock
from bastion.paper.strike.identity import Credentials, Denial, Principal, Unauthenticated
from bastion.paper.strike.identity_assembly import Identity
from bastion.paper.strike.venue import MarginVenue
from bastion.paper.wire.strike.answers import (
    CONTENT_TYPE,
    Answer,
    ErrorStyle,
    RateLimited,
    Refusal,
    answer,
    rate_limit_answer,
    refusal_answer,
)
from bastion.paper.wire.strike.call import UNKNOWN_OUTCOME, Call, Counter
from bastion.paper.wire.strike.chain import ChainVerifier, EmbeddedChain
from bastion.paper.wire.strike.fields import BODY_BYTES_MAX, Body, bad, read_body
from bastion.paper.wire.strike.limits import Limits, LimitSettings
from bastion.paper.wire.strike.openapi import document_bytes
from bastion.paper.wire.strike.routes import Guard, Route, routes

BODY_DEADLINE_S: Final = 10
HEADER_BYTES_MAX: Final = 32 * 1024
"""The longest header that is read: more than an identity token may have, so that we judge its length."""

_KEY_DENIALS: Final = {
    Denial.NO_KEY: (401, "UNAUTHORIZED"),
    Denial.BAD_KEY_FORMAT: (401, "INVALID_API_KEY"),
    Denial.BAD_KEY: (401, "INVALID_API_KEY"),
    Denial.BAD_WALLET: (400, "INVALID_WALLET"),
}
_NO_BODY: Final = Body(values={})


class _WithoutHeaders(logging.Filter):
    """Keeps what a client sent out of the log: a malformed header may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.exc_info = None
        return True


_LOG: Final = logging.getLogger("bastion.paper.strike.http")
_LOG.addFilter(_WithoutHeaders())


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSettings:
    """The wire's own settings; `environment` is only shown by /health."""

    limits: LimitSettings = field(default_factory=LimitSettings)
    environment: str = "paper"


def application(
    *,
    venue: MarginVenue,
    identity: Identity,
    clock: Clock,
    settings: WireSettings | None = None,
    chain: ChainVerifier | None = None,
) -> web.Application:
    """The wire as an aiohttp application; it owns neither the venue nor the identity layer.

    Args:
        venue: The margin venue, running.
        identity: Who calls (`identity_assembly.open_identity`).
        clock: The time for limits, keys and tokens.
        settings: Limits and the name of the environment.
        chain: What confirms deposits and withdrawals; the embedded chain confirms all.
    """
    chosen = settings or WireSettings()
    release = version("bastion")
    counter = Counter(
        venue=venue,
        identity=identity,
        limits=Limits(chosen.limits, clock),
        chain=chain or EmbeddedChain(),
        clock=clock,
        started_ms=clock.now_ms(),
        environment=chosen.environment,
        version=release,
    )
    table = routes([market.symbol for market in venue.markets()])
    served = web.Application(
        middlewares=[_in_the_venues_words],
        client_max_size=BODY_BYTES_MAX,
        handler_args={"max_field_size": HEADER_BYTES_MAX, "logger": _LOG},
    )
    for route in table:
        served.router.add_route(route.method, route.path, _handler(counter, route))
    text = document_bytes(table, version=release)

    async def show_document(_request: web.Request) -> web.Response:
        return web.Response(body=text, content_type=CONTENT_TYPE)

    served.router.add_route("GET", "/openapi.json", show_document)
    return served


def _handler(counter: Counter, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            given = await _serve(counter, route, request)
        except RateLimited as limited:
            given = rate_limit_answer(limited)
        except Refusal as refusal:
            given = refusal_answer(refusal, route.style)
        return _response(given)

    return handle


async def _serve(counter: Counter, route: Route, request: web.Request) -> Answer:
    credentials = _credentials(request)
    principal = await _admit(counter, route, request, credentials)
    body = read_body(await _body(request), route.body) if route.body else _NO_BODY
    call = Call(
        credentials=credentials,
        principal=principal,
        body=body,
        path=dict(request.match_info),
        idempotency_keys=tuple(request.headers.getall("Idempotency-Key", ())),
    )
    return await route.serve(counter, call)


async def _admit(
    counter: Counter, route: Route, request: web.Request, credentials: Credentials
) -> Principal | None:
    limits = counter.limits
    address = request.remote or "unknown"
    if route.guard is Guard.PUBLIC:
        limits.public.take(address)
    if route.guard in (Guard.PUBLIC, Guard.OPEN):
        return None
    authenticator = counter.identity.authenticator
    try:
        if route.guard is Guard.KEY:
            principal = authenticator.by_key(credentials)
        else:
            principal = await authenticator.principal(credentials)
    except Unauthenticated as refused:
        # Only failures are counted, so nobody's failures keep a valid caller at the same address out.
        limits.failures.take(address)
        status, code = 401, "UNAUTHORIZED"
        if route.style is ErrorStyle.CODE:
            status, code = _KEY_DENIALS.get(refused.denial, (401, "UNAUTHORIZED"))
        raise Refusal(status, refused.denial.value, code=code) from refused
    if route.guard is Guard.TRADING:
        limits.trading.take(principal.wallet)
    elif route.guard is Guard.EXIT:
        limits.exits.take(principal.wallet)
    return principal


def _credentials(request: web.Request) -> Credentials:
    def sent(name: str) -> tuple[str, ...]:
        return tuple(request.headers.getall(name, ()))

    return Credentials(
        authorization=sent("Authorization"),
        identity_token=sent("privy-id-token"),
        api_key=sent("X-API-Key"),
        wallet=sent("X-Wallet-Address"),
    )


async def _body(request: web.Request) -> bytes:
    if "Content-Type" in request.headers and request.content_type != CONTENT_TYPE:
        bad(f"Content-Type must be {CONTENT_TYPE}")
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        bad(f"Request body must be at most {BODY_BYTES_MAX} bytes")
    except TimeoutError:
        bad(f"Request body did not arrive within {BODY_DEADLINE_S} seconds")
    except (HttpProcessingError, web.RequestPayloadError):
        bad("Request body is not encoded as its headers say")


@web.middleware
async def _in_the_venues_words(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refused:
        refusal = Refusal(405, f"Method not allowed; allowed: {', '.join(sorted(refused.allowed_methods))}")
        given = refusal_answer(refusal, ErrorStyle.MESSAGE)
        response = _response(given)
        response.headers["Allow"] = ", ".join(sorted(refused.allowed_methods))
        return response
    except web.HTTPNotFound:
        return _response(answer({"error": 404, "message": "No such endpoint"}, status=404))
    except Exception:  # noqa: BLE001 - the last door; see the next line
        # Whatever went wrong inside, the client gets the venue's shape and no detail of it.
        _LOG.exception("a request to %s failed", request.match_info.route.resource)
        return _response(answer({"error": 500, "message": UNKNOWN_OUTCOME}, status=500))


def _response(given: Answer) -> web.Response:
    return web.Response(
        body=given.body, status=given.status, content_type=CONTENT_TYPE, headers=dict(given.headers)
    )
