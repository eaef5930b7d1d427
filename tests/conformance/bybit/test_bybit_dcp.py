"""Bybit's disconnection protection over REST: the windows of an account that has it."""

import pytest

from tests.bybit_rig import ACCOUNT, ccxt_client, running, venue_on

SET, INFO = "/v5/order/disconnected-cancel-all", "/v5/account/query-dcp-info"


async def test_ccxt_sets_the_window_where_the_account_has_the_protection() -> None:
    async with venue_on(running(), {"dcp": [ACCOUNT]}) as venue, ccxt_client(venue.url) as client:
        await client.cancel_all_orders_after(40_000)
        assert (await venue.post(SET, product="SPOT", timeWindow=300)).code == 0
        told = (await client.private_get_v5_account_query_dcp_info())["result"]["dcpInfos"]
        assert {row["product"]: (row["dcpStatus"], row["timeWindow"]) for row in told} == {
            "OPTIONS": ("ON", "10"),
            "DERIVATIVES": ("ON", "40"),
            "SPOT": ("ON", "300"),
        }


@pytest.mark.parametrize(
    "wrong", [{"timeWindow": 2}, {"timeWindow": 301}, {}, {"timeWindow": 9, "product": "X"}]
)
async def test_a_window_outside_three_to_three_hundred_seconds_is_refused(wrong: dict[str, object]) -> None:
    async with venue_on(running(), {"dcp": [ACCOUNT]}) as venue:
        assert (await venue.post(SET, **wrong)).code == 10001


async def test_an_account_without_the_protection_has_none_to_set_or_tell() -> None:
    async with venue_on(running()) as venue:
        assert (await venue.get(INFO)).result == {"dcpInfos": []}
        assert "not enabled" in (await venue.post(SET, product="DERIVATIVES", timeWindow=10)).message
