"""Resources: what a client can read by address; each is a verb's answer, and needs a key."""

from collections.abc import Awaitable, Callable

from mcp_types import Resource as ResourceListing
from mcp_types import ResourceTemplate

from bastion import commands
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.errors import ExitUnknown
from bastion.shape import dataclass
from bastion.surfaces.mcp_server.answers import Answer, answer_of

SCHEME = "bastion://"
EXIT_URI = SCHEME + "exits/"
_KEY = "The key comes by header, by the query, or by BASTION_API_KEY; it needs the `read` scope."

Read = Callable[[commands.Desk, Principal], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource at a fixed address."""

    uri: str
    title: str
    description: str
    act: Act
    read: Read

    def listing(self) -> ResourceListing:
        """Return what resources/list says of this resource."""
        return ResourceListing(
            uri=self.uri,
            name=self.uri.removeprefix(SCHEME),
            title=self.title,
            description=f"{self.description} {_KEY}",
            mime_type="application/json",
        )


async def _status(desk: commands.Desk, principal: Principal) -> Answer:
    report = await commands.status(desk, principal)
    unread = [account for account in report.accounts if not account.read]
    health = "healthy" if not unread else "down" if len(unread) == len(report.accounts) else "degraded"
    return {
        "status": health,
        "api": {"status": "operational"},
        "last_updated": report.read_at,
        "desk": answer_of(report),
    }


async def _positions(desk: commands.Desk, principal: Principal) -> Answer:
    return answer_of(await commands.positions(desk, principal))


async def _engine(desk: commands.Desk, principal: Principal) -> Answer:
    return answer_of(await commands.engine_status(desk, principal))


async def _symbols(desk: commands.Desk, principal: Principal) -> Answer:
    return answer_of(await commands.supported_symbols(desk, principal))


RESOURCES: tuple[Resource, ...] = (
    Resource(
        uri=SCHEME + "status",
        title="How the desk stands",
        description=(
            "`status` is healthy when every account could be read, degraded when some could not, down when "
            "none could; `desk` is the state of accounts, latch and last exit."
        ),
        act=Act.STATUS,
        read=_status,
    ),
    Resource(
        uri=SCHEME + "positions",
        title="Open positions",
        description="Every open position, with the fields of bastion_get_positions.",
        act=Act.POSITIONS,
        read=_positions,
    ),
    Resource(
        uri=SCHEME + "engine/status",
        title="State of the engine",
        description="Whether anything watches and may act, with the fields of bastion_engine_status.",
        act=Act.ENGINE_STATUS,
        read=_engine,
    ),
    Resource(
        uri=SCHEME + "supported-symbols",
        title="Symbols",
        description="Every symbol that a connected exchange lists now, and how symbols are written here.",
        act=Act.SUPPORTED_SYMBOLS,
        read=_symbols,
    ),
)
BY_URI = {resource.uri: resource for resource in RESOURCES}

EXIT_TEMPLATE = ResourceTemplate(
    name="exit",
    title="One exit or halt",
    uri_template=EXIT_URI + "{id}",
    description=(
        "How the exit or halt of that id stands, with the fields of bastion_exit_status or "
        f"bastion_halt_status. {_KEY}"
    ),
    mime_type="application/json",
)


def exit_of(uri: str) -> Resource | None:
    """Return the resource of one exit, or None where the address is no exit's."""
    exit_id = uri.removeprefix(EXIT_URI)
    if not uri.startswith(EXIT_URI) or not exit_id.isalnum() or not exit_id.isascii():
        return None

    async def read(desk: commands.Desk, principal: Principal) -> Answer:
        try:
            return answer_of(await commands.exit_status(desk, principal, exit_id))
        except ExitUnknown:
            return answer_of(await commands.halt_status(desk, principal, exit_id))

    return Resource(uri=uri, title="One exit", description="", act=Act.EXIT_STATUS, read=read)


def resource_at(uri: str) -> Resource | None:
    """Return the resource at the address, or None where there is none."""
    return BY_URI.get(uri) or exit_of(uri)
