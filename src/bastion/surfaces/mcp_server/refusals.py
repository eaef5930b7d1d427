"""Refusals: the one error envelope, as bare JSON text, and nothing in it that a client must not see."""

import json
import logging

from mcp_types import CallToolResult, TextContent

from bastion.errors import BastionError
from bastion.surfaces.schemas import error_document

_log = logging.getLogger(__name__)

_UNFORESEEN = (
    "bastion could not finish this call; the reason stands in its log only. Do not assume that anything was "
    "closed: call bastion_get_positions, or run `bastion exit` in a terminal."
)


def envelope(error: Exception) -> dict[str, dict[str, object]]:
    """Return the error envelope.

    What we did not foresee goes to the log, and is told as INTERNAL without its text, which could hold
    anything.
    """
    document = error_document(error)
    if not isinstance(error, BastionError):
        _log.error("a call failed with %s", type(error).__name__, exc_info=error)
        document["error"]["message"] = _UNFORESEEN
    return document


def refused(error: Exception) -> CallToolResult:
    """Return the error as a tool's result.

    It is text only: clients check structured content against the schema of the good answer.
    """
    body = json.dumps(envelope(error), ensure_ascii=False)
    return CallToolResult(content=[TextContent(type="text", text=body)], is_error=True)
