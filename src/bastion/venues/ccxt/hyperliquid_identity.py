"""Hyperliquid identity: what the account's address is, and what the signing wallet may do there.

Source: Hyperliquid docs, "Info endpoint", Query a user's role; "Nonces and API wallets": to read an account,
its own address must be named; an agent's address reads as an empty account. So nothing that is empty is
believed before the venue has said that the address is an account's own. An agent cannot withdraw. What the
venue said of an address is kept on disk for a day: the question weighs a twentieth of the minute of an IP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from bastion.domain.account import Access
from bastion.domain.money import ZERO
from bastion.errors import AnswerMalformed, Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.ports import Clock
from bastion.shape import dataclass
from bastion.venues.ccxt.hyperliquid_probes import was_not_sent
from bastion.venues.ccxt.patience import Patience
from bastion.venues.ccxt.shelf import FRESH_MS, Shelf
from bastion.venues.deadline import Deadline, within
from bastion.venues.raw import Answer, Row, read_rows

Ask = Callable[[Mapping[str, object], Deadline], Awaitable[Answer]]
OWN, SUB_ACCOUNT, VAULT, AGENT, MISSING = "user", "subAccount", "vault", "agent", "missing"
DAY_MS = 86_400_000
SOON_DAYS = 14
ROLE_EVERY = 4
"""Once in so many times the role is asked for first; else who approves the agent, a third as dear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an address is; `master` is the account that it belongs to, its own for a user or a vault."""

    role: str
    master: str

    def vault(self, address: str) -> str | None:
        """Return the address that an action must name to act there, None where the signer's own is meant."""
        return address if self.role in {SUB_ACCOUNT, VAULT} else None


