"""Mutants: rules broken on purpose, each of which the simulation must notice."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind
from bastion.domain.money import Quantity
from bastion.domain.order import Direction, OrderRequest
from bastion.domain.position import Side
from bastion.domain.records import LegStarted, Outcome
from bastion.domain.verdict import Verdict
from bastion.exits import courier, executor, hand, ladder, pace, part, plan, progress, verdict
from bastion.exits.recorder import Recorder
from bastion.storage.spool import SpooledJournal
from tests.simulation.breaking import Break, breaks_of, broken_by

HASTY_NS = 1_000_000


def _bulkhead_removed() -> list[AbstractContextManager[Any]]:
    async def attempt(call: Callable[[], Any], *, seconds: float) -> Any:  # noqa: ANN401, ARG001 - stands in for the original
        return await call()

    return [patch.object(courier, "attempt", attempt), patch.object(hand, "attempt", attempt)]


def _rounds_restart_after_a_crash() -> list[AbstractContextManager[Any]]:
    original = progress.progress

    def forgetful(entries: Any) -> Any:  # noqa: ANN401 - stands in for the original
        state = original(entries)
        for one in state.legs.values() if state is not None else ():
            one.rounds = 0
        return state

    return [patch.object(executor, "progress", forgetful)]


def _sends_before_journalling() -> list[AbstractContextManager[Any]]:
    async def flush(self: Recorder, *, seconds: float) -> bool:  # noqa: ARG001 - stands in for the original
        return True

    return [patch.object(Recorder, "flush", flush)]


def _no_answer_counts_as_nothing_there() -> list[AbstractContextManager[Any]]:
    return [patch.object(Look, "complete", property(lambda _: True))]


def _verdict_ignores_positions() -> list[AbstractContextManager[Any]]:
    def clean(look: Look, _: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return look.complete and not look.orders

    original = verdict.stand

    def stand(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for the original
        with patch.object(verdict, "_clean", clean):
            standing = original(*args, **kwargs)
        if len(args[0].sent) and standing.open and not args[1].in_flight:
            return replace(standing, verdict=Verdict.FLAT)
        return standing

    return [patch.object(hand, "stand", stand), patch.object(part, "stand", stand)]


def _closes_in_the_wrong_direction() -> list[AbstractContextManager[Any]]:
    def direction(self: OrderRequest) -> Direction:
        return Direction.BUY if self.position.side is Side.LONG else Direction.SELL

    return [patch.object(OrderRequest, "direction", property(direction))]


def _one_look_is_enough() -> list[AbstractContextManager[Any]]:
    return [patch.object(verdict, "_confirms", lambda *_, **__: True)]


def _looks_need_not_be_apart() -> list[AbstractContextManager[Any]]:
    original = verdict._confirms

    def confirms(one: Any, beat: Any, *, dust: Any, settings: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return original(one, beat, dust=dust, settings=replace(settings, look_gap_ms=0))

    schedule = hand.Hand._schedule

    def hasty(self: Any, standing: Any, now_ns: int) -> int:  # noqa: ANN401 - stands in for the original
        return now_ns + HASTY_NS if standing.clean else schedule(self, standing, now_ns)

    return [patch.object(verdict, "_confirms", confirms), patch.object(hand.Hand, "_schedule", hasty)]


def _arithmetic_is_ignored() -> list[AbstractContextManager[Any]]:
    return [patch.object(verdict, "explained", lambda *_, **__: True)]


def _threats_are_ignored() -> list[AbstractContextManager[Any]]:
    original = verdict.explained

    def explained(one: Any, book: Any, *rest: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return book.threat or original(one, book, *rest, **kwargs)

    return [patch.object(verdict, "explained", explained)]


def _stops_go_first() -> list[AbstractContextManager[Any]]:
    def cancels(_: Any, __: Any, beat: Any, look: Look, *, now_ns: int) -> Any:  # noqa: ANN401 - stands in for the original
        return tuple(order for order in look.orders if plan._cancel_due(order, beat, now_ns=now_ns))

    return [patch.object(plan, "_cancels", cancels)]


def _orders_are_never_cancelled() -> list[AbstractContextManager[Any]]:
    return [patch.object(plan, "_cancels", lambda *_, **__: ())]


def _openers_are_left_until_the_end() -> list[AbstractContextManager[Any]]:
    original = plan._cancels

    def cancels(one: Any, standing: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return () if standing.open else original(one, standing, *args, **kwargs)

    return [patch.object(plan, "_cancels", cancels)]


def _every_refused_size_is_dust() -> list[AbstractContextManager[Any]]:
    return [patch.object(plan, "is_dust", lambda _, __, past, ___, **____: past.sizes > 0)]


def _sizes_are_doubled() -> list[AbstractContextManager[Any]]:
    original = ladder.slices

    def slices(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - stands in for the original
        return tuple(replace(one, quantity=Quantity(one.quantity * 2)) for one in original(*args, **more))

    return [patch.object(plan, "slices", slices)]


def _ids_do_not_know_the_round() -> list[AbstractContextManager[Any]]:
    original = plan.client_order_id

    def client_order_id(exit_id: str, account: str, _: int, *rest: Any) -> str:  # noqa: ANN401 - stands in for the original
        return original(exit_id, account, 1, *rest)

    return [patch.object(plan, "client_order_id", client_order_id)]


def _unknown_outcome_is_final() -> list[AbstractContextManager[Any]]:
    original = plan._due

    def due(position: Any, sent: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - stands in for the original
        if any(one.answer is not None and one.answer.outcome is Outcome.UNKNOWN for one in sent):
            return False
        return original(position, sent, *args, **kwargs)

    return [patch.object(plan, "_due", due)]


def _unknown_outcome_is_sent_again_at_once() -> list[AbstractContextManager[Any]]:
    original = plan._due

    def due(position: Any, _: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - stands in for the original
        return original(position, [], *args, **kwargs)

    return [patch.object(plan, "_due", due)]


def _rate_limit_is_forgotten_never() -> list[AbstractContextManager[Any]]:
    original = pace.Pace.answered

    def answered(self: Any, record: Any, key: Any, *, now_ns: int, **rest: Any) -> None:  # noqa: ANN401 - stands in for the original
        original(self, record, key, now_ns=now_ns, **rest)
        if record.outcome is Outcome.REJECTED:
            self.retry_at_ns[key] = now_ns + 10**12

    return [patch.object(pace.Pace, "answered", answered)]


def _a_vanished_position_was_never_there() -> list[AbstractContextManager[Any]]:
    original = progress.Leg._look

    def look(self: Any, record: Any, *, at_ns: int) -> None:  # noqa: ANN401 - stands in for the original
        original(self, record, at_ns=at_ns)
        present = {(p.category, p.instrument) for p in record.look.positions}
        self.books = {key: book for key, book in self.books.items() if key[:2] in present}

    return [patch.object(progress.Leg, "_look", look)]


def _only_the_first_slice_is_sent() -> list[AbstractContextManager[Any]]:
    original = ladder.slices

    def slices(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - stands in for the original
        first = original(*args, **more)[0]
        return (replace(first, quantity=Quantity(min(first.quantity, Decimal("0.05")))),)

    return [patch.object(plan, "slices", slices)]


def _an_exit_trips_no_latch() -> list[AbstractContextManager[Any]]:
    return [patch.object(ExitKind, "latches", property(lambda _: False))]


def _the_spool_is_not_read() -> list[AbstractContextManager[Any]]:
    return [patch.object(SpooledJournal, "_beside", lambda _: [])]


def _the_spool_is_only_memory() -> list[AbstractContextManager[Any]]:
    async def keep(self: Any, records: Any, *, failed: bool) -> Any:  # noqa: ANN401, ARG001 - stands in for the original
        self._memory_after.extend(None for _ in records)
        return self._memory.keep(records)

    return [patch.object(SpooledJournal, "_spool", keep)]


def _unanswered_intents_are_forgotten() -> list[AbstractContextManager[Any]]:
    original = progress.Leg._turn

    def turn(self: Any, record: Any, *, at_ns: int) -> None:  # noqa: ANN401 - stands in for the original
        original(self, record, at_ns=at_ns)
        if isinstance(record, LegStarted):
            self.sent = {cid: one for cid, one in self.sent.items() if one.answer is not None}
            self.rounds = max((one.round for one in self.sent.values()), default=0)

    return [patch.object(progress.Leg, "_turn", turn)]


MUTANTS: Mapping[str, Break] = breaks_of(globals())


def broken(name: str) -> ExitStack:
    """Return a context in which that rule is broken."""
    return broken_by(MUTANTS[name])
