"""Reference: the page docs/reference/rest.md, written from the table of routes.

`python -m bastion.surfaces.rest.reference` prints it.
"""

import sys
from collections.abc import Iterator
from http import HTTPStatus

from pydantic import BaseModel

from bastion.surfaces.rest.document import statuses_of
from bastion.surfaces.rest.metrics import METRICS
from bastion.surfaces.rest.problems import STATUS_OF_CODE
from bastion.surfaces.rest.routes import ROUTES
from bastion.surfaces.rest.table import Route

_HEAD = """\
# REST

<!-- Written by `python -m bastion.surfaces.rest.reference`; a test holds it to the code. -->

`bastion up` serves REST at `http://127.0.0.1:8737` and, for your own user and without a key, on the unix
socket `bastion.sock` (mode 0600) in the state directory. The document of all types is `GET
/v1/openapi.json`.

**Keys.** Send `Authorization: Bearer bst_...` or `X-API-Key: bst_...`; never put a key into an address.
Every route but `/healthz` wants one. Its limits stand in `X-RateLimit-Limit`, `-Remaining` and `-Reset`;
over them the answer is 429 with `Retry-After`. What only stops has a bucket of its own and is never refused
for its number.

**Bodies** are JSON objects in UTF-8, at most 65,536 bytes, sent as `application/json`. Amounts are decimal
strings in both directions (`"142.5"`). A name that is not listed, a number for an amount, a 0 for false, an
empty list, a name given twice: each is refused, and nothing is done.

**Long work.** An exit, a halt and what closes positions answer within 20 seconds. `Prefer: wait=S` asks for
another time (at most 55), `Prefer: respond-async` for an answer at once. Where there is no verdict yet, the
status is 202 and `Location` says where to look. The work goes on when you go away.

**Idempotency.** With an `Idempotency-Key`, the same request within a day is done once and answered with the
first answer (`Idempotent-Replayed: true`), also after a restart or a crash of the daemon; another request
under the same key is refused with 422. Where the first was broken off by a crash, an exit, kill switch or
halt that comes again is the one that was begun; a flatten-winners or partial close that comes again is
refused with 409, and `Location` says where the first stands. A disk that takes no keys holds up nothing: the
request is done, and `warnings` says that the key could not be kept.

**Events.** `GET /v1/exits/{exit_id}/events` sends the exit's journal as server-sent events. `Last-Event-ID`
goes on where you were; an event that the journal could not take in time may come again, with the same `id`
in its data. 204 says that nothing follows.

**Refusals** are `application/problem+json` with a `code`:
"""


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_codes(), *_routes(), *_metrics()]) + "\n"


def _codes() -> Iterator[str]:
    yield "| code | status |"
    yield "|---|---|"
    for code, status in STATUS_OF_CODE.items():
        yield f"| `{code}` | {status} |"


def _routes() -> Iterator[str]:
    yield "\n## Routes"
    for route in ROUTES:
        yield f"\n### `{route.method} {route.path}`\n"
        yield f"{route.summary}. {_scope(route)}\n"
        yield route.description
        for name, fields in (("Query", route.query), ("Body", route.body)):
            if fields is not None and fields.model_fields:
                yield f"\n| {name} | |\n|---|---|"
                yield from _fields(fields)
        nothing_more = HTTPStatus.NO_CONTENT in route.statuses
        good = "200" + (", 202" if route.long else "") + (", 204" if nothing_more else "")
        refusals = ", ".join(str(status) for status in statuses_of(route))
        answer = "" if route.answer is None else f" (`{route.answer.__name__}`)"
        yield f"\nAnswers {good}{answer}; refuses with {refusals}."


def _scope(route: Route) -> str:
    return "No key." if route.act is None else f"Scope `{route.act.scope.word}`."


def _fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        needed = " Required." if field.is_required() else ""
        yield f"| `{name}` | {field.description or ''}{needed} |"


def _metrics() -> Iterator[str]:
    yield "\n## Metrics\n"
    yield "`GET /metrics` (scope `read`) tells, since the process started:\n"
    yield "| name | |"
    yield "|---|---|"
    for name, text in METRICS.items():
        yield f"| `{name}` | {text} |"


if __name__ == "__main__":
    sys.stdout.write(page())
