"""Guards: pure functions from a scene to Clear or Trip; without data they say that they are blind.

Formulas and defaults are those that traders know (experience, section 6); each finding carries its figure,
its formula and the distance to the limit. To add a guard, write the function and name it in `GUARDS`.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from bastion.domain.engine import Action, GuardReading, Lamp, Severity, Target
from bastion.domain.money import ZERO
from bastion.domain.position import Side
from bastion.engine.scene import Blind, Clear, Finding, Held, Scene, Trip
from bastion.engine.settings import GuardLimits

HUNDRED = Decimal(100)
CENT = Decimal("0.01")
DRAWDOWN = "drawdown"
LIQUIDATION = "liquidation_distance"
DISTANCE_FORMULA = "|mark - liquidation| / mark x 100"

Guard = Callable[[Scene, GuardLimits], tuple[Finding, ...]]


def drawdown(scene: Scene, limits: GuardLimits) -> tuple[Finding, ...]:
    """Return how far the desk's equity fell from its high-water mark, in percent of the mark.

    Trips when the drawdown and its average both reach the exit figure, or the drawdown alone the fast one, so
    that a wick of a minute does not sell everything. Deposits and withdrawals move the mark (`memory`).
    """
    formula = "(high-water mark - equity) / high-water mark x 100"
    memory, equity = scene.memory, scene.equity_usd
    if memory is None or equity is None or memory.high_water_usd <= ZERO:
        why = scene.equity_why or "no equity above zero has been read yet"
        reading = GuardReading(
            guard=DRAWDOWN,
            key=DRAWDOWN,
            lamp=Lamp.NOT_EVALUATED,
            target=Target(),
            value=None,
            limit=limits.drawdown_exit_pct,
            distance=None,
            unit="pct",
            formula=formula,
            sentence=f"The drawdown was not evaluated: {why}.",
        )
        return (Blind(reading=reading, expected=bool(scene.left_out) and not scene.equity_why),)
    mark = memory.high_water_usd
    value = max((mark - equity) / mark * HUNDRED, ZERO)
    slow = min(value, memory.average_pct)
    tripped = slow >= limits.drawdown_exit_pct or value >= limits.drawdown_fast_pct
    beside = (
        f"; {', '.join(scene.left_out)} does not tell its equity and is not in it" if scene.left_out else ""
    )
    words = (
        f"The equity of {equity:,.2f} USD is {_pct(value)} % below its high-water mark of {mark:,.2f} USD"
        f" (5-minute average {_pct(memory.average_pct)} %; acts at {limits.drawdown_exit_pct} %, at once at"
        f" {limits.drawdown_fast_pct} %){beside}."
    )
    reading = GuardReading(
        guard=DRAWDOWN,
        key=DRAWDOWN,
        lamp=Lamp.TRIP if tripped else Lamp.CLEAR,
        target=Target(),
        value=_pct(value),
        limit=limits.drawdown_exit_pct,
        distance=ZERO if tripped else _pct(max(limits.drawdown_exit_pct - slow, ZERO)),
        unit="pct",
        formula=formula,
        sentence=words,
        risk=HUNDRED if tripped else _risk(slow, limits.drawdown_exit_pct),
    )
    if tripped:
        return (Trip(reading=reading, act=Action.EXIT_ALL),)
    severity = None
    if value >= limits.drawdown_warn_pct:
        severity = Severity.HIGH if value >= limits.drawdown_high_pct else Severity.MEDIUM
    return (Clear(reading=reading, settled=value < limits.drawdown_clear_pct, severity=severity),)


def liquidation_distance(scene: Scene, limits: GuardLimits) -> tuple[Finding, ...]:
    """Return for each position how far its mark price is from its liquidation price, in percent of the mark.

    Where one leg of a hedge has its liquidation price on its winning side, the venue would liquidate the
    other leg, and closing this one would not help.
    """
    blind = tuple(_unread(name, why, limits) for name, why in scene.unread)
    return (*(_liquidation(held, scene, limits) for held in scene.held if held.position.closable), *blind)


def _unread(account: str, why: str, limits: GuardLimits) -> Finding:
    said = f"The liquidation distances on {account} were not all evaluated: it could not be read ({why})."
    reading = GuardReading(
        guard=LIQUIDATION,
        key=f"{LIQUIDATION}:{account}",
        lamp=Lamp.NOT_EVALUATED,
        target=Target(account=account),
        value=None,
        limit=limits.liquidation_exit_pct,
        distance=None,
        unit="pct",
        formula=DISTANCE_FORMULA,
        sentence=said,
    )
    return Blind(reading=reading)


def _liquidation(held: Held, scene: Scene, limits: GuardLimits) -> Finding:
    position = held.position
    mark, liquidation = position.mark_price, position.liquidation_price
    key = f"{LIQUIDATION}:{held.account.name}:{position.category}:{position.instrument}:{position.side.value}"

    def reading(lamp: Lamp, sentence: str, value: Decimal | None = None) -> GuardReading:
        exact = None if value is None else max(value - limits.liquidation_exit_pct, ZERO)
        return GuardReading(
            guard=LIQUIDATION,
            key=key,
            lamp=lamp,
            target=held.target,
            value=None if value is None else _pct(value),
            limit=limits.liquidation_exit_pct,
            distance=None if exact is None else _pct(exact),
            unit="pct",
            formula=DISTANCE_FORMULA,
            sentence=sentence,
            risk=None if value is None else _closeness(value, limits.liquidation_exit_pct),
        )

    name = held.target.name
    if mark is None or mark <= ZERO:
        said = f"The liquidation distance of {name} was not evaluated: the venue gave no mark price."
        return Blind(reading=reading(Lamp.NOT_EVALUATED, said))
    if liquidation is None or liquidation <= ZERO:
        said = f"The liquidation distance of {name} was not evaluated: the venue gives no liquidation price."
        return Blind(reading=reading(Lamp.NOT_EVALUATED, said), expected=True)
    beyond = mark < liquidation if position.side is Side.LONG else mark > liquidation
    if beyond and _hedge_of(held, scene):
        said = (
            f"The liquidation distance of {name} was not evaluated: {liquidation:f} lies on its winning side,"
            " so that it is another leg of the account that would be liquidated."
        )
        return Blind(reading=reading(Lamp.NOT_EVALUATED, said), expected=True)
    # A mark beyond the liquidation price means that the venue is about to act, if it has not begun.
    value = ZERO if beyond else abs(mark - liquidation) / mark * HUNDRED
    tripped = value <= limits.liquidation_exit_pct
    said = (
        f"{name} is {_pct(value)} % from liquidation (mark {mark:f}, liquidation {liquidation:f}; acts at"
        f" {limits.liquidation_exit_pct} %)."
    )
    if tripped:
        return Trip(reading=reading(Lamp.TRIP, said, value), act=Action.EXIT_FULL)
    severity = Severity.HIGH if value <= limits.liquidation_warn_pct else None
    return Clear(
        reading=reading(Lamp.CLEAR, said, value),
        settled=value >= limits.liquidation_clear_pct,
        severity=severity,
    )


GUARDS: Mapping[str, Guard] = {DRAWDOWN: drawdown, LIQUIDATION: liquidation_distance}
"""Every guard by its name; the engine evaluates all of them on each reading."""


def evaluate(scene: Scene, limits: GuardLimits) -> tuple[Finding, ...]:
    """Return what every guard finds in the scene, in the order of the registry."""
    return tuple(finding for guard in GUARDS.values() for finding in guard(scene, limits))


def _hedge_of(held: Held, scene: Scene) -> bool:
    own = held.position
    return own.hedged and any(
        other.account.name == held.account.name
        and (other.position.category, other.position.instrument) == (own.category, own.instrument)
        and other.position.side is not own.side
        for other in scene.held
    )


def _pct(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_EVEN)


def _risk(value: Decimal, limit: Decimal) -> Decimal:
    return _pct(min(max(value / limit * HUNDRED, ZERO), HUNDRED))


def _closeness(value: Decimal, limit: Decimal) -> Decimal:
    # A distance falls towards its limit: 3 % at a limit of 3 % is 100, 6 % is 50, far away is near 0.
    return HUNDRED if value <= limit else _pct(limit / value * HUNDRED)
