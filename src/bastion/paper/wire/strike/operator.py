"""The operator's side: marks, funding, halts, money for the venue, the market void, metrics and tokens.

It belongs on a guarded control port, never beside the public routes. `operator_application(host)` can be
mounted below another control application; `guarded` adds a bearer token of its own.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Final

from aiohttp import web

from bastion.paper.strike.commands import (
    Endow,
    Fund,
    Purse,
    SetHalted,
    SetWithdrawals,
    Tick,
    VoidMarket,
)
from bastion.paper.strike.identity import wallet_address
from bastion.paper.strike.money import parse_micro
from bastion.paper.wire.strike.answers import (
    CONTENT_TYPE,
    Answer,
    ErrorStyle,
    Refusal,
    answer,
    refusal_answer,
)
from bastion.paper.wire.strike.call import submit
from bastion.paper.wire.strike.fields import (
    BODY_BYTES_MAX,
    Body,
    Field,
    amount_field,
    bad,
    boolean_field,
    choice_field,
    parse_object,
    read_body,
)
from bastion.paper.wire.strike.host import Host

Act = Callable[[Host, bytes], Awaitable[Answer]]
WALLETS_MAX: Final = 100


def operator_application(host: Host) -> web.Application:
    """The operator's routes over a hosted venue, unguarded; see `guarded`."""
    symbols = host.venue.settings.symbols
    served = web.Application(client_max_size=BODY_BYTES_MAX)
    acts: Mapping[str, Act] = {
        "/marks": _set_marks,
        "/funding": _with({"symbol": _symbol(symbols)}, _fund),
        "/halt": _with({"symbol": _symbol(symbols), "halted": boolean_field()}, _halt),
        "/withdrawals": _with({"suspended": boolean_field()}, _suspend),
        "/void": _with({"symbol": _symbol(symbols)}, _void),
        "/endow": _with({"purse": _purse(), "amount": amount_field("USD", excluded="^[0.]+$")}, _endow),
        "/tokens": _issue_tokens,
    }
    for path, act in acts.items():
        served.router.add_route("POST", path, _handler(host, act))
    served.router.add_route("GET", "/metrics", _handler(host, _metrics))
    return served


def guarded(served: web.Application, token: str) -> web.Application:
    """The application behind `Authorization: Bearer token`; everything else gets 401."""

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        sent = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(sent, f"Bearer {token}".encode()):
            return _response(answer({"error": 401, "message": "Control token missing or wrong"}, status=401))
        return await handler(request)

    served.middlewares.append(guard)
    return served


def _handler(host: Host, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            given = await act(host, await request.read())
        except Refusal as refusal:
            given = refusal_answer(refusal, ErrorStyle.MESSAGE)
        return _response(given)

    return handle


def _response(given: Answer) -> web.Response:
    return web.Response(body=given.body, status=given.status, content_type=CONTENT_TYPE)


def _with(fields: Mapping[str, Field], act: Callable[[Host, Body], Awaitable[Answer]]) -> Act:
    async def read_and_act(host: Host, raw: bytes) -> Answer:
        return await act(host, read_body(raw, fields))

    return read_and_act


def _symbol(symbols: Sequence[str]) -> Field:
    return choice_field(symbols, "The market.")


def _purse() -> Field:
    return choice_field([purse.value for purse in Purse], "Who gets the money.")


async def _set_marks(host: Host, raw: bytes) -> Answer:
    marks: dict[str, int] = {}
    for symbol, price in parse_object(raw).items():
        try:
            marks[symbol] = parse_micro(price if isinstance(price, str) else "")
        except ValueError:
            bad(f'Send the price of {symbol[:20]} as a decimal string such as "45123.50"')
    result = await submit(host.venue, Tick(marks=marks))
    return answer({"success": True, "liquidated": result.liquidated})


async def _fund(host: Host, body: Body) -> Answer:
    result = await submit(host.venue, Fund(symbol=body.text("symbol")))
    return answer({"success": True, "positions": result.positions, "liquidated": result.liquidated})


async def _halt(host: Host, body: Body) -> Answer:
    command = SetHalted(symbol=body.text("symbol"), halted=bool(body.integer("halted")))
    return answer({"success": True, "liquidated": (await submit(host.venue, command)).liquidated})


async def _suspend(host: Host, body: Body) -> Answer:
    await submit(host.venue, SetWithdrawals(suspended=bool(body.integer("suspended"))))
    return answer({"success": True})


async def _void(host: Host, body: Body) -> Answer:
    result = await submit(host.venue, VoidMarket(symbol=body.text("symbol")))
    return answer({"success": True, "refunded": [position_id for position_id, _ in result.refunded]})


async def _endow(host: Host, body: Body) -> Answer:
    await submit(host.venue, Endow(purse=Purse(body.text("purse")), amount=body.integer("amount")))
    return answer({"success": True})


async def _metrics(host: Host, _raw: bytes) -> Answer:
    shown = asdict(host.venue.metrics())
    ratios = {name: float(value) for name, value in shown.items() if isinstance(value, Fraction)}
    return answer({**shown, **ratios, "unit": "micro-USD"})


async def _issue_tokens(host: Host, raw: bytes) -> Answer:
    if host.issuer is None:
        bad("This venue takes tokens of its Privy application; it issues none")
    asked = parse_object(raw)
    user, named = asked.get("user"), asked.get("wallets")
    if not isinstance(user, str) or not user.startswith("did:privy:"):
        bad("Send the user as did:privy:NAME")
    if not isinstance(named, list) or not 0 < len(named) <= WALLETS_MAX:
        bad("Send the user's wallets as a list")
    wallets = [wallet_address(wallet) if isinstance(wallet, str) else None for wallet in named]
    known = [wallet for wallet in wallets if wallet is not None]
    if len(known) != len(wallets):
        bad("Invalid wallet address format")
    now_s = host.clock.now_ms() // 1000
    return answer(
        {
            "authorization": f"Bearer {host.issuer.access_token(user, now_s=now_s)}",
            "privy-id-token": host.issuer.identity_token(user, known, now_s=now_s),
        }
    )
