"""A client that breaks off at any moment stops no exit, and its state is to be had; `make cuts` has 200."""

from pathlib import Path

from tests.acceptance.mcp.cuts import play_all
from tests.acceptance.mcp.exchange import house_at, standing_exchange
from tests.acceptance.mcp.house import serving

A_FEW = range(1000, 1008)


async def test_a_few_random_cuts(tmp_path: Path) -> None:
    with standing_exchange() as market:
        house = house_at(market, tmp_path, hold_s=0)
        key = house.key("trade")
        with serving(house) as served:
            cuts = await play_all(served.stream, key, market, A_FEW)
    assert all(cut.good for cut in cuts), cuts
    assert any(cut.arrived and not cut.answered for cut in cuts), "none broke off in mid-exit"
