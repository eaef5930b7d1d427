"""Seeing: from what the accounts answered to the scene that guards and rules judge; pure."""

from collections.abc import Sequence

from bastion.domain.account import Account
from bastion.domain.engine import AccountView
from bastion.domain.look import Look
from bastion.domain.money import ZERO, Usd
from bastion.domain.position import Position
from bastion.domain.symbol import pair
from bastion.engine.memory import Worth
from bastion.engine.scene import Drawdown, Held, Scene


def scene_of(views: Sequence[AccountView], *, at_ns: int, memory: Drawdown | None) -> Scene:
    """Return the scene of these views; a figure that one account did not give is None, never zero."""
    equity, why = equity_of(views)
    return Scene(
        at_ns=at_ns,
        held=tuple(
            Held(
                account=view.account,
                position=position,
                symbol=pair(position.symbol),
                stopped=_stopped(position, view.look),
            )
            for view in views
            for position in view.look.positions
        ),
        unread=tuple((view.account.name, _why(view)) for view in views if not view.look.complete),
        equity_usd=equity,
        equity_why=why,
        left_out=tuple(view.account.name for view in views if not view.tells_equity),
        memory=memory,
    )


def equity_of(views: Sequence[AccountView]) -> tuple[Usd | None, str]:
    """Return the equity of all accounts that tell theirs, or None and why it is not known."""
    telling = [view for view in views if view.tells_equity]
    missing = [f"{view.account.name}: {view.equity_why}" for view in telling if view.equity_usd is None]
    if missing:
        return None, "the equity is not known (" + "; ".join(missing) + ")"
    if not telling:
        return None, ""
    return Usd(sum((view.equity_usd or ZERO for view in telling), ZERO)), ""


def worth_of(views: Sequence[AccountView], *, at_ns: int) -> Worth | None:
    """Return what the accounts are worth, with all that tells a transfer from a trade."""
    equity, _ = equity_of(views)
    if equity is None:
        return None
    telling = [view for view in views if view.tells_equity]
    pnls = [position.unrealized_pnl_usd for view in telling for position in view.look.positions]
    whole = all(view.look.complete for view in telling) and None not in pnls
    return Worth(
        at_ns=at_ns,
        equity_usd=equity,
        open_pnl_usd=Usd(sum((pnl or ZERO for pnl in pnls), ZERO)) if whole else None,
        book=frozenset(
            (view.account.name, *position.key, str(position.quantity), str(position.entry_price))
            for view in telling
            for position in view.look.positions
        ),
    )


def settled(views: Sequence[AccountView]) -> bool:
    """Return whether everything was read that can be read.

    An account whose credential must be changed by a person does not keep the others from being guarded.
    """
    return all(view.look.complete or any(part.terminal for part in view.look.unread) for view in views)


def sizes_of(views: Sequence[AccountView]) -> frozenset[tuple[str, ...]]:
    """Return what names every position and its size, to see whether something was traded."""
    return frozenset(
        (view.account.name, *position.key, str(position.quantity))
        for view in views
        for position in view.look.positions
    )


def positions_of(views: Sequence[AccountView]) -> tuple[tuple[Account, Position], ...]:
    """Return every position with its account."""
    return tuple((view.account, position) for view in views for position in view.look.positions)


def _stopped(position: Position, look: Look) -> bool:
    place = (position.category, position.instrument)
    return any(
        order.conditional
        and order.reduce_only
        and (order.category, order.instrument) == place
        and order.side in {None, position.side}
        for order in look.orders
    )


def _why(view: AccountView) -> str:
    return "; ".join(f"{part.part}: {part.reason}" for part in view.look.unread)
