"""The decision on a refund, as a table; and when the last rung is reached."""

from decimal import Decimal

import pytest

from bastion.domain.money import Price, Quantity, Usd
from bastion.domain.order import OrderKind, OrderRequest
from bastion.domain.position import Position, Side
from bastion.domain.records import OrderAnswered, Outcome
from bastion.domain.refund import RefundFacts, RefundPolicy
from bastion.errors import Fault
from bastion.exits.books import Sent
from bastion.exits.last_rung import due, reason
from bastion.exits.refund_decision import USES, WARNINGS, Decision, Fit, decide
from bastion.exits.settings import ExitSettings

SECOND = 1_000_000_000
SETTINGS = ExitSettings()


def position(mark: str | None = "100") -> Position:
    return Position(
        instrument="7",
        category="BTC-USD",
        symbol="BTC-USD",
        side=Side.LONG,
        quantity=Quantity(Decimal(10)),
        hedged=False,
        entry_price=Price(Decimal(100)),
        mark_price=None if mark is None else Price(Decimal(mark)),
        liquidation_price=Price(Decimal(90)),
        margin_usd=Usd(Decimal(100)),
        position_id="7",
    )


def facts(*, mark: str | None = "100", net: str | None = "0", impaired: tuple[str, ...] = ()) -> RefundFacts:
    return RefundFacts(
        position=position(mark),
        price_pnl_usd=None if net is None else Usd(Decimal(net)),
        funding_usd=Usd(Decimal(0)),
        fee_usd=None if net is None else Usd(Decimal(0)),
        net_usd=None if net is None else Usd(Decimal(net)),
        spread_usd=Usd(Decimal("0.1")),
        fee_share=Decimal("0.27"),
        impaired=impaired,
    )


def decided(**changes: object) -> Decision:
    refused = changes.pop("refused", ())
    stated = changes.pop("stated", None)
    return decide(facts(**changes), refused=refused, stated=stated)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "fit", "favours"),
    [
        ({"net": "50", "mark": "105"}, Fit.TAKING_PROFITS, "close"),
        ({"net": "-30", "mark": "97"}, Fit.CUTTING_LOSSES, "refund"),
        ({"net": "-80", "mark": "92"}, Fit.FEAR_OF_LIQUIDATION, "refund"),
        ({"net": "0"}, Fit.NORMAL_TRADING, "close"),
        ({"net": "10", "stated": "I am rebalancing"}, Fit.REBALANCING, "close"),
        ({"net": "10", "stated": "afraid of liquidation"}, Fit.FEAR_OF_LIQUIDATION, "close"),
        ({"net": "10", "stated": "my key was stolen"}, Fit.ACCOUNT_SECURITY, "close"),
        ({"net": "10", "stated": "I need the money today"}, Fit.LIQUIDITY_NEED, "close"),
        ({"net": "10", "stated": "a liquidity crisis"}, Fit.LIQUIDITY_CRISIS, "close"),
        ({"net": "10", "stated": "locked out of the app"}, Fit.TECHNICAL_DIFFICULTY, "close"),
        ({"net": "10", "stated": "a bug shows a wrong size"}, Fit.CRITICAL_BUG, "close"),
        ({"net": "10", "stated": "a smart contract issue"}, Fit.CONTRACT_ISSUE, "close"),
        ({"net": "10", "stated": "an outage"}, Fit.PLATFORM_DOWNTIME, "close"),
        ({"net": "10", "stated": "too volatile"}, Fit.EXTREME_VOLATILITY, "close"),
        ({"net": "10", "stated": "force majeure"}, Fit.FORCE_MAJEURE, "close"),
        ({"net": "50", "refused": ("Trading in BTC-USD is halted",)}, Fit.LIQUIDITY_CRISIS, "refund"),
        ({"net": "50", "refused": ("The price of BTC-USD is stale",)}, Fit.EXTREME_VOLATILITY, "refund"),
        ({"net": "50", "refused": ("HTTP 500: failed",)}, Fit.CRITICAL_BUG, "refund"),
        (
            {"net": "50", "impaired": ("the venue says of itself: unhealthy",)},
            Fit.PLATFORM_DOWNTIME,
            "refund",
        ),
        (
            {"net": None, "mark": None, "impaired": ("BTC-USD has no price",)},
            Fit.EXTREME_VOLATILITY,
            "refund",
        ),
        ({"net": "50", "refused": ("halted",), "stated": "taking profits"}, Fit.LIQUIDITY_CRISIS, "refund"),
    ],
)
def test_the_figures_and_the_close_path_decide(given: dict[str, object], fit: Fit, favours: str) -> None:
    decision = decided(**given)
    assert (decision.fit, decision.favours.value) == (fit, favours)
    hindered = bool(given.get("refused") or given.get("impaired"))
    assert decision.close_works is not hindered


