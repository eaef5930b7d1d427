"""Envelope: the frame of every v5 answer, and the errors that go into it.

Source: Bybit v5 "Integration Guidance", common response parameters, and "Error Codes".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bastion.paper.wire.protocol import WireAnswer

OK = 0
SERVER_TIMEOUT = 10000
PARAMETER_ERROR = 10001
TIMESTAMP_ERROR = 10002
INVALID_KEY = 10003
SIGN_ERROR = 10004
PERMISSION_DENIED = 10005
TOO_MANY_VISITS = 10006
UNMATCHED_IP = 10010
SERVER_ERROR = 10016
ROUTE_NOT_FOUND = 10017
HIGH_LOAD = 429

TOO_MANY_TEXT = "Too many visits. Exceeded the API Rate Limit."

_JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


class BybitError(Exception):
    """The request is answered with an error envelope; nothing has changed."""

    def __init__(self, code: int, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def wrong(message: str) -> BybitError:
    """Return the venue's general parameter error with its own text."""
    return BybitError(PARAMETER_ERROR, message)


def not_modelled(what: str) -> BybitError:
    """Return the error for something that Bybit has and the paper exchange does not."""
    return BybitError(PARAMETER_ERROR, f"{what} is not modelled by the paper exchange.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an endpoint hands back: the result, the extra information, and what it changed."""

    result: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    executed: tuple[str, ...] = ()
    message: str = "OK"


def answer(
    outcome: Outcome, *, now_ms: int, headers: Mapping[str, str] | None = None, account: str = ""
) -> WireAnswer:
    """Return a success envelope."""
    return WireAnswer(
        status=200,
        body=_frame(OK, outcome.message, outcome.result, outcome.extra, now_ms),
        headers={**_JSON_HEADERS, **(headers or {})},
        account=account,
        executed=outcome.executed,
    )


def error_answer(
    error: BybitError, *, now_ms: int, headers: Mapping[str, str] | None = None, account: str = ""
) -> WireAnswer:
    """Return an error envelope; business errors keep HTTP status 200, as the venue does."""
    return WireAnswer(
        status=error.status,
        body=_frame(error.code, error.message, {}, {}, now_ms),
        headers={**_JSON_HEADERS, **(headers or {})},
        account=account,
    )


def text_answer(status: int, text: str) -> WireAnswer:
    """Return an answer that is no envelope, as the venue's front door gives it."""
    return WireAnswer(
        status=status, body=text.encode(), headers={"Content-Type": "text/plain; charset=utf-8"}
    )


def _frame(
    code: int, message: str, result: Mapping[str, object], extra: Mapping[str, object], now_ms: int
) -> bytes:
    frame = {
        "retCode": code,
        "retMsg": message,
        "result": result,
        "retExtInfo": extra,
        "time": now_ms,
    }
    return json.dumps(frame, separators=(",", ":")).encode()
