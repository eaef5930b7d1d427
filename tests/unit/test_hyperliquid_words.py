"""What Hyperliquid's texts, prices and signatures mean: tables without a venue."""

from decimal import Decimal

import ccxt
import pytest

from bastion.clock import SystemClock
from bastion.domain.account import Account
from bastion.domain.symbol import coin_pair
from bastion.errors import AnswerMalformed, ConfigInvalid, Fault, OutcomeUnknown, VenueRejected
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.hyperliquid_faults import refusal_of, refusal_of_text
from bastion.venues.ccxt.hyperliquid_rows import tick_at
from bastion.venues.ccxt.hyperliquid_signing import Signer, WalletKey, action_hash, is_private_key
from bastion.venues.raw import Answer

KEY = "0x" + "12" * 32
VAULT = "0x" + "5b" * 20


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Price must be divisible by tick size. asset=3", Fault.SIZE),
        ("Order has invalid price.", Fault.SIZE),
        ("Order must have minimum value of $10. asset=3", Fault.SIZE),
        ("Order has zero size.", Fault.SIZE),
        ("Order has invalid size.", Fault.SIZE),
        ("Insufficient margin to place order. asset=4", Fault.RETRY),
        ("Reduce only order would increase position. asset=0", Fault.MAYBE_FLAT),
        ("Order could not immediately match against any resting orders. asset=0", Fault.BAND),
        ("No liquidity available for market order.", Fault.BAND),
        ("Order price cannot be more than 80% away from the reference price", Fault.BAND),
        ("Price too far from oracle", Fault.BAND),
        ("Order rejected due to price more aggressive than oracle while at open interest cap", Fault.BAND),
        (
            "Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $0.0.",
            Fault.RATE_LIMIT,
        ),
        ("Invalid nonce: duplicate nonce 1754951518557", Fault.CLOCK),
        ("User or API Wallet 0xb8a6f8b26223de27c31938d56e470a5b832703a5 does not exist.", Fault.TERMINAL),
        ("Must deposit before performing actions. User: 0x1", Fault.TERMINAL),
        ("Vault not registered: 0x1", Fault.TERMINAL),
        ("Trading is halted.", Fault.RETRY),
        ("Something that nobody has seen before", Fault.RESOLVE),
        ("", Fault.RESOLVE),
    ],
)
def test_every_documented_text_has_its_class_and_an_unknown_one_is_resolved(text: str, fault: Fault) -> None:
    refusal = refusal_of_text(text)
    assert refusal.fault is fault
    error = refusal.error(mutating=True)
    assert isinstance(error, VenueRejected)
    assert error.fault is fault


@pytest.mark.parametrize(
    ("status", "text", "fault", "unknown"),
    [
        (429, "null", Fault.RATE_LIMIT, False),
        (403, "Forbidden", Fault.RATE_LIMIT, False),
        (422, "Failed to deserialize the JSON body into the target type", Fault.RESOLVE, False),
        (408, "", Fault.RESOLVE, True),
        (500, "null", Fault.RESOLVE, True),
        (502, "<html>", Fault.RESOLVE, True),
        (504, "", Fault.RESOLVE, True),
        (200, '{"status":"err","response":"Price too far from oracle"}', Fault.BAND, False),
    ],
)
def test_an_http_status_tells_whether_an_action_can_have_been_carried_out(
    status: int,
    text: str,
    fault: Fault,
    unknown: bool,  # noqa: FBT001 - a parameter
) -> None:
    refusal = refusal_of(Answer(status=status, headers={}, text=text))
    assert refusal is not None
    assert (refusal.fault, isinstance(refusal.error(mutating=True), OutcomeUnknown)) == (fault, unknown)


def test_what_is_no_refusal_passes_and_what_is_no_answer_is_malformed() -> None:
    for text in ('{"status":"ok"}', "[]", '"default"', '{"status":"unknownOid"}'):
        assert refusal_of(Answer(status=200, headers={}, text=text)) is None
    for text in ("null", "", "{", "<html>"):
        with pytest.raises(AnswerMalformed):
            refusal_of(Answer(status=200, headers={}, text=text))


