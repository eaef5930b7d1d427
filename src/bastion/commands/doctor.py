"""Doctor: what would stop an exit today, in one screen."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from bastion.auth.permit import covered, permit
from bastion.commands.audit import audit_warnings
from bastion.commands.desk import Desk
from bastion.commands.hearing import NS
from bastion.commands.latch import latch
from bastion.commands.positions import moment, visible_readings
from bastion.commands.preview import preview
from bastion.commands.readings import AccountReading
from bastion.commands.visible import sees
from bastion.domain.act import Act
from bastion.domain.look import Look
from bastion.domain.mandate import ExitKind
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import EVERYTHING
from bastion.domain.venue import unread_spaces
from bastion.domain.verdict import LatchState
from bastion.errors import BastionError
from bastion.ports import Metered
from bastion.shape import dataclass

SKEW_WARN_MS = 1_000
SKEW_STOP_MS = 4_000
"""A venue refuses requests whose time is out of its window; the usual window is 5 s."""
SLOW_READ_MS = 3_000
SPARED = "not sent: "
"""How the reason of a part begins that an adapter left unread, to keep the venue's limit for closing."""
WINDOW_S = 2.5
"""The window of a venue's limits of seconds has passed by then: another command may just have used one up."""
DISK_FREE_WARN = 1_000_000_000
DISK_FREE_STOP = 50_000_000
MS = 1_000_000


class Finding(StrEnum):
    """What a check found."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"
    """An exit would fail, wholly or on one account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the doctor: what was looked at, what was found, and what to do where it is not ok."""

    name: str
    finding: Finding
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What only the composition root can see; None means that it could not be told.

    `disk_free` is in bytes. `damaged` names each journal that does not verify. `daemon` says who serves this
    state directory, where somebody does.
    """

    state_dir: str
    disk_free: int | None
    vault: str | None
    damaged: tuple[str, ...]
    daemon: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """All checks; `ready` is true when none would stop an exit."""

    summary: str
    ready: bool
    paper: bool
    checks: tuple[Check, ...]
    checked_at: str


async def doctor(desk: Desk, principal: Principal, *, host: HostFacts) -> DoctorReport:
    """Look at all that an exit needs, and change nothing.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        Refused: the principal may see no account of this desk.
    """
    permit(principal, Act.DOCTOR)
    covered(principal, desk.accounts, EVERYTHING)
    read_ns, readings = await visible_readings(desk, principal)
    if any(_is_refused_for_now(reading.look) for reading in readings):
        await desk.clock.sleep(WINDOW_S)
        read_ns, readings = await visible_readings(desk, principal, within_s=0)
    checks = [
        *_host(host),
        *(check for reading in readings for check in _account(desk, reading)),
        *_spaces(desk, principal),
        *await _plan(desk, principal),
        *_state(desk),
        *_keys(desk),
    ]
    stops = sum(check.finding is Finding.STOP for check in checks)
    warns = sum(check.finding is Finding.WARN for check in checks)
    return DoctorReport(
        summary=_summary(stops, warns, accounts=len(readings)),
        ready=stops == 0,
        paper=desk.paper,
        checks=tuple(checks),
        checked_at=moment(read_ns),
    )


def _spaces(desk: Desk, principal: Principal) -> Iterable[Check]:
    for name, space, words in unread_spaces(desk.accounts):
        if desk.paper or not sees(principal, name):
            continue
        command = f"bastion connect {name}-{space} --venue binance --key-space {space}"
        yield Check(
            name=name,
            finding=Finding.WARN,
            detail=f"its credential may see {words}, which no account reads and no exit closes",
            remedy=f"Where they are used: `{command}`.",
        )


def _summary(stops: int, warns: int, *, accounts: int) -> str:
    noun = "account" if accounts == 1 else "accounts"
    later = f"; {warns} to look at" if warns else ""
    if stops:
        what = "1 thing" if stops == 1 else f"{stops} things"
        return f"NOT READY: {what} would stop an exit of {accounts} {noun}{later}."
    return f"READY: nothing would stop an exit of {accounts} {noun} now{later}."


def _is_refused_for_now(look: Look) -> bool:
    return any(part.limited and not part.reason.startswith(SPARED) for part in look.unread)


