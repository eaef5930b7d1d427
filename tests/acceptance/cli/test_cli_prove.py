"""`bastion venues prove`, the one command that opens: on the paper exchange as a venue's demo host."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.cli.rig import CANARIES, Paper, Trader, document, paper_exchange
from tests.acceptance.how_to.reader import lines_of
from tests.venue_paper import scenario

YES = "--yes-open-a-minimum-position"
FREE, HELD = "ETHUSDT", "BTCUSDT"
HOLDING = {"symbol": HELD, "quantity": "0.5", "entry": "1000"}


@pytest.fixture(scope="module")
def demo() -> Iterator[Paper]:
    """A paper exchange that stands for the venues' demo hosts."""
    with paper_exchange("seed") as paper:
        yield paper


def configured(trader: Trader, paper: Paper, more: str = 'host = "demo"\nprove = true\n') -> None:
    trader.connect(paper)
    trader.config.write_text(
        "".join(
            f'[[account]]\nname = "my-{venue}"\nvenue = "{venue}"\nbase_url = "{paper.wires[venue]}"\n'
            f'credential = "my-{venue}"\n{more}'
            for venue in CANARIES
        )
    )


def proved(trader: Trader, venue: str, *more: str) -> tuple[int, Any]:
    done = trader.run("venues", "prove", f"my-{venue}", "--json", "--config", str(trader.config), *more)
    return done.returncode, document(done.stdout) if done.stdout else done.stderr


@pytest.mark.parametrize("venue", ["binance", "bybit"])
def test_a_proof_opens_one_smallest_position_exits_it_and_is_listed(
    trader: Trader, demo: Paper, venue: str
) -> None:
    demo.ask("POST", "/scenario", scenario(venue, [HELD, FREE], position=[HOLDING]))
    configured(trader, demo)
    before = demo.positions(venue)
    known = len(demo.account(venue)["fills"])
    code, told = proved(trader, venue, YES, "--symbol", FREE)
    assert (code, told["success"], told["position_seen"], told["verdict"]) == (0, True, True, "FLAT")
    assert demo.positions(venue) == before
    opening, closing = demo.account(venue)["fills"][known:]
    assert (opening["direction"], closing["direction"]) == ("BUY", "SELL")
    assert Decimal(opening["quantity"]) == Decimal(closing["quantity"]) == told["quantity"]
    assert told["notional_usd"] <= 10
    listed = document(trader.run("venues", "--json", "--config", str(trader.config)).stdout)["venues"]
    row = next(row for row in listed if row["venue"] == venue)
    assert (row["standing"], row["proven_on"]) == ("demo", told["at"][:10])
    # The latch of the person's own desk is as it was.
    assert not (trader.home / "journal.sqlite").exists()


def test_the_line_of_the_page_asks_a_person_before_it_opens(trader: Trader, demo: Paper) -> None:
    demo.ask("POST", "/scenario", scenario("binance", [HELD, FREE], position=[HOLDING]))
    configured(trader, demo)
    known = len(demo.account("binance")["fills"])
    (line,) = lines_of("prove-a-venue.md")
    program, *words = line.replace("binance-demo", "my-binance").replace(HELD, FREE).split()
    assert program == "bastion"
    done = trader.run(*words, "--config", str(trader.config))
    assert done.returncode != 0
    assert "Nothing was opened" in done.stderr
    assert len(demo.account("binance")["fills"]) == known


def test_nothing_is_opened_where_a_fence_stands(trader: Trader, demo: Paper) -> None:
    demo.ask("POST", "/scenario", scenario("binance", [HELD, FREE], position=[HOLDING]))
    configured(trader, demo)
    known = len(demo.account("binance")["fills"])
    refusals = {
        (YES, "--symbol", HELD): "a position in",
        ("--symbol", FREE): "was not confirmed",
    }
    for arguments, words in refusals.items():
        code, told = proved(trader, "binance", *arguments)
        assert code != 0
        assert words in str(told)
        assert "Nothing was opened" in str(told)
    configured(trader, demo, more="")
    assert "`prove = true`" in str(proved(trader, "binance", YES)[1])
    assert len(demo.account("binance")["fills"]) == known
    assert not (trader.home / "proofs.jsonl").exists()
