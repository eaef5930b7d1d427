"""Plan: the next round of one leg, from its latest look; a pure function, deciding and doing nothing."""

import base64
import hashlib
from collections.abc import Mapping
from decimal import Decimal

from bastion.domain.instrument import Instrument
from bastion.domain.look import Look
from bastion.domain.money import ZERO
from bastion.domain.order import Direction, OpenOrder, OrderKind, OrderRequest
from bastion.domain.position import Position, Side
from bastion.domain.records import RoundIntended
from bastion.domain.refund import RefundPolicy
from bastion.errors import Fault
from bastion.exits import last_rung
from bastion.exits.books import Sent, book_key, signed
from bastion.exits.ladder import BOUNDED, NO_MARK, Rung, Slice, Trail, is_dust, rung, rung_s, slices, trail
from bastion.exits.own_orders import as_open
from bastion.exits.pace import CANCELLING, POSITIONS, Pace, nanoseconds
from bastion.exits.progress import Leg, PositionKey
from bastion.exits.resolve import by_position, overtaken
from bastion.exits.settings import ExitSettings
from bastion.exits.verdict import Standing, lacks_orders_alone, leftovers, possible, second_quantity
from bastion.shape import dataclass

Instruments = Mapping[tuple[str, str], Instrument]
CLIENT_ID_PREFIX = "bst"
CLIENT_ID_LENGTH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One round to carry out; `sweep` says that its cancels are all that the look shows, so bulk means do."""

    intent: RoundIntended
    sweep: bool = False


def client_order_id(
    exit_id: str, account: str, round_number: int, position: Position, slice_number: int
) -> str:
    """Return the id of one order of an exit: 24 characters, alphanumeric, the same whenever it is derived."""
    category, instrument, side = position.key
    name = "|".join((exit_id, account, str(round_number), category, instrument, side, str(slice_number)))
    # Fifteen bytes are 24 letters, more than are wanted; an exit makes one of these for each of its orders.
    digest = hashlib.sha256(name.encode()).digest()[:15]
    text = base64.b32encode(digest).decode("ascii").lower()
    return (CLIENT_ID_PREFIX + text)[:CLIENT_ID_LENGTH]


def risk(position: Position) -> tuple[bool, Decimal, Decimal, Decimal, PositionKey]:
    """Return what sorts positions by risk, greatest first: nearest liquidation, margin, notional."""
    mark, liquidation = position.mark_price, position.liquidation_price
    near = mark is not None and liquidation is not None and mark > ZERO
    distance = abs(mark - liquidation) / mark if near and mark and liquidation is not None else ZERO
    margin = position.margin_usd if position.margin_usd is not None else ZERO
    notional = position.notional_usd if position.notional_usd is not None else ZERO
    return (not near, distance, -margin, -notional, position.key)


def dust_of(leg: Leg, instruments: Instruments, settings: ExitSettings) -> frozenset[PositionKey]:
    """Return the positions of the latest look that the venue refuses to close for their size."""
    look = leg.look
    if look is None or not any(position.closable for position in look.positions):
        return frozenset()
    orders = by_position(leg)
    return frozenset(
        position.key
        for position in look.positions
        if position.closable
        and is_dust(
            position,
            instruments.get((position.category, position.instrument)),
            trail(orders.get(position.key, ())),
            settings,
            exact=leg.sight.exact(position),
        )
    )


def plan(
    leg: Leg,
    standing: Standing,
    pace: Pace,
    instruments: Instruments,
    *,
    now_ns: int,
    settings: ExitSettings,
    overtakes: bool = False,
) -> Act | None:
    """Return the next round, or None while there is nothing to do or something must be waited for.

    Closes and cancels of what could open leave together (law 8). What only reduces is cancelled when the
    venue says that it blocks the close, or once its position is gone. With `overtakes`, a close whose answer
    is overdue is followed by another one, since the venue lets both of them only reduce.
    """
    look = leg.look
    if look is None or now_ns < pace.quiet_until_ns or leg.rounds >= settings.rounds_max:
        return None
    orders = by_position(leg) if standing.open else {}
    requests: list[OrderRequest] = []
    clears: list[OpenOrder] = []
    why: list[str] = []
    number = leg.rounds + 1
    for position in sorted(standing.open, key=risk):
        sent = orders.get(position.key, [])
        late: frozenset[str] = frozenset()
        if overtakes and not leg.sight.exact(position):
            lost = overtaken(sent, pace, look, settings)
            late = lost[1] if lost is not None and now_ns >= lost[0] else late
        if not _due(position, sent, standing, pace, look, late=late, now_ns=now_ns, settings=settings):
            continue
        if leg.sight.exact(position) and _could_still_come(leg, sent, pace, now_ns=now_ns, settings=settings):
            continue
        if position.key in standing.suspects:
            pace.trusted_round[position.key] = number
        past = trail(sent)
        step = _step(leg, position, sent, past, pace, now_ns=now_ns, settings=settings)
        instrument = instruments.get((position.category, position.instrument))
        blocking = _blocking(leg, position, past, standing, pace, sent)
        clears.extend(blocking)
        requests.extend(_requests(leg, position, instrument, step, number, settings))
        why.extend(_reasons(position, past, step, blocking))
    free = _free(leg, standing, pace, look, now_ns=now_ns, settings=settings)
    cancels = tuple(one for one in _cancels(free, standing, pace, look, now_ns=now_ns) if one not in clears)
    if not requests and not cancels:
        return None
    return Act(
        intent=RoundIntended(
            exit_id=leg.exit_id,
            account=leg.account.name,
            run=leg.run,
            round=number,
            orders=tuple(requests),
            cancels=cancels,
            clears=tuple(dict.fromkeys(clears)),
            why=tuple(why),
        ),
        sweep=not requests and _takes_all(leg, look, free),
    )


def tries_again(act: Act, pace: Pace) -> bool:
    """Return whether a round does nothing but repeat cancels that were not carried out before."""
    intent = act.intent
    return not intent.orders and all(
        order.key in pace.cancel_tries for order in (*intent.cancels, *intent.clears)
    )


def _requests(
    leg: Leg,
    position: Position,
    instrument: Instrument | None,
    step: Rung,
    number: int,
    settings: ExitSettings,
) -> list[OrderRequest]:
    exact = leg.sight.exact(position)
    return [
        OrderRequest(
            client_order_id=client_order_id(leg.exit_id, leg.account.name, number, position, index),
            position=position,
            quantity=part.quantity,
            kind=part.kind,
            limit_price=part.limit_price,
            why=NO_MARK if step.kind in BOUNDED and part.limit_price is None else step.why,
        )
        for index, part in enumerate(_parts(position, instrument, step, settings, exact=exact))
    ]


def _step(
    leg: Leg,
    position: Position,
    sent: list[Sent],
    past: Trail,
    pace: Pace,
    *,
    now_ns: int,
    settings: ExitSettings,
) -> Rung:
    # Only an exit gives a position up; who takes a profit, or a part, wants the price.
    refund = last_rung.due(
        sent,
        leg.account.refund if leg.sight.gives_up(position) else RefundPolicy.NEVER,
        now_ns=now_ns,
        ended_ns=pace.ended_ns,
        run_began_ns=pace.run_began_ns,
        settings=settings,
    )
    if refund:
        told = last_rung.reason(sent, leg.account.refund)
        why = f"the margin is asked back instead of a close, since {told}"
        return Rung(kind=OrderKind.REFUND, why=why)
    return rung(past, settings, first_bound=leg.first_bound, exact=leg.sight.exact(position))


def _parts(
    position: Position, instrument: Instrument | None, step: Rung, settings: ExitSettings, *, exact: bool
) -> tuple[Slice, ...]:
    if step.kind is OrderKind.REFUND:
        return (Slice(kind=step.kind, quantity=position.quantity),)
    return slices(position, instrument, step, settings, exact=exact)


def _due(
    position: Position,
    sent: list[Sent],
    standing: Standing,
    pace: Pace,
    look: Look,
    *,
    late: frozenset[str],
    now_ns: int,
    settings: ExitSettings,
) -> bool:
    key = position.key
    acted_ns = pace.key_act_ns.get(key, 0)
    # That a call ended without an answer is no act of which the look would have to know.
    blind = look.begun_ns < acted_ns and all(pace.ended_ns.get(cid) != acted_ns for cid in late)
    if blind or (not late and key in pace.in_flight.values()):
        return False
    if now_ns < pace.retry_at_ns.get(key, 0):
        return False
    if pace.terminals.get(key, 0) >= settings.terminal_tries_max:
        return False
    if key in standing.suspects and not _still_trusted(sent, pace.trusted_round.get(key, 0)):
        since_ns = pace.suspect_since_ns.setdefault(key, now_ns)
        # A look that began before the venue had its time to catch up may still show what is gone.
        if look.begun_ns < since_ns + nanoseconds(settings.stale_patience_s):
            return False
    for order in sent:
        if order.settled or order.request.client_order_id in late:
            continue
        patience_ns = nanoseconds(rung_s(order.request.kind, settings))
        stands_ns = pace.stands_since_ns(order.request.client_order_id)
        if order.unknown or now_ns < stands_ns + patience_ns:
            return False
    return True


def _still_trusted(sent: list[Sent], trusted_round: int) -> bool:
    # The look was believed against our fills once, and the round that it was believed for changed nothing.
    last = [order for order in sent if order.round == trusted_round]
    return (
        bool(last)
        and sent[-1].round == trusted_round
        and all(order.refused for order in last)
        and all(order.answer is None or order.answer.fault is not Fault.MAYBE_FLAT for order in last)
    )


def _could_still_come(leg: Leg, sent: list[Sent], pace: Pace, *, now_ns: int, settings: ExitSettings) -> bool:
    # Of a part, a lost order is replaced only once it has expired and executions were read after that, and
    # a working one only once it has ended: executed late, both would take too much, and looks may trail.
    read = leg.fills_read
    read_ns = read.begun_ns if read is not None and read.run == leg.run else -1
    lost = [order for order in sent if not order.refused and (order.state is None or not order.state.ended)]
    for order in lost:
        over_ns = expires_ns(order, pace, settings)
        if order.state is not None or now_ns < over_ns or read_ns < over_ns:
            return True
    # What is left of a part was reckoned when the look came.
    return bool(lost) and leg.look is not None and leg.look.begun_ns < pace.executed_ns


def expires_ns(order: Sent, pace: Pace, settings: ExitSettings) -> int:
    """Return from when on an order of unknown outcome can no longer be executed."""
    ended_ns = pace.ended_ns.get(order.request.client_order_id, pace.run_began_ns)
    return ended_ns + nanoseconds(settings.exact_patience_s)


def _blocking(
    leg: Leg, position: Position, past: Trail, standing: Standing, pace: Pace, sent: list[Sent]
) -> tuple[OpenOrder, ...]:
    closing = Direction.SELL if position.side is Side.LONG else Direction.BUY
    ours = {order.request.client_order_id for order in sent if not order.settled}
    # An order of ours that the venue took and did not end is cancelled before another is sent for the same.
    standing_still = (as_open(order) for order in sent if not order.settled)
    stuck = tuple(order for order in standing_still if order is not None)
    if past.last_fault not in {Fault.BLOCKED, Fault.MAYBE_FLAT}:
        return stuck
    if position.key in standing.suspects and not _shown_twice(leg, position, pace):
        return stuck
    resting = tuple(
        order
        for order in leg.reducers.values()
        if order.closable
        and (order.category, order.instrument) == (position.category, position.instrument)
        and order.direction is closing
        and order.side in {None, position.side}
        and order.client_order_id not in ours
    )
    return (*stuck, *resting)


def _shown_twice(leg: Leg, position: Position, pace: Pace) -> bool:
    # What our fills say is closed is there by a second source too, asked after the last order for it.
    second = second_quantity(leg, book_key(position), since_ns=pace.key_act_ns.get(position.key, 0))
    return second is not None and second * signed(position) > ZERO


def _free(
    leg: Leg, standing: Standing, pace: Pace, look: Look, *, now_ns: int, settings: ExitSettings
) -> tuple[OpenOrder, ...]:
    # What is shown and may go, whether or not it is time to try that again. Where that is all that is shown,
    # one sweep takes it, and what is shown no longer: one by one, hundreds of orders would outlast any limit.
    held = {(position.category, position.instrument) for position in standing.open}
    if any(POSITIONS in part.part and not part.unsent for part in look.unread):
        # A list that is not believed shows nothing gone, and one other page saying so may lie as it does.
        left = (*leftovers(leg, standing), *possible(leg, standing))
        held |= {(position.category, position.instrument) for position in left}
    doubted = {book.key[:2] for book in standing.unexplained}
    known = {key[:2] for key, book in leg.books.items() if book.seen}
    # One sweep takes what is left of a wave of closes that the venue's limits spread over seconds.
    wave = leg.sight.whole and _is_closing(standing, pace, look, now_ns=now_ns, settings=settings)
    chosen = []
    for order in look.orders:
        if not order.closable:
            continue
        place = (order.category, order.instrument)
        if leg.sight.at_once(order):
            chosen.append(order)
        elif wave or place in held or place in doubted or (standing.unheard and place not in known):
            continue
        elif place in known or _absent_twice(leg, place, settings):
            chosen.append(order)
    return tuple(chosen)


def _takes_all(leg: Leg, look: Look, free: tuple[OpenOrder, ...]) -> bool:
    whole = leg.sight.whole and not look.positions
    return whole and bool(look.orders) and set(free) == set(look.orders)


def _cancels(
    free: tuple[OpenOrder, ...], standing: Standing, pace: Pace, look: Look, *, now_ns: int
) -> tuple[OpenOrder, ...]:
    # What could open and is no longer shown is cancelled by its id all the same: a look can miss it.
    settled_look = lacks_orders_alone(look) and not standing.open
    lingering = standing.lingering if settled_look else ()
    return tuple(order for order in (*free, *lingering) if _cancel_due(order, pace, now_ns=now_ns))


def _is_closing(standing: Standing, pace: Pace, look: Look, *, now_ns: int, settings: ExitSettings) -> bool:
    # Orders are on their way, or were answered since the look began; or what they did is not told yet.
    last_ns = max(pace.key_act_ns.values(), default=0)
    if look.begun_ns < last_ns or any(key != CANCELLING for key in pace.in_flight.values()):
        return True
    return bool(standing.unexplained) and now_ns < last_ns + nanoseconds(settings.resolve_patience_s)


def _cancel_due(order: OpenOrder, pace: Pace, *, now_ns: int) -> bool:
    return now_ns >= pace.cancel_at_ns.get(order.key, 0)


def _absent_twice(leg: Leg, place: tuple[str, str], settings: ExitSettings) -> bool:
    # A stop without a position is swept only when two looks apart in time agree that there is no position.
    if leg.before is None or leg.latest is None:
        return False
    first, second = leg.before.look, leg.latest.look
    apart = second.begun_ns >= first.begun_ns + settings.look_gap_ms * 1_000_000
    return apart and all(
        lacks_orders_alone(look) and all((p.category, p.instrument) != place for p in look.positions)
        for look in (first, second)
    )


def _reasons(position: Position, past: Trail, step: Rung, blocking: tuple[OpenOrder, ...]) -> tuple[str, ...]:
    reasons = [f"{position.symbol}: {step.why}"] if step.why else []
    if past.sizes:
        reasons.append(f"{position.symbol}: split, since the venue refused the size {past.sizes} time(s)")
    if blocking:
        reasons.append(
            f"{position.symbol}: {len(blocking)} resting order(s) cancelled first: they hold the size"
        )
    return tuple(reasons)