@pytest.mark.parametrize(
    ("price", "decimals", "tick"),
    [
        ("91234", 5, "1"),
        ("123456", 5, "1"),
        ("9123.4", 3, "0.1"),
        ("1000", 3, "0.1"),
        ("142.5", 2, "0.01"),
        ("1.23456", 3, "0.001"),
        ("1.23456", 0, "0.0001"),
        ("0.0123456", 0, "0.000001"),
    ],
)
def test_a_tick_has_five_figures_and_six_decimals_less_those_of_sizes(
    price: str, decimals: int, tick: str
) -> None:
    assert tick_at(Decimal(price), decimals) == Decimal(tick)


def test_pair_forms_name_the_dex_and_the_collateral() -> None:
    assert [coin_pair("BTC", "USDC"), coin_pair("kPEPE", "USDC"), coin_pair("xyz:GOLD", "USDT0")] == [
        "BTCUSDC",
        "KPEPEUSDC",
        "XYZGOLDUSDT0",
    ]


@pytest.mark.parametrize("vault", [None, VAULT])
@pytest.mark.parametrize("expires", [None, 1_780_000_005_000])
@pytest.mark.parametrize("testnet", [False, True])
def test_actions_are_signed_as_ccxt_signs_them(
    vault: str | None,
    expires: int | None,
    testnet: bool,  # noqa: FBT001 - a parameter
) -> None:
    order = {
        "a": 110_003,
        "b": False,
        "p": "89000.5",
        "s": "0.00012",
        "r": True,
        "t": {"limit": {"tif": "Ioc"}},
    }
    actions: list[dict[str, object]] = [
        {"type": "order", "orders": [{**order, "c": "0x" + "ab" * 16}] * 20, "grouping": "na"},
        {"type": "cancel", "cancels": [{"a": 0, "o": 77_738_308}, {"a": 120_001, "o": 2**40}]},
    ]
    client = ccxt.hyperliquid({"privateKey": KEY, "options": {"sandboxMode": testnet}})
    bare = vault.removeprefix("0x") if vault else None
    for action in actions:
        nonce = 1_780_000_000_001
        theirs = client.sign_l1_action(action, nonce, bare, expires)
        ours = Signer(KEY).sign(action, nonce=nonce, vault=vault, expires_after=expires, testnet=testnet)
        assert ours == theirs
        assert action_hash(action, nonce, vault, expires) == client.action_hash(action, bare, nonce, expires)


def test_an_address_is_that_of_its_key() -> None:
    assert Signer(KEY).address == ccxt.hyperliquid().eth_get_address_from_private_key(KEY)
    assert Signer(KEY.removeprefix("0x")).address == Signer(KEY).address


@pytest.mark.parametrize(
    "text", ["", "0x", "0x" + "0" * 64, "0x" + "f" * 64, "x" * 64, "12" * 31, KEY + "00"]
)
def test_what_is_no_private_key_is_refused_without_being_shown(text: str) -> None:
    assert not is_private_key(text)
    account = Account(name="hl", venue="hyperliquid", key_space="perps", credential="hl")
    catalog = Catalog(clock=SystemClock(), shelf_dir=None)
    with pytest.raises(ConfigInvalid, match="private_key") as refused:
        catalog.build(account, {"walletAddress": VAULT, "privateKey": text})
    assert not text or text not in str(refused.value).replace("0x and 40", "")


def test_a_key_shows_its_address_alone() -> None:
    assert KEY not in repr(WalletKey(wallet=VAULT, private_key=KEY))
    assert repr(Signer(KEY)) == f"Signer({Signer(KEY).address})"
    account = Account(name="hl", venue="hyperliquid", key_space="perps", credential="hl")
    with pytest.raises(ConfigInvalid, match="wallet_address"):
        Catalog(clock=SystemClock(), shelf_dir=None).build(account, {"privateKey": KEY})
