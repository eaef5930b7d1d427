"""A run of plain exits is decided exactly as each exit alone would be."""

import copy
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from bastion.paper.strike.commands import Close, Command, Deposit, EmergencyExit, Open, Tick
from bastion.paper.strike.decide import decide
from bastion.paper.strike.draft import Draft, Snapshot, VenueRow
from bastion.paper.strike.image import Image
from bastion.paper.strike.position import Side
from bastion.paper.strike.refund_run import exit_run, is_plain
from bastion.paper.strike.results import Exited, Refused
from bastion.paper.strike.settings import VenueSettings
from bastion.paper.strike.work import Work
from tests.margin_rig import ALICE, BOB, CAROL, START_US, USD

SETTINGS = VenueSettings(oracle_stale_after_us=None)
SYMBOLS = ("BTC-USD", "ETH-USD")
Decide = Callable[[Work, list[EmergencyExit]], list[Exited | Refused]]


def drafted(image: Image, commands: list[Command[object]]) -> Draft:
    work = Work(image, SETTINGS)
    work.now_us = START_US
    for command in commands:
        decide(work, command)
    return work.draft


def venue(opens: list[tuple[str, str, Side, int, int]], closes: list[int], mark: int) -> Image:
    image = Image(Snapshot(venue=VenueRow(0, withdrawals_suspended=False)), SETTINGS)
    deposits: list[Command[object]] = [
        Deposit(wallet=wallet, amount=1_000_000 * USD, tx_hash=f"0x{number}", stated_at_us=1)
        for number, wallet in enumerate((ALICE, BOB))
    ]
    drafted(image, [*deposits, Tick(marks=dict.fromkeys(SYMBOLS, 1_000 * USD))])
    drafted(
        image,
        [
            Open(wallet=wallet, symbol=symbol, side=side, margin=margin, leverage=leverage)
            for wallet, symbol, side, margin, leverage in opens
        ],
    )
    drafted(image, [Close(wallets=(ALICE, BOB), position_id=number) for number in closes])
    drafted(image, [Tick(marks=dict.fromkeys(SYMBOLS, mark))])
    return image


def one_by_one(work: Work, commands: list[EmergencyExit]) -> list[Exited | Refused]:
    return [decide(work, command) for command in commands]


def outcome(image: Image, commands: list[EmergencyExit], how: Decide) -> tuple[object, ...]:
    work = Work(image, SETTINGS)
    work.now_us = START_US + 5
    answers = how(work, commands)
    held = {name: value for name, value in vars(image).items() if name != "tapes"}
    return answers, work.draft, held


opened = st.tuples(
    st.sampled_from((ALICE, BOB)),
    st.sampled_from(SYMBOLS),
    st.sampled_from(tuple(Side)),
    st.integers(10 * USD, 1_000 * USD),
    st.sampled_from((1, 5, 50)),
)
asked = st.tuples(st.sampled_from(((ALICE,), (BOB,), (ALICE, BOB), (CAROL,), ())), st.integers(0, 9))


@settings(max_examples=200, deadline=None)
@given(
    opens=st.lists(opened, max_size=8),
    closes=st.lists(st.integers(1, 8), max_size=2),
    mark=st.sampled_from((900 * USD, 999 * USD, 1_000 * USD, 1_010 * USD)),
    wanted=st.lists(asked, max_size=12),
)
def test_a_run_answers_drafts_and_remembers_what_the_exits_one_by_one_would(
    opens: list[tuple[str, str, Side, int, int]],
    closes: list[int],
    mark: int,
    wanted: list[tuple[tuple[str, ...], int]],
) -> None:
    image = venue(opens, closes, mark)
    commands = [EmergencyExit(wallets=wallets, position_id=number) for wallets, number in wanted]
    assert all(is_plain(command) for command in commands)
    alone = outcome(copy.deepcopy(image), commands, one_by_one)
    together = outcome(copy.deepcopy(image), commands, exit_run)
    answers, draft, held = together
    assert answers == alone[0]
    assert draft == alone[1]
    # `Totals` compares by value, so that the sums are held to it as well.
    assert held == alone[2]
