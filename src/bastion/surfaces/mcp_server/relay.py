"""Relay: what a client on stdio asks of the desk is handed to the daemon of the same user, where one answers.

The protocol itself, with every revision of it, is spoken here; only `tools/call` and `resources/read` go to
the daemon, one request of the stateless revision each. Where the daemon cannot be reached, this process opens
a desk of its own and stays with it. What certainly was not carried out is then done here. What may have been
is done again only where that is safe: a read, or what only ever stops (an exit joins the one that runs).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from bastion.domain.act import Act
from bastion.errors import BastionError, KeyRefused, Refused
from bastion.shape import dataclass
from bastion.surfaces.mcp_server.identity import (
    ENVIRONMENT_KEY,
    KeyCheck,
    from_argument,
    from_environment,
    identify,
)
from bastion.surfaces.mcp_server.progress import Progress
from bastion.surfaces.mcp_server.refusals import envelope, refused
from bastion.surfaces.mcp_server.relay_wire import Wire, handled
from bastion.surfaces.mcp_server.server import Acting, Context, Offered

OPEN_S = 30.0

_log = logging.getLogger(__name__)


class FateUnknown(BastionError):  # noqa: N818 - named for what is known after it
    """The daemon went away, or stands still, with a request that it may have carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whether a daemon works with our files; `refusal` says why nothing may be done beside one.

    `paper` says that its exchange is the embedded one, which ends with it.
    """

    there: bool
    paper: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways out of this process. `find` and `answers` block for a second at most.

    `late` returns the header that keeps a request from being carried out once it is given up. `own` opens a
    desk of this process's own.
    """

    socket: str
    find: Callable[[], Found]
    answers: Callable[[], bool]
    late: Callable[[], Mapping[str, str]]
    own: Callable[[], AbstractAsyncContextManager[Acting]]


