"""Application: the table of routes, served behind the door.

A framework would cost each request most of a millisecond and the process some ten MiB; what it would do here
(find the route, check the form) the door and `form` do. It still makes the document, when that is generated.
"""

import hashlib
import json
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response

from bastion import commands
from bastion.auth.rates import Rates
from bastion.domain.principal import Principal, Scope
from bastion.surfaces.rest import asgi
from bastion.surfaces.rest.door import Door, send_reply
from bastion.surfaces.rest.form import formed
from bastion.surfaces.rest.metrics import Figures
from bastion.surfaces.rest.problems import Reply, problem, problem_of
from bastion.surfaces.rest.repeats import Keeping, Repeats
from bastion.surfaces.rest.table import WAIT_S_DEFAULT, WAIT_S_MAX, Answer, Asked, Route
from bastion.surfaces.rest.wire import JSON_TYPE, encoded
from bastion.surfaces.schemas import dumps

DOCUMENT = Path(__file__).with_name("openapi.json")
"""The OpenAPI document, made from the table by `python -m bastion.surfaces.reference`."""
NUMBERS = "bastion-numbers"
NOBODY = Principal(id="", surface="rest", scope=Scope.READ)
"""Who asks where no key is asked for; such a route reads nothing of the desk."""
_WAIT = re.compile(r"wait\s*=\s*\"?([0-9]{1,6})\"?", re.ASCII)


def rest_application(desk: commands.Desk, *, version: str, rates: Rates) -> Door:
    """Return the REST surface of this desk as an ASGI application; it watches the desk from now on.

    `rates` is shared by every surface of the process.
    """
    figures = Figures()
    desk.watch(figures.see)
    site = _Site(desk, figures, document=_document(version))
    return Door(site, desk=desk, rates=rates, figures=figures)


def _document(version: str) -> bytes:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["info"]["version"] = version
    return encoded(document)


class _Site:
    """What every route needs: the desk, the figures, and the answers that may be asked for again."""

    def __init__(self, desk: commands.Desk, figures: Figures, *, document: bytes) -> None:
        self._desk = desk
        self._figures = figures
        self._repeats = Repeats(clock=desk.clock, store=desk.repeats)
        self._document = document

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Serve one request that the door let in: its route, its path's values and its JSON are in the scope.

        Raises:
            Unfit: it does not fit its route.
        """
        route: Route = scope[asgi.ROUTE]
        answer = await self._serve(route, scope)
        if isinstance(answer, Response):
            await answer(scope, receive, send)
        else:
            await send_reply(send, answer)

    async def _serve(self, route: Route, scope: asgi.Scope) -> Reply | Response:
        values = formed(route, path=scope["path"], query=scope["query_string"], body=scope.get(asgi.BODY))
        principal = scope.get(asgi.PRINCIPAL, NOBODY)
        headers = Headers(scope=scope)
        wait_s, told = preferred_wait(headers.get("prefer", ""))
        asked = Asked(
            desk=self._desk,
            figures=self._figures,
            document=self._document,
            principal=principal,
            body=values.body,
            query=values.query,
            path=values.path,
            wait_s=wait_s,
            last_event=headers.get("last-event-id", ""),
        )
        streams: list[Response] = []
        # The own user's commands print JSON numbers, as they do without the daemon.
        plain = bool(scope.get(asgi.LOCAL, False)) and headers.get(NUMBERS) == "plain"

        async def work(keeping: Keeping) -> Reply:
            named = replace(asked, principal=replace(principal, asked_as=keeping.tag))
            return _begun_before(route, named, keeping) or await _perform(
                route, named, streams, keeping=keeping, preference=told, plain=plain
            )

        key = headers.get("idempotency-key")
        if key is None or route.act is None or not route.changes:
            reply = await work(Keeping())
        else:
            reply = await self._repeats.once(
                owner=principal.id,
                key=key,
                digest=_digest(scope, asked),
                stops=route.act.stops,
                work=work,
            )
        return streams[0] if streams else reply


def _begun_before(route: Route, asked: Asked, keeping: Keeping) -> Reply | None:
    """Return the refusal of a close that is not an exit and that was begun before this process.

    What stops is asked for again instead, and finds what it began: its answer needs nothing from before.
    """
    if not keeping.tag or not route.long or route.act is None or route.act.stops:
        return None
    exit_id = commands.asked_before(asked.desk, asked.principal)
    if exit_id is None:
        return None
    return problem(
        409,
        f"The first request under this Idempotency-Key was broken off and became {exit_id}: "
        f"GET /v1/exits/{exit_id} tells how it stands. Nothing was done again.",
        headers=(("Location", f"/v1/exits/{exit_id}"),),
    )


def _with_warnings(report: object, more: tuple[str, ...]) -> object:
    if not more or not is_dataclass(report) or isinstance(report, type):
        return report
    if not any(field.name == "warnings" for field in fields(report)):
        return report
    return replace(report, warnings=(*report.warnings, *more))  # type: ignore[attr-defined]


async def _perform(
    route: Route,
    asked: Asked,
    streams: list[Response],
    *,
    keeping: Keeping,
    preference: str,
    plain: bool,
) -> Reply:
    try:
        answer: Answer = await route.run(asked)
        # To write an answer takes as long as an order; after a press it waits, as that press's own does.
        await asked.desk.right_of_way.give()
        answer = replace(answer, report=_with_warnings(answer.report, keeping.warnings()))
        if answer.response is not None:
            streams.append(answer.response)
            return Reply(status=answer.response.status_code, body=b"", media_type=JSON_TYPE)
        reply = Reply(
            status=answer.status,
            body=dumps(answer.report).encode("utf-8", "replace") if plain else encoded(answer.report),
            media_type=JSON_TYPE,
            headers=answer.headers,
        )
    except Exception as error:  # noqa: BLE001 - the boundary: whatever failed, its text stays in the log
        return problem_of(error)
    return reply.with_headers(("Preference-Applied", preference)) if route.long and preference else reply


def preferred_wait(prefer: str) -> tuple[float, str]:
    """Return how long the caller waits for long work, and the preference of RFC 7240 that was honoured."""
    found = _WAIT.search(prefer)
    if found is not None:
        wait_s = min(float(found.group(1)), WAIT_S_MAX)
        return wait_s, f"wait={wait_s:.0f}"
    if "respond-async" in prefer:
        return 0.0, "respond-async"
    return WAIT_S_DEFAULT, ""


def _digest(scope: asgi.Scope, asked: Asked) -> str:
    # By meaning, not by bytes: blanks and the order of names make no other request.
    body = "" if asked.body is None else asked.body.model_dump_json()
    text = f"{scope['method']}\n{scope['path']}\n{body}"
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()
