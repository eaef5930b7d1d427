"""Envelope: the frame of every v5 answer, and the errors that go into it.

Source: OKX v5 "Overview" (general info, transaction timeouts) and "Error Code" (REST API: public, trading).
Trading endpoints add the gateway's times in microseconds, and tell each order's fate by sCode and sMsg.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bastion.paper.wire.protocol import WireAnswer

OK = "0"
ALL_FAILED = "1"
SOME_FAILED = "2"

BAD_JSON = "50002"
TIMED_OUT = "50004"
RATE_LIMIT = "50011"
BUSY = "50013"
EMPTY_PARAMETER = "50014"
SYSTEM_ERROR = "50026"
ACCOUNT_RATE_LIMIT = "50061"
EXPIRED = "50036"
WRONG_PARAMETER = "51000"

_JSON_HEADERS = {"Content-Type": "application/json"}

Row = Mapping[str, object]


class OkxError(Exception):
    """The request, or one order of it, is refused; nothing has changed."""

    def __init__(self, code: str, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def wrong(name: str) -> OkxError:
    """Return the venue's error for a field with a value that it does not take."""
    return OkxError(WRONG_PARAMETER, f"Parameter {name} error")


def missing(name: str) -> OkxError:
    """Return the venue's error for a field that must be there."""
    return OkxError(EMPTY_PARAMETER, f"Parameter {name} cannot be empty.", status=400)


def not_modelled(what: str) -> OkxError:
    """Return the error for something that OKX has and the paper exchange does not."""
    return OkxError(WRONG_PARAMETER, f"{what} is not modelled by the paper exchange.")


def too_many() -> OkxError:
    """Return the venue's error for an exceeded limit."""
    return OkxError(RATE_LIMIT, "Too Many Requests", status=429)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an endpoint hands back: its rows, the code over them, and what it changed.

    `timed` adds inTime and outTime, as the trading endpoints do.
    """

    data: Sequence[Row] = ()
    code: str = OK
    message: str = ""
    executed: tuple[str, ...] = ()
    timed: bool = False


def of_orders(rows: Sequence[Row], executed: Sequence[str]) -> Outcome:
    """Return the outcome of orders that stood or fell alone: 0 all stood, 1 all fell, 2 some fell."""
    fell = sum(row["sCode"] != OK for row in rows)
    code = OK if not fell else ALL_FAILED if fell == len(rows) else SOME_FAILED
    message = {
        OK: "",
        ALL_FAILED: "All operations failed",
        SOME_FAILED: "Bulk operation partially succeeded.",
    }
    return Outcome(data=rows, code=code, message=message[code], executed=tuple(executed), timed=True)


def answer(outcome: Outcome, *, now_ms: int, account: str = "") -> WireAnswer:
    """Return the answer of an endpoint; a refused order has HTTP status 200 as well."""
    frame: dict[str, object] = {"code": outcome.code, "data": list(outcome.data), "msg": outcome.message}
    if outcome.timed:
        micros = str(now_ms * 1000)
        frame |= {"inTime": micros, "outTime": micros}
    return WireAnswer(
        status=200, body=_bytes(frame), headers=_JSON_HEADERS, account=account, executed=outcome.executed
    )


def error_answer(error: OkxError, *, account: str = "") -> WireAnswer:
    """Return the answer to a request that was refused as a whole."""
    frame = {"code": error.code, "data": [], "msg": error.message}
    return WireAnswer(status=error.status, body=_bytes(frame), headers=_JSON_HEADERS, account=account)


def _bytes(frame: Mapping[str, object]) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode()
