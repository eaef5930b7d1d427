"""One call: what a handler gets, and what it may use to answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from bastion.paper.clock import Clock
from bastion.paper.strike.commands import Command, ResultT
from bastion.paper.strike.identity import Credentials, Principal, wallet_address
from bastion.paper.strike.identity_assembly import Identity
from bastion.paper.strike.results import Reason, Refused
from bastion.paper.strike.venue import LedgerUnavailable, MarginVenue
from bastion.paper.wire.strike.answers import Refusal
from bastion.paper.wire.strike.chain import ChainVerifier
from bastion.paper.wire.strike.fields import BAD_WALLET, Body, bad
from bastion.paper.wire.strike.limits import Limits

COMMAND_DEADLINE_S = 15
UNKNOWN_OUTCOME = "The outcome is not known. Read the position before you repeat the request."


async def submit(venue: MarginVenue, command: Command[ResultT]) -> ResultT:
    """The command's result, after the commit that holds it.

    Raises Refusal: as the venue refused, or 500 when the outcome is not known.
    """
    try:
        async with asyncio.timeout(COMMAND_DEADLINE_S):
            # Shielded, because giving up waiting must not take the command back from the writer.
            result = await asyncio.shield(asyncio.wrap_future(venue.submit(command)))
    except (LedgerUnavailable, TimeoutError) as error:
        raise Refusal(500, UNKNOWN_OUTCOME) from error
    if isinstance(result, Refused):
        raise Refusal(403 if result.reason is Reason.NOT_OWNER else 400, result.message)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """The venue's counter: everything that handlers work with."""

    venue: MarginVenue
    identity: Identity
    limits: Limits
    chain: ChainVerifier
    clock: Clock
    started_ms: int
    environment: str
    version: str

    async def submit(self, command: Command[ResultT]) -> ResultT:
        """As `submit`, to this counter's venue."""
        return await submit(self.venue, command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request whose credentials, limits and shape have been checked, in that order."""

    credentials: Credentials
    principal: Principal | None
    body: Body
    path: Mapping[str, str] = field(default_factory=dict)
    idempotency_keys: tuple[str, ...] = ()

    @property
    def caller(self) -> Principal:
        """Who calls. Raises LookupError on a public route, which is a fault of the route table."""
        if self.principal is None:
            raise LookupError("this route has no caller")
        return self.principal

    def path_wallet(self) -> str:
        """The wallet in the path, lower-case. Raises Refusal."""
        wallet = wallet_address(self.path["wallet"])
        return wallet if wallet is not None else bad(BAD_WALLET)
