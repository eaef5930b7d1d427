"""Control: the guarded port on which tests and demos steer the paper exchange and read its true state."""

import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from aiohttp import web

from bastion.paper.document import Document, DocumentError
from bastion.paper.order import PositionSide
from bastion.paper.refusal import Refused
from bastion.paper.scenario import (
    find_scenario,
    parse_account,
    parse_forced,
    parse_order,
    parse_scenario,
    parse_shape,
    scenario_names,
)
from bastion.paper.server import views
from bastion.paper.server.faults import FaultKind, parse_fault
from bastion.paper.server.station import Station

Json = dict[str, object]
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BODY_MOST = 4 * 1024 * 1024


class Control:
    """The control API over one station. Every call needs `Authorization: Bearer TOKEN`."""

    def __init__(self, station: Station, token: str) -> None:
        self._station = station
        self._token = token

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(middlewares=[self._guard], client_max_size=_BODY_MOST)
        app.add_routes(
            [
                web.get("/scenario", self._get_scenario),
                web.post("/scenario", self._load_scenario),
                web.post("/price", self._set_price),
                web.post("/depth", self._set_depth),
                web.post("/funding", self._fund),
                web.post("/forced", self._force),
                web.get("/faults", self._get_faults),
                web.post("/faults", self._add_faults),
                web.delete("/faults", self._clear_faults),
                web.post("/accounts", self._add_account),
                web.post("/positions", self._add_position),
                web.post("/orders", self._place_order),
                web.get("/state", self._get_state),
                web.get("/requests", self._get_requests),
                web.delete("/requests", self._clear_requests),
                web.get("/ledger", self._get_ledger),
                web.post("/clock", self._advance_clock),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            return _answer({"error": "The control port needs Authorization: Bearer TOKEN."}, status=401)
        try:
            self._station.settle()
            return await handler(request)
        except DocumentError as error:
            return _answer({"error": str(error)}, status=400)
        except Refused as refused:
            return _answer({"error": refused.detail, "reason": refused.reason.value}, status=409)

    async def _get_scenario(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the framework's shape
        scenario = self._station.world.scenario
        return _answer(
            {
                "name": scenario.name,
                "description": scenario.description,
                "seed": scenario.seed,
                "tapes": list(scenario.tapes),
                "shipped": [*scenario_names(), "load-N", "four-N"],
            }
        )

    async def _load_scenario(self, request: web.Request) -> web.Response:
        data = await _json_body(request)
        if isinstance(data, dict) and set(data) == {"name"}:
            scenario = find_scenario(str(data["name"]))
        else:
            scenario = parse_scenario(data)
        self._station.load(scenario)
        return _answer({"loaded": scenario.name})

    async def _set_price(self, request: web.Request) -> web.Response:
        document = await _document(request)
        world = self._station.world
        if "tape" in document:
            name, speed = document.text("tape"), document.decimal("speed", Decimal(1))
            document.finish()
            if speed <= 0:
                raise DocumentError("The speed of a tape must be above zero.")
            return _answer({"tape": name, "lasts_ms": world.play_tape(name, speed)})
        venue, symbol = document.text("venue"), document.text("symbol")
        price, ramp_ms = document.decimal("price"), document.whole("ramp_ms", 0)
        document.finish()
        exchange = world.exchange(venue)
        exchange.instrument(symbol)
        if price <= 0 or ramp_ms < 0:
            raise DocumentError("A price must be above zero, and ramp_ms at least 0.")
        if ramp_ms:
            world.ramp(venue, symbol, price, ramp_ms)
        else:
            exchange.set_mark(symbol, price)
        return _answer({"symbol": symbol, "mark": views.jsonable(exchange.mark_price(symbol))})

    async def _set_depth(self, request: web.Request) -> web.Response:
        document = await _document(request)
        venue, symbol = document.text("venue"), document.text("symbol")
        shape = parse_shape(document)
        document.finish()
        self._station.world.exchange(venue).set_depth(symbol, shape)
        return _answer({"symbol": symbol})

    async def _fund(self, request: web.Request) -> web.Response:
        document = await _document(request)
        exchange = self._station.world.exchange(document.text("venue"))
        symbol, rate = document.text("symbol"), document.decimal("rate")
        now = document.flag("now", default=False)
        document.finish()
        if abs(rate) >= 1:
            raise DocumentError("rate is a fraction of the value, between -1 and 1.")
        if not now:
            exchange.funding.set_rate(symbol, rate)
            return _answer({"symbol": symbol, "rate": views.jsonable(rate), "payments": []})
        paid = exchange.funding.settle(symbol, rate)
        exchange.forced.check(symbol)
        return _answer({"symbol": symbol, "payments": [views.funding(row) for row in paid]})

    async def _force(self, request: web.Request) -> web.Response:
        forced = parse_forced(await _document(request))
        world = self._station.world
        world.force(forced)
        rows = world.exchange(forced.venue).positions(forced.account)
        return _answer({"positions": [views.position(view) for view in rows]})

    async def _get_faults(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the framework's shape
        return _answer({"faults": [views.fault(row) for row in self._station.faults.all()]})

    async def _add_faults(self, request: web.Request) -> web.Response:
        data = await _json_body(request)
        rows = data if isinstance(data, list) else [data]
        faults = [parse_fault(Document(row, f"fault[{number}]")) for number, row in enumerate(rows)]
        for fault in faults:
            if fault.kind is FaultKind.FAIL and not self._station.knows_failure(fault.failure, fault.venue):
                raise DocumentError(f"No wire that the rule names has a failure {fault.failure}.")
        return _answer({"added": self._station.faults.add(faults)})

    async def _clear_faults(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the framework's shape
        self._station.faults.clear()
        return _answer({"faults": []})

    async def _add_account(self, request: web.Request) -> web.Response:
        document = await _document(request)
        venue = document.text("venue")
        account = parse_account(document)
        self._station.world.open_account(venue, account)
        return _answer({"account": account.spec.name})

    async def _add_position(self, request: web.Request) -> web.Response:
        document = await _document(request)
        exchange = self._station.world.exchange(document.text("venue"))
        account = document.text("account", "main")
        symbol, quantity = document.text("symbol"), document.decimal("quantity")
        side = document.choice("side", PositionSide, PositionSide.NET)
        entry = document.decimal("entry", exchange.mark_price(symbol))
        document.finish()
        _must_know(account, exchange.account_names())
        exchange.open_position(account, symbol, side, quantity=quantity, entry=entry)
        return _answer({"positions": [views.position(view) for view in exchange.positions(account)]})

    async def _place_order(self, request: web.Request) -> web.Response:
        document = await _document(request)
        exchange = self._station.world.exchange(document.text("venue"))
        account = document.text("account", "main")
        order_request = parse_order(document)
        _must_know(account, exchange.account_names())
        return _answer(views.order(exchange.place(account, order_request)))

    async def _get_state(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the framework's shape
        return _answer(views.state(self._station.world))

    async def _get_requests(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not after.isdecimal():
            raise DocumentError("after must be the number of a request.")
        rows = self._station.log.rows(
            venue=request.query.get("venue", ""), path=request.query.get("path", ""), after=int(after)
        )
        found = [views.logged(row) for row in rows]
        return _answer({"requests": found, "under_way": self._station.log.under_way})

    async def _clear_requests(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the framework's shape
        self._station.log.clear()
        return _answer({"requests": []})

    async def _get_ledger(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the framework's shape
        world = self._station.world
        return _answer({name: views.ledger(exchange) for name, exchange in world.exchanges.items()})

    async def _advance_clock(self, request: web.Request) -> web.Response:
        document = await _document(request)
        by_ms = document.whole("advance_ms")
        document.finish()
        if not 0 <= by_ms <= 24 * 3_600_000:
            raise DocumentError("advance_ms must lie between 0 and one day.")
        self._station.world.advance(by_ms)
        return _answer({"clock_ms": self._station.world.clock.now_ms()})


def _must_know(account: str, names: Sequence[str]) -> None:
    if account not in names:
        raise DocumentError(f"There is no account {account}; there are {', '.join(names)}.")


async def _json_body(request: web.Request) -> object:
    try:
        return json.loads(await request.text(), parse_float=Decimal)
    except ValueError:
        raise DocumentError("The body must be JSON.") from None


async def _document(request: web.Request) -> Document:
    return Document(await _json_body(request), "body")


def _answer(data: Json, *, status: int = 200) -> web.Response:
    return web.json_response(data, status=status)