class Relay:
    """Answers by way of the daemon, and by an own desk from the moment at which that is needed."""

    def __init__(
        self, ways: Ways, *, offered: Offered, keys: KeyCheck, environment: Mapping[str, str]
    ) -> None:
        self._ways = ways
        self._offered = offered
        self._keys = keys
        self._environment = environment
        self._wire = Wire(ways.socket, answers=ways.answers)
        self._group: asyncio.TaskGroup | None = None
        self._own: Acting | None = None
        self._failure: Exception | None = None
        self._wanted, self._settled, self._left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work for the length of the block.

        What stops is seen through after it, and the desk of this process, if it has one, is closed last.
        """
        async with asyncio.TaskGroup() as desks:
            desks.create_task(self._keep())
            try:
                async with asyncio.TaskGroup() as self._group:
                    yield
            finally:
                self._left.set()
                self._wanted.set()

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        """Answer tools/call."""
        tool = self._offered.tool(params.name)
        if self._own is not None:
            return await self._own.call_tool(context, params)
        arguments = params.arguments or {}

        async def work() -> CallToolResult:
            try:
                headers = self._key(arguments.get("api_key"))
                asked = {"name": params.name, "arguments": arguments}
                progress = Progress(context.session, wanted="progress_token" in (context.meta or {}))
                answer = await self._asked("tools/call", params.name, asked, headers, tool.act, progress)
                if answer is None:
                    own = await self._alone()
            except Exception as error:  # noqa: BLE001 - the boundary: whatever failed, its text stays in the log
                return refused(error)
            if answer is None:
                return await own.call_tool(context, params)
            if "error" in answer:
                raise _told(answer["error"])
            return CallToolResult.model_validate(answer["result"])

        return await self._seen_through(work, goes_on=tool.act.stops)

    async def read_resource(self, context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Answer resources/read."""
        uri = str(params.uri)
        act = self._offered.resource(uri).act
        if self._own is not None:
            return await self._own.read_resource(context, params)
        progress = Progress(context.session, wanted=False)
        try:
            answer = await self._asked("resources/read", uri, {"uri": uri}, self._key(None), act, progress)
            if answer is None:
                own = await self._alone()
        except Exception as error:  # noqa: BLE001 - as in call_tool
            document = envelope(error)
            raise MCPError(
                code=INTERNAL_ERROR,
                message=str(document["error"]["message"]),
                data={**document, "uri": uri},
            ) from None
        if answer is None:
            return await own.read_resource(context, params)
        if "error" in answer:
            raise _told(answer["error"])
        return ReadResourceResult.model_validate(answer["result"])

    def _key(self, argument: object) -> dict[str, str]:
        """Return the header that carries the environment's key.

        Raises:
            KeyRefused: no key came at all: what the own user's socket would allow without one, a client on
                stdio is not; or the key cannot be one.
        """
        presented = from_environment(self._environment)
        if not presented:
            if not from_argument(argument):
                identify(self._keys, ())
            return {}
        text = presented[0].text
        if not (text.isascii() and text.isprintable()):
            identify(self._keys, presented)
            raise KeyRefused("The key in BASTION_API_KEY is not a bastion key. Nothing was done.")
        return {ENVIRONMENT_KEY: text}

    async def _asked(
        self,
        method: str,
        name: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        act: Act,
        progress: Progress,
    ) -> Mapping[str, Any] | None:
        """Return the daemon's answer; None where this process may and must do it itself.

        Raises:
            Refused: a daemon is there that must not be gone past. Nothing was done.
            FateUnknown: the request may have been carried out, and is not one that can be repeated.
        """
        found = await asyncio.to_thread(self._ways.find)
        if found.refusal:
            raise Refused(found.refusal)
        if not found.there:
            return None
        late = {**headers, **self._ways.late()}
        outcome = await self._wire.ask(method, name, params, headers=late, progress=progress)
        if outcome.answer is not None:
            return outcome.answer if handled(outcome.answer) else None
        if not outcome.may_be_done:
            return None
        _log.warning("the daemon gave no answer to %s", act.value)
        if act.reads or (act.stops and not found.paper):
            return None
        raise FateUnknown(_fate(act, paper=found.paper))

    async def _seen_through(self, work: Callable[[], Any], *, goes_on: bool) -> CallToolResult:
        """Return what the work returns; what `goes_on` does so also where its client went away."""
        if self._group is None:
            raise MCPError(code=CONNECTION_CLOSED, message="This server is ending. Nothing was done.")
        task: asyncio.Task[CallToolResult] = self._group.create_task(_bulkhead(work))
        try:
            result = await asyncio.shield(task)
        except asyncio.CancelledError:
            if not goes_on:
                task.cancel()
            raise
        if isinstance(result, MCPError):
            raise result
        return result

    async def _alone(self) -> Acting:
        """Return the desk of this process, opened if need be.

        Raises:
            BastionError: it cannot be opened; the text says why.
        """
        if self._own is None:
            if not self._wanted.is_set():
                self._settled.clear()
                self._wanted.set()
            async with asyncio.timeout(OPEN_S):
                await self._settled.wait()
        if self._own is None:
            raise self._failure or Refused("No desk could be opened. Nothing was done.")
        return self._own

    async def _keep(self) -> None:
        """Open the own desk when it is wanted, and keep it until the client has left."""
        while not self._left.is_set():
            await self._wanted.wait()
            if self._left.is_set():
                return
            _log.warning("the daemon cannot be reached; going on with a desk of this process's own")
            async with AsyncExitStack() as stack:
                try:
                    self._own = await stack.enter_async_context(self._ways.own())
                except Exception as error:  # noqa: BLE001 - whoever called is told, and the next call tries again
                    self._failure = _first(error)
                    self._wanted.clear()
                    self._settled.set()
                    continue
                self._settled.set()
                await self._left.wait()


async def _bulkhead(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
    try:
        return await work()
    except MCPError as error:
        # Returned, since a task that fails would end those beside it.
        return error
    except Exception as error:  # noqa: BLE001 - as above
        return refused(error)


def _told(error: Any) -> MCPError:  # noqa: ANN401 - what came in JSON
    if not isinstance(error, dict):
        return MCPError(code=INTERNAL_ERROR, message="The daemon failed.")
    code = error.get("code")
    return MCPError(
        code=code if isinstance(code, int) else INTERNAL_ERROR,
        message=str(error.get("message", "")),
        data=error.get("data"),
    )


def _fate(act: Act, *, paper: bool) -> str:
    if paper and act.stops:
        return (
            "The daemon of the embedded paper exchange went away, and that exchange with it. Call again: "
            "this server then opens one of its own."
        )
    return (
        f"The daemon went away before it answered; whether it carried out {act.value} is not known, and it "
        "was not repeated. See how it stands with bastion_get_positions, or `bastion status` in a terminal, "
        "and call again if it is still wanted. bastion_emergency_exit may be called again at any time."
    )


def _first(error: Exception) -> Exception:
    """Return the first error of a group that bastion raised on purpose, else the error itself."""
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            found = _first(inner)
            if isinstance(found, BastionError):
                return found
    return error
