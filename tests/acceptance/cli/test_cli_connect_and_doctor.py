"""Connecting an account, and what the doctor says before the emergency."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bastion.paper
from tests.acceptance.cli.rig import AccountLine, Paper, Trader, closed_port, document, paper_exchange

SEED = Path(bastion.paper.__file__).parent / "scenarios" / "seed.toml"
CREDENTIAL = json.dumps({"api_key": "paper-binance-key", "secret": "paper-binance-secret"})


@pytest.fixture(scope="module")
def rights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    """A paper exchange whose Binance key can withdraw, and whose Bybit key can only read."""
    text = SEED.read_text(encoding="utf-8")
    first, second = 'secret = "paper-binance-secret"\n', 'secret = "paper-bybit-secret"\n'
    assert first in text
    assert second in text
    text = text.replace(first, first + 'permissions = ["read", "trade", "withdraw"]\n')
    text = text.replace(second, second + 'permissions = ["read"]\n')
    file = tmp_path_factory.mktemp("rights") / "rights.toml"
    file.write_text(text, encoding="utf-8")
    with paper_exchange(str(file)) as paper:
        yield paper


def connected(trader: Trader, *arguments: str, given: str = CREDENTIAL) -> tuple[int, Any]:
    done = trader.run("connect", *arguments, "--from-stdin", "--json", given=given)
    return done.returncode, document(done.stdout)


def test_two_commands_lead_from_nothing_to_an_exit(trader: Trader) -> None:
    with paper_exchange("seed") as paper:
        binance = ("--venue", "binance", "--base-url", paper.wires["binance"])
        code, tried = connected(trader, "mine", *binance, "--dry-run")
        assert (code, tried["dry_run"], tried["positions"]) == (0, True, 2)
        assert not (trader.home / "bastion.toml").exists()
        assert not (trader.home / "vault.age").exists()

        code, told = connected(trader, "mine", *binance)
        assert code == 0, told
        assert (told["success"], told["can_trade"], told["can_withdraw"]) == (True, True, False)
        assert told["positions"] == 2
        assert told["left_out"]
        assert told["accounts"] == ["mine", "mine-coinm"]
        assert (trader.home / "bastion.toml").stat().st_mode & 0o077 == 0

        bybit = ("--venue", "bybit", "--base-url", paper.wires["bybit"])
        given = "api_key = paper-bybit-key\nsecret = paper-bybit-secret\n"
        assert connected(trader, "other", *bybit, given=given)[0] == 0

        done = trader.run("exit", "--now", "--json")
        report = document(done.stdout)
        assert (done.returncode, report["verdict"], report["positions_closed"]) == (0, "FLAT", 4)
        assert {row["account"] for row in report["closed_positions"]} == {"mine", "other"}


def test_a_portfolio_margin_key_is_found_out_connected_and_exited(trader: Trader, tmp_path: Path) -> None:
    text = SEED.read_text(encoding="utf-8")
    name = 'name = "binance"\n'
    assert text.count(name) == 1
    file = tmp_path / "portfolio.toml"
    file.write_text(text.replace(name, name + "settings = { portfolio_margin = 1 }\n"), encoding="utf-8")
    with paper_exchange(str(file)) as paper:
        code, told = connected(trader, "mine", "--venue", "binance", "--base-url", paper.wires["binance"])
        assert (code, told.get("key_space"), told.get("accounts")) == (0, "papi", ["mine"]), told
        assert (told["positions"], told["can_trade"]) == (2, True)
        assert not any("Portfolio" in words or "COIN-M" in words for words in told["left_out"])
        assert 'key_space = "papi"' in (trader.home / "bastion.toml").read_text(encoding="utf-8")
        done = trader.run("exit", "--now", "--json")
        report = document(done.stdout)
        assert (done.returncode, report["verdict"], report["positions_closed"]) == (0, "FLAT", 2), report


def test_a_configuration_that_is_named_is_made_where_it_is_missing(trader: Trader, quiet: Paper) -> None:
    named = trader.folder / "elsewhere" / "desk.toml"
    binance = ("mine", "--venue", "binance", "--base-url", quiet.wires["binance"], "--config", str(named))
    assert connected(trader, *binance)[0] == 0
    assert 'name = "mine"' in named.read_text(encoding="utf-8")
    assert (trader.home / "vault.age").exists()
    assert not (trader.home / "bastion.toml").exists()


def test_what_stood_in_the_configuration_stays_as_it_was(trader: Trader, quiet: Paper) -> None:
    trader.home.mkdir()
    written = "# My accounts.\n[exit]\ndeadline_s = 30 # seconds\n"
    config = trader.home / "bastion.toml"
    line = AccountLine(name="first", venue="bybit", base_url=quiet.wires["bybit"])
    config.write_text(written + "\n" + line.toml().rstrip(), encoding="utf-8")
    before = config.read_text(encoding="utf-8")
    binance = ("--venue", "binance", "--base-url", quiet.wires["binance"])
    assert connected(trader, "second", *binance)[0] == 0
    assert config.read_text(encoding="utf-8").startswith(before)
    code, told = connected(trader, "second", *binance)
    assert (code, told["error"]["code"]) == (2, "CONFLICT")
    assert "bastion vault put second" in told["error"]["message"]


def test_a_key_that_can_withdraw_is_refused_unless_the_owner_says_why(trader: Trader, rights: Paper) -> None:
    binance = ("mine", "--venue", "binance", "--base-url", rights.wires["binance"])
    code, told = connected(trader, *binance)
    assert code == 2
    assert "withdraw" in told["error"]["message"]
    assert not (trader.home / "vault.age").exists()
    code, told = connected(trader, *binance, "--allow-withdrawals", "the only key that this desk gets")
    assert (code, told["can_withdraw"]) == (0, True)
    assert any("the only key that this desk gets" in warning for warning in told["warnings"])
    done = trader.run("doctor", "--json")
    assert done.returncode == 5
    stops = [check for check in document(done.stdout)["checks"] if check["finding"] == "stop"]
    assert [("withdraw" in check["detail"]) for check in stops] == [True, True]  # One for each key space.


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (["mine", "--venue", "binance"], "nonsense", "credential"),
        (["a name", "--venue", "binance"], CREDENTIAL, "a name is"),
        (["mine", "--venue", "binance", "--base-url", "nowhere"], CREDENTIAL, "base_url"),
        (["mine", "--venue", "binance", "--key-space", "spot"], CREDENTIAL, "usdm"),
        (["mine", "--venue", "kraken"], CREDENTIAL, "venue"),
        (["mine", "--venue", "binance", "--allow-withdrawals", " "], CREDENTIAL, "reason"),
    ],
)
def test_bad_input_stores_nothing(
    trader: Trader, quiet: Paper, arguments: list[str], given: str, says: str
) -> None:
    if "--base-url" not in arguments:
        arguments = [*arguments, "--base-url", quiet.wires["binance"]]
    code, told = connected(trader, *arguments, given=given)
    assert code in {2, 5}
    assert says in told["error"]["message"].lower()
    assert not (trader.home / "bastion.toml").exists()
    assert not (trader.home / "vault.age").exists()


def test_a_venue_that_does_not_answer_or_a_wrong_secret_stores_nothing(trader: Trader, quiet: Paper) -> None:
    dead = f"http://127.0.0.1:{closed_port()}"
    code, told = connected(trader, "mine", "--venue", "binance", "--base-url", dead)
    assert (code, "cannot read" in told["error"]["message"]) == (2, True)
    wrong = json.dumps({"api_key": "paper-binance-key", "secret": "wrong-secret-of-the-test"})
    binance = ("--venue", "binance", "--base-url", quiet.wires["binance"])
    code, told = connected(trader, "mine", *binance, given=wrong)
    assert (code, "cannot read" in told["error"]["message"]) == (2, True)
    assert "wrong-secret-of-the-test" not in json.dumps(told, default=str)
    assert not (trader.home / "vault.age").exists()


def test_a_secret_is_never_an_argument_and_a_file_must_be_private(trader: Trader, quiet: Paper) -> None:
    binance = ("connect", "mine", "--venue", "binance", "--base-url", quiet.wires["binance"], "--json")
    done = trader.run(*binance)
    assert (done.returncode, "--from-stdin" in done.stdout) == (2, True)
    file = trader.folder / "credential.json"
    file.write_text(CREDENTIAL, encoding="utf-8")
    file.chmod(0o644)
    done = trader.run(*binance, "--from-file", str(file))
    assert (done.returncode, "chmod 600" in done.stdout) == (2, True)
    file.chmod(0o600)
    assert trader.run(*binance, "--from-file", str(file)).returncode == 0


def test_the_doctor_finds_nothing_in_the_way_of_a_healthy_desk(trader: Trader, quiet: Paper) -> None:
    trader.connect(quiet)
    done = trader.run("doctor", "--json", "--config", str(trader.config))
    told = document(done.stdout)
    assert (done.returncode, told["ready"]) == (0, True), told
    assert not [check for check in told["checks"] if check["finding"] == "stop"]
    assert any("an exit would now send 4 orders" in check["detail"] for check in told["checks"])
    assert quiet.orders() == []
    shown = trader.run("doctor", "--config", str(trader.config)).stdout
    assert shown.splitlines()[-1].startswith("READY")


def test_the_doctor_names_what_would_stop_an_exit_and_what_to_do(trader: Trader, rights: Paper) -> None:
    trader.put("reader", "paper-bybit-key", "paper-bybit-secret")
    trader.configure(
        AccountLine(name="reader", venue="bybit", base_url=rights.wires["bybit"]),
        AccountLine(
            name="dead", venue="bybit", base_url=f"http://127.0.0.1:{closed_port()}", credential="reader"
        ),
    )
    done = trader.run("doctor", "--json", "--config", str(trader.config))
    told = document(done.stdout)
    assert (done.returncode, told["ready"]) == (5, False)
    stops = {check["name"]: check for check in told["checks"] if check["finding"] == "stop"}
    assert "cannot trade" in stops["reader (bybit)"]["detail"]
    assert "bastion vault put reader" in stops["reader (bybit)"]["remedy"]
    assert "could not be read" in stops["dead (bybit)"]["detail"]


def test_every_venue_is_listed_with_its_standing(trader: Trader) -> None:
    rows = document(trader.run("venues", "--json").stdout)["venues"]
    standings = {row["venue"]: row["standing"] for row in rows}
    own = ("binance", "bybit", "hyperliquid", "okx", "strike")
    assert {standings[name] for name in own} == {"paper"}
    assert (standings["krakenfutures"], standings["mexc"], standings["phemex"]) == (
        "generic",
        "refused",
        "refused",
    )
    assert all(row["detail"] for row in rows)
    assert all(row["key_spaces"] for row in rows if row["standing"] != "refused")