def test_every_use_and_every_warning_has_its_words() -> None:
    assert set(USES) | set(WARNINGS) == set(Fit)
    assert len(USES) == 9
    assert len(WARNINGS) == 5


def test_what_is_forfeited_and_what_is_avoided_are_never_both() -> None:
    gain, loss = decided(net="50"), decided(net="-30")
    assert (gain.forfeited_usd, gain.avoided_usd) == (Decimal(50), Decimal(0))
    assert (loss.forfeited_usd, loss.avoided_usd) == (Decimal(0), Decimal(30))


def sent(
    number: int,
    fault: Fault | None,
    *,
    kind: OrderKind = OrderKind.MARKET,
    outcome: Outcome = Outcome.REJECTED,
) -> Sent:
    cid = f"bst{number}"
    request = OrderRequest(
        client_order_id=cid, position=position(), quantity=Quantity(Decimal(10)), kind=kind
    )
    answer = OrderAnswered(
        exit_id="x", account="m", client_order_id=cid, outcome=outcome, fault=fault, message="halted"
    )
    return Sent(request=request, round=number, run=1, answer=answer)


def is_due(*orders: Sent, policy: RefundPolicy = RefundPolicy.LAST_RUNG, now_s: int = 60) -> bool:
    ended = {order.request.client_order_id: SECOND for order in orders}
    return due(orders, policy, now_ns=now_s * SECOND, ended_ns=ended, run_began_ns=0, settings=SETTINGS)


def test_the_last_rung_needs_enough_refusals_and_enough_time() -> None:
    refused = [sent(number, Fault.RETRY) for number in (1, 2, 3)]
    assert is_due(*refused)
    assert not is_due(*refused[:2])
    assert not is_due(*refused, now_s=10)
    assert is_due(*refused, now_s=11)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMIT, Fault.TERMINAL, Fault.MAYBE_FLAT])
def test_a_refusal_that_is_not_the_close_paths_fault_never_leads_there(fault: Fault) -> None:
    assert not is_due(*(sent(number, fault) for number in range(1, 9)))


def test_what_was_held_back_by_our_own_pacing_alone_never_leads_there() -> None:
    assert not is_due(*(sent(number, None, outcome=Outcome.NOT_SENT) for number in range(1, 9)))


def test_after_a_refused_refund_a_close_is_tried_again_in_between() -> None:
    refused = [sent(number, Fault.RETRY) for number in (1, 2, 3)]
    refund = sent(4, Fault.RETRY, kind=OrderKind.REFUND)
    assert not is_due(*refused, refund)
    assert is_due(*refused, refund, sent(5, Fault.RETRY))
    assert is_due(*refused, sent(4, Fault.RATE_LIMIT, kind=OrderKind.REFUND))


def test_never_and_always_are_taken_at_their_word() -> None:
    refused = [sent(number, Fault.RETRY) for number in (1, 2, 3)]
    assert not is_due(*refused, policy=RefundPolicy.NEVER)
    assert is_due(policy=RefundPolicy.ALWAYS, now_s=0)
    assert not is_due(policy=RefundPolicy.LAST_RUNG, now_s=1000)


def test_the_reason_tells_how_often_and_why() -> None:
    refused = [sent(number, Fault.RETRY) for number in (1, 2)]
    assert reason(refused, RefundPolicy.LAST_RUNG) == "closing failed 2 times: halted"
    assert reason([], RefundPolicy.ALWAYS) == "the account is configured to refund at once"
