"""Engine status: how the standing watch stands, whichever process runs it."""

from decimal import Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.engine_telling import (
    EngineConfig,
    EngineStatusReport,
    GuardStatus,
    hours,
    left_of,
    may_see,
    mode_of,
    seen,
    warming,
)
from bastion.commands.positions import moment
from bastion.commands.practice import said
from bastion.commands.steering import steered
from bastion.domain.act import Act
from bastion.domain.engine import ArmSettings, EngineState, GuardReading, Standing
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING
from bastion.exits.sentences import count

NS = 1_000_000_000
MINUTE_S = 60


async def engine_status(desk: Desk, principal: Principal) -> EngineStatusReport:
    """Return how the engine stands, whichever process of this desk runs it; nothing is read at a venue.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        JournalUnusable: the engine's records cannot be read.
    """
    permit(principal, Act.ENGINE_STATUS)
    covered(principal, desk.accounts, EVERYTHING)
    standing = steered(desk.engine).standing()
    settings = standing.settings or ArmSettings()
    pulse = standing.pulse if standing.state is not EngineState.STOPPED else None
    whole = principal.accounts is None
    now_ns = desk.clock.now_ns()
    guards = (
        () if pulse is None else tuple(_guard(one) for one in pulse.guards if may_see(one.target, principal))
    )
    realized = pulse.realized_today_usd if pulse is not None and whole else None
    watched = 0 if pulse is None else len(seen(pulse.positions, principal))
    last = "never" if pulse is None else _ago(now_ns - pulse.evaluated_ns)
    return EngineStatusReport(
        summary=said(desk, _status_sentence(standing, watched, last)),
        running=standing.state is not EngineState.STOPPED,
        armed=standing.armed,
        mode=mode_of(standing),
        uptime_hours=None if pulse is None else hours(Decimal(now_ns - pulse.watching_since_ns) / NS),
        positions_monitored=watched,
        last_evaluation=last,
        config=EngineConfig(
            confidence_threshold=settings.confidence_threshold,
            daily_loss_limit=settings.daily_loss_limit_usd,
            daily_loss_limit_usd=settings.daily_loss_limit_usd,
            risk_threshold=settings.risk_threshold,
            max_action=settings.max_action,
        ),
        last_evaluation_at=None if pulse is None else moment(pulse.evaluated_ns),
        state=standing.state,
        recorded_state=standing.recorded,
        guards=guards,
        equity_usd=pulse.equity_usd if pulse is not None and whole else None,
        high_water_usd=pulse.high_water_usd if pulse is not None and whole else None,
        realized_today_usd=realized,
        daily_loss_remaining_usd=None if realized is None else left_of(settings, realized),
        warnings=(*warming(standing, now_ns), *_status_warnings(standing)),
    )


def _guard(one: GuardReading) -> GuardStatus:
    return GuardStatus(
        guard=one.guard,
        state=one.lamp,
        symbol=one.target.symbol,
        direction=one.target.side,
        exchange=one.target.exchange,
        account=one.target.account,
        value=one.value,
        limit=one.limit,
        distance=one.distance,
        unit=one.unit,
        formula=one.formula,
        message=one.sentence,
    )


def _status_sentence(standing: Standing, watched: int, last: str) -> str:
    if standing.state is EngineState.STOPPED:
        if standing.recorded is EngineState.STOPPED:
            return "The engine is STOPPED: nothing is watched."
        return (
            f"The engine is STOPPED: no process runs it and nothing is watched. It comes back"
            f" {standing.recorded.value} with `bastion up`."
        )
    return (
        f"The engine is {standing.state.value}: it watches {count(watched, 'position')}; last evaluation"
        f" {last}."
    )


def _status_warnings(standing: Standing) -> tuple[str, ...]:
    found: list[str] = []
    pulse = standing.pulse
    if standing.state is EngineState.STOPPED or pulse is None:
        return ()
    if not pulse.resumed:
        found.append("Not every account has been read since the process began: nothing is acted on yet.")
    if not pulse.complete:
        found.append("At the last evaluation an account was not read completely; see the guards.")
    if pulse.realized_why:
        found.append(f"Today's realised figures: {pulse.realized_why}")
    return tuple(found)


def _ago(ns: int) -> str:
    seconds = max(ns, 0) // NS
    if seconds < MINUTE_S:
        return f"{seconds} seconds ago"
    return f"{count(seconds // MINUTE_S, 'minute')} ago"
