"""Acting: how an armed engine carries out what its guards and rules decided, once and findable."""

import asyncio
import logging
from collections.abc import Callable

from bastion.domain.engine import ActOutcome, AlertType, Severity, Target
from bastion.domain.engine_records import ActDropped, ActEnded, ActIntended, Alerted, EngineEntry
from bastion.engine.register import Register
from bastion.engine.surroundings import Surroundings
from bastion.errors import JournalUnusable

_log = logging.getLogger(__name__)


class Actor:
    """Carries out acts, each in a task of `spawn`; the intent is durable before anything leaves.

    A disarming makes every decision void whose act has not begun: `hold_back` takes effect at once.
    """

    def __init__(self, *, register: Register, surroundings: Surroundings) -> None:
        self._register = register
        self._surroundings = surroundings
        self._generation = 0
        self._begun: dict[int, str] = {}
        self._number = 0
        self._claimed: set[str] = set()
        self._unrecorded: set[str] = set()

    def hold_back(self) -> None:
        """Let nothing begin any more that was decided before this moment."""
        self._generation += 1

    def under_way(self) -> tuple[str, ...]:
        """Return what has begun and goes on, in words."""
        return tuple(self._begun.values())

    def claims(self, key: str) -> bool:
        """Return whether an act on that episode or target is being carried out, or was without a record."""
        return key in self._claimed or key in self._unrecorded

    def begin_anew(self) -> None:
        """Forget what was done without a record: a person has armed the engine since."""
        self._unrecorded.clear()

    def begin(self, intent: ActIntended, spawn: Callable[..., asyncio.Task[None]]) -> None:
        """Carry out the act in a task of its own; the guards go on looking meanwhile."""
        claims = set(intent.keys) or {claim(intent)}
        self._claimed |= claims
        spawn(self._carry(intent, self._generation, claims), name=f"engine: {intent.action.value}")

    async def recover(self, facts_open: tuple[EngineEntry, ...]) -> None:
        """Settle what a dead process intended: follow the exit that it requested, else take the intent back.

        An intent whose request never became durable was not sent. Its guard may then act anew, on what is
        read now, never on what was read then.
        """
        for entry in facts_open:
            if not isinstance(entry.record, ActIntended):
                continue
            try:
                await self._settle(entry, entry.record)
            except Exception:  # noqa: BLE001 - a bulkhead: one act must not keep the others unsettled
                _log.exception(
                    "What became of an earlier process's act is not known: %s", entry.record.reason
                )

    async def _settle(self, entry: EngineEntry, intent: ActIntended) -> None:
        exit_id = self._surroundings.requested(intent.reason, since_ns=entry.at_ns)
        if exit_id is None:
            await self._drop(entry.seq, intent, "the process died before anything was sent")
            return
        outcome = await self._surroundings.follow(exit_id)
        if outcome is None:
            why = f"its exit {exit_id} was broken off and is too old to be taken up by itself"
            await self._drop(entry.seq, intent, why)
        else:
            await self._end(entry.seq, intent, outcome)

    async def _carry(self, intent: ActIntended, generation: int, claims: set[str]) -> None:
        seq = 0
        try:
            try:
                seq = (await self._register.commit((intent,)))[0].seq
            except JournalUnusable as error:
                # A guard's act outranks its record, since the exit has a journal of its own; advice does not.
                _log.error("The engine's intent is not durable: %s", error)
                if not intent.keys:
                    return
                self._unrecorded |= claims
            if generation != self._generation or not self._register.armed():
                await self._drop(seq, intent, "the engine was disarmed before anything was sent")
                return
            self._number += 1
            number = self._number
            self._begun[number] = f"{intent.action.value} of {intent.target.name}"
            try:
                outcome = await self._surroundings.act(intent.action, intent.target, reason=intent.reason)
            finally:
                del self._begun[number]
            if outcome.sent:
                await self._end(seq, intent, outcome)
            else:
                await self._drop(seq, intent, outcome.told)
        except Exception:  # noqa: BLE001 - a bulkhead: one act's surprise must not end the watch
            _log.exception("An act of the engine failed unexpectedly: %s", intent.reason)
            await self._drop(seq, intent, "it failed unexpectedly; the log has the details")
        finally:
            self._claimed -= claims

    async def _end(self, seq: int, intent: ActIntended, outcome: ActOutcome) -> None:
        ended = ActEnded(
            intent=seq,
            action=intent.action,
            target=intent.target,
            success=outcome.success,
            told=outcome.told,
            confidence=intent.confidence,
            reasoning=intent.reason,
            exit_id=outcome.exit_id,
            exit_pct=outcome.exit_pct,
            price=outcome.price,
            realized_pnl_usd=outcome.realized_pnl_usd,
            new_stop=outcome.new_stop,
            previous_stop=outcome.previous_stop,
        )
        severity = Severity.HIGH if outcome.success else Severity.CRITICAL
        await self._register.note(
            (ended, _alert(severity, f"The engine acted. {intent.reason} {outcome.told}", intent.target))
        )

    async def _drop(self, seq: int, intent: ActIntended, why: str) -> None:
        dropped = ActDropped(intent=seq, action=intent.action, target=intent.target, why=why)
        said = f"{intent.action.value} of {intent.target.name} was not sent: {why}."
        await self._register.note((dropped, _alert(Severity.HIGH, said, intent.target)))


def claim(intent: ActIntended) -> str:
    """Return what names the act of a rule: its action on its target."""
    return f"{intent.action.value}:{intent.target.name}"


def _alert(severity: Severity, message: str, target: Target) -> Alerted:
    return Alerted(type=AlertType.ENGINE, severity=severity, message=message, target=target)
