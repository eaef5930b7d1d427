"""Refund decision: what speaks for and against giving a position up for its margin; pure."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from bastion.domain.money import ZERO, Usd
from bastion.domain.refund import RefundFacts
from bastion.shape import dataclass

NEAR_SHARE = Decimal("0.25")
"""Liquidation is near when at most this share of the way from entry to liquidation is left."""

PERCENT = Decimal("0.01")


class Fit(StrEnum):
    """What a refund would be for: nine legitimate uses, then the five uses that the venue warns of."""

    PLATFORM_DOWNTIME = "platform_downtime"
    CONTRACT_ISSUE = "contract_issue"
    CRITICAL_BUG = "critical_bug"
    LIQUIDITY_NEED = "liquidity_need"
    ACCOUNT_SECURITY = "account_security"
    TECHNICAL_DIFFICULTY = "technical_difficulty"
    EXTREME_VOLATILITY = "extreme_volatility"
    LIQUIDITY_CRISIS = "liquidity_crisis"
    FORCE_MAJEURE = "force_majeure"
    NORMAL_TRADING = "normal_trading"
    TAKING_PROFITS = "taking_profits"
    CUTTING_LOSSES = "cutting_losses"
    REBALANCING = "rebalancing"
    FEAR_OF_LIQUIDATION = "fear_of_liquidation"

    @property
    def legitimate(self) -> bool:
        """Whether the refund is meant for this."""
        return self not in WARNINGS


WARNINGS: Mapping[Fit, str] = {
    Fit.NORMAL_TRADING: "this is normal trading: close the position instead",
    Fit.TAKING_PROFITS: "this is taking profits: a refund forfeits all of them",
    Fit.CUTTING_LOSSES: "this is cutting a loss: that is what a normal close is for",
    Fit.REBALANCING: "this is rebalancing: use normal orders",
    Fit.FEAR_OF_LIQUIDATION: "this is fear of liquidation: a normal close ends that as well",
}

USES: Mapping[Fit, str] = {
    Fit.PLATFORM_DOWNTIME: "normal trading is unavailable",
    Fit.CONTRACT_ISSUE: "there is trouble with the contract or the chain",
    Fit.CRITICAL_BUG: "the venue fails at managing the position",
    Fit.LIQUIDITY_NEED: "the margin is needed at once",
    Fit.ACCOUNT_SECURITY: "the account may be compromised",
    Fit.TECHNICAL_DIFFICULTY: "normal trading functions cannot be reached",
    Fit.EXTREME_VOLATILITY: "price discovery has broken down",
    Fit.LIQUIDITY_CRISIS: "closing is impaired in this market",
    Fit.FORCE_MAJEURE: "circumstances are exceptional",
}

_STATED: tuple[tuple[Fit, str], ...] = (
    (Fit.ACCOUNT_SECURITY, r"compromis|hacked|stolen|leaked|phish|security"),
    (Fit.LIQUIDITY_CRISIS, r"liquidity crisis|illiquid"),
    (Fit.LIQUIDITY_NEED, r"need (the|my) (money|margin|cash)|liquidity|cash"),
    (Fit.TECHNICAL_DIFFICULTY, r"(cannot|can't|can not) (log|sign|reach)|locked out|no access|technical"),
    (Fit.CRITICAL_BUG, r"\bbugs?\b"),
    (Fit.CONTRACT_ISSUE, r"smart contract|blockchain|\bchain\b"),
    (Fit.PLATFORM_DOWNTIME, r"downtime|outage|platform is down|unavailable"),
    (Fit.EXTREME_VOLATILITY, r"volatil"),
    (Fit.FORCE_MAJEURE, r"force majeure|\bwar\b|disaster"),
    (Fit.REBALANCING, r"rebalanc"),
    (Fit.TAKING_PROFITS, r"tak(e|ing) (the |my )?profit"),
    (Fit.CUTTING_LOSSES, r"cut(ting)? (the |my )?loss"),
    (Fit.FEAR_OF_LIQUIDATION, r"liquidat"),
)

_CAUSES: tuple[tuple[Fit, str], ...] = (
    (Fit.LIQUIDITY_CRISIS, r"halted"),
    (Fit.EXTREME_VOLATILITY, r"stale|no price"),
    (Fit.CRITICAL_BUG, r"HTTP 5"),
)


class Favoured(StrEnum):
    """Which way the figures favour."""

    CLOSE = "close"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What speaks for and against a refund.

    `close_net_usd` is what a normal close would add to the margin; a refund adds nothing. `forfeited_usd` is
    the part of it that a refund gives up, `avoided_usd` the loss that it does not charge. `left_pct` is how
    much of the way from entry to liquidation is left. None where the venue shows no price.
    """

    fit: Fit
    fit_text: str
    favours: Favoured
    favours_text: str
    close_works: bool
    close_text: str
    close_net_usd: Usd | None
    forfeited_usd: Usd | None
    avoided_usd: Usd | None
    left_pct: Decimal | None
    liquidation_near: bool


