"""Bad input: one clear answer, the right exit code, and nothing changed."""

import json
import subprocess
import sys

import pytest

from tests.acceptance.cli.rig import Paper, Trader, document


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--deadline", "0"], 2, "deadline_s"),
        (["--deadline", "soon"], 2, "number of seconds"),
        (["--reason", "x" * 600], 2, "reason"),
        (["--hold", "-5"], 2, "hold"),
        (["--resume", "xnothere"], 2, "no exit"),
        (["--resume"], 2, "resumed"),
        (["--nonsense"], 2, "nonsense"),
        (["positional"], 2, "positional"),
    ],
)
def test_bad_input_is_one_clear_document_and_changes_nothing(
    trader: Trader, quiet: Paper, arguments: list[str], code: int, says: str
) -> None:
    trader.connect(quiet)
    found, answer = trader.exit(*arguments)
    assert found == code
    assert says in answer["error"]["message"]
    assert answer["error"]["code"] == "INVALID_ARGUMENT"
    assert quiet.orders() == []
    assert not trader.journal_holds("ExitRequested")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ("no file", "cannot be read"),
        ("unknown key", "allowed here"),
        ("secret", "bastion vault put"),
        ("key file open to others", "chmod 600"),
        ("empty vault", "bastion vault put my-binance"),
    ],
)
def test_a_bad_configuration_or_vault_is_code_5_and_changes_nothing(
    trader: Trader, quiet: Paper, spoil: str, says: str
) -> None:
    trader.connect(quiet)
    if spoil == "no file":
        trader.config.unlink()
    elif spoil in {"unknown key", "secret"}:
        key = "colour" if spoil == "unknown key" else "api_secret"
        trader.config.write_text(trader.config.read_text(encoding="utf-8") + f'{key} = "blue"\n')
    elif spoil == "empty vault":
        (trader.home / "vault.age").unlink()
    else:
        (trader.folder / "trader.key").chmod(0o644)
    code, answer = trader.exit()
    assert code == 5
    assert says in answer["error"]["message"]
    assert quiet.requests() == []
    assert not trader.journal_holds("ExitRequested")


def test_a_command_that_does_not_exist_is_refused_in_one_sentence_or_document(trader: Trader) -> None:
    done = trader.run("exi")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith('bastion: Unknown command "exi"')
    told = trader.run("keys", "create", "--scope", "admin", "--json")
    assert told.returncode == 2
    assert json.loads(told.stdout)["error"]["code"] == "INVALID_ARGUMENT"


def test_every_command_has_a_help_text_that_names_only_commands_that_exist(trader: Trader) -> None:
    whole = trader.run("--help")
    assert whole.returncode == 0
    named = {
        *(
            "certificate",
            "connect",
            "demo",
            "doctor",
            "engine",
            "exit",
            "gauntlet",
            "halt",
            "journal",
            "keys",
        ),
        *("mcp", "paper", "positions", "refund", "reset", "status", "up", "vault", "venues", "watch"),
    }
    for command in sorted(named):
        assert f" {command} " in whole.stdout
        assert trader.run(command, "--help").returncode == 0
    for absent in ("drill", "sentinel", "worker", "console"):
        assert f" {absent} " not in whole.stdout


def test_keys_are_shown_once_listed_without_their_secret_and_revoked(trader: Trader) -> None:
    made = document(trader.run("keys", "create", "--scope", "trade", "--label", "bot", "--json").stdout)
    listed = trader.run("keys", "list")
    assert made["id"] in listed.stdout
    assert made["key"] not in listed.stdout
    assert trader.run("keys", "revoke", made["id"]).returncode == 0
    rows = document(trader.run("keys", "list", "--json").stdout)["keys"]
    assert [(row["id"], row["scope"], row["state"]) for row in rows] == [(made["id"], "trade", "revoked")]
    assert trader.run("keys", "revoke", "knone").returncode == 2


def test_a_credential_comes_from_standard_input_only_and_is_never_shown(trader: Trader) -> None:
    refused = trader.run("vault", "put", "x")
    assert refused.returncode == 2
    assert "--from-stdin" in refused.stderr
    stored = trader.run("vault", "put", "x", "--from-stdin", given="the-key\ncanary-of-the-vault\n")
    assert stored.returncode == 0
    assert "canary" not in stored.stdout + stored.stderr
    assert trader.run("vault", "list").stdout == "x\n"
    bad = trader.run("vault", "put", "y", "--from-stdin", given='{"api_key": "canary-of-the-vault"}')
    assert bad.returncode == 5
    assert "canary" not in bad.stdout + bad.stderr
    assert trader.run("vault", "remove", "x").returncode == 0


def test_the_fast_path_loads_nothing_that_an_emergency_can_do_without() -> None:
    code = (
        "import sys; import bastion.surfaces.cli.fast; "
        "print(','.join(sorted({name.split('.')[0] for name in sys.modules}))); "
        "print(sum(name.startswith('ccxt.') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded, exchanges = done.stdout.splitlines()
    assert not {"pydantic", "cyclopts", "mcp", "rich", "uvicorn", "starlette"} & set(loaded.split(","))
    assert int(exchanges) == 0


def test_the_demo_plays_both_acts_at_machine_speed_and_ends_flat(trader: Trader) -> None:
    done = trader.run("demo", "--fast")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("bastion ")
    verdicts = [line for line in lines if line.startswith("\u25a0 FLAT in ")]
    assert len(verdicts) == 2
    assert "partly filled" in done.stdout
    assert "503" in done.stdout
    assert lines[-1].startswith("next:")
    assert done.stderr == ""


def test_the_demo_answers_programs_with_one_document(trader: Trader) -> None:
    done = trader.run("demo", "--json")
    acts = document(done.stdout)["acts"]
    assert done.returncode == 0
    assert [(act["act"], act["report"]["verdict"]) for act in acts] == [(1, "FLAT"), (2, "FLAT")]
    assert acts[1]["report"]["resolved"]
    assert trader.run("demo", "--act", "3").returncode == 2


def test_the_first_line_of_the_demo_needs_nothing_heavy() -> None:
    code = (
        "import sys; import bastion.surfaces.cli.opening; "
        "heavy = ('aiohttp', 'asyncio', 'rich', 'cyclopts', 'pydantic'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["exit", "--nonsense"], 2)])
def test_the_module_is_the_command(arguments: list[str], code: int) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bastion", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == code
    assert ("nonsense" in run.stdout + run.stderr) is (code == 2)
