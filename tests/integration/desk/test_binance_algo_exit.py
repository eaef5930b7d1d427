"""An exit ends a TWAP of Binance that would go on opening positions after it was flat."""

from decimal import Decimal
from pathlib import Path

import ccxt.async_support as ccxt

from bastion.app import Place, open_paper_desk
from bastion.commands import emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.embedded import paper_credential

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)


async def test_a_twap_that_would_open_again_is_ended_by_the_exit_and_told(tmp_path: Path) -> None:
    place = Place(home=tmp_path, config=None, vault_key_file=tmp_path / "vault.key")
    async with open_paper_desk(place, scenario="seed") as (desk, paper):
        base = next(str(one.base_url) for one in paper.accounts if one.venue == "binance")
        client = ccxt.binanceusdm({**paper_credential("binance"), "enableRateLimit": False})
        client.urls["api"]["sapi"] = f"{base}/sapi/v1"
        try:
            twap = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "5", "duration": 300}
            await client.sapiPostAlgoFuturesNewOrderTwap(twap)
            report = await emergency_exit(desk, OWNER, deadline_s=Decimal(30), hold_s=Decimal(0))
            running = await client.sapiGetAlgoFuturesOpenOrders()
        finally:
            await client.close()
        state = await paper.control("GET", "/state")
    assert report.success, report.summary
    assert running["orders"] == []
    assert isinstance(state, dict)
    account = state["venues"]["binance"]["accounts"]["main"]
    assert (account["positions"], account["open_orders"]) == ([], [])
