"""Answers: how the venue says yes and no.

Source: Hyperliquid docs, "Exchange endpoint" and "Error responses"; HTTP 422 and its text, and the `null`
body of HTTP 429, are what the venue's server sends.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bastion.paper.wire.protocol import WireAnswer

UNREADABLE = "Failed to deserialize the JSON body into the target type"


class Unreadable(Exception):  # noqa: N818 - a state of the request
    """The body is none that the endpoint takes: HTTP 422."""


class Denied(Exception):  # noqa: N818 - a trader says denied
    """The whole action is refused: status `err` with this text; nothing was changed."""


class Failed(Exception):  # noqa: N818 - one item of a batch
    """One order or cancel of an action is refused; `status` is the final state that `orderStatus` tells."""

    def __init__(self, text: str, status: str = "rejected") -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action came to: the response's type, and words for the log.

    Its data is a list of `statuses`, a single `status`, or, where both are None, nothing.
    """

    kind: str
    statuses: Sequence[object] | None = None
    status: object | None = None
    executed: tuple[str, ...] = ()


def shown(data: object, *, account: str = "") -> WireAnswer:
    """Return the answer of the info endpoint."""
    return _json(data, account=account)


def done(outcome: Done, *, account: str) -> WireAnswer:
    """Return the answer to an action that was carried out."""
    response: dict[str, object] = {"type": outcome.kind}
    if outcome.statuses is not None:
        response["data"] = {"statuses": list(outcome.statuses)}
    elif outcome.status is not None:
        response["data"] = {"status": outcome.status}
    return _json({"status": "ok", "response": response}, account=account, executed=outcome.executed)


def denied(text: str, *, account: str = "") -> WireAnswer:
    """Return the answer to an action that was refused as a whole."""
    return _json({"status": "err", "response": text}, account=account)


def plain(status: int, text: str, *, account: str = "") -> WireAnswer:
    """Return an answer in plain text."""
    return WireAnswer(
        status=status,
        body=text.encode(),
        headers={"Content-Type": "text/plain; charset=utf-8"},
        account=account,
    )


def too_many(*, account: str = "") -> WireAnswer:
    """Return the answer to an address that is over its weight."""
    headers = {"Content-Type": "application/json"}
    return WireAnswer(status=429, body=b"null", headers=headers, account=account)


def _json(data: object, *, account: str, executed: tuple[str, ...] = ()) -> WireAnswer:
    return WireAnswer(
        status=200,
        body=json.dumps(data, separators=(",", ":")).encode(),
        headers={"Content-Type": "application/json"},
        account=account,
        executed=executed,
    )