def decide(facts: RefundFacts, *, refused: tuple[str, ...] = (), stated: str | None = None) -> Decision:
    """Return the decision on these facts; `refused` are closes that the venue refused lately, in its words.

    A hindered close makes a use legitimate whatever was stated. Else the stated reason counts, then the
    figures.
    """
    hindered = (*facts.impaired, *refused)
    works = not hindered
    left = _left(facts)
    near = left is not None and left <= NEAR_SHARE
    net = facts.net_usd
    fit = _cause(hindered) if hindered else _stated(stated) or _by_figures(net, near=near)
    favours, favours_text = _favours(net, works=works)
    close_text = (
        "nothing that the venue shows hinders a close" if works else f"hindered: {'; '.join(hindered)}"
    )
    return Decision(
        fit=fit,
        fit_text=USES.get(fit) or WARNINGS[fit],
        favours=favours,
        favours_text=favours_text,
        close_works=works,
        close_text=close_text,
        close_net_usd=net,
        forfeited_usd=None if net is None else Usd(max(net, ZERO)),
        avoided_usd=None if net is None else Usd(max(-net, ZERO)),
        left_pct=None if left is None else (left * 100).quantize(PERCENT, ROUND_HALF_EVEN),
        liquidation_near=near,
    )


def _left(facts: RefundFacts) -> Decimal | None:
    position = facts.position
    mark, entry, limit = position.mark_price, position.entry_price, position.liquidation_price
    if mark is None or entry is None or limit is None or entry == limit:
        return None
    return max((mark - limit) / (entry - limit), ZERO)


def _cause(hindered: tuple[str, ...]) -> Fit:
    told = "; ".join(hindered)
    return next((fit for fit, words in _CAUSES if re.search(words, told)), Fit.PLATFORM_DOWNTIME)


def _stated(stated: str | None) -> Fit | None:
    said = (stated or "").lower()
    return next((fit for fit, words in _STATED if re.search(words, said)), None)


def _by_figures(net: Usd | None, *, near: bool) -> Fit:
    if near:
        return Fit.FEAR_OF_LIQUIDATION
    if net is None or net == ZERO:
        return Fit.NORMAL_TRADING
    return Fit.TAKING_PROFITS if net > ZERO else Fit.CUTTING_LOSSES


def _favours(net: Usd | None, *, works: bool) -> tuple[Favoured, str]:
    if not works:
        cost = (
            "" if net is None or net <= ZERO else f"; it gives up {net:,.2f} USD that a later close may bring"
        )
        return Favoured.REFUND, f"a refund: nothing else ends the exposure now{cost}"
    if net is None:
        return Favoured.CLOSE, "a close: without a price nothing speaks for giving the position up"
    if net > ZERO:
        return Favoured.CLOSE, f"a close: it gives {net:,.2f} USD more than a refund"
    if net < ZERO:
        return Favoured.REFUND, f"a refund by the figures alone: it gives {-net:,.2f} USD more than a close"
    return Favoured.CLOSE, "a close: it gives the same, and a refund is for emergencies"
