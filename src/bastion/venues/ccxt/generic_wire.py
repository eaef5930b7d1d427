"""Generic wire: ccxt's unified methods, each answer's shape checked, each request paced and past the gate.

ccxt reads the answers here, and its classes of errors are all that is known of a refusal. What makes it
believable: every HTTP answer must be complete JSON, numbers stay as they were written, and the answers of a
call are kept, so that an empty list can be compared with what came.
"""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import field
from http import HTTPStatus
from typing import Any

from bastion.domain.look import NO_ANSWER
from bastion.errors import AnswerMalformed, Fault, OutcomeUnknown, VenueError, VenueRejected, VenueUnreachable
from bastion.http1.dial import Connect, tcp
from bastion.ports import Clock
from bastion.shape import dataclass
from bastion.venues.ccxt.faults import BANNED
from bastion.venues.ccxt.generic_faults import Heard, heard
from bastion.venues.ccxt.wire import FLIGHT, Flight, Lost, VenueKey, Wire
from bastion.venues.gate.rules import Check
from bastion.venues.raw import Answer
from bastion.venues.throttle import Limit, Throttle

BUCKET = "calls"
UNITS = 10
"""Units for one request of ccxt's cost 1, so that its fractions of a cost count as well."""
PAUSE_S = 2.0
BAN_S = 120.0
MS = 1000


def limit_of(rate_limit_ms: str) -> Limit:
    """Return ccxt's rate limit as ours: as many units a window as that rate allows."""
    between_s = max(0.001, float(rate_limit_ms) / MS)
    window_s = max(1.0, between_s)
    return Limit(
        name=BUCKET, capacity=max(UNITS, math.floor(window_s / between_s * UNITS)), window_s=window_s
    )


@dataclass(slots=True)
class _Call:
    """What was answered to one unified call."""

    answers: list[Answer] = field(default_factory=list)


