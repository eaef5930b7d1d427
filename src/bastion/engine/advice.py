"""Advice: rules that propose what to do with a position, each with its conditions spelled out. Pure.

`confidence` is the share of a rule's conditions that held; a condition whose figures are missing did not
hold, and the reasoning says that it is not known. Nothing here is a forecast.
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from bastion.domain.engine import Action
from bastion.domain.engine_records import Advised
from bastion.domain.money import ZERO
from bastion.domain.position import Position, Side
from bastion.engine.scene import Held
from bastion.shape import dataclass

HUNDRED = Decimal(100)
CENT = Decimal("0.01")
CONFIDENCE_LEAST = Decimal("0.5")
"""A rule with a smaller share of its conditions proposes nothing."""

PARTIAL_PCT = Decimal(50)
"""How much of a position the partial take-profit and the reduction close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """A position and what is known around it; None means not known.

    `return_pct` is the return on margin, `best_return_pct` the best that was seen of it, `distance_pct` that
    to liquidation, `share_pct` the position's part of the desk's whole notional.
    """

    held: Held
    return_pct: Decimal | None
    best_return_pct: Decimal | None
    move_pct: Decimal | None
    distance_pct: Decimal | None
    share_pct: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a rule, in words and as a test that answers None where its figures are missing."""

    words: str
    holds: Callable[[Circumstance], bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An action and the conditions that speak for it; without the first one it is never proposed."""

    action: Action
    conditions: tuple[Condition, ...]


def _at_least(field: str, limit: str) -> Callable[[Circumstance], bool | None]:
    def holds(one: Circumstance) -> bool | None:
        value: Decimal | None = getattr(one, field)
        return None if value is None else value >= Decimal(limit)

    return holds


def _at_most(field: str, limit: str) -> Callable[[Circumstance], bool | None]:
    def holds(one: Circumstance) -> bool | None:
        value: Decimal | None = getattr(one, field)
        return None if value is None else value <= Decimal(limit)

    return holds


def _gave_back(one: Circumstance) -> bool | None:
    if one.return_pct is None or one.best_return_pct is None:
        return None
    return one.best_return_pct > ZERO and one.return_pct <= one.best_return_pct * Decimal("0.8")


def _unstopped(one: Circumstance) -> bool | None:
    return not one.held.stopped


RULES: tuple[Rule, ...] = (
    Rule(
        action=Action.EXIT_FULL,
        conditions=(
            Condition(words="return on margin at most -50 %", holds=_at_most("return_pct", "-50")),
            Condition(words="liquidation at most 8 % away", holds=_at_most("distance_pct", "8")),
            Condition(words="no stop stands on it", holds=_unstopped),
        ),
    ),
    Rule(
        action=Action.REDUCE_SIZE,
        conditions=(
            Condition(words="return on margin at most -25 %", holds=_at_most("return_pct", "-25")),
            Condition(words="liquidation at most 16 % away", holds=_at_most("distance_pct", "16")),
            Condition(words="at least half of the desk's notional", holds=_at_least("share_pct", "50")),
        ),
    ),
    Rule(
        action=Action.TP_PARTIAL,
        conditions=(
            Condition(words="return on margin at least 50 %", holds=_at_least("return_pct", "50")),
            Condition(words="a fifth of the best return given back", holds=_gave_back),
        ),
    ),
    Rule(
        action=Action.MOVE_STOP,
        conditions=(
            Condition(words="no stop stands on it", holds=_unstopped),
            Condition(words="price at least 1 % in its favour", holds=_at_least("move_pct", "1")),
            Condition(words="return on margin at least 10 %", holds=_at_least("return_pct", "10")),
        ),
    ),
)
"""The rules, the most severe first; the first one that proposes something is the advice."""

HOLD = Rule(
    action=Action.HOLD,
    conditions=(
        Condition(words="liquidation more than 8 % away", holds=_at_least("distance_pct", "8.01")),
        Condition(words="return on margin above -25 %", holds=_at_least("return_pct", "-24.99")),
        Condition(words="return on margin below 50 %", holds=_at_most("return_pct", "49.99")),
    ),
)


def advise(one: Circumstance) -> Advised:
    """Return the advice for one position: the first rule that proposes something, else to hold."""
    for rule in RULES:
        if rule.conditions[0].holds(one) and confidence(rule, one) >= CONFIDENCE_LEAST:
            return _advised(rule, one)
    return _advised(HOLD, one)


def confidence(rule: Rule, one: Circumstance) -> Decimal:
    """Return the share of the rule's conditions that hold, 0 to 1 with two decimals."""
    held = sum(condition.holds(one) is True for condition in rule.conditions)
    return (Decimal(held) / len(rule.conditions)).quantize(CENT, ROUND_HALF_EVEN)


def circumstances(
    held: Sequence[Held], *, best: dict[str, Decimal], distances: dict[str, Decimal | None]
) -> tuple[Circumstance, ...]:
    """Return what is known around each position.

    `best` holds the best return on margin that was seen of each target's name, `distances` the distance to
    liquidation in percent.
    """
    notionals = [one.position.notional_usd for one in held]
    whole = (
        sum((amount for amount in notionals if amount is not None), ZERO) if None not in notionals else None
    )
    return tuple(
        Circumstance(
            held=one,
            return_pct=return_on_margin(one.position),
            best_return_pct=best.get(one.target.name),
            move_pct=_move(one.position),
            distance_pct=distances.get(one.target.name),
            share_pct=_percent(one.position.notional_usd, whole),
        )
        for one in held
    )


def return_on_margin(position: Position) -> Decimal | None:
    """Return the open PnL in percent of the margin; None where the venue did not tell both."""
    margin = position.margin_usd
    if margin is None and position.notional_usd is not None and position.leverage:
        margin_value: Decimal | None = position.notional_usd / position.leverage
    else:
        margin_value = margin
    return _percent(position.unrealized_pnl_usd, margin_value)


def _advised(rule: Rule, one: Circumstance) -> Advised:
    words = {True: "yes", False: "no", None: "not known"}
    told = "; ".join(f"{part.words}: {words[part.holds(one)]}" for part in rule.conditions)
    share = confidence(rule, one)
    figures = _figures(one)
    return Advised(
        action=rule.action,
        target=one.held.target,
        confidence=share,
        reasoning=f"{rule.action.value}: {told}. Confidence {share} is the share that held. {figures}",
        price=one.held.position.mark_price,
    )


def _figures(one: Circumstance) -> str:
    named = (
        ("return on margin", one.return_pct),
        ("best return seen", one.best_return_pct),
        ("price move", one.move_pct),
        ("distance to liquidation", one.distance_pct),
        ("share of the notional", one.share_pct),
    )
    return (
        ", ".join(f"{name} {'not known' if value is None else f'{value} %'}" for name, value in named) + "."
    )


def _move(position: Position) -> Decimal | None:
    if position.entry_price is None or position.mark_price is None:
        return None
    move = position.mark_price - position.entry_price
    return _percent(move if position.side is Side.LONG else -move, position.entry_price)


def _percent(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if part is None or not whole:
        return None
    return (part / whole * HUNDRED).quantize(CENT, ROUND_HALF_EVEN)
