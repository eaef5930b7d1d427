"""Who may act: signatures, agents, sub-accounts, nonces, expiry, and the limits of addresses and accounts."""

from decimal import Decimal

import pytest

from bastion.paper.wire.hyperliquid.signing import action_hash as hash_of_the_wire
from bastion.venues.ccxt.hyperliquid_signing import Signer
from bastion.venues.ccxt.hyperliquid_signing import action_hash as hash_of_the_desk
from tests.hyperliquid_rig import (
    AGENT,
    BTC,
    ETH,
    MASTER,
    START_MS,
    STRANGER,
    SUB,
    Venue,
    limit,
    stepped,
    venue_on,
)

DAY_MS = 86_400_000
REST = limit(ETH, "buy", "1", "3000", tif="Gtc")
# The example of the venue's own Python SDK (tests/signing_test.py): a dummy action, its key and signatures.
SDK_KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
SDK_ACTION = {"type": "dummy", "num": 100_000_000_000}


@pytest.mark.parametrize(
    ("testnet", "r", "s", "v"),
    [
        (
            False,
            "0x53749d5b30552aeb2fca34b530185976545bb22d0b3ce6f62e31be961a59298",
            "0x755c40ba9bf05223521753995abb2f73ab3229be8ec921f350cb447e384d8ed8",
            27,
        ),
        (
            True,
            "0x542af61ef1f429707e3c76c5293c80d01f74ef853e34b76efffcb57e574f9510",
            "0x17b8b32f086e8cdede991f1e2c529f5dd5297cbe8128500e00cbaf766204a613",
            28,
        ),
    ],
)
def test_signatures_are_those_of_the_venues_own_tools(testnet: bool, r: str, s: str, v: int) -> None:  # noqa: FBT001 - a parameter
    signed = Signer(SDK_KEY).sign(SDK_ACTION, nonce=0, vault=None, expires_after=None, testnet=testnet)
    assert (int(str(signed["r"]), 16), int(str(signed["s"]), 16), signed["v"]) == (int(r, 16), int(s, 16), v)


def test_both_houses_hash_an_action_alike() -> None:
    action = {"type": "order", "orders": [REST], "grouping": "na"}
    for vault, expires in ((None, None), (SUB, None), (None, START_MS), (SUB, START_MS)):
        ours = hash_of_the_desk(action, START_MS, vault, expires)
        assert ours == hash_of_the_wire(action, nonce=START_MS, vault=vault, expires_after=expires)


async def test_the_master_and_an_approved_agent_may_act(venue: Venue) -> None:
    for signer in (MASTER, AGENT):
        assert "resting" in (await venue.order(REST, signer=signer)).statuses[0]


async def test_a_wallet_that_nobody_approved_does_not_exist(venue: Venue) -> None:
    reply = await venue.order(REST, signer=STRANGER)
    assert reply.refusal == f"User or API Wallet {STRANGER.address} does not exist."


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": START_MS + 1},
        {"action": {"type": "order", "orders": [{**REST, "s": "2"}], "grouping": "na"}},
        {"action": {"orders": [REST], "type": "order", "grouping": "na"}},
        {"expiresAfter": START_MS + 9_000},
        {"vaultAddress": SUB},
    ],
    ids=["nonce", "size", "order of fields", "expiry", "vault"],
)
async def test_whatever_is_changed_after_signing_belongs_to_another_wallet(
    venue: Venue, changes: dict[str, object]
) -> None:
    reply = await venue.order(REST, nonce=START_MS, changed=changes)
    assert reply.refusal.startswith("User or API Wallet 0x")
    assert AGENT.address not in reply.refusal
    assert await venue.mine("openOrders") == []


async def test_a_signature_for_the_test_network_is_none_for_the_main_one(venue: Venue) -> None:
    assert "does not exist" in (await venue.order(REST, testnet=True)).refusal
    async with venue_on(stepped(), {"testnet": True}) as other:
        assert "resting" in (await other.order(REST, testnet=True)).statuses[0]


@pytest.mark.parametrize(
    "signature", [None, {}, {"r": "0x0", "s": "0x0", "v": 27}, {"r": "x", "s": 1, "v": 9}]
)
async def test_what_no_key_can_have_signed_is_unreadable(venue: Venue, signature: object) -> None:
    reply = await venue.order(REST, changed={"signature": signature})
    assert (reply.status, reply.text) == (422, "Failed to deserialize the JSON body into the target type")


