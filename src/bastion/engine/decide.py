"""Decide: what an armed engine does about what its guards and rules found, and what it alerts to. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from bastion.domain.engine import Action, AlertType, ArmSettings, GuardReading, Severity, Target
from bastion.domain.engine_records import ActIntended, Advised, Alerted, GuardTripped
from bastion.engine.guards import LIQUIDATION
from bastion.engine.scene import Blind, Clear, Finding
from bastion.engine.standing import Episode

REASON_MAX = 480
NS = 1_000_000_000
ORDER = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
RISK_ANY = Decimal(0)


def acts_of(
    tripped: Sequence[tuple[str, Episode, GuardReading]], settings: ArmSettings
) -> tuple[tuple[ActIntended, ...], tuple[str, ...]]:
    """Return the acts that answer these guards' episodes, and the keys that `max_action` lets nobody answer.

    One act that closes everything answers every episode. Else each position is closed by an act of its own.
    """
    allowed = [one for one in tripped if settings.allows(one[1].tripped.act)]
    capped = tuple(key for key, episode, _ in tripped if not settings.allows(episode.tripped.act))
    whole = [one for one in allowed if one[1].tripped.act is Action.EXIT_ALL]
    if whole:
        keys = tuple(key for key, _, _ in allowed)
        return (_intent(Action.EXIT_ALL, Target(), keys, whole[0][2].sentence),), capped
    return tuple(
        _intent(episode.tripped.act, reading.target, (key,), reading.sentence)
        for key, episode, reading in allowed
    ), capped


def advice_acts(
    advice: Iterable[Advised],
    settings: ArmSettings,
    *,
    risks: Mapping[str, Decimal],
    done: Callable[[ActIntended], bool],
) -> tuple[ActIntended, ...]:
    """Return the acts by which advice is carried out: confident enough, risky enough, within the cap, once.

    `risks` holds each target's risk score by its name; a score that is not known reaches no threshold.
    `done` says whether that was done to that target today, or is being done.
    """
    found = []
    for one in advice:
        if one.action is Action.HOLD or one.confidence < settings.confidence_threshold:
            continue
        if not settings.allows(one.action):
            continue
        risk = risks.get(one.target.name)
        threshold = settings.risk_threshold
        if threshold is not None and (risk is None or risk < threshold):
            continue
        intent = ActIntended(
            action=one.action,
            target=one.target,
            keys=(),
            reason=_printable(one.reasoning),
            confidence=one.confidence,
        )
        if not done(intent):
            found.append(intent)
    return tuple(found)


def risks_of(readings: Iterable[GuardReading]) -> dict[str, Decimal]:
    """Return each target's risk score: the largest that a guard gives it, or gives everything."""
    risks: dict[str, Decimal] = {}
    whole = RISK_ANY
    for one in readings:
        if one.risk is None:
            continue
        if one.target.symbol is None:
            whole = max(whole, one.risk)
        else:
            risks[one.target.name] = max(risks.get(one.target.name, RISK_ANY), one.risk)
    return {name: max(risk, whole) for name, risk in risks.items()}


class AlertBook:
    """Remembers what was alerted, so that each thing is told once until it changes for the worse or ends.

    A guard without data is told of after `patience_s`; a venue may be away for a moment.
    """

    def __init__(self, *, patience_s: int) -> None:
        self._patience_ns = patience_s * NS
        self._warned: dict[str, Severity] = {}
        self._blind_ns: dict[str, int] = {}
        self._blind_told: set[str] = set()

    def alerts(self, findings: Sequence[Finding], *, at_ns: int) -> tuple[Alerted, ...]:
        """Return the alerts that these findings are worth; call it once a round."""
        found: list[Alerted] = []
        seen_blind: set[str] = set()
        for finding in findings:
            reading = finding.reading
            if isinstance(finding, Blind):
                if finding.expected:
                    continue
                seen_blind.add(reading.key)
                since = self._blind_ns.setdefault(reading.key, at_ns)
                if at_ns - since >= self._patience_ns and reading.key not in self._blind_told:
                    self._blind_told.add(reading.key)
                    found.append(_alert(reading, AlertType.DATA_MISSING, Severity.HIGH))
            elif isinstance(finding, Clear):
                found.extend(self._warning(finding))
        for key in [key for key in self._blind_ns if key not in seen_blind]:
            del self._blind_ns[key]
            self._blind_told.discard(key)
        return tuple(found)

    def _warning(self, finding: Clear) -> tuple[Alerted, ...]:
        key, severity = finding.reading.key, finding.severity
        if severity is None:
            self._warned.pop(key, None)
            return ()
        before = self._warned.get(key)
        if before is not None and ORDER.index(severity) <= ORDER.index(before):
            return ()
        self._warned[key] = severity
        return (_alert(finding.reading, kind_of(finding.reading), severity),)


def trip_alert(record: GuardTripped) -> Alerted:
    """Return the alert of a guard at its limit, with what an armed engine does or would do about it."""
    reading = record.reading
    does = "the armed engine acts" if record.armed else "an armed engine would act"
    said = f"{reading.sentence} At its limit: {does} ({record.act.value} of {reading.target.name})."
    return Alerted(
        type=kind_of(reading),
        severity=Severity.CRITICAL,
        message=said,
        target=reading.target,
        guard=reading.guard,
        value=reading.value,
        limit=reading.limit,
    )


def kind_of(reading: GuardReading) -> AlertType:
    """Return the type of an alert about this guard."""
    return AlertType.LIQUIDATION_PROXIMITY if reading.guard == LIQUIDATION else AlertType.RISK_WARNING


def _alert(reading: GuardReading, kind: AlertType, severity: Severity) -> Alerted:
    return Alerted(
        type=kind,
        severity=severity,
        message=reading.sentence,
        target=reading.target,
        guard=reading.guard,
        value=reading.value,
        limit=reading.limit,
    )


def _intent(action: Action, target: Target, keys: tuple[str, ...], sentence: str) -> ActIntended:
    return ActIntended(
        action=action, target=target, keys=keys, reason=_printable(sentence), confidence=Decimal(1)
    )


def _printable(text: str) -> str:
    # A reason is at most 500 printable characters; names in it come from configuration and venues.
    return "".join(one if one.isprintable() else "?" for one in text)[:REASON_MAX]
