"""Root: the one ASGI application of the daemon: MCP below /mcp, what only the own user may ask, and REST."""

from bastion.commands.right_of_way import RightOfWay
from bastion.ports import Clock
from bastion.surfaces.rest.asgi import LOCAL, Application, Receive, Scope, Send
from bastion.surfaces.rest.door import send_reply, texts_of
from bastion.surfaces.rest.problems import Reply, problem
from bastion.surfaces.rest.wire import JSON_TYPE, encoded

DESK_PATH = "/local/desk"
NOT_AFTER = "bastion-not-after"
"""A header of the own user's requests: the millisecond (UTC) after which they must not be carried out."""
_MCP = "/mcp/"
_DIGITS_MAX = 20


class Root:
    """Hands each request to its surface; start and stop are those of the MCP application."""

    def __init__(
        self,
        *,
        mcp: Application,
        rest: Application,
        clock: Clock,
        right_of_way: RightOfWay,
        about: dict[str, object],
    ) -> None:
        self._mcp = mcp
        self._rest = rest
        self._clock = clock
        self._right_of_way = right_of_way
        self._about = about

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope.get("method") != "POST":
            # What is posted may be a press, and waits where that is known.
            await self._right_of_way.line_up()
        local = scope["type"] == "http" and scope.get(LOCAL, False)
        if local and self._too_late(texts_of(scope).get(NOT_AFTER, "")):
            # Whoever asked has long gone on without us, for example while this process was suspended.
            await send_reply(send, problem(409, "This request came too late. Nothing was done."))
            return
        if scope["type"] != "http" or scope["path"].startswith(_MCP):
            await self._mcp(scope, receive, send)
            return
        if local and scope["path"] == DESK_PATH:
            about = Reply(status=200, body=encoded(self._about), media_type=JSON_TYPE)
            await send_reply(send, about)
            return
        await self._rest(scope, receive, send)

    def _too_late(self, told: str) -> bool:
        if not told:
            return False
        if not (told.isascii() and told.isdecimal() and len(told) <= _DIGITS_MAX):
            return True
        return self._clock.now_ns() // 1_000_000 > int(told)