async def test_an_agent_acts_for_a_sub_account_where_it_names_it(venue: Venue) -> None:
    venue.hold("BTC", "0.5")
    venue.hold("BTC", "0.2", account="sub")
    close = limit(BTC, "sell", "0.2", "89000", reduce=True)
    assert "filled" in (await venue.order(close, vault=SUB)).statuses[0]
    assert venue.held("sub") == {}
    assert venue.held() == {"BTC": Decimal("0.5")}
    assert await venue.info("userRole", user=SUB) == {
        "role": "subAccount",
        "data": {"master": MASTER.address},
    }
    (row,) = await venue.mine("subAccounts")
    assert (row["subAccountUser"], row["master"]) == (SUB, MASTER.address)


async def test_nobody_acts_for_an_account_that_is_not_his(venue: Venue) -> None:
    nobody = "0x" + "99" * 20
    for vault in (nobody, MASTER.address):
        assert (await venue.order(REST, vault=vault)).refusal == f"Vault not registered: {vault}"


async def test_a_nonce_is_used_once_and_lies_near_the_time(venue: Venue) -> None:
    assert (await venue.order(REST, nonce=START_MS)).statuses
    assert (await venue.order(REST, nonce=START_MS)).refusal == f"Invalid nonce: duplicate nonce {START_MS}"
    for nonce in (START_MS - 2 * DAY_MS, START_MS + DAY_MS):
        assert "out of range" in (await venue.order(REST, nonce=nonce)).refusal
    assert (await venue.order(REST, nonce=START_MS, signer=MASTER)).statuses  # A signer of its own.


async def test_a_nonce_below_the_hundred_highest_is_refused(venue: Venue) -> None:
    for number in range(100):
        assert (await venue.act({"type": "noop"}, nonce=START_MS + 1_000 + number)).json["status"] == "ok"
    assert "below the smallest" in (await venue.act({"type": "noop"}, nonce=START_MS)).refusal


async def test_an_action_that_comes_after_its_expiry_changes_nothing_and_costs_five(venue: Venue) -> None:
    late = await venue.order(REST, expires=START_MS - 1)
    assert "expired" in late.refusal
    assert (await venue.mine("userRateLimit"))["nRequestsUsed"] == 5
    assert await venue.mine("openOrders") == []
    assert (await venue.order(REST, expires=START_MS + 5_000)).statuses


async def test_an_account_without_requests_left_may_send_one_every_ten_seconds() -> None:
    async with venue_on(stepped(), {"requests": 2}) as venue:
        assert (await venue.order(REST, REST)).statuses
        assert (await venue.order(REST)).statuses  # The one that passes all the same.
        refusal = (await venue.order(REST)).refusal
        assert refusal.startswith(
            "Too many cumulative requests sent (4 > 2) for cumulative volume traded $0.00"
        )
        (order, *_) = await venue.mine("openOrders")
        assert (await venue.cancel((ETH, order["oid"]))).statuses == ["success"]  # Cancels have more.
        venue.pass_time(10_000)
        assert (await venue.order(REST)).statuses


async def test_trading_earns_an_account_requests(venue: Venue) -> None:
    await venue.order(limit(ETH, "buy", "1", "3500"))
    limits = await venue.mine("userRateLimit")
    assert limits == {"cumVlm": "3400.1", "nRequestsUsed": 1, "nRequestsCap": 13_400, "nRequestsSurplus": 0}


async def test_an_address_has_twelve_hundred_weight_a_minute(venue: Venue) -> None:
    for _ in range(20):
        await venue.mine("userRole")  # 60 each.
    refused = await venue.post("/info", {"type": "allMids"})
    assert (refused.status, refused.text) == (429, "null")
    assert (await venue.order(REST)).status == 429
    venue.pass_time(60_000)
    assert (await venue.post("/info", {"type": "allMids"})).status == 200


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", '{"type": "unheard"}', '{"type": "clearinghouseState", "user": "0x12"}', "{" * 9_000],
)
async def test_an_unreadable_question_is_answered_with_422(venue: Venue, body: str) -> None:
    assert (await venue.post("/info", body)).status == 422
    assert (await venue.post("/exchange", body)).status == 422


async def test_what_the_paper_exchange_does_not_model_changes_nothing(venue: Venue) -> None:
    action = {"type": "usdSend", "destination": SUB, "amount": "1", "time": START_MS}
    assert (await venue.act(action)).status == 422
    assert (await venue.post("/elsewhere", {})).status == 404
