"""Grouping: the leg and the pace on which several exits of one account are planned together."""

from collections.abc import Sequence
from dataclasses import replace

from bastion.domain.records import LegStarted
from bastion.exits.heed import replay
from bastion.exits.pace import Pace
from bastion.exits.part import Part
from bastion.exits.progress import Leg
from bastion.exits.union import Union


def together(
    parts: Sequence[Part], *, now_ns: int, at_ns: int, before: tuple[Leg, Pace] | None = None
) -> tuple[Leg, Pace]:
    """Return one leg for all of these exits, and its pace: what they have seen and done, and nothing proven.

    With `before`, what was planned on until now, its last two looks go on counting: some of the exits came
    to their verdicts, and nothing happened on the account. `now_ns` is monotonic, `at_ns` UTC.
    """
    working = [part for part in parts if not part.retired]
    first = (working or parts)[0]
    account = next((part.leg.account for part in working if part.leg.sight.whole), first.leg.account)
    # Who may go to market at any price does not wait for who may not.
    bounds = [part.leg.first_bound for part in working]
    leg = Leg(
        exit_id=first.leg.exit_id,
        account=account,
        sight=Union([part.leg for part in working]),
        first_bound=None if None in bounds else first.leg.first_bound,
    )
    pace = Pace(last_act_ns=now_ns, run_began_ns=now_ns)
    told = sorted((told for part in parts for told in part.records), key=lambda one: one[0])
    for told_ns, record in told:
        replay(leg, record, at_ns=told_ns)
    leg.apply(LegStarted(exit_id=leg.exit_id, account=account.name, run=1), at_ns=at_ns)
    for part in parts:
        pace.learn(part.pace)
    if before is not None:
        known, paced = before
        for look in (known.before, known.latest):
            if look is not None:
                leg.apply(replace(look, exit_id=leg.exit_id, run=leg.run), at_ns=at_ns)
        pace.last_act_ns = paced.last_act_ns
    return leg, pace
