"""The configuration: what is understood, and what is refused with its place."""

import tomllib
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from bastion.config import Config, parse_config, read_config
from bastion.domain.venue import KEY_SPACE_DEFAULT
from bastion.engine.settings import EngineSettings, GuardLimits
from bastion.errors import ConfigInvalid
from bastion.venues.catalog import SUPPORTED_VENUES, default_key_space

HERE = Path("/nowhere/bastion.toml")
ACCOUNT = '[[account]]\nname = "a"\nvenue = "binance"\ncredential = "a"\n'


def parse(text: str) -> Config:
    return parse_config(text, path=HERE)


def test_an_account_is_read_with_its_defaults() -> None:
    config = parse(ACCOUNT)
    account = config.accounts[0]
    assert (account.name, account.venue, account.key_space, account.base_url) == (
        "a",
        "binance",
        "usdm",
        None,
    )
    assert (config.deadline_s, config.hold_s, config.vault_path) == (Decimal(60), Decimal(60), None)
    assert not config.embedded


def test_every_key_is_read() -> None:
    config = parse(
        '[[account]]\nname="b"\nvenue="Bybit"\nbase_url="http://127.0.0.1:8740/bybit/"\n'
        'ws_url="ws://127.0.0.1:8740/ws"\ncredential="c"\nkey_space="unified"\n'
        '[exit]\ndeadline_s=12.5\nhold_s=0\n[vault]\npath="v.age"\n'
    )
    account = config.accounts[0]
    assert account.base_url == "http://127.0.0.1:8740/bybit"
    assert account.venue == "bybit"
    assert account.key_space == "unified"
    assert config.deadline_s == Decimal("12.5")
    assert config.hold_s == 0
    assert config.vault_path == HERE.parent / "v.age"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", "account", "no [[account]]"),
        ("x = 1\n" + ACCOUNT, "x", "allowed here: account, engine, exit, vault"),
        (ACCOUNT + 'base_ur = "http://x"\n', "account[0].base_ur", "allowed here"),
        (ACCOUNT + 'base_url = "ftp://x"\n', "account[0].base_url", "https://"),
        (ACCOUNT + 'base_url = "http://u:p@x"\n', "account[0].base_url", "without user"),
        (ACCOUNT + 'base_url = "http://x?a=b"\n', "account[0].base_url", "query"),
        (ACCOUNT + 'base_url = "http://x:99999"\n', "account[0].base_url", "must be"),
        (ACCOUNT + ACCOUNT, "account[1].name", "twice"),
        (ACCOUNT + 'key_space = "spot"\n', "account[0].key_space", "usdm"),
        (ACCOUNT.replace("binance", "mtgox"), "account[0].venue", "supported: binance, bybit"),
        ('[[account]]\nname = "a"\nvenue = "binance"\n', "account[0].credential", "missing"),
        ('[[account]]\nname = "a b"\nvenue = "binance"\ncredential = "c"\n', "account[0].name", "letters"),
        ('[[account]]\nname = 5\nvenue = "binance"\ncredential = "c"\n', "account[0].name", "text"),
        ('account = "x"\n', "account", "[[account]]"),
        (ACCOUNT + "[exit]\ndeadline_s = true\n", "exit.deadline_s", "seconds"),
        (ACCOUNT + "[exit]\ndeadline_s = -1\n", "exit.deadline_s", "seconds"),
        (ACCOUNT + "[exit]\nhold_s = nan\n", "exit.hold_s", "seconds"),
        (ACCOUNT + "[exit]\nhold = 1\n", "exit.hold", "deadline_s, hold_s, intent_commit_budget_ms"),
        ("[[account]\n", "nowhere", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(text)
    assert place in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize("key", ["secret", "api_secret", "apiKey", "password", "private_key", "api-key"])
def test_a_secret_in_the_file_is_refused_with_advice_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigInvalid, match="bastion vault put") as caught:
        parse(ACCOUNT + f'"{key}" = "canary-1234"\n')
    assert "canary" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"none\.toml"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigInvalid, match="UTF-8"):
        read_config(tmp_path / "latin.toml")


def test_the_configuration_knows_exactly_the_venues_that_have_an_adapter() -> None:
    assert {venue: default_key_space(venue) for venue in SUPPORTED_VENUES} == KEY_SPACE_DEFAULT


STRIKE = '[[account]]\nname = "m"\nvenue = "strike"\ncredential = "m"\n'


def test_a_margin_account_refunds_as_the_last_rung_unless_told_otherwise() -> None:
    account = parse(STRIKE).accounts[0]
    assert (account.key_space, account.refund, account.trading_a_minute) == ("margin", "last_rung", None)
    told = parse(STRIKE + 'refund = "always"\ntrading_a_minute = 20\n').accounts[0]
    assert (told.refund, told.trading_a_minute) == ("always", 20)
    assert parse(ACCOUNT).accounts[0].refund == "never"
    settings = parse(STRIKE + "[exit]\nrefund_after_tries = 5\nrefund_after_s = 2.5\n")
    assert (settings.refund_after_tries, settings.refund_after_s) == (5, Decimal("2.5"))


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (
            ACCOUNT + 'refund = "never"\n',
            "account[0].refund",
            "binance does not give margins back; only strike",
        ),
        (STRIKE + 'refund = "maybe"\n', "account[0].refund", "never, last_rung, always"),
        (STRIKE + "trading_a_minute = 0\n", "account[0].trading_a_minute", "from 1 to"),
        (ACCOUNT + "trading_a_minute = 5\n", "account[0].trading_a_minute", "its own published limits"),
        (STRIKE + "[exit]\nrefund_after_tries = true\n", "exit.refund_after_tries", "whole number"),
    ],
)
def test_a_refund_that_the_venue_does_not_offer_is_refused(text: str, place: str, says: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(text)
    assert place in str(caught.value)
    assert says in str(caught.value)


def test_the_engines_reference_shows_every_setting_with_its_default() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "engine.md"
    shown = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert parse(ACCOUNT + shown).engine == EngineSettings()
    unsaid = {"drawdown_average_s"}
    limits = {one.name for one in fields(GuardLimits)} - unsaid
    assert limits <= set(tomllib.loads(shown)["engine"])


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("drawdown_exit_pct = 9", "must rise in this order"),
        ("drawdown_fast_pct = 19", "drawdown_fast_pct must be at least"),
        ("liquidation_exit_pct = 0", "from 0.1 to 100"),
        ("poll_s = 0", "from 1 to 3600"),
        ("act_advice = 1", "must be true or false"),
        ("confirm_reads = 0", "from 1 to 100"),
        ("arm = true", "allowed here"),
    ],
)
def test_engine_settings_that_do_not_fit_are_refused(line: str, word: str) -> None:
    with pytest.raises(ConfigInvalid, match=word):
        parse(f"{ACCOUNT}[engine]\n{line}\n")
