"""Application: FastAPI over the table of routes, behind the door."""

import hashlib
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import fields, is_dataclass, replace
from http import HTTPStatus
from typing import Annotated

from fastapi import Body as FastBody
from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bastion import commands
from bastion.auth.rates import Rates
from bastion.domain.principal import Principal, Scope
from bastion.surfaces.rest import asgi
from bastion.surfaces.rest.bodies import Body
from bastion.surfaces.rest.document import document_of, published
from bastion.surfaces.rest.door import Door
from bastion.surfaces.rest.metrics import Figures
from bastion.surfaces.rest.problems import Flaw, Reply, problem, problem_of
from bastion.surfaces.rest.repeats import Keeping, Repeats
from bastion.surfaces.rest.routes import ROUTES
from bastion.surfaces.rest.table import (
    EXIT_ID_PATTERN,
    WAIT_S_DEFAULT,
    WAIT_S_MAX,
    Answer,
    Asked,
    Route,
)
from bastion.surfaces.rest.wire import JSON_TYPE, encoded
from bastion.surfaces.schemas import dumps

FLAWS_MAX = 10
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
    site = _Site(desk, figures)
    application = FastAPI(
        title="bastion",
        version=version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for route in ROUTES:
        _add(application, route, site)
    site.document = encoded(document_of(application))
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(HTTPException, _refused)
    return Door(application, desk=desk, rates=rates, figures=figures)


class _Site:
    """What every route needs: the desk, the figures, and the answers that may be asked for again."""

    def __init__(self, desk: commands.Desk, figures: Figures) -> None:
        self.desk = desk
        self.figures = figures
        self.repeats = Repeats(clock=desk.clock, store=desk.repeats)
        self.document = b""

    async def serve(self, route: Route, request: Request, values: dict[str, object]) -> Response:
        principal = request.scope.get(asgi.PRINCIPAL, NOBODY)
        body, query = values.pop("body", None), values.pop("query", None)
        wait_s, told = preferred_wait(request.headers.get("prefer", ""))
        asked = Asked(
            desk=self.desk,
            figures=self.figures,
            document=self.document,
            principal=principal,
            body=body if isinstance(body, Body) else None,
            query=query if isinstance(query, Body) else None,
            path={name: str(value) for name, value in values.items()},
            wait_s=wait_s,
            last_event=request.headers.get("last-event-id", ""),
        )
        streams: list[Response] = []
        # The own user's commands print JSON numbers, as they do without the daemon.
        plain = request.scope.get(asgi.LOCAL, False) and request.headers.get(NUMBERS) == "plain"

        async def work(keeping: Keeping) -> Reply:
            named = replace(asked, principal=replace(principal, asked_as=keeping.tag))
            return _begun_before(route, named, keeping) or await _perform(
                route, named, streams, keeping=keeping, preference=told, plain=plain
            )

        key = request.headers.get("idempotency-key")
        if key is None or route.act is None or not route.changes:
            reply = await work(Keeping())
        else:
            reply = await self.repeats.once(
                owner=principal.id,
                key=key,
                digest=_digest(request, asked),
                stops=route.act.stops,
                work=work,
            )
        return streams[0] if streams else _response(reply)


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


def _digest(request: Request, asked: Asked) -> str:
    # By meaning, not by bytes: blanks and the order of names make no other request.
    body = "" if asked.body is None else asked.body.model_dump_json()
    text = f"{request.method}\n{request.url.path}\n{body}"
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()


def _add(application: FastAPI, route: Route, site: _Site) -> None:
    application.add_api_route(route.path, _endpoint(route, site), methods=[route.method], **published(route))


def _endpoint(route: Route, site: _Site) -> Callable[..., Awaitable[Response]]:
    async def endpoint(request: Request, **values: object) -> Response:
        return await site.serve(route, request, values)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request),
        *(
            inspect.Parameter(name, kind, annotation=Annotated[str, Path(pattern=EXIT_ID_PATTERN)])
            for name in route.path_names
        ),
    ]
    if route.query is not None:
        parameters.append(inspect.Parameter("query", kind, annotation=Annotated[route.query, Query()]))
    if route.body is not None:
        optional = not any(field.is_required() for field in route.body.model_fields.values())
        parameters.append(
            inspect.Parameter(
                "body",
                kind,
                annotation=Annotated[route.body, FastBody()],
                default=route.body() if optional else inspect.Parameter.empty,
            )
        )
    # FastAPI reads the parameters from the signature; the table has them.
    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    endpoint.__name__ = route.name
    return endpoint


def _response(reply: Reply) -> Response:
    response = Response(reply.body, status_code=reply.status, media_type=reply.media_type)
    for name, value in reply.headers:
        response.headers[name] = value
    return response


async def _invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    flaws = [
        Flaw(pointer=_pointer(each["loc"]), detail=_shown(each["msg"].removeprefix("Value error, ")))
        for each in found[:FLAWS_MAX]
    ]
    first = f" {flaws[0].pointer}: {flaws[0].detail}." if flaws else ""
    return _response(
        problem(422, f"The request does not fit this address.{first} Nothing was done.", flaws=flaws)
    )


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _response(problem(status, f"{HTTPStatus(status).phrase}. Nothing was done."))


def _flaw(place: tuple[object, ...], message: str) -> Flaw:
    return Flaw(pointer=_pointer(place), detail=_shown(message.removeprefix("Value error, ")))


def _pointer(place: tuple[object, ...]) -> str:
    where, *names = (_shown(str(part))[:64] for part in place)
    return "/" + "/".join(names) if where == "body" else "/".join(names)


def _shown(text: str) -> str:
    # What was sent can stand in names and messages; only what prints is repeated, and not much of it.
    return "".join(character if character.isprintable() else "?" for character in text)[:200]
