"""Standing: the engine's state as its records tell it; starting and recovering are this one fold. Pure."""

from collections.abc import Iterable
from dataclasses import field

from bastion.domain.engine import ArmSettings, EngineState
from bastion.domain.engine_records import (
    ActDropped,
    ActEnded,
    ActIntended,
    EngineArmed,
    EngineDisarmed,
    EngineEntry,
    EngineRecord,
    EngineStarted,
    GuardCleared,
    GuardTripped,
)
from bastion.domain.money import ZERO, Usd
from bastion.engine.guards import DRAWDOWN
from bastion.shape import dataclass

DAY_NS = 86_400 * 1_000_000_000

KINDS: tuple[type[EngineRecord], ...] = (
    EngineStarted,
    EngineArmed,
    EngineDisarmed,
    GuardTripped,
    GuardCleared,
    ActIntended,
    ActEnded,
    ActDropped,
)
"""The kinds of records that the fold needs; evaluations and alerts change no state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A guard's limit was reached and it is not over; `acted` is the intent that answered it, if any."""

    tripped: GuardTripped
    at_ns: int
    acted: int | None = None


@dataclass(slots=True, kw_only=True)
class Facts:
    """Where the engine stands by its records."""

    recorded: EngineState = EngineState.STOPPED
    settings: ArmSettings | None = None
    started_ns: int | None = None
    armed_ns: int | None = None
    armed_seq: int = 0
    episodes: dict[str, Episode] = field(default_factory=dict)
    open_acts: dict[int, EngineEntry] = field(default_factory=dict)
    acts: list[EngineEntry] = field(default_factory=list)
    ended: list[EngineEntry] = field(default_factory=list)
    rebase_after: int = 0
    """The arming after which the high-water mark is set anew, since the drawdown's guard had acted."""

    def apply(self, entry: EngineEntry) -> None:
        """Take one entry into account; entries come in their order."""
        record = entry.record
        match record:
            case EngineStarted():
                if self.recorded is EngineState.STOPPED:
                    self.recorded, self.started_ns = EngineState.MONITORING, entry.at_ns
            case EngineArmed():
                self._arm(record, entry)
            case EngineDisarmed():
                if self.recorded is EngineState.ARMED:
                    self.recorded = EngineState.MONITORING
                self.settings, self.armed_ns = None, None
            case GuardTripped():
                self.episodes[record.reading.key] = Episode(tripped=record, at_ns=entry.at_ns)
            case GuardCleared():
                self.episodes.pop(record.key, None)
            case _:
                self._act(entry)

    def acts_since(self, at_ns: int, *, by_guards: bool) -> tuple[EngineEntry, ...]:
        """Return the intents since that moment: those of guards, or those of rules of advice."""
        return tuple(
            entry
            for entry in self.acts
            if entry.at_ns >= at_ns
            and isinstance(entry.record, ActIntended)
            and bool(entry.record.keys) is by_guards
        )

    def done_since(self, at_ns: int) -> tuple[int, Usd]:
        """Return how many acts ended since that moment, and what they realised as far as it is known."""
        done = [e.record for e in self.ended if e.at_ns >= at_ns and isinstance(e.record, ActEnded)]
        known = [one.realized_pnl_usd for one in done if one.realized_pnl_usd is not None]
        return len(done), Usd(sum(known, ZERO))

    def _arm(self, record: EngineArmed, entry: EngineEntry) -> None:
        # A record of an arming that slipped in while stopped arms nothing.
        if self.recorded is EngineState.STOPPED:
            return
        self.recorded, self.settings = EngineState.ARMED, record.settings
        self.armed_ns, self.armed_seq = entry.at_ns, entry.seq
        # Who arms again after a guard has acted begins anew: its episode is over.
        if any(key == DRAWDOWN and one.acted is not None for key, one in self.episodes.items()):
            self.rebase_after = entry.seq
        self.episodes = {key: one for key, one in self.episodes.items() if one.acted is None}

    def _act(self, entry: EngineEntry) -> None:
        record = entry.record
        match record:
            case ActIntended():
                self.open_acts[entry.seq] = entry
                self.acts.append(entry)
                self._mark(record.keys, entry.seq)
            case ActEnded():
                self.open_acts.pop(record.intent, None)
                self.ended.append(entry)
            case ActDropped():
                self._drop(record.intent)
            case _:
                return

    def _mark(self, keys: Iterable[str], seq: int | None) -> None:
        for key in keys:
            episode = self.episodes.get(key)
            if episode is not None:
                self.episodes[key] = Episode(tripped=episode.tripped, at_ns=episode.at_ns, acted=seq)

    def _drop(self, intent: int) -> None:
        # Nothing was sent: the episode may still be answered, and the act does not count for the day. Advice
        # that was refused does count: it would be refused again with every advice.
        self.open_acts.pop(intent, None)
        self.acts = [entry for entry in self.acts if entry.seq != intent or _is_advice(entry)]
        self._mark([key for key, one in self.episodes.items() if one.acted == intent], None)


def _is_advice(entry: EngineEntry) -> bool:
    return isinstance(entry.record, ActIntended) and not entry.record.keys


def fold(entries: Iterable[EngineEntry]) -> Facts:
    """Return where the engine stands by these entries, oldest first."""
    facts = Facts()
    for entry in entries:
        facts.apply(entry)
    return facts


def day_began(at_ns: int) -> int:
    """Return 00:00 UTC of the day of that moment, in UTC nanoseconds."""
    return at_ns - at_ns % DAY_NS
