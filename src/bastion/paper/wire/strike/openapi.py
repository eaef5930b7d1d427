"""The OpenAPI 3.1 document, made from the table of routes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bastion.paper.wire.strike import schemas
from bastion.paper.wire.strike.answers import CONTENT_TYPE, ErrorStyle
from bastion.paper.wire.strike.fields import WALLET_PATTERN
from bastion.paper.wire.strike.routes import AUTHENTICATED, LIMITED, Guard, Route
from bastion.paper.wire.strike.trading import IDEMPOTENCY_KEY_PATTERN

PATH_PARAMETER: Final = re.compile(r"\{([a-z]+)\}")

_SCHEMES: Final[Mapping[str, Any]] = {
    "privy": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Privy access token. A privy-id-token header links the user's wallets.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A personal key (stk_...), or a service key together with X-Wallet-Address.",
    },
}
_RETRY_AFTER: Final[Mapping[str, Any]] = {
    "description": "Seconds until the window ends.",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": 60},
}


def document(table: Sequence[Route], *, version: str) -> dict[str, Any]:
    """The document for this table of routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Margin venue",
            "version": version,
            "description": "Isolated-margin perpetuals whose emergency exit returns the original margin.",
        },
        "paths": paths,
        "components": {"securitySchemes": dict(_SCHEMES)},
    }


def document_bytes(table: Sequence[Route], *, version: str) -> bytes:
    """The document as it is served."""
    return json.dumps(document(table, version=version), indent=1).encode()


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.name, "summary": route.summary}
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        fields = {name: field.schema for name, field in route.body.items()}
        operation["requestBody"] = {
            "required": True,
            "content": {CONTENT_TYPE: {"schema": schemas.exactly(fields)}},
        }
    if route.guard is Guard.KEY:
        operation["security"] = [{"apiKey": []}]
    elif route.guard in AUTHENTICATED:
        operation["security"] = [{"privy": []}, {"apiKey": []}]
    operation["responses"] = _responses(route)
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": dict(route.path_schema or {})}
        for name in PATH_PARAMETER.findall(route.path)
    ]
    if route.guard in AUTHENTICATED:
        parameters.append(
            {
                "name": "X-Wallet-Address",
                "in": "header",
                "required": False,
                "description": "The wallet that acts: needed with a service key, one of the user's wallets"
                " with a token.",
                "schema": {"type": "string", "pattern": WALLET_PATTERN},
            }
        )
    if route.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A repetition under the same key gets the first answer, byte for byte.",
                "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY_PATTERN},
            }
        )
    return parameters


def _responses(route: Route) -> dict[str, Any]:
    responses = {"200": _response("Success", route.result)}
    described = dict(route.refusals)
    if route.guard in AUTHENTICATED:
        described[401] = "A credential is missing or invalid."
        described[500] = "The ledger did not confirm; the outcome is not known."
    elif route.body:
        described[500] = "The ledger did not confirm; the outcome is not known."
    for status in sorted(described):
        responses[str(status)] = _response(described[status], error_schema(route.style, status))
    if route.guard in LIMITED:
        limited = _response("The limit is used up.", schemas.RATE_LIMITED)
        responses["429"] = {**limited, "headers": {"Retry-After": dict(_RETRY_AFTER)}}
    links = _links(route)
    if links:
        responses["200"]["links"] = links
    return responses


def error_schema(style: ErrorStyle, status: int) -> dict[str, Any]:
    """The schema of an error body in this style."""
    if style is ErrorStyle.DETAIL:
        return schemas.DETAIL
    return schemas.KEY_REFUSED if style is ErrorStyle.CODE else schemas.message(status)


def _response(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {CONTENT_TYPE: {"schema": dict(schema)}}}


def _links(route: Route) -> dict[str, Any]:
    if route.name not in ("openLong", "openShort"):
        return {}
    body = {"positionId": "$response.body#/positionId"}
    return {
        "close": {"operationId": "closePosition", "requestBody": body},
        "exit": {"operationId": "emergencyExit", "requestBody": body},
    }
