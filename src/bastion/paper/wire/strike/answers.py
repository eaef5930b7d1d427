"""Answers and refusals: what goes back over the wire, and the venue's three ways to say no."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

CONTENT_TYPE: Final = "application/json"
RATE_LIMIT_CODE: Final = "RATE_LIMIT_EXCEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer with a JSON body."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class ErrorStyle(Enum):
    """The shape of an error body; older, newer and key routes of the venue differ (interface, section 3)."""

    MESSAGE = "message"
    DETAIL = "detail"
    CODE = "code"


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, no defect
    """The request gets an error answer; nothing was changed.

    `code` is the code string of the API-key routes and is shown nowhere else.
    """

    def __init__(self, status: int, message: str, *, code: str = "UNAUTHORIZED") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


class RateLimited(Exception):  # noqa: N818 - as Refusal
    """The caller is over a limit and may come back after `retry_after_s` seconds (1 to 60)."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("rate limit")
        self.retry_after_s = retry_after_s


def answer(body: Mapping[str, object], *, status: int = 200) -> Answer:
    """The body as a JSON answer, keys in the given order."""
    return Answer(body=json.dumps(body, separators=(",", ":")).encode(), status=status)


def refusal_answer(refusal: Refusal, style: ErrorStyle) -> Answer:
    """A refusal in the shape that its route has."""
    if style is ErrorStyle.DETAIL:
        return answer({"detail": refusal.message}, status=refusal.status)
    if style is ErrorStyle.CODE:
        body = {"success": False, "error": refusal.code, "message": refusal.message}
        return answer(body, status=refusal.status)
    return answer({"error": refusal.status, "message": refusal.message}, status=refusal.status)


def rate_limit_answer(limited: RateLimited) -> Answer:
    """The 429 answer, the same on every route, with the wait in seconds in body and header."""
    wait_s = limited.retry_after_s
    body = {
        "error": RATE_LIMIT_CODE,
        "message": f"Rate limit exceeded. Please wait {wait_s} seconds.",
        "retry_after": wait_s,
    }
    plain = answer(body, status=429)
    return Answer(body=plain.body, status=plain.status, headers={"Retry-After": str(wait_s)})
