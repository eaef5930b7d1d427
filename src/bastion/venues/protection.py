"""Protection: how a protective order is brought to stand, once, and how what it replaces is taken away."""

from collections.abc import Awaitable, Callable, Sequence

from bastion.domain.order import CancelAnswer, OpenOrder
from bastion.domain.protective import ProtectiveOrder
from bastion.errors import Fault, OutcomeUnknown, VenueError, VenueRejected
from bastion.ports import Clock
from bastion.venues.deadline import Deadline

SENDS_MAX = 3
PAUSE_S = 0.2
ASK_PAUSES_S = (0.05, 0.2, 0.5)
CANCELS_MAX = 2
SHOWN_PAUSES_S = (0.0, 0.05, 0.1, 0.2, 0.4)
NOT_REDUCING = "NOT_REDUCE_ONLY"
"""Our code for an order that a venue took without what makes it reducing; it is never sent again."""
SHARE = 3
"""One sending, or one question, takes at most this part of the time, so that time to resolve is left."""

Place = Callable[[Deadline], Awaitable[ProtectiveOrder]]
Find = Callable[[Deadline], Awaitable[ProtectiveOrder | None]]
Cancel = Callable[[Sequence[OpenOrder]], Awaitable[Sequence[CancelAnswer]]]


async def stand(place: Place, find: Find, *, clock: Clock, deadline: Deadline) -> ProtectiveOrder:
    """Return the order as it stands at the venue, sent again only where it certainly was not taken.

    After an unknown outcome or a duplicate id the venue is asked (`find`) before anything is sent again, and
    the same client id is sent, so that a venue which did take the first refuses the second.

    Raises:
        VenueRejected: the venue refused; nothing stands.
        VenueUnreachable: nothing was sent.
        OutcomeUnknown: it may stand; the venue could not be asked, or did not show it.
    """
    trouble: VenueError = OutcomeUnknown("the order was sent, and the venue does not show it")
    share_s = deadline.left_s / SHARE
    for _ in range(SENDS_MAX):
        try:
            return await place(Deadline(clock, min(share_s, deadline.left_s)))
        except OutcomeUnknown as error:
            if error.code == NOT_REDUCING:
                raise
            trouble = error
        except VenueRejected as error:
            if error.fault is Fault.RETRY and not deadline.passed:
                trouble = error
                await clock.sleep(min(PAUSE_S, deadline.left_s))
                continue
            if error.fault is not Fault.DUPLICATE:
                raise
            trouble = OutcomeUnknown(str(error), code=error.code)
        found = await _asked(find, trouble, clock=clock, deadline=deadline)
        if found is not None:
            return found
        if deadline.passed:
            break
    raise trouble


async def shown(find: Find, *, clock: Clock, deadline: Deadline) -> ProtectiveOrder:
    """Return an order that the venue has just taken, as soon as it shows it.

    Raises:
        OutcomeUnknown: it was taken, and is not shown within a moment.
        VenueError: it was taken without what makes it reducing (`NOT_REDUCING`).
    """
    for pause_s in SHOWN_PAUSES_S:
        await clock.sleep(min(pause_s, deadline.left_s))
        try:
            found = await find(deadline)
        except VenueError as error:
            if error.code == NOT_REDUCING:
                raise
            continue  # It was taken; that it cannot be read now changes nothing about it.
        if found is not None:
            return found
        if deadline.passed:
            break
    raise OutcomeUnknown("the venue took the order and does not show it")


async def withdrawn(cancel: Cancel, order: OpenOrder) -> VenueError:
    """Cancel an order of ours that could open something, and return the error to raise for it."""
    why = "the venue took the order without what makes it reduce only"
    for _ in range(CANCELS_MAX):
        (answer,) = await cancel([order])
        if answer.gone:
            return VenueRejected(f"{why}; it was taken back", fault=Fault.TERMINAL, code=NOT_REDUCING)
    return OutcomeUnknown(
        f"{why}, and did not take it back: cancel the order {order.order_id} by hand ({answer.message})",
        code=NOT_REDUCING,
    )


async def taken_away(
    cancel: Cancel, orders: Sequence[ProtectiveOrder]
) -> tuple[tuple[ProtectiveOrder, ...], tuple[ProtectiveOrder, ...], str]:
    """Cancel orders, a second time where the first did not say that they are gone.

    Return those that are gone, those that are not known to be, and why.
    """
    waiting, gone, why = list(orders), list[ProtectiveOrder](), ""
    for _ in range(CANCELS_MAX):
        if not waiting:
            break
        answers = await cancel([each.order for each in waiting])
        gone += [each for each, answer in zip(waiting, answers, strict=True) if answer.gone]
        left = [(each, answer) for each, answer in zip(waiting, answers, strict=True) if not answer.gone]
        waiting = [each for each, _ in left]
        why = "; ".join(dict.fromkeys(answer.message for _, answer in left))
    return tuple(gone), tuple(waiting), why


async def _asked(
    find: Find, trouble: VenueError, *, clock: Clock, deadline: Deadline
) -> ProtectiveOrder | None:
    denied = False
    for pause_s in ASK_PAUSES_S:
        await clock.sleep(min(pause_s, deadline.left_s))
        try:
            found = await find(Deadline(clock, deadline.left_s / SHARE))
        except VenueError as error:
            if error.code == NOT_REDUCING:
                raise
            denied = False
            continue
        if found is not None:
            return found
        denied = True
    if not denied:
        raise trouble
    return None
