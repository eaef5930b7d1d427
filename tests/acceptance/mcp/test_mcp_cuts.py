"""A client that breaks off at any moment stops no exit, and its state is to be had; `make cuts` has 200."""

from pathlib import Path

from tests.acceptance.mcp.cuts import CUTS_A_SERVER, play_on_fresh_servers
from tests.acceptance.mcp.exchange import standing_exchange

A_FEW = range(1000, 1000 + CUTS_A_SERVER)


def test_a_few_random_cuts(tmp_path: Path) -> None:
    with standing_exchange() as market:
        cuts = play_on_fresh_servers(market, tmp_path, A_FEW)
    assert all(cut.good for cut in cuts), cuts
    assert any(cut.arrived and not cut.answered for cut in cuts), "none broke off in mid-exit"
