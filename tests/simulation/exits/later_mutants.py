"""Later mutants: rules that came with sweeps, holds and waits, broken on purpose; `make mutants` hunts them.

They are no cases of the suite, which breaks the older ones already at each run.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from bastion.domain.verdict import Verdict
from bastion.exits import hand, ladder, part, plan, resolve, sweeping, verdict
from bastion.exits.pace import Pace
from bastion.exits.part import Part
from tests.simulation.breaking import Break, breaks_of, broken_by

DUST_USD = 5


def _a_sweep_minds_no_order_that_opens() -> list[AbstractContextManager[Any]]:
    return [patch.object(sweeping, "_threatened", lambda *_: False)]


def _a_sweep_takes_a_part_for_the_whole() -> list[AbstractContextManager[Any]]:
    original = sweeping._closed

    def closed(position: Any, *rest: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return original(replace(position, quantity=type(position.quantity)(0)), *rest)

    return [patch.object(sweeping, "_closed", closed)]


def _a_sweep_goes_by_what_was_sent() -> list[AbstractContextManager[Any]]:
    return [patch.object(sweeping, "_closed", lambda _, sent, *__: bool(sent))]


def _a_stop_goes_by_one_look() -> list[AbstractContextManager[Any]]:
    return [patch.object(plan, "_absent_twice", lambda *_: True)]


def _a_reopening_is_overlooked() -> list[AbstractContextManager[Any]]:
    return [patch.object(Part, "_reopen", lambda *_: None)]


def _a_hold_is_over_with_its_verdict() -> list[AbstractContextManager[Any]]:
    return [patch.object(Part, "is_over", lambda self, _: self.judged is not None)]


def _stale_looks_are_believed_at_once() -> list[AbstractContextManager[Any]]:
    return [patch.object(verdict, "_suspect", lambda *_: False)]


def _orders_on_their_way_hinder_no_verdict() -> list[AbstractContextManager[Any]]:
    original = verdict.stand

    def stand(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for the original
        one = original(*args, **kwargs)
        shut = one.confirmed and not one.unexplained and not one.lingering and not one.foreign
        return replace(one, verdict=Verdict.FLAT) if one.verdict is None and shut else one

    return [patch.object(hand, "stand", stand), patch.object(part, "stand", stand)]


def _a_look_of_before_settles_an_order() -> list[AbstractContextManager[Any]]:
    original = resolve.settle

    def settle(*args: Any, settings: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return original(*args, settings=replace(settings, resolve_patience_s=-10.0), **kwargs)

    return [patch.object(hand, "settle", settle)]


def _a_look_of_before_counts_for_the_next_round() -> list[AbstractContextManager[Any]]:
    original = plan._due

    def due(position: Any, sent: Any, standing: Any, pace: Any, look: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return original(position, sent, standing, pace, replace(look, begun_ns=10**18), **kwargs)

    return [patch.object(plan, "_due", due)]


def _the_deadline_never_comes() -> list[AbstractContextManager[Any]]:
    original = Part.judge

    def judge(self: Any, standing: Any, now_ns: int, **kwargs: Any) -> bool:  # noqa: ANN401 - stands in for the original
        self.deadline_ns = now_ns + 10**10
        return original(self, standing, now_ns, **kwargs)

    return [patch.object(Part, "judge", judge)]


def _what_a_person_must_mend_is_tried_to_the_end() -> list[AbstractContextManager[Any]]:
    return [patch.object(Part, "_hopeless", lambda *_: False)]


def _what_blocks_a_close_is_left() -> list[AbstractContextManager[Any]]:
    return [patch.object(plan, "_blocking", lambda *_: ())]


def _the_ladder_has_one_rung() -> list[AbstractContextManager[Any]]:

    def rung(_: ladder.Trail, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return ladder.rung(ladder.trail(()), *args, **kwargs)

    return [patch.object(plan, "rung", rung)]


def _what_is_small_is_dust() -> list[AbstractContextManager[Any]]:
    def is_dust(position: Any, *_: Any, **__: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return position.notional_usd is not None and position.notional_usd < DUST_USD

    return [patch.object(plan, "is_dust", is_dust)]


def _nobody_is_named_as_left() -> list[AbstractContextManager[Any]]:
    return [patch.object(verdict, "leftovers", lambda *_: ()), patch.object(part, "leftovers", lambda *_: ())]


def _a_ban_quiets_nobody() -> list[AbstractContextManager[Any]]:
    original = Pace.answered

    def answered(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - stands in for the original
        original(self, *args, **kwargs)
        self.quiet_until_ns = 0

    return [patch.object(Pace, "answered", answered)]


MUTANTS: Mapping[str, Break] = breaks_of(globals())


def broken(name: str) -> ExitStack:
    """Return a context in which that rule is broken."""
    return broken_by(MUTANTS[name])