def _host(host: HostFacts) -> Iterable[Check]:
    free = host.disk_free
    if free is None:
        yield Check(
            name="disk",
            finding=Finding.WARN,
            detail=f"the free space for {host.state_dir} cannot be told",
            remedy="An exit goes on in memory where the journal cannot be written; make room all the same.",
        )
    else:
        finding = Finding.OK
        if free < DISK_FREE_WARN:
            finding = Finding.STOP if free < DISK_FREE_STOP else Finding.WARN
        yield Check(
            name="disk",
            finding=finding,
            detail=f"{free // 1_000_000:,} MB free for {host.state_dir}",
            remedy=None if finding is Finding.OK else "Free some space: the journal stands there.",
        )
    if host.vault is not None:
        yield Check(name="vault", finding=Finding.OK, detail=host.vault)
    for text in host.damaged:
        yield Check(
            name="journal",
            finding=Finding.WARN,
            detail=text,
            remedy="An exit still works. `bastion journal verify` names the place; keep a copy of the file.",
        )
    if not host.damaged:
        yield Check(name="journal", finding=Finding.OK, detail="every chain verifies")
    yield Check(
        name="daemon",
        finding=Finding.OK if host.daemon else Finding.WARN,
        detail=host.daemon or "none is running: an exit starts cold",
        remedy=None if host.daemon else "`bastion up` keeps the connections warm and the engine watching.",
    )


def _stream(desk: Desk, account: str, name: str) -> Iterable[Check]:
    ear = desk.ears.of(account)
    if ear is None:
        return
    now_ns = desk.clock.monotonic_ns()
    if ear.since_ns is None or not desk.ears.is_live(account):
        yield Check(
            name=name,
            finding=Finding.WARN,
            detail=f"its private stream is not open: {ear.reason or 'nothing is heard on it'}",
            remedy="It is opened again by itself; until then the account is read in a rhythm, and an exit "
            "works as ever. `streams = false` under [exit] does without.",
        )
        return
    told = f"open for {(now_ns - ear.since_ns) // NS:,} s, heard {(now_ns - ear.heard_ns) // NS} s ago"
    missed = f"; {ear.missed:,} changes came without a word" if ear.missed else ""
    yield Check(
        name=name,
        finding=Finding.WARN if ear.missed else Finding.OK,
        detail=f"its private stream is {told}{missed}",
        remedy="Looks find what it does not tell; proof never rests on it." if ear.missed else None,
    )


def _account(desk: Desk, reading: AccountReading) -> Iterable[Check]:
    account = reading.venue.account
    name = f"{account.name} ({account.venue})"
    look = reading.look
    took_ms = max(0, look.ended_ns - look.begun_ns) // MS
    left = reading.venue.reads_left() if isinstance(reading.venue, Metered) else None
    short = left if left is not None and left.free < left.kept else None
    if short is not None:
        yield Check(
            name=name,
            finding=Finding.WARN,
            detail=f"reads have used up the venue's {short.what}: {short.free:,} of {short.capacity:,} are "
            f"left of the last {short.window_s} s, of which {short.kept:,} are kept for exits",
            remedy="An exit still works, from what is kept; figures, books and order lists wait. Ask less "
            f"often, here and in other programs at this address, or wait {short.window_s} s.",
        )
    spared = short is not None and all(part.reason.startswith(SPARED) for part in look.missed)
    if look.missed and spared:
        yield Check(
            name=name,
            finding=Finding.WARN,
            detail=f"not read, to spare that: {'; '.join(part.part for part in look.missed)}",
            remedy="An exit reads them when it needs them.",
        )
    elif look.missed:
        parts = "; ".join(f"{part.part}: {part.reason}" for part in look.missed)
        yield Check(
            name=name,
            finding=Finding.STOP,
            detail=f"could not be read: {parts}",
            remedy="Until it can be read, an exit ends UNKNOWN there. Look at the venue and the credential.",
        )
    else:
        finding = Finding.WARN if took_ms > SLOW_READ_MS else Finding.OK
        yield Check(
            name=name,
            finding=finding,
            detail=f"read in {took_ms} ms: {len(look.positions)} positions, {len(look.orders)} orders"
            + "".join(f"; {part.part} {part.reason}" for part in look.unread),
            remedy="The venue, or the way to it, is slow now." if finding is Finding.WARN else None,
        )
    yield from _stream(desk, account.name, name)
    yield from _rights(name, reading)
    yield from _clock(desk, name, reading)
    left_out = [part for part in look.parts if "(left out: " in part]
    if left_out:
        yield Check(
            name=name,
            finding=Finding.WARN,
            detail=f"not read: {', '.join(left_out)}",
            remedy="An exit neither closes nor vouches for these.",
        )
    strange = [position.symbol for position in look.positions if not position.closable]
    if strange:
        yield Check(
            name=name,
            finding=Finding.STOP,
            detail=f"holds what bastion does not close: {', '.join(sorted(set(strange)))}",
            remedy=f"Close it by hand{f' at {reading.venue.link}' if reading.venue.link else ''}.",
        )


