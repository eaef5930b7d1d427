"""Line: one websocket: what is heard on it, what is sent, and the faults in between."""

import asyncio
from collections import deque
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from bastion.paper.server.faults import STREAM_METHOD, Fault, FaultKind, Plan, Target
from bastion.paper.server.reset import reset
from bastion.paper.server.station import Station
from bastion.paper.wire.protocol import Wire
from bastion.paper.wire.streams import Frame, StreamSession

_IDLE_S = 5.0
_SEND_S = 10.0
_PONG = "pong"
_MESSAGE_MOST = 64 * 1024


def is_upgrade(request: web.Request) -> bool:
    """Whether a request asks for a websocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def fresh_socket() -> web.WebSocketResponse:
    """Return the answer to an upgrade; pings are answered here, so that a fault can keep them back."""
    return web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_MESSAGE_MOST, timeout=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is on its way to the client: text, or the payload of a pong, and what strikes it."""

    leaves_s: float
    text: str = ""
    pong: bytes | None = None
    resets: bool = False
    is_sent: bool = True


class Line:
    """Runs one socket until either side ends it."""

    def __init__(
        self,
        station: Station,
        wire: Wire,
        *,
        request: web.Request,
        socket: web.WebSocketResponse,
        awake: asyncio.Event,
    ) -> None:
        self._station = station
        self._wire = wire
        self._request = request
        self._socket = socket
        self._awake = awake
        self._under_way: deque[Parcel] = deque()
        self._silent_until_ms = 0
        self._next_ping_ms: int | None = None
        self._is_ended = False
        self._sent_s = 0.0
        self._goes_away = False
        self.due_ms: int | None = None

    def wake(self) -> None:
        """Send what is due, soon."""
        self._awake.set()

    def hang_up(self) -> None:
        """Close the socket, soon, with the code of a server that goes away."""
        self._goes_away = True
        self._awake.set()

    async def run(self, session: StreamSession) -> None:
        """Serve the socket to its end."""
        self._station.sockets.add(self)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._write(session))
                await self._read(session)
                self._is_ended = True
                self._awake.set()
        finally:
            self._station.sockets.remove(self)
            session.close()

    async def _read(self, session: StreamSession) -> None:
        patience_s = session.pong_within_ms / 1_000
        while not self._socket.closed:
            try:
                message = await self._socket.receive(timeout=patience_s)
            except TimeoutError:
                if session.pushes_keep_open and _loop_s() - self._sent_s < patience_s:
                    continue
                return
            if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                return
            now_ms = self._now_ms()
            if now_ms < self._silent_until_ms:
                continue
            if message.type is WSMsgType.PING:
                self._dispatch(Frame(topic=_PONG, text=""), session, pong=bytes(message.data), answers=True)
            elif message.type is WSMsgType.TEXT:
                # What is asked is answered by the world as it is now.
                self._station.settle()
                for frame in session.hear(message.data, now_ms):
                    self._dispatch(frame, session, answers=True)
            self._awake.set()

    async def _write(self, session: StreamSession) -> None:
        while not self._is_ended:
            self._awake.clear()
            now_ms = self._now_ms()
            for frame in session.due(now_ms):
                self._dispatch(frame, session)
            try:
                async with asyncio.timeout(_SEND_S):
                    await self._ping(session, now_ms)
                    await self._send_due()
            except (TimeoutError, ConnectionError):
                reset(self._request)
                return
            if self._goes_away or (session.is_over and not self._under_way):
                code = WSCloseCode.GOING_AWAY if self._goes_away else WSCloseCode.OK
                await self._socket.close(code=code)
                return
            self._note_due(session)
            await self._pause()

    async def _send_due(self) -> None:
        while self._under_way and self._under_way[0].leaves_s <= _loop_s():
            parcel = self._under_way.popleft()
            if self._now_ms() < self._silent_until_ms:
                continue
            if parcel.is_sent and parcel.pong is not None:
                await self._socket.pong(parcel.pong)
            elif parcel.is_sent:
                await self._socket.send_str(parcel.text)
            self._sent_s = _loop_s()
            if parcel.resets:
                reset(self._request)

    async def _pause(self) -> None:
        left_s = self._under_way[0].leaves_s - _loop_s() if self._under_way else _IDLE_S
        try:
            async with asyncio.timeout(max(left_s, 0.0)):
                await self._awake.wait()
        except TimeoutError:
            return

    async def _ping(self, session: StreamSession, now_ms: int) -> None:
        if not session.ping_every_ms:
            return
        if self._next_ping_ms is not None and now_ms >= self._next_ping_ms:
            self._next_ping_ms = None
            if now_ms >= self._silent_until_ms:
                await self._socket.ping()
        if self._next_ping_ms is None:
            self._next_ping_ms = now_ms + session.ping_every_ms

    def _note_due(self, session: StreamSession) -> None:
        moments = [session.next_due_ms(), self._next_ping_ms]
        self.due_ms = min((moment for moment in moments if moment is not None), default=None)

    def _dispatch(
        self, frame: Frame, session: StreamSession, *, pong: bytes | None = None, answers: bool = False
    ) -> None:
        if self._station.wires.get(self._wire.venue) is not self._wire:
            return
        now_ms = self._now_ms()
        plan = self._plan(frame, session, now_ms)
        for fault in plan.events:
            if fault.event is not None:
                self._station.happen(fault.event, after_ms=fault.after_ms)
        text, drastic = frame.text, plan.drastic
        kind = drastic.kind if drastic else None
        if drastic is not None and kind is FaultKind.NEVER:
            self._fall_silent(drastic, now_ms)
            return
        if kind is FaultKind.MALFORMED:
            text = text[: len(text) // 2]
        delay_ms = plan.answer_ms + (plan.request_ms if answers else 0)
        parcel = Parcel(
            leaves_s=self._departure_s(delay_ms),
            text=text,
            pong=pong,
            resets=kind is FaultKind.RESET,
            is_sent=_is_sent(drastic),
        )
        if parcel.is_sent or parcel.resets:
            self._under_way.append(parcel)
        if drastic is not None and kind is FaultKind.LAPSE:
            for last in session.lapse(now_ms, told=drastic.executed):
                self._under_way.append(Parcel(leaves_s=parcel.leaves_s, text=last.text))

    def _departure_s(self, delay_ms: int) -> float:
        # One socket keeps its order: nothing overtakes what is under way.
        earliest_s = self._under_way[-1].leaves_s if self._under_way else 0.0
        return max(_loop_s() + delay_ms / 1_000, earliest_s)

    def _fall_silent(self, fault: Fault, now_ms: int) -> None:
        lasts_ms = fault.lasts_ms if fault.lasts_ms is not None else 24 * 3_600_000
        self._silent_until_ms = now_ms + lasts_ms

    def _plan(self, frame: Frame, session: StreamSession, now_ms: int) -> Plan:
        target = Target(
            venue=self._wire.venue,
            method=STREAM_METHOD,
            path=f"/stream/{frame.topic}",
            account=session.account,
            is_protected=True,
        )
        round_trip_ms, jitter_ms = self._station.latency[self._wire.venue]
        return self._station.faults.plan(
            target, now_ms=now_ms, round_trip_ms=round_trip_ms, jitter_ms=jitter_ms
        )

    def _now_ms(self) -> int:
        return self._station.world.clock.now_ms()


def _is_sent(fault: Fault | None) -> bool:
    if fault is None or fault.kind is FaultKind.MALFORMED:
        return True
    return fault.kind is FaultKind.RESET and fault.executed


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