class Identity:
    """Asks once what the address is, and keeps what cannot change: an account does not become an agent.

    The role weighs 60, as much as three lists of orders; who approves agents, a third of that, and tells of
    most accounts that they are their own. So that comes first, and after a failure after a pause only.
    """

    def __init__(self, ask: Ask, *, address: str, signer: str, clock: Clock, shelf: Shelf) -> None:
        self._ask = ask
        self._shelf = shelf
        self._address = address
        self._signer = signer
        self._clock = clock
        self._standing: Standing | None = None
        self._remembered = False
        self._is_own = False
        self._is_unlisted = False
        self._patience = Patience(clock)
        self._failure: VenueError = VenueUnreachable("what the address is was not answered")
        self._turn = asyncio.Lock()

    async def standing(self, deadline: Deadline) -> Standing:
        """Return what the address is; after a failure, the pause before the next question is waited out.

        Raises:
            VenueRejected: TERMINAL: the address is an agent's, or the venue does not know it.
            VenueError: the venue did not say.
        """
        if not self.is_known or self._standing is None:
            async with within(deadline), self._turn:
                if self._standing is None:
                    if self._patience.wait_s > 0 and _is_terminal(self._failure):
                        raise self._failure
                    await self._clock.sleep(self._patience.wait_s)
                    self._standing = await self._learn(deadline)
        return self._standing

    @property
    def is_known(self) -> bool:
        """Whether what the address is was told, in this process or on the disk."""
        if self._standing is None and not self._remembered:
            self._remembered = True
            self._standing = self._kept()
        return self._standing is not None

    def shown(self) -> None:
        """Hear that the venue showed money or positions at the address, which an agent's never has."""
        self._is_own = True

    async def prove(self, deadline: Deadline) -> None:
        """Return where the address is known to be an account's own: by its role, or by money that it has.

        Raises:
            VenueError: neither is known; an empty answer for this address proves nothing.
        """
        if self._is_own:
            return
        try:
            if self._standing is None and self._patience.wait_s > 0:
                raise self._failure
            await self.standing(deadline)
        except VenueError as error:
            if _is_terminal(error):
                raise
            asked = {"type": "clearinghouseState", "user": self._address}
            state = Row((await self._ask(asked, deadline)).value, "clearinghouseState")
            if state.row("marginSummary").decimal("accountValue") == ZERO:
                raise error from None
            self.shown()

    async def access(self, deadline: Deadline, *, now_ms: int) -> Access:
        """Return what the signing wallet may do; no order is needed to know it.

        Raises:
            VenueError: the venue did not say.
        """
        try:
            standing = await self.standing(deadline)
        except VenueRejected as error:
            if error.fault is not Fault.TERMINAL:
                raise
            return Access(can_read=False, can_trade=False, notes=(str(error),))
        if self._signer in {standing.master, self._address}:
            note = "The private key is the account's own, which can withdraw: use an agent (API wallet)."
            return Access(can_read=True, can_trade=True, can_withdraw=True, notes=(note,))
        role, of = await self._role(self._signer, deadline)
        if standing.role == VAULT:
            return Access(can_read=True, can_trade=None, can_withdraw=role != AGENT)
        if role != AGENT or of != standing.master:
            note = f"The wallet {self._signer} is no approved agent of {standing.master}: it cannot trade."
            return Access(can_read=True, can_trade=False, can_withdraw=False, notes=(note,))
        notes = await self._expiry(standing.master, deadline, now_ms)
        return Access(can_read=True, can_trade=True, can_withdraw=False, notes=notes)

    async def _learn(self, deadline: Deadline) -> Standing:
        in_turn = self._patience.failures % ROLE_EVERY < ROLE_EVERY - 1
        lightly = in_turn and not self._is_unlisted and not _is_terminal(self._failure)
        # Counted as failed until it came: who gives up before the answer is there must not ask again at once.
        self._patience.failed()
        try:
            role, of = await self._role_or_agents(deadline, lightly=lightly)
        except VenueError as error:
            self._failure = error
            if was_not_sent(error):
                self._patience.unasked()
            raise
        refusal = self._refusal(role, of)
        if refusal is not None:
            self._failure = refusal
            raise refusal
        learnt = Standing(role=role, master=of if role == SUB_ACCOUNT and of else self._address)
        self._shelf.note(self._name, f"{learnt.role} {learnt.master}")
        return learnt

    @property
    def _name(self) -> str:
        return f"role {self._address}"

    def _kept(self) -> Standing | None:
        told = self._shelf.noted(self._name, within_ms=FRESH_MS)
        role, _, master = told[0].partition(" ") if told is not None else ("", "", "")
        return Standing(role=role, master=master) if role in {OWN, SUB_ACCOUNT, VAULT} and master else None

    def _refusal(self, role: str, of: str) -> VenueRejected | None:
        if role == AGENT:
            return VenueRejected(
                f"{self._address} is an agent (API wallet) of {of or 'another account'}: its own account is "
                "always empty. Set wallet_address to the account's own address and keep the private key",
                fault=Fault.TERMINAL,
                code="Agent",
            )
        if role == MISSING:
            return VenueRejected(
                f"the venue knows no account at {self._address}; check wallet_address",
                fault=Fault.TERMINAL,
                code="NoAccount",
            )
        return None

    async def _role_or_agents(self, deadline: Deadline, *, lightly: bool) -> tuple[str, str]:
        failure = self._failure
        if not lightly:
            try:
                return await self._role(self._address, deadline)
            except VenueError as error:
                if isinstance(error, VenueUnreachable) and not self._is_unlisted:
                    raise  # A host that does not answer at all is asked again later, and more lightly.
                failure = error
        # Who approves agents is no sub-account: that settles it where the role cannot be had.
        approved = await self._approved(deadline)
        if approved:
            return OWN, ""
        self._is_unlisted = approved is not None
        if lightly and approved is not None:
            return await self._role(self._address, deadline)
        raise failure

    async def _approved(self, deadline: Deadline) -> bool | None:
        try:
            answer = await self._ask({"type": "extraAgents", "user": self._address}, deadline)
            agents = read_rows(answer.value, "extraAgents")
        except VenueError as error:
            if was_not_sent(error):
                raise
            return None
        return any(row.text_or("address").lower() == self._signer for row in agents)

    async def _role(self, address: str, deadline: Deadline) -> tuple[str, str]:
        answer = Row((await self._ask({"type": "userRole", "user": address}, deadline)).value, "userRole")
        role = answer.text("role")
        if role not in {OWN, SUB_ACCOUNT, VAULT, AGENT, MISSING}:
            raise AnswerMalformed(f"userRole: the role {role[:20]!r} is not documented")
        if role not in {AGENT, SUB_ACCOUNT}:
            return role, ""
        data = answer.row("data")
        return role, data.text("user" if role == AGENT else "master").lower()

    async def _expiry(self, master: str, deadline: Deadline, now_ms: int) -> tuple[str, ...]:
        try:
            answer = await self._ask({"type": "extraAgents", "user": master}, deadline)
            agents = read_rows(answer.value, "extraAgents")
            mine = [row for row in agents if row.text_or("address").lower() == self._signer]
            ends_ms = [row.integer("validUntil") for row in mine if "validUntil" in row]
        except (VenueError, AnswerMalformed):
            return ()  # A courtesy: that the agent may trade now is known without it.
        return tuple(
            f"The agent's approval ends in {max(0, left_ms // DAY_MS)} days."
            for end_ms in ends_ms
            if (left_ms := end_ms - now_ms) < SOON_DAYS * DAY_MS
        )


def _is_terminal(error: VenueError) -> bool:
    return isinstance(error, VenueRejected) and error.fault is Fault.TERMINAL
