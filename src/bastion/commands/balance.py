"""Balance: what the accounts are worth, by account, by venue and together."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bastion.auth.permit import covered, permit
from bastion.commands.desk import Desk
from bastion.commands.positions import UnreadAccount, moment
from bastion.commands.practice import said
from bastion.domain.act import Act
from bastion.domain.balance import Balance
from bastion.domain.money import ZERO
from bastion.domain.principal import Principal
from bastion.domain.selection import EVERYTHING, Selection
from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBalance:
    """The sums of one venue's accounts that were read; None where none of them told the figure."""

    total: Decimal | None
    available: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """One account's own figures in US dollars; None means that the venue does not say."""

    exchange: str
    account: str
    total_usd: Decimal
    available_margin_usd: Decimal | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReport:
    """What the accounts are worth: `total_usd` is the sum of `exchanges.*.total`, and so for `available`.

    An account that could not be read is in no sum and stands in `unread`; with nothing read, a sum is None.
    """

    summary: str
    total_usd: Decimal | None
    available_margin_usd: Decimal | None
    exchanges: Mapping[str, VenueBalance]
    accounts: tuple[AccountBalance, ...]
    unread: tuple[UnreadAccount, ...]
    read_at: str


async def balance(desk: Desk, principal: Principal, *, selection: Selection = EVERYTHING) -> BalanceReport:
    """Return what the covered accounts are worth by the venues' own figures, read a moment ago.

    Raises:
        ScopeDenied: the principal lacks the read scope, or may only stop.
        Refused: nothing is covered.
    """
    permit(principal, Act.BALANCE)
    accounts = covered(principal, desk.accounts, selection)
    at_ns, told = await desk.wealth.recent()
    rows: list[AccountBalance] = []
    unread: list[UnreadAccount] = []
    for account in accounts:
        found = told[account.name]
        if isinstance(found, Balance):
            rows.append(
                AccountBalance(
                    exchange=account.venue,
                    account=account.name,
                    total_usd=found.total_usd,
                    available_margin_usd=found.available_usd,
                    notes=found.notes,
                )
            )
        else:
            unread.append(
                UnreadAccount(exchange=account.venue, account=account.name, part="balance", reason=found)
            )
    venues = {row.exchange: _venue([each for each in rows if each.exchange == row.exchange]) for row in rows}
    total = _sum([each.total for each in venues.values()])
    return BalanceReport(
        summary=said(desk, _summary(total, rows, unread)),
        total_usd=total,
        available_margin_usd=_sum([each.available for each in venues.values()]),
        exchanges=venues,
        accounts=tuple(rows),
        unread=tuple(unread),
        read_at=moment(at_ns),
    )


def _venue(rows: Sequence[AccountBalance]) -> VenueBalance:
    return VenueBalance(
        total=_sum([row.total_usd for row in rows]),
        available=_sum([row.available_margin_usd for row in rows]),
    )


def _sum(figures: Sequence[Decimal | None]) -> Decimal | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known, ZERO) if known else None


def _summary(total: Decimal | None, rows: Sequence[AccountBalance], unread: Sequence[UnreadAccount]) -> str:
    noun = "account" if len(rows) == 1 else "accounts"
    sentence = "No balance was read" if total is None else f"{total:,.2f} USD on {len(rows)} {noun}"
    if unread:
        sentence += f"; NOT READ: {', '.join(part.account for part in unread)}"
    return sentence + "."
