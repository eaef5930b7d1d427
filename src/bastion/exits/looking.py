"""Looking: one reading of an account for an exit, which ends in a look whatever the venue does."""

from collections.abc import Callable

from bastion.domain.look import Look, Unread
from bastion.exits.bulkhead import attempt
from bastion.exits.settings import ExitSettings
from bastion.ports import Clock, Glancing, Venue


async def look_at(
    venue: Venue,
    glancing: Glancing | None,
    *,
    clock: Clock,
    settings: ExitSettings,
    seconds: float,
    failed: Callable[[Exception], str],
) -> Look:
    """Read the account, by a glance at its positions where `glancing` is given.

    A venue that fails in any way gives a look in which everything is unread, for the reason that `failed`
    makes of its error.
    """
    begun_ns = clock.monotonic_ns()
    limit_s = min(seconds, settings.read_deadline_s)
    result = await attempt(
        lambda: venue.look(deadline_s=limit_s) if glancing is None else glancing.glance(deadline_s=limit_s),
        seconds=limit_s + settings.call_grace_s,
    )
    if isinstance(result, Look):
        return result
    reason = failed(result if isinstance(result, Exception) else TypeError("not a look"))
    return Look(
        begun_ns=begun_ns,
        ended_ns=clock.monotonic_ns(),
        positions=(),
        orders=(),
        parts=(),
        unread=(Unread(part="everything", reason=reason),),
    )
