"""Intake: the body of a request, read within its limits and known to be one sound JSON object."""

import asyncio
import json
from collections.abc import Mapping

from bastion.surfaces.rest.asgi import Receive
from bastion.surfaces.rest.problems import Reply, problem
from bastion.surfaces.rest.wire import JSON_TYPE

BODY_BYTES_MAX = 65_536
BODY_S = 10.0
CLOSE = (("Connection", "close"),)
_NESTED = "[{"
_DEPTH_MAX = 50


class Unfit(Exception):  # noqa: N818 - named for what is known after it
    """The request cannot be taken; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


async def read_body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """Return the whole body.

    Raises:
        Unfit: it is too long, too slow, or the client went away.
    """
    told = headers.get("content-length", "0")
    if told.isascii() and told.isdecimal() and int(told[:20]) > BODY_BYTES_MAX:
        raise Unfit(_too_large())
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Unfit(problem(400, "The client went away before its request was complete."))
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > BODY_BYTES_MAX:
                    raise Unfit(_too_large())
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Unfit(
            problem(408, f"The body did not come within {BODY_S:.0f} s. Nothing was done.", headers=CLOSE)
        ) from None


def check_json(body: bytes, headers: Mapping[str, str]) -> dict[str, object]:
    """Return the body: one JSON object in UTF-8 without a name twice, that says that it is JSON.

    Raises:
        Unfit: it is something else.
    """
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != JSON_TYPE or charset not in {"", "charset=utf-8"}:
        raise Unfit(
            problem(415, f"Send the body as {JSON_TYPE}, and say so in Content-Type. Nothing was done.")
        )
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Unfit(problem(415, "Send the body uncompressed. Nothing was done."))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unfit(problem(400, "The body is not UTF-8. Nothing was done.")) from None
    if sum(text.count(bracket) for bracket in _NESTED) > _DEPTH_MAX * 100:
        raise Unfit(problem(400, "The body holds too many lists and objects. Nothing was done."))
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        told = str(error) if isinstance(error, _UnsoundError) else "The body is not JSON."
        raise Unfit(problem(400, f"{told} Nothing was done.")) from None
    if not isinstance(value, dict):
        raise Unfit(problem(422, "The body must be a JSON object. Nothing was done."))
    return value


class _UnsoundError(ValueError):
    """JSON by the letter, and yet not to be acted upon."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Two readers of such a body could understand two different requests.
        raise _UnsoundError("The body has a name twice in one object.")
    return found


def _constant(_: str) -> object:
    raise _UnsoundError("NaN and Infinity are no JSON.")


def _too_large() -> Reply:
    return problem(413, f"A body has at most {BODY_BYTES_MAX} bytes. Nothing was done.", headers=CLOSE)
