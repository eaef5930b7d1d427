"""Document: the OpenAPI 3.1 document of the routes, of which FastAPI reads the types.

It is made when the generated files are; no server loads FastAPI, which would cost it some ten MiB.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query
from starlette.responses import Response

from bastion.surfaces.rest.events import STREAM_TYPE
from bastion.surfaces.rest.problems import CODE_OF_STATUS, STATUS_OF_CODE
from bastion.surfaces.rest.repeats import KEY_PATTERN
from bastion.surfaces.rest.routes import ROUTES
from bastion.surfaces.rest.table import EXIT_ID_PATTERN, Route
from bastion.surfaces.rest.wire import JSON_TYPE, PROBLEM_TYPE

_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_KEYED = (401, 403, 429)
_ALWAYS = (400, 403, 421, 422, 500, 503)
_BODIED = (408, 413, 415)

_TEXTS = {
    400: "The request is malformed; nothing was done.",
    401: "No key, or none that works.",
    403: "The key's scope does not allow it, or a page of another origin asked.",
    404: "There is nothing of that id.",
    408: "The body did not come in time; nothing was done.",
    409: "It contradicts the present state; nothing was done.",
    413: "The body is too long; nothing was done.",
    415: "The body is no JSON; nothing was done.",
    421: "The Host header names another machine.",
    422: "A value cannot be used; nothing was done.",
    429: "Over the key's rate; nothing was done.",
    500: "Unforeseen; the log has the reason.",
    502: "A venue failed.",
    503: "A file of this machine cannot be used.",
}

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457, with the code of bastion's list and, where waiting helps, the seconds to wait.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted({*STATUS_OF_CODE, *CODE_OF_STATUS.values()})},
        "retry_after": {"type": "integer", "minimum": 1},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}

_SCHEMAS_OF_MEDIA: dict[str, dict[str, Any]] = {
    JSON_TYPE: {"type": "object"},
    STREAM_TYPE: {
        "description": "One event: `data` is a JSON object with id, at, kind and record.",
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": {"type": "string"},
            "event": {"type": "string"},
            "data": {"type": "string", "contentMediaType": JSON_TYPE},
        },
    },
}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer bst_...`"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Names this request. The same request under the same key, within a day, is answered with the first "
        "answer and done once; another request under it is refused (422)."
    ),
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=S`: answer within S seconds (20, at most 55). `respond-async`: answer at once.",
    "schema": {"type": "string"},
}
_LAST_EVENT = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id of the last event that was had; the stream goes on after it.",
    "schema": {"type": "string"},
}


def published(route: Route) -> dict[str, Any]:
    """Return what FastAPI is to publish of a route."""
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": _TEXTS[status], "content": {PROBLEM_TYPE: {"schema": _PROBLEM_REF}}}
        for status in statuses_of(route)
    }
    parameters: list[dict[str, Any]] = []
    if route.changes:
        parameters.append(_IDEMPOTENCY)
    if route.long:
        parameters.append(_PREFER)
        responses[202] = {
            "description": "It goes on; Location is where to look.",
            "model": route.answer,
            "headers": {"Location": {"schema": {"type": "string"}}},
        }
    extra: dict[str, Any] = {"security": [{"bearer": []}, {"apiKey": []}] if route.act is not None else []}
    if route.answer is None:
        schema = _SCHEMAS_OF_MEDIA.get(route.media, {"type": "string"})
        responses[200] = {
            "description": HTTPStatus.OK.phrase,
            "content": {route.media: {"schema": schema}},
        }
    if route.media == STREAM_TYPE:
        parameters.append(_LAST_EVENT)
        responses[204] = {"description": "Nothing follows the event that was had last."}
    if parameters:
        extra["parameters"] = parameters
    return {
        "operation_id": route.name,
        "summary": route.summary,
        "description": route.description,
        "tags": [route.tag],
        "responses": responses,
        "openapi_extra": extra,
        **({"response_class": Response} if route.answer is None else {"response_model": route.answer}),
    }


def statuses_of(route: Route) -> tuple[int, ...]:
    """Return every refusal that the route can give."""
    found = {*_ALWAYS, *(_KEYED if route.act is not None else ()), *(_BODIED if route.body else ())}
    return tuple(sorted(found | {status for status in route.statuses if status >= HTTPStatus.BAD_REQUEST}))


def text() -> str:
    """Return the document of all routes, as it is shipped; a server puts its version in."""
    application = FastAPI(title="bastion", version="0")
    for route in ROUTES:
        application.add_api_route(route.path, _endpoint(route), methods=[route.method], **published(route))
    document = application.openapi()
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["securitySchemes"] = _SCHEMES
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _endpoint(route: Route) -> Callable[..., Awaitable[None]]:
    async def described(**_: object) -> None:
        """Stand for the route where its parameters are read; requests are served by the application."""

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, kind, annotation=Annotated[str, Path(pattern=EXIT_ID_PATTERN)])
        for name in route.path_names
    ]
    if route.query is not None:
        parameters.append(inspect.Parameter("query", kind, annotation=Annotated[route.query, Query()]))
    if route.body is not None:
        optional = not any(field.is_required() for field in route.body.model_fields.values())
        default = route.body() if optional else inspect.Parameter.empty
        parameters.append(
            inspect.Parameter("body", kind, annotation=Annotated[route.body, Body()], default=default)
        )
    # FastAPI reads the parameters from the signature; the table has them.
    described.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    described.__name__ = route.name
    return described
