"""`bastion exit` at Hyperliquid: the installed program against the paper exchange's own wire."""

import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bastion.embedded import paper_credential
from bastion.venues.ccxt.hyperliquid_signing import Signer
from tests.acceptance.cli.rig import AccountLine, Paper, Trader, paper_exchange

GIVEN = paper_credential("hyperliquid")
AGENT = Signer(GIVEN["privateKey"]).address
HELD = {"BTC": Decimal("0.5"), "ETH": Decimal(-3), "xyz:GOLD": Decimal(2)}
FLAT, NOT_FLAT, UNKNOWN = 0, 10, 11


@pytest.fixture(scope="module")
def running() -> Iterator[Paper]:
    with paper_exchange("hyperliquid") as paper:
        yield paper


@pytest.fixture
def paper(running: Paper) -> Paper:
    """The paper exchange as the scenario begins."""
    running.ask("DELETE", "/faults")
    running.ask("POST", "/scenario", {"name": "hyperliquid"})
    running.ask("DELETE", "/requests")
    return running


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose vault the program filled: `hl` is the account's address, `trap` the agent's own."""
    trader = Trader(tmp_path_factory.mktemp("filled"))
    for name, wallet in (("hl", GIVEN["walletAddress"]), ("trap", AGENT)):
        text = json.dumps({"wallet_address": wallet, "private_key": GIVEN["privateKey"]})
        assert trader.run("vault", "put", name, "--from-stdin", given=text).returncode == 0
    return trader.folder


Exit = Callable[..., tuple[int, Any]]


@pytest.fixture
def trader(tmp_path: Path, filled: Path, paper: Paper) -> Trader:
    """A trader whose vault is filled, at the paper exchange."""
    one = Trader(tmp_path)
    one.home.mkdir()
    shutil.copy2(filled / "state" / "vault.age", one.home / "vault.age")
    shutil.copy2(filled / "trader.key", one.folder / "trader.key")
    one.configure(account(paper, "hl"))
    return one


def account(paper: Paper, credential: str) -> AccountLine:
    url = paper.wires["hyperliquid"]
    return AccountLine(name="hl", venue="hyperliquid", base_url=url, credential=credential)


@pytest.fixture
def leave(trader: Trader, paper: Paper) -> Exit:
    """Exit by the installed program, without a hold; returns its code and its report."""

    def run(*more: str, credential: str = "hl") -> tuple[int, Any]:
        trader.configure(account(paper, credential))
        return trader.exit("--no-hold", *more)

    return run


def truth(paper: Paper) -> tuple[dict[str, Decimal], int]:
    return paper.positions("hyperliquid"), len(paper.account("hyperliquid")["open_orders"])


def start_twap(paper: Paper, *, reduce: bool = False) -> None:
    """Have the venue sell 10 ETH within ten minutes, as a bot of the account's would."""
    twap = {"a": 1, "b": False, "s": "10", "r": reduce, "m": 10, "t": False}
    action = {"type": "twapOrder", "twap": twap}
    nonce = time.time_ns() // 1_000_000
    signature = Signer(GIVEN["privateKey"]).sign(
        action, nonce=nonce, vault=None, expires_after=None, testnet=False
    )
    request = urllib.request.Request(  # noqa: S310 - loopback, made here
        paper.wires["hyperliquid"] + "/exchange",
        data=json.dumps({"action": action, "nonce": nonce, "signature": signature}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        assert "running" in json.load(answer)["response"]["data"]["status"]


def twap_cancels(paper: Paper) -> int:
    return sum(row["path"] == "/exchange/twapCancel" for row in paper.requests("hyperliquid"))


def assert_only_reduced(paper: Paper) -> None:
    left: dict[str, Decimal] = {}
    for fill in paper.account("hyperliquid")["fills"]:
        signed = Decimal(fill["quantity"]) * (1 if fill["direction"] == "BUY" else -1)
        before = left.get(fill["symbol"], Decimal(0))
        left[fill["symbol"]] = before + signed
        opening = fill["client_order_id"].startswith("opening-")
        assert opening or (abs(before + signed) < abs(before) and before * (before + signed) >= 0), fill


def test_positions_and_orders_of_two_dexes_end_flat_by_one_signed_action(leave: Exit, paper: Paper) -> None:
    code, report = leave()
    assert (code, report["verdict"], report["success"]) == (FLAT, "FLAT", True)
    assert truth(paper) == ({}, 0)
    closed = {
        row["symbol"]: (row["exit_price"], row["realized_pnl_usd"]) for row in report["closed_positions"]
    }
    assert closed == {
        "BTCUSDC": (91200, -1650),
        "ETHUSDC": (3380, 180),
        "XYZGOLDUSDC": (4050, 100),
    }
    assert report["total_realized_pnl_usd"] == -1370
    assert any("5 HYPE" in warning for warning in report["warnings"])
    sent = [row for row in paper.requests("hyperliquid") if row["path"] == "/exchange/order"]
    assert len(sent) == 1
    assert_only_reduced(paper)


def test_an_agents_address_is_never_flat(leave: Exit, paper: Paper) -> None:
    code, report = leave("--deadline", "3", credential="trap")
    assert (code, report["verdict"], report["success"]) == (UNKNOWN, "UNKNOWN", False)
    assert GIVEN["walletAddress"] in json.dumps(report["unread"])
    assert truth(paper)[0] == HELD


def test_two_empty_pages_in_a_row_end_in_no_false_flat_but_in_a_close(leave: Exit, paper: Paper) -> None:
    paper.break_with({"kind": "empty", "path": "/info/clearinghouseState", "count": 6})
    code, report = leave()
    assert (code, report["verdict"], len(report["closed_positions"])) == (FLAT, "FLAT", 3)
    assert truth(paper) == ({}, 0)
    assert_only_reduced(paper)


def test_a_twap_that_would_go_on_selling_is_ended_by_the_exit(leave: Exit, paper: Paper) -> None:
    start_twap(paper)
    code, report = leave()
    assert (code, report["verdict"]) == (FLAT, "FLAT")
    assert truth(paper) == ({}, 0)
    assert twap_cancels(paper) == 1


def test_a_twap_that_the_venue_does_not_end_is_named_and_nothing_is_flat(leave: Exit, paper: Paper) -> None:
    # A deadline that falls into a look leaves its parts unread: that exit does not know, and is never flat.
    for _ in range(3):
        paper.ask("POST", "/scenario", {"name": "hyperliquid"})
        start_twap(paper)
        paper.break_with({"kind": "fail", "failure": "internal_error", "path": "/exchange/twapCancel"})
        code, report = leave("--deadline", "4")
        assert (code in {NOT_FLAT, UNKNOWN}, report["success"]) == (True, False)
        if code == NOT_FLAT:
            break
    left = [row for row in report["residual"] if row["kind"] == "order"]
    assert [(row["symbol"], row["direction"]) for row in left] == [("ETHUSDC", "SELL")], report
    assert "order twap-" in left[0]["reason"]
    asked = [row["path"] for row in paper.requests("hyperliquid")]
    assert asked.count("/info/twapHistory") <= 2 * asked.count("/exchange/twapCancel") + 3, (
        "no look for nothing"
    )


def test_a_halt_ends_a_twap_and_leaves_the_positions(paper: Paper, trader: Trader) -> None:
    start_twap(paper)
    done = trader.run("halt", "--json", "--config", str(trader.config))
    assert (done.returncode, twap_cancels(paper)) == (0, 1), done.stdout
    assert set(truth(paper)[0]) == set(HELD)


def test_an_order_whose_answer_is_lost_is_found_again_and_nothing_is_sent_twice(
    leave: Exit, paper: Paper
) -> None:
    paper.break_with({"kind": "reset", "path": "/exchange/order", "executed": True, "count": 1})
    code, report = leave()
    assert (code, report["verdict"]) == (FLAT, "FLAT")
    assert truth(paper) == ({}, 0)
    assert_only_reduced(paper)


def test_a_builder_dex_that_does_not_answer_is_unknown_while_the_rest_is_closed(
    leave: Exit, paper: Paper
) -> None:
    paper.break_with({"kind": "fail", "failure": "internal_error", "path": "/info/perpDexs"})
    code, report = leave("--deadline", "4")
    assert (code, report["verdict"]) == (UNKNOWN, "UNKNOWN")
    assert "perp dexes" in json.dumps(report["unread"])
    assert truth(paper)[0] == {"xyz:GOLD": Decimal(2)}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "partial_fill", "ratio": "0.3", "path": "/exchange/order", "count": 1},
        {"kind": "malformed", "shape": "truncated", "path": "/exchange/order", "count": 1},
        {"kind": "empty", "path": "/info/clearinghouseState", "skip": 2, "count": 2},
        {"kind": "lag", "lag_ms": 400, "path": "/info/clearinghouseState", "count": 4},
    ],
    ids=["a partial fill", "half an answer", "an empty list", "stale reads"],
)
def test_whatever_the_venue_does_once_the_exit_ends_in_the_truth(
    leave: Exit, paper: Paper, fault: dict[str, object]
) -> None:
    paper.break_with(fault)
    code, report = leave()
    assert (code, report["verdict"]) == (FLAT, "FLAT"), report["summary"]
    assert truth(paper) == ({}, 0)
    assert_only_reduced(paper)


def test_without_buyers_near_the_mark_the_price_reaches_further(leave: Exit, paper: Paper) -> None:
    body = {"venue": "hyperliquid", "symbol": "BTC", "bids": [[8_000, "50"]], "asks": [[1, "50"]]}
    paper.ask("POST", "/depth", body)
    code, report = leave()
    assert (code, report["verdict"]) == (FLAT, "FLAT")
    (btc,) = [row for row in report["closed_positions"] if row["symbol"] == "BTCUSDC"]
    assert btc["exit_price"] == 83_200
    assert_only_reduced(paper)