def _rights(name: str, reading: AccountReading) -> Iterable[Check]:
    access, credential = reading.access, reading.venue.account.credential
    if access is None:
        yield Check(
            name=name,
            finding=Finding.WARN,
            detail=f"what the credential may do is not known: {reading.access_error}",
            remedy="Look at the key's rights at the venue.",
        )
        return
    if access.can_trade is False:
        yield Check(
            name=name,
            finding=Finding.STOP,
            detail=f"the credential {credential!r} cannot trade",
            remedy="Give the key the right to trade, or store another with "
            f"`bastion vault put {credential} --from-stdin`.",
        )
    if access.can_withdraw:
        yield Check(
            name=name,
            finding=Finding.STOP,
            detail=f"the credential {credential!r} can withdraw",
            remedy="Take that right from the key at the venue: bastion never needs it, and a thief would.",
        )
    if access.can_trade is not False and not access.can_withdraw:
        bound = ", bound to addresses" if access.ip_restricted else ""
        yield Check(name=name, finding=Finding.OK, detail=f"the credential can trade, not withdraw{bound}")
    if access.ip_restricted is False:
        yield Check(
            name=name,
            finding=Finding.WARN,
            detail=f"the credential {credential!r} works from every address",
            remedy="Restrict it at the venue to the addresses of this machine.",
        )
    for note in access.notes:
        yield Check(name=name, finding=Finding.WARN, detail=note)


def _clock(desk: Desk, name: str, reading: AccountReading) -> Iterable[Check]:
    told_ms = reading.look.venue_time_ms
    if told_ms is None:
        return
    # The reading may be some seconds old; monotonic time says how old.
    age_ns = desk.clock.monotonic_ns() - reading.look.ended_ns
    skew_ms = (desk.clock.now_ns() - age_ns) // MS - told_ms
    took_ms = max(0, reading.look.ended_ns - reading.look.begun_ns) // MS
    # The venue's time was taken somewhere within the reading, so its length is the doubt.
    surely_ms = max(0, abs(skew_ms) - took_ms)
    if surely_ms >= SKEW_WARN_MS:
        yield Check(
            name=name,
            finding=Finding.STOP if surely_ms >= SKEW_STOP_MS else Finding.WARN,
            detail=f"this machine's clock is {skew_ms / Decimal(1_000):.1f} s off the venue's",
            remedy="Set the clock (NTP): venues refuse requests from another time.",
        )


async def _plan(desk: Desk, principal: Principal) -> Sequence[Check]:
    try:
        planned = await preview(desk, principal)
    except BastionError as error:
        return (Check(name="plan", finding=Finding.WARN, detail=f"no preview could be made: {error}"),)
    totals = planned.totals
    checks = [
        Check(
            name="plan",
            finding=Finding.OK,
            detail=f"an exit would now send {totals.orders_to_send} orders and cancel "
            f"{totals.orders_to_cancel}, at about {totals.slippage_usd + totals.fees_usd:,.2f} USD",
        )
    ]
    checks.extend(
        Check(name="plan", finding=Finding.WARN, detail=f"{leg.symbol} on {leg.account}: {hindrance}")
        for leg in planned.legs
        for hindrance in leg.hindrances
    )
    return checks


def _state(desk: Desk) -> Iterable[Check]:
    held = latch(desk)
    if held.latch is LatchState.TRIPPED:
        yield Check(
            name="latch",
            finding=Finding.WARN,
            detail=f"TRIPPED by {held.exit_id}: an exit works, but nothing of ours may open",
            remedy=f"`bastion reset {held.exit_id}` lifts it, when you are done.",
        )
    for request in desk.unfinished():
        if desk.exit_of(request.exit_id) is None:
            halted = request.kind is ExitKind.HALT
            again = "bastion halt" if halted else f"bastion exit --resume {request.exit_id}"
            yield Check(
                name="exit",
                finding=Finding.WARN,
                detail=f"the {'halt' if halted else 'exit'} {request.exit_id} has no verdict",
                remedy=f"`{again}` takes it up.",
            )
    for warning in audit_warnings(desk.audit.standing()):
        yield Check(name="audit", finding=Finding.WARN, detail=warning)


def _keys(desk: Desk) -> Iterable[Check]:
    now_ms = desk.keys.now_ms()
    live = [
        record
        for record in desk.keys.records()
        if record.revoked_ms is None and (record.expires_ms is None or record.expires_ms > now_ms)
    ]
    can_exit = sum(record.scope >= Scope.TRADE for record in live)
    yield Check(name="keys", finding=Finding.OK, detail=f"{len(live)} work, {can_exit} of them can exit")
