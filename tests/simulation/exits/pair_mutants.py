"""Pair mutants: rules whose breaking shows only where two faults coincide, each with its two faults.

A pair is a proof in both directions: with either fault alone the broken rule is not noticed in any world that
is tried, with both it is. What the faults do, and in which phase they strike, is drawn as in the sweep.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any
from unittest.mock import patch

from bastion.domain.records import LegStarted, Looked
from bastion.exits import books, executor, hand, part, progress, resolve, verdict
from bastion.exits.books import Sent, book_key
from tests.simulation.breaking import Break, broken_by
from tests.simulation.exits import mutants
from tests.simulation.exits.arena import simulate
from tests.simulation.exits.cells import Phase
from tests.simulation.exits.deeper import apply, bare, rest
from tests.simulation.exits.world import Ambush, World, add_holding, race

Fault = tuple[str, Phase]

REFUSED: Fault = ("resolve_not_executed", Phase.ORDERS)
UNSEEN: Fault = ("empty_while", Phase.PROOF)
ORDERS_UNSEEN: Fault = ("orders_empty_once", Phase.PROOF)
CANCELLED_LATE: Fault = ("cancel_late", Phase.CANCELS)
CUT_ROUNDS: Fault = ("power_cut", Phase.ROUNDS)
CUT_ORDERS: Fault = ("power_cut", Phase.ORDERS)
FULL: Fault = ("journal_full", Phase.FIRST_LOOK)
LAG: Fault = ("lag", Phase.ROUNDS)
SHRUNK: Fault = ("shrink", Phase.CANCELS)
STOP: Fault = ("stop_rests", Phase.ROUNDS)
SECOND: Fault = ("second_operator", Phase.PROOF)
RACE: Fault = ("racing_entry", Phase.CANCELS)
HIDDEN: Fault = ("hidden_entry", Phase.ROUNDS)
BANNED: Fault = ("ban", Phase.CANCELS)
HIDES_S = 5.0
GROWN: Fault = ("grow", Phase.ORDERS)
UNTOLD: Fault = ("fills_fail", Phase.EVIDENCE)
NO_MARKET: Fault = ("price_band", Phase.INTENT)
NO_BOOK: Fault = ("empty_book", Phase.INTENT)
READS_ONLY: Fault = ("reads_only", Phase.ORDERS)
HOLDS: Fault = ("holds", Phase.HOLD)
STAYS_S = 600.0
HOLD_S = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A broken rule, and the faults that show it together, and only together."""

    change: Break
    faults: tuple[Fault, ...]
    held: bool = True


def pair_world(seed: int, faults: tuple[Fault, ...], *, held: bool = True) -> World:
    """Return a world of one venue in which nothing but these faults goes wrong; `held`: something is open."""
    rng = Random(f"pair {seed}")
    world = World(seed=seed, venues=[])
    venue = bare(rng, "v0")
    venue.style, venue.hedged = rng.choice(("binance", "okx", "bybit", "generic")), rng.random() < 0.3
    for number in range(rng.choice((1, 2, 3)) if held else 0):
        add_holding(rng, venue, f"C{number}USDT")
    if held:
        rest(rng, venue, reduces=False)
    for fault, phase in faults:
        if fault == RACE[0]:
            race(rng, venue)
            continue
        if fault == HIDDEN[0]:
            # The first look shows it; then it goes from the list of what waits to that of what works.
            begins_s = venue.latency_s + venue.jitter_s
            venue.hides_s = (begins_s, begins_s + HIDES_S)
            continue
        if (fault, phase) in {NO_MARKET, NO_BOOK}:
            # To the end of the exit: market orders are refused, or nobody stands within the bounds.
            venue.ambushes.append(Ambush(fault=fault, phase=phase, lasts_s=STAYS_S))
            continue
        if fault == READS_ONLY[0]:
            # The credential may not trade, until somebody mends that.
            venue.terminal = True
            continue
        if fault == HOLDS[0]:
            world.hold_s = HOLD_S
            continue
        if fault == STOP[0]:
            rest(rng, venue, reduces=True)
            continue
        apply(rng, world, venue, (fault, phase.value, venue.style, "one-way"))
    venue.heals_at_s = 6.0
    world.venues.append(venue)
    return world


