"""Engine: start, arm and disarm the standing watch."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.engine_telling import (
    CADENCE_S,
    ArmedSession,
    EngineArmReport,
    EngineDisarmReport,
    EngineStartReport,
    disarm_warnings,
    hours,
    left_of,
    mode_of,
    seen,
    warming,
)
from bastion.commands.kill_switch import tripped_by
from bastion.commands.positions import moment, visible_readings
from bastion.commands.readings import AccountReading
from bastion.commands.steering import steered
from bastion.domain.act import Act
from bastion.domain.engine import (
    CONFIDENCE_DEFAULT,
    DAILY_LOSS_LIMIT_DEFAULT,
    ArmSettings,
    Day,
    DisarmCause,
    Disarmed,
    EngineState,
    Mode,
    Reach,
    Standing,
)
from bastion.domain.money import ZERO, Usd
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING
from bastion.errors import (
    ConfirmationRequired,
    Conflict,
    EngineNotRunning,
    JournalUnusable,
    Refused,
    ScopeDenied,
)
from bastion.exits.sentences import count

LIMIT_USD_MAX = Decimal(1_000_000_000)


async def engine_start(desk: Desk, principal: Principal) -> EngineStartReport:
    """Start watching and advising; an engine that runs already is left as it is.

    Raises:
        ScopeDenied: the principal lacks the engine scope.
        Conflict: no standing process (`bastion up`, `bastion mcp`) is there to run it.
        JournalUnusable: the start could not be made durable; it was not started.
    """
    permit(principal, Act.ENGINE_START)
    covered(principal, desk.accounts, EVERYTHING)
    standing = await steered(desk.engine).start(principal=principal)
    _, readings = await visible_readings(desk, principal)
    held = sum(len(reading.look.positions) for reading in readings)
    connected = _venues(reading for reading in readings if reading.look.complete)
    message = (
        f"The engine is {standing.state.value}: it watches {count(held, 'position')} and advises every"
        f" {CADENCE_S} s; its guards look at each reading."
    )
    if not standing.armed:
        message += " It sends nothing on its own decision until it is armed."
    return EngineStartReport(
        summary=message,
        success=True,
        status="running",
        mode=mode_of(standing),
        positions_detected=held,
        evaluation_cadence_seconds=CADENCE_S,
        exchanges_connected=connected,
        message=message,
        state=standing.state,
        warnings=_unread(readings),
    )


async def engine_arm(
    desk: Desk,
    principal: Principal,
    *,
    confidence_threshold: Decimal = CONFIDENCE_DEFAULT,
    daily_loss_limit_usd: Decimal = DAILY_LOSS_LIMIT_DEFAULT,
    risk_threshold: Decimal | None = None,
    max_action: str | None = None,
    confirm: bool | None = None,
) -> EngineArmReport:
    """Let the engine act without asking, within these settings, which replace those of an earlier arming.

    `confidence_threshold` is 0 to 1, `risk_threshold` 0 to 100, `max_action` a word of `Reach`. It is refused
    while the latch is tripped, and where today's realised loss has reached the limit already. `confirm` is
    not needed; where it is given it must be true.

    Raises:
        ScopeDenied: the principal lacks the engine scope, or may not move every account of the desk.
        Refused: a value lies outside of its range.
        ConfirmationRequired: `confirm` was false.
        EngineNotRunning: the engine was not started.
        Conflict: the latch is tripped, or the limit is reached.
        JournalUnusable: the arming could not be made durable; it was not armed.
    """
    permit(principal, Act.ENGINE_ARM)
    if covered(principal, desk.accounts, EVERYTHING) != tuple(desk.accounts):
        raise ScopeDenied(
            "An armed engine acts on every account of the desk; this key may move some of them only. Nothing"
            " was done."
        )
    settings = ArmSettings(
        confidence_threshold=_between(confidence_threshold, "confidence_threshold", Decimal(1)),
        daily_loss_limit_usd=Usd(_between(daily_loss_limit_usd, "daily_loss_limit_usd", LIMIT_USD_MAX)),
        risk_threshold=None
        if risk_threshold is None
        else _between(risk_threshold, "risk_threshold", Decimal(100)),
        max_action=_reach(max_action),
    )
    if confirm is False:
        raise ConfirmationRequired(
            "Arming lets the engine send orders without asking; `confirm` was false. Nothing was done."
        )
    engine = steered(desk.engine)
    if engine.standing().state is EngineState.STOPPED:
        raise EngineNotRunning("The engine is stopped; start it first (`bastion_engine_start`).")
    _refuse_latched(desk)
    day = await engine.day(accounts=None)
    remaining = _remaining(settings, day)
    if remaining == ZERO:
        raise Conflict(
            f"Today's realised loss ({-day.realized_usd:,.2f} USD since 00:00 UTC) has reached the limit of"
            f" {settings.daily_loss_limit_usd:,.2f} USD: the engine would be disarmed at once. Nothing was"
            " done."
        )
    _, readings = await visible_readings(desk, principal)
    # The latch can have been tripped while we read.
    _refuse_latched(desk)
    standing = await engine.arm(settings, principal=principal)
    report = _armed(standing, settings, readings, day, remaining)
    return replace(report, warnings=(*warming(standing, desk.clock.now_ns()), *report.warnings))


async def engine_disarm(desk: Desk, principal: Principal) -> EngineDisarmReport:
    """Let the engine send nothing more on its own decision, at once; it goes on watching and advising.

    It waits for no venue and no other work. An exit that has begun goes on to its verdict: nothing stops an
    exit. Not armed: success, with zeros.

    Raises:
        ScopeDenied: the principal lacks the engine scope.
    """
    permit(principal, Act.ENGINE_DISARM)
    engine = steered(desk.engine)
    ended = await engine.disarm(principal=principal, cause=DisarmCause.ASKED)
    try:
        standing = engine.standing()
    except JournalUnusable:
        # It is disarmed; that its records cannot be read now is told by `written`.
        state, pulse = EngineState.MONITORING, None
    else:
        state, pulse = standing.state, standing.pulse
    held = None if pulse is None else len(seen(pulse.positions, principal))
    at = None if pulse is None else moment(pulse.evaluated_ns)
    message = _disarm_sentence(ended)
    if held is not None:
        message += f" At its last reading ({at}) there were {count(held, 'position')}."
    return EngineDisarmReport(
        summary=message,
        success=True,
        armed=False,
        mode=Mode.ADVISORY,
        engine_running=state is not EngineState.STOPPED,
        positions_unchanged=held,
        session_summary=ArmedSession(
            armed_duration_hours=hours(Decimal(ended.armed_s)),
            actions_executed=ended.executed,
            net_realized_pnl_usd=ended.net_realized_usd,
        ),
        message=message,
        state=state,
        going_on=ended.running,
        warnings=disarm_warnings(ended),
        positions_seen_at=at,
    )


def _armed(
    standing: Standing,
    settings: ArmSettings,
    readings: Sequence[AccountReading],
    day: Day,
    remaining: Usd | None,
) -> EngineArmReport:
    held = sum(len(reading.look.positions) for reading in readings)
    able = _venues(one for one in readings if one.access is not None and one.access.can_trade is not False)
    warnings = [
        f"{name}: today's realised figures could not be read ({why}); a loss there does not count."
        for name, why in day.unread
    ]
    for reading in readings:
        warnings.extend(reading.warnings)
    message = (
        f"ARMED: the engine may act without asking on {count(held, 'position')}. It disarms itself when"
        f" today's realised loss reaches {settings.daily_loss_limit_usd:,.2f} USD."
    )
    if standing.pulse is not None:
        tripped = [one for one in standing.pulse.guards if one.risk == Decimal(100)]
        warnings.extend(f"It is at its limit now and may act at once: {one.sentence}" for one in tripped)
    return EngineArmReport(
        summary=message,
        success=True,
        armed=True,
        mode=Mode.AUTONOMOUS,
        confidence_threshold=settings.confidence_threshold,
        daily_loss_limit_usd=settings.daily_loss_limit_usd,
        daily_loss_remaining_usd=remaining,
        positions_monitored=held,
        trade_enabled_exchanges=able,
        message=message,
        risk_threshold=settings.risk_threshold,
        max_action=settings.max_action,
        state=standing.state,
        warnings=tuple(dict.fromkeys((*warnings, *_unread(readings)))),
    )


def _refuse_latched(desk: Desk) -> None:
    exit_id = tripped_by(desk)
    if exit_id is not None:
        raise Conflict(
            f"The latch is tripped by {exit_id}: an engine is not armed while it holds. Lift it"
            f" first with `bastion reset {exit_id}`. Nothing was done."
        )


def _between(value: Decimal, name: str, most: Decimal) -> Decimal:
    if not (value.is_finite() and ZERO <= value <= most) or (
        name == "daily_loss_limit_usd" and value == ZERO
    ):
        least = "above 0" if name == "daily_loss_limit_usd" else "from 0"
        raise Refused(f"{name} is a number {least} to {most:,f}. Nothing was done.")
    return value


def _reach(word: str | None) -> Reach | None:
    if word is None:
        return None
    try:
        return Reach(word.strip().lower())
    except ValueError:
        known = ", ".join(Reach)
        raise Refused(f"max_action is one of: {known}. Nothing was done.") from None


def _remaining(settings: ArmSettings, day: Day) -> Usd | None:
    left = left_of(settings, day.realized_usd)
    # A loss that is known counts even where another account could not be read; what is left is then unknown.
    return None if day.unread and left > ZERO else left


def _venues(readings: Iterable[AccountReading]) -> tuple[str, ...]:
    return tuple(sorted({reading.venue.account.venue for reading in readings}))


def _unread(readings: Sequence[AccountReading]) -> tuple[str, ...]:
    return tuple(
        f"{one.venue.account.name} ({one.venue.account.venue}) could not be read completely; what stands"
        " there is not watched."
        for one in readings
        if not one.look.complete
    )


def _disarm_sentence(ended: Disarmed) -> str:
    if not ended.was_armed:
        return "The engine was not armed; nothing was changed."
    going = f" What had begun goes on: {', '.join(ended.running)}." if ended.running else ""
    return (
        f"DISARMED after {hours(Decimal(ended.armed_s))} h and {count(ended.executed, 'act')}; the engine"
        f" goes on watching and advising, and no position was touched.{going}"
    )
