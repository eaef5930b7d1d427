"""Edge: where sockets meet wires. It reads requests, lets faults happen, and writes the log."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, replace
from email.utils import formatdate
from urllib.parse import parse_qsl

from aiohttp import web

from bastion.paper.server.faults import Fault, FaultKind, Plan, Shape, Target
from bastion.paper.server.line import Line, fresh_socket, is_upgrade
from bastion.paper.server.odd_row import with_odd_row
from bastion.paper.server.request_log import LoggedRequest
from bastion.paper.server.reset import reset
from bastion.paper.server.station import Station
from bastion.paper.wire.protocol import NamesCalls, Wire, WireAnswer, WireRequest
from bastion.paper.wire.streams import Streams, StreamSession

_NEVER_MOST_S = 600
_POLL_S = 0.05
_HTML = b"<html><head><title>Service</title></head><body>We will be back soon.</body></html>"
_SECRET_PARAMETERS = frozenset({"signature", "sign"})
_NO_ANSWER = 0
_SWITCHING = 101
_OPENING = "/stream/open"


@dataclass(slots=True)
class Outcome:
    """What one request came to, filled in as it goes along."""

    number: int
    received_ns: int
    account: str = ""
    handled_ns: int = 0
    answered_ns: int = 0
    status: int = _NO_ANSWER
    code: str = ""
    executed: tuple[str, ...] = ()
    happened: tuple[str, ...] = ()


class Edge:
    """Serves every wire of the station under its path prefix."""

    def __init__(self, station: Station) -> None:
        self._station = station

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request under `/{venue}/...`."""
        received_ns = _now_ns()
        venue = request.match_info["venue"]
        wire = self._station.wires.get(venue)
        if wire is None:
            known = ", ".join(f"/{name}" for name in self._station.wires)
            return web.Response(status=404, text=f"No wire is served under /{venue}; there are {known}.\n")
        outcome = Outcome(number=self._station.log.next_number(), received_ns=received_ns)
        try:
            wired = await self._read(request, venue)
            if is_upgrade(request) and isinstance(wire, Streams):
                return await self._open(request, wire, wired, outcome)
            plan = self._plan(wire, wired)
            try:
                answer = await self._play(request, wire, wired, plan, outcome)
                # Like all of it, this is told by the venue's own clock.
                answer.headers["Date"] = formatdate(self._station.world.clock.now_ms() // 1_000, usegmt=True)
                return answer
            finally:
                # A request that outlives its world is no part of the next one.
                if self._station.wires.get(venue) is wire:
                    self._log(wire, wired, plan, outcome)
        finally:
            self._station.log.end(outcome.number)

    async def _play(
        self, request: web.Request, wire: Wire, wired: WireRequest, plan: Plan, outcome: Outcome
    ) -> web.StreamResponse:
        await _wait(plan.request_ms)
        self._happen(wire, plan, outcome, executed=False)
        drastic = plan.drastic
        if drastic is not None and not drastic.executed:
            early = await self._instead(request, wire, wired, drastic, outcome)
            if early is not None:
                return early
        answer = self._handle(wire, wired, plan, outcome)
        self._happen(wire, plan, outcome, executed=True)
        await _wait(plan.answer_ms)
        if drastic is not None and drastic.executed:
            late = await self._instead(request, wire, wired, drastic, outcome)
            if late is not None:
                return late
        if drastic is not None and drastic.kind is FaultKind.MALFORMED:
            answer = _malformed(answer, drastic.shape)
        return _finished(answer, outcome)

    async def _open(
        self, request: web.Request, wire: Wire, wired: WireRequest, outcome: Outcome
    ) -> web.StreamResponse:
        plan = self._plan(wire, wired, call=_OPENING)
        awake = asyncio.Event()
        answer: web.StreamResponse | None = None
        session: StreamSession | None = None
        try:
            await _wait(plan.request_ms)
            self._happen(wire, plan, outcome, executed=False)
            if plan.drastic is not None:
                answer = await self._instead(request, wire, wired, plan.drastic, outcome)
            if answer is None:
                answer, session = self._session(wire, wired, awake, outcome)
            await _wait(plan.answer_ms)
        finally:
            # The log and its count of what is under way know the opening; the socket lives on beyond it.
            if self._station.wires.get(wire.venue) is wire:
                self._log(wire, replace(wired, query="", body=b""), plan, outcome, call=_OPENING)
            self._station.log.end(outcome.number)
        if session is None:
            return answer
        socket = fresh_socket()
        try:
            await socket.prepare(request)
            line = Line(self._station, wire, request=request, socket=socket, awake=awake)
            await line.run(session)
        finally:
            session.close()
        return socket

    def _session(
        self, wire: Wire, wired: WireRequest, awake: asyncio.Event, outcome: Outcome
    ) -> tuple[web.StreamResponse, StreamSession | None]:
        self._station.settle()
        outcome.handled_ns = _now_ns()
        now = replace(wired, received_ms=self._station.world.clock.now_ms())
        opened = wire.connect(now, awake.set) if isinstance(wire, Streams) else None
        if opened is None or isinstance(opened, WireAnswer):
            return _finished(opened or WireAnswer(status=404, body=b""), outcome), None
        outcome.account, outcome.status, outcome.answered_ns = opened.account, _SWITCHING, _now_ns()
        return web.Response(), opened

    def _handle(self, wire: Wire, wired: WireRequest, plan: Plan, outcome: Outcome) -> WireAnswer:
        world = self._station.world
        self._station.settle()
        outcome.handled_ns = _now_ns()
        now = WireRequest(
            method=wired.method,
            path=wired.path,
            query=wired.query,
            body=wired.body,
            headers=wired.headers,
            address=wired.address,
            received_ms=world.clock.now_ms(),
            conditions=plan.conditions,
        )
        answer = wire.handle(now)
        outcome.account = answer.account
        outcome.executed = answer.executed
        return answer

    def _happen(self, wire: Wire, plan: Plan, outcome: Outcome, *, executed: bool) -> None:
        if self._station.wires.get(wire.venue) is not wire:
            return
        for fault in plan.events:
            if fault.event is not None and fault.executed is executed:
                outcome.happened += self._station.happen(fault.event, after_ms=fault.after_ms)

    async def _instead(
        self, request: web.Request, wire: Wire, wired: WireRequest, fault: Fault, outcome: Outcome
    ) -> web.StreamResponse | None:
        if fault.kind is FaultKind.FAIL:
            answer = wire.failure(fault.failure, wired)
            if answer is None:
                return None
            return _finished(_with_wait(answer, fault, self._station.world.clock.now_ms()), outcome)
        if fault.kind is FaultKind.NEVER:
            await _wait_for_hang_up(request)
        if fault.kind in {FaultKind.NEVER, FaultKind.RESET}:
            reset(request)
            return web.Response(status=500)
        return None

    async def _read(self, request: web.Request, venue: str) -> WireRequest:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        return WireRequest(
            method=request.method,
            path=request.path.removeprefix(f"/{venue}"),
            query=request.rel_url.raw_query_string,
            body=await request.read(),
            headers={name.lower(): value for name, value in request.headers.items()},
            address=str(peer[0]) if peer else "",
            received_ms=self._station.world.clock.now_ms(),
        )

    def _plan(self, wire: Wire, wired: WireRequest, *, call: str = "") -> Plan:
        target = Target(
            venue=wire.venue,
            method=wired.method,
            path=call or _call_of(wire, wired),
            account=wire.identify(wired),
            is_protected=wire.is_protected(wired),
        )
        round_trip_ms, jitter_ms = self._station.latency[wire.venue]
        now_ms = self._station.world.clock.now_ms()
        return self._station.faults.plan(
            target, now_ms=now_ms, round_trip_ms=round_trip_ms, jitter_ms=jitter_ms
        )

    def _log(self, wire: Wire, wired: WireRequest, plan: Plan, outcome: Outcome, *, call: str = "") -> None:
        self._station.log.add(
            LoggedRequest(
                number=outcome.number,
                venue=wire.venue,
                account=outcome.account or wire.identify(wired),
                method=wired.method,
                path=call or _call_of(wire, wired),
                parameters=_parameters(wired),
                status=outcome.status,
                code=outcome.code,
                faults=(*plan.words, *outcome.happened),
                executed=outcome.executed,
                received_ns=outcome.received_ns,
                handled_ns=outcome.handled_ns,
                answered_ns=outcome.answered_ns,
                received_ms=wired.received_ms,
            )
        )


def _call_of(wire: Wire, wired: WireRequest) -> str:
    return wire.call_of(wired) if isinstance(wire, NamesCalls) else wired.path


def _now_ns() -> int:
    return time.monotonic_ns()  # noqa: TID251 - the log's times must be comparable with those of other processes


async def _wait(milliseconds: int) -> None:
    if milliseconds > 0:
        await asyncio.sleep(milliseconds / 1_000)


async def _wait_for_hang_up(request: web.Request) -> None:
    # The client's patience is the deadline; ours is a bound in case it has none.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_NEVER_MOST_S):
            while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - aiohttp has no event for it
                await asyncio.sleep(_POLL_S)


def _malformed(answer: WireAnswer, shape: Shape) -> WireAnswer:
    if shape is Shape.HTML:
        return WireAnswer(status=200, body=_HTML, headers={"Content-Type": "text/html"})
    body = with_odd_row(answer.body) if shape is Shape.ODD_ROW else answer.body[: len(answer.body) // 2]
    return WireAnswer(status=answer.status, body=body, headers=answer.headers)


def _with_wait(answer: WireAnswer, fault: Fault, now_ms: int) -> WireAnswer:
    # A venue that names how long to wait names what is left of it.
    if fault.ends_ms is None or "Retry-After" not in answer.headers:
        return answer
    left_s = max(-(-(fault.ends_ms - now_ms) // 1_000), 1)
    return replace(answer, headers={**answer.headers, "Retry-After": str(left_s)})


def _finished(answer: WireAnswer, outcome: Outcome) -> web.Response:
    outcome.status = answer.status
    outcome.code = _code(answer.body)
    outcome.answered_ns = _now_ns()
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


def _code(body: bytes) -> str:
    try:
        data = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(data, dict):
        return ""
    return str(data.get("code", data.get("retCode", "")))


def _parameters(wired: WireRequest) -> dict[str, object]:
    values: dict[str, object] = dict(wired.query_pairs())
    text = wired.body.decode("utf-8", errors="replace")
    if text.startswith(("{", "[")):
        with contextlib.suppress(ValueError):
            data = json.loads(text)
            values |= data if isinstance(data, dict) else {"body": data}
    else:
        values |= dict(parse_qsl(text, keep_blank_values=True))
    return {name: value for name, value in values.items() if name not in _SECRET_PARAMETERS}