def _recovery_leaves_the_spool_out() -> list[AbstractContextManager[Any]]:
    original = progress.progress

    def progress_(entries: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return original([entry for entry in entries if not entry.spooled])

    return [patch.object(executor, "progress", progress_)]


def _recovery_forgets_what_was_seen() -> list[AbstractContextManager[Any]]:
    original = progress.progress

    def progress_(entries: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return original([entry for entry in entries if not isinstance(entry.record, Looked)])

    return [patch.object(executor, "progress", progress_)]


def _a_restart_forgets_the_books() -> list[AbstractContextManager[Any]]:
    original = progress.Leg._turn

    def turn(self: Any, record: Any, *, at_ns: int) -> None:  # noqa: ANN401 - stands in for the original
        original(self, record, at_ns=at_ns)
        if isinstance(record, LegStarted) and record.run > 1:
            self.books.clear()

    return [patch.object(progress.Leg, "_turn", turn)]


def _sent_counts_as_filled() -> list[AbstractContextManager[Any]]:
    return [patch.object(Sent, "filled", property(lambda self: self.request.quantity))]


def _lost_orders_count_as_filled() -> list[AbstractContextManager[Any]]:
    original = books.tally

    def tally(books: Any, sent: Any, fills: Any) -> Any:  # noqa: ANN401 - stands in for the original
        tallies = original(books, sent, fills)
        for one in sent.values():
            key = book_key(one.request.position)
            if one.resolved is not None and one.state is None and key in tallies:
                moved = (
                    one.request.quantity if one.request.direction.value == "BUY" else -one.request.quantity
                )
                tallies[key] = replace(tallies[key], own=tallies[key].own + moved)
        return tallies

    return [patch.object(verdict, "tally", tally)]


def _the_second_source_is_taken_for_nothing() -> list[AbstractContextManager[Any]]:
    original = verdict.second_quantity

    def second(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return None if original(*args, **kwargs) is None else Decimal(0)

    return [patch.object(verdict, "second_quantity", second)]


def _no_book_is_kept_of_what_could_open() -> list[AbstractContextManager[Any]]:
    original = progress.Leg._look

    def look(self: Any, record: Any, *, at_ns: int) -> None:  # noqa: ANN401 - stands in for the original
        original(self, record, at_ns=at_ns)
        self.books = {key: book for key, book in self.books.items() if book.seen}

    return [patch.object(progress.Leg, "_look", look)]


def _a_late_exit_doubts_nothing() -> list[AbstractContextManager[Any]]:
    original = part.Part.stand

    def stand(self: Any, instruments: Any, *, beside: Any = None, **more: Any) -> Any:  # noqa: ANN401, ARG001 - as the original
        return original(self, instruments, **more)

    return [patch.object(part.Part, "stand", stand)]


def _no_second_source_where_an_order_threatened() -> list[AbstractContextManager[Any]]:
    original = resolve.questions

    def questions(leg: Any, standing: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for the original
        calm = tuple(book for book in standing.unexplained if standing.clean or not book.threat)
        return original(leg, replace(standing, unexplained=calm), *args, **kwargs)

    return [patch.object(hand, "questions", questions)]


def _what_could_open_is_forgotten_unseen() -> list[AbstractContextManager[Any]]:
    return [patch.object(verdict, "_lingering", lambda *_: ())]


def _closes_that_rest_are_left_behind() -> list[AbstractContextManager[Any]]:
    return [patch.object(hand, "resting", lambda *_: ())]


def _executions_of_before_explain() -> list[AbstractContextManager[Any]]:
    original = verdict.explained

    def explained(one: Any, book: Any, moved: Any, pace: Any, *, target: Any) -> bool:  # noqa: ANN401 - stands in for the original
        if moved.certain and book.baseline + moved.own + moved.others == target:
            return True
        return original(one, book, moved, pace, target=target)

    return [patch.object(verdict, "explained", explained)]


def _what_a_person_mended_is_never_tried_again() -> list[AbstractContextManager[Any]]:
    return [patch.object(part.Part, "clear_terminals", lambda *_: False)]


PAIRS: Mapping[str, Pair] = {
    "what_a_person_mended_is_never_tried_again": Pair(
        change=_what_a_person_mended_is_never_tried_again, faults=(READS_ONLY, HOLDS)
    ),
    "closes_that_rest_are_left_behind": Pair(
        change=_closes_that_rest_are_left_behind, faults=(NO_MARKET, NO_BOOK)
    ),
    "executions_of_before_explain": Pair(
        change=_executions_of_before_explain, faults=(UNSEEN, GROWN, UNTOLD)
    ),
    "what_could_open_is_forgotten_unseen": Pair(
        change=_what_could_open_is_forgotten_unseen, faults=(HIDDEN, BANNED)
    ),
    "a_late_exit_doubts_nothing": Pair(change=_a_late_exit_doubts_nothing, faults=(UNSEEN, REFUSED, SECOND)),
    "no_second_source_where_an_order_threatened": Pair(
        change=_no_second_source_where_an_order_threatened, faults=(SHRUNK, STOP)
    ),
    "sent_counts_as_filled": Pair(change=_sent_counts_as_filled, faults=(UNSEEN, REFUSED)),
    "lost_orders_count_as_filled": Pair(change=_lost_orders_count_as_filled, faults=(UNSEEN, REFUSED)),
    "the_second_source_is_taken_for_nothing": Pair(
        change=_the_second_source_is_taken_for_nothing, faults=(UNSEEN, REFUSED)
    ),
    "arithmetic_is_ignored": Pair(change=mutants.MUTANTS["arithmetic_is_ignored"], faults=(UNSEEN, REFUSED)),
    "a_vanished_position_was_never_there": Pair(
        change=mutants.MUTANTS["a_vanished_position_was_never_there"], faults=(UNSEEN, REFUSED)
    ),
    "one_look_is_enough": Pair(
        change=mutants.MUTANTS["one_look_is_enough"], faults=(ORDERS_UNSEEN, CANCELLED_LATE)
    ),
    "threats_are_ignored": Pair(
        change=mutants.MUTANTS["threats_are_ignored"], faults=(LAG, RACE), held=False
    ),
    "no_book_is_kept_of_what_could_open": Pair(
        change=_no_book_is_kept_of_what_could_open, faults=(LAG, RACE), held=False
    ),
    "recovery_leaves_the_spool_out": Pair(change=_recovery_leaves_the_spool_out, faults=(FULL, CUT_ORDERS)),
    "recovery_forgets_what_was_seen": Pair(
        change=_recovery_forgets_what_was_seen, faults=(UNSEEN, CUT_ORDERS)
    ),
    "a_restart_forgets_the_books": Pair(change=_a_restart_forgets_the_books, faults=(UNSEEN, CUT_ORDERS)),
    "rounds_restart_after_a_crash": Pair(
        change=mutants.MUTANTS["rounds_restart_after_a_crash"], faults=(CUT_ROUNDS, REFUSED)
    ),
}


def noticed(name: str, seeds: range) -> tuple[bool, bool]:
    """Return whether a pair's rule, broken, is noticed with one of its faults alone, and with both."""
    pair = PAIRS[name]
    fewer = [tuple(one for one in pair.faults if one != left_out) for left_out in pair.faults]
    with broken(name):
        alone = any(_breaks(pair, seed, faults) for faults in fewer for seed in seeds)
        together = any(_breaks(pair, seed, pair.faults) for seed in seeds)
    return alone, together


def _breaks(pair: Pair, seed: int, faults: tuple[Fault, ...]) -> bool:
    return bool(simulate(seed, world=pair_world(seed, faults, held=pair.held)).violations)


def broken(name: str) -> ExitStack:
    """Return a context in which that rule is broken."""
    return broken_by(PAIRS[name].change)