_CALL: ContextVar[_Call | None] = ContextVar("bastion_generic_call", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a unified method returned, and the raw answers from which ccxt made it."""

    value: Any
    answers: tuple[Answer, ...]

    def rows(self, what: str) -> Sequence[Mapping[str, Any]]:
        """Return a list that the method returned.

        Raises:
            AnswerMalformed: it is none; or it is empty, and no raw answer holds an empty list.
        """
        if not isinstance(self.value, list) or not all(isinstance(row, dict) for row in self.value):
            raise AnswerMalformed(f"{what}: ccxt gave no list")
        if not self.value and not any(_holds_list(answer.value) for answer in self.answers):
            raise AnswerMalformed(f"{what}: nothing is listed, but no list came either")
        return self.value


class UnifiedWire(Wire):
    """The connection of one account to an exchange that is spoken to by unified methods alone."""

    def __init__(
        self,
        exchange: Any,  # noqa: ANN401 - ccxt ships no types
        *,
        fields: Mapping[str, str],
        clock: Clock,
        throttle: Throttle,
        base_url: str | None,
        host: str,
        options: Mapping[str, object],
        check: Check,
        connect: Connect = tcp,
    ) -> None:
        self._fields = dict(fields)
        super().__init__(
            exchange,
            key=VenueKey(
                api_key=fields.get("apiKey", ""),
                secret=fields.get("secret", "") or fields.get("privateKey", ""),
                password=fields.get("password", ""),
            ),
            clock=clock,
            throttle=throttle,
            base_url=base_url,
            options=options,
            observe=lambda _answer, _units, _sent_ns: None,
            check=check,
            connect=connect,
            host=host,
        )

    def client(self) -> Any:  # noqa: ANN401 - ccxt ships no types
        """Return ccxt's exchange, made on first use.

        Raises:
            VenueUnreachable: the wire is closed.
        """
        fresh = self._client is None
        client = self._open()
        if fresh:
            client.number = str
            client.enableRateLimit = True
            client.has["fetchCurrencies"] = False
        return client

    async def unified(
        self,
        method: str,
        *args: object,
        deadline_s: float,
        mutating: bool = False,
    ) -> Reply:
        """Call one unified method once, and return what it made of which answers.

        Raises:
            OutcomeUnknown: it may have changed something, and what came of it is not known.
            VenueRejected: the venue refused; the fault is what ccxt's class of the error means.
            VenueUnreachable: nothing was executed, or it was only a read.
            AnswerMalformed: an answer to a read is not to be believed.
        """
        self.throttle.refuse_in_silence(deadline_s)
        flight, call, begun = Flight(self.throttle), _Call(), self.asked.begin()
        tokens = FLIGHT.set(flight), _CALL.set(call)
        try:
            async with asyncio.timeout(deadline_s):
                value = await self._method(method, args)
        except TimeoutError:
            raise self._unanswered(flight, mutating, f"{NO_ANSWER} within {deadline_s:.1f} s") from None
        except Lost as lost:
            raise self._unanswered(flight, mutating, str(lost)) from None
        except Heard as told:
            raise self._refused(told, flight, call, mutating=mutating) from None
        finally:
            FLIGHT.reset(tokens[0])
            _CALL.reset(tokens[1])
            # One method of ccxt can be several requests; each answer is told under its name.
            for answer in call.answers or ((None,) if flight.left else ()):
                self.asked.end(method, begun, answer)
        return Reply(value=value, answers=tuple(call.answers))

    async def _method(self, method: str, args: Sequence[object]) -> object:
        client = self.client()
        try:
            return await getattr(client, method)(*args)
        except (VenueError, Lost, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - ccxt's own, or a surprise in its reading of an answer
            raise heard(error) from None

    def _refused(self, told: Heard, flight: Flight, call: _Call, *, mutating: bool) -> VenueError:
        last = call.answers[-1] if call.answers else None
        text = self.masked(f"{told.name}: {told.text}")
        if told.fault is Fault.RATE_LIMIT:
            pause = self._pause_s(last)
            self.throttle.silence(pause)
            return VenueRejected(text, fault=Fault.RATE_LIMIT, code=told.name, retry_after_s=pause)
        if told.fault is None or (told.in_doubt and last is None):
            if mutating and flight.left:
                return OutcomeUnknown(f"{text}; the request may have been executed", code=told.name)
            if last is not None and told.surprise:
                return AnswerMalformed(text, code=told.name)
            return VenueUnreachable(text, code=told.name)
        return VenueRejected(text, fault=told.fault, code=told.name)

    def _pause_s(self, answer: Answer | None) -> float:
        given = answer.header_decimal("retry-after") if answer is not None else None
        if given is not None and given >= 0:
            return float(given)
        return BAN_S if answer is not None and answer.status in BANNED else PAUSE_S

    def _credential(self) -> Mapping[str, str | None]:
        return {name: value for name, value in self._fields.items() if value}

    def masked(self, text: str) -> str:
        """Return a text with the credential's values masked."""
        text = super().masked(text)
        for name, value in self._fields.items():
            if value and name != "walletAddress":
                text = text.replace(value, "***")
        return text

    def _tapped(self, exchange: Any) -> Any:  # noqa: ANN401 - ccxt ships no types
        wire = self

        class Unified(exchange):  # type: ignore[misc]
            def handle_errors(self, code: int, *rest: Any) -> Any:  # noqa: ANN401 - as above
                headers, body = rest[3], rest[4]
                lowered = {str(name).lower(): str(value) for name, value in headers.items()}
                answer = Answer(status=int(code), headers=lowered, text=str(body or ""))
                _keep(answer)
                return super().handle_errors(code, *rest)

            def on_json_response(self, text: str) -> Any:  # noqa: ANN401 - as above
                return json.loads(text, parse_float=str)

            def filter_by_array_positions(self, objects: Any, *_rest: Any) -> Any:  # noqa: ANN401 - as above
                # ccxt drops the positions of contracts that it was not asked for, or does not know.
                return self.to_array(objects)

            async def throttle(self, cost: Any = None) -> None:  # noqa: ANN401 - as above
                await wire.passed(float(cost or 1))

            async def initialize_client(self) -> bool:
                # What Hyperliquid's class does here approves a fee for ccxt.
                return True

            def milliseconds(self) -> int:
                return wire.now_ms()

            def seconds(self) -> int:
                return wire.now_ms() // MS

            def microseconds(self) -> int:
                return wire.now_ms() * MS

        Unified.__name__ = exchange.__name__
        return Unified

    async def passed(self, cost: float) -> None:
        """Wait until a request of that cost by ccxt's reckoning may leave."""
        bucket = self.throttle[BUCKET]
        units = min(bucket.capacity, max(1, math.ceil(cost * UNITS)))
        await bucket.take(units)
        # One call can be many requests at once, and must not wait for units that it holds itself.
        bucket.give_back(units)


def _keep(answer: Answer) -> None:
    call = _CALL.get()
    if call is not None:
        call.answers.append(answer)
    if answer.status < HTTPStatus.BAD_REQUEST:
        _believed(answer)


def _believed(answer: Answer) -> None:
    try:
        if answer.text:
            json.loads(answer.text)
            return
    except (ValueError, RecursionError):
        pass
    raise Heard.malformed(answer)


def _holds_list(value: object) -> bool:
    if isinstance(value, list):
        return True
    return isinstance(value, dict) and any(_holds_list(inner) for inner in value.values())
