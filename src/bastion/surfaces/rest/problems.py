"""Problems: every refusal and failure as application/problem+json (RFC 9457), with the interface's code.

A problem never repeats what was sent: it could be a secret, and it need not be JSON.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from bastion.errors import BastionError, ConfigInvalid, ExitUnknown, JournalUnusable, VenueError
from bastion.shape import dataclass
from bastion.surfaces.rest.wire import PROBLEM_TYPE
from bastion.surfaces.schemas import error_document

STATUS_OF_CODE: Mapping[str, int] = {
    "INVALID_ARGUMENT": 422,
    "INVALID_SYMBOL": 422,
    "WRONG_SIDE": 422,
    "CONFIRMATION_REQUIRED": 422,
    "AUTH_REQUIRED": 401,
    "SCOPE_DENIED": 403,
    "POSITION_NOT_FOUND": 404,
    "CONFLICT": 409,
    "ENGINE_NOT_RUNNING": 409,
    "RATE_LIMITED": 429,
    "EXCHANGE_ERROR": 502,
    "INTERNAL": 500,
}
"""The HTTP status of each code of the interface's list."""

CODE_OF_STATUS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "AUTH_REQUIRED",
    403: "SCOPE_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "TIMEOUT",
    409: "CONFLICT",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "MISDIRECTED",
    422: "INVALID_ARGUMENT",
    429: "RATE_LIMITED",
    500: "INTERNAL",
    502: "EXCHANGE_ERROR",
    503: "UNAVAILABLE",
}
"""The code of a refusal that is about the request as HTTP."""

_UNFORESEEN = (
    "bastion could not finish this request; the reason stands in its log only. Do not assume that anything "
    "was closed: ask GET /v1/positions, or run `bastion exit` in a terminal."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong with a request: where (a JSON pointer, or the parameter's name) and what."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A finished answer: status, headers and body."""

    status: int
    body: bytes
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()

    def with_headers(self, *headers: tuple[str, str]) -> "Reply":
        """Return the same answer with these headers beside its own."""
        return Reply(
            status=self.status,
            body=self.body,
            media_type=self.media_type,
            headers=(*self.headers, *headers),
        )


def problem(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    flaws: Sequence[Flaw] = (),
    retry_after: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """Return a problem; `retry_after` (seconds) stands in the body and in the Retry-After header."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": CODE_OF_STATUS[status] if code is None else code,
    }
    if flaws:
        body["errors"] = [{"pointer": flaw.pointer, "detail": flaw.detail} for flaw in flaws]
    if retry_after is not None:
        body["retry_after"] = retry_after
        headers = (*headers, ("Retry-After", str(retry_after)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers = (*headers, ("WWW-Authenticate", 'Bearer realm="bastion"'))
    return Reply(
        status=status,
        body=json.dumps(body, ensure_ascii=True).encode("ascii"),
        media_type=PROBLEM_TYPE,
        headers=headers,
    )


def problem_of(error: Exception) -> Reply:
    """Return the problem that tells an error.

    What we did not foresee goes to the log, and is told as INTERNAL without its text, which could hold
    anything.
    """
    told = error_document(error)["error"]
    code, detail = str(told["code"]), str(told["message"])
    if not isinstance(error, BastionError):
        _log.error("a request failed with %s", type(error).__name__, exc_info=error)
        detail = _UNFORESEEN
    if isinstance(error, ExitUnknown):
        code = "NOT_FOUND"
    retry_after = told.get("retry_after")
    return problem(
        _status_of(error, code),
        detail,
        code=code,
        retry_after=retry_after if isinstance(retry_after, int) else None,
    )


def _status_of(error: Exception, code: str) -> int:
    if isinstance(error, ExitUnknown):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, ConfigInvalid | JournalUnusable):
        # A file of this machine is at fault, not the request.
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, VenueError):
        return STATUS_OF_CODE["EXCHANGE_ERROR"]
    return STATUS_OF_CODE[code]
