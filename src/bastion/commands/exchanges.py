"""Exchanges: the connected accounts, whether they answer, and what their credentials may do."""

from collections.abc import Sequence
from enum import StrEnum

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.positions import moment
from bastion.commands.practice import said
from bastion.commands.readings import AccountReading
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING, Selection
from bastion.shape import dataclass


class Connection(StrEnum):
    """How an account answers: CONNECTED wholly, DEGRADED in part, DISCONNECTED not at all."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """One connected account. `permissions` are those that are known, of `read` and `trade`.

    `last_sync` is when it was read, None where the reading just now gave nothing; `label` is the name that
    its owner gave it. `problems` say what did not come, and why.
    """

    exchange: str
    status: Connection
    permissions: tuple[str, ...]
    last_sync: str | None
    label: str
    account: str
    key_space: str
    can_withdraw: bool | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangesReport:
    """All connected accounts that the key may see, in their configured order."""

    summary: str
    exchanges: tuple[ExchangeRow, ...]
    warnings: tuple[str, ...]


async def exchanges(
    desk: Desk, principal: Principal, *, selection: Selection = EVERYTHING
) -> ExchangesReport:
    """Return how each covered account answered a moment ago.

    Raises:
        ScopeDenied: the principal lacks the read scope, or may only stop.
        Refused: nothing is covered.
    """
    permit(principal, Act.EXCHANGES)
    names = {account.name for account in covered(principal, desk.accounts, selection)}
    at_ns, readings = await desk.readings.recent()
    seen = [reading for reading in readings if reading.venue.account.name in names]
    rows = tuple(_row(reading, moment(at_ns)) for reading in seen)
    return ExchangesReport(
        summary=said(desk, _summary(rows)),
        exchanges=rows,
        warnings=tuple(warning for reading in seen for warning in reading.warnings),
    )


def _row(reading: AccountReading, read_at: str) -> ExchangeRow:
    account, look, access = reading.venue.account, reading.look, reading.access
    problems = [f"{part.part}: {part.reason}" for part in look.missed]
    if access is None:
        problems.append(f"the credential's rights: {reading.access_error}")
    read = bool(look.parts)
    if not read:
        status = Connection.DISCONNECTED
    else:
        status = Connection.DEGRADED if problems else Connection.CONNECTED
    permissions = []
    if read or (access is not None and access.can_read):
        permissions.append("read")
    if access is not None and access.can_trade:
        permissions.append("trade")
    return ExchangeRow(
        exchange=account.venue,
        status=status,
        permissions=tuple(permissions),
        last_sync=read_at if read else None,
        label=account.name,
        account=account.name,
        key_space=account.key_space,
        can_withdraw=None if access is None else access.can_withdraw,
        problems=tuple(problems),
    )


def _summary(rows: Sequence[ExchangeRow]) -> str:
    bad = [f"{row.account} {row.status.value}" for row in rows if row.status is not Connection.CONNECTED]
    mute = [row.account for row in rows if "trade" not in row.permissions]
    noun = "account" if len(rows) == 1 else "accounts"
    sentence = f"{len(rows)} {noun}, {len(rows) - len(bad)} connected"
    if bad:
        sentence += f"; {', '.join(bad)}"
    if mute:
        sentence += f"; orders would be refused at {', '.join(mute)}"
    return sentence + "."
