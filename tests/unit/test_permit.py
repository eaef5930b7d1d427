"""Permit: who may ask for which act, on which accounts, and of which size."""

import itertools
from decimal import Decimal

import pytest

from bastion.auth.permit import covered, permit, within_cap
from bastion.domain.account import Account
from bastion.domain.act import STOPPING, STOPPING_READS, Act
from bastion.domain.principal import Principal, Scope
from bastion.domain.selection import EVERYTHING, Selection
from bastion.errors import Refused, ScopeDenied

ACCOUNTS = tuple(
    Account(name=name, venue=venue, key_space="usdm", credential=name)
    for name, venue in (("mine", "binance"), ("other", "binance"), ("theirs", "bybit"))
)


def key(scope: Scope = Scope.ENGINE, **more: object) -> Principal:
    return Principal(id="k", surface="mcp", scope=scope, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("act", Act)
def test_a_higher_scope_contains_the_lower_ones_and_a_weaker_one_is_told_what_it_lacks(act: Act) -> None:
    for scope in Scope:
        if scope >= act.scope:
            permit(key(scope), act)
        else:
            with pytest.raises(ScopeDenied, match=f"--scope {act.scope.word}"):
                permit(key(scope), act)


@pytest.mark.parametrize("act", Act)
def test_a_key_restricted_to_stopping_may_stop_and_see_how_that_stands(act: Act) -> None:
    if act in STOPPING | STOPPING_READS:
        permit(key(only_stops=True), act)
    else:
        with pytest.raises(ScopeDenied, match="only stop"):
            permit(key(only_stops=True), act)


def test_everything_means_everything_that_the_key_may_touch() -> None:
    assert covered(key(), ACCOUNTS, EVERYTHING) == ACCOUNTS
    some = key(accounts=frozenset({"theirs", "mine", "gone"}))
    assert [account.name for account in covered(some, ACCOUNTS, EVERYTHING)] == ["mine", "theirs"]


@pytest.mark.parametrize(
    "selection",
    [
        Selection(accounts=frozenset({"other"})),
        Selection(except_accounts=frozenset({"other"})),
        Selection(accounts=frozenset({"mine", "other"})),
        Selection(venues=frozenset({"bybit"})),
    ],
)
def test_an_account_that_a_key_may_not_see_is_answered_like_none(selection: Selection) -> None:
    some = key(accounts=frozenset({"mine"}))
    with pytest.raises(Refused) as told:
        covered(some, ACCOUNTS, selection)
    alone = [account for account in ACCOUNTS if account.name == "mine"]
    with pytest.raises(Refused) as really:
        covered(key(), alone, selection)
    assert str(told.value) == str(really.value)


def test_a_cap_bounds_what_is_no_stop_and_no_read() -> None:
    capped = key(notional_cap_usd=Decimal(100))
    for act, size in itertools.product(Act, (Decimal(100), Decimal("100.01"), None)):
        free = act.stops or act.reads or size == Decimal(100)
        if free:
            within_cap(capped, act, size)
        else:
            with pytest.raises(ScopeDenied, match=r"100\.00 USD"):
                within_cap(capped, act, size)
        within_cap(key(), act, size)
