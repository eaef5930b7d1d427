"""The keys page is true: each of its commands does what it says, by the installed program."""

import re
import shlex
from pathlib import Path

import pytest

from tests.acceptance.cli.rig import AccountLine, Trader, document
from tests.secret_watch import learn

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "give-out-a-key.md"
KEY = re.compile(r"^bst_[a-z2-7]{40}$", re.MULTILINE)


@pytest.fixture
def owner(tmp_path: Path) -> Trader:
    trader = Trader(folder=tmp_path)
    trader.configure(
        AccountLine(name="main-binance", venue="binance", base_url="http://127.0.0.1:9"),
        AccountLine(name="main-bybit", venue="bybit", base_url="http://127.0.0.1:9"),
    )
    return trader


def test_the_commands_of_the_page_do_what_it_says(owner: Trader) -> None:
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) == 7
    key_id, said = "", {}
    for command in commands:
        program, *words = shlex.split(command.replace("KEY_ID", key_id))
        assert program == "bastion"
        if words[0] == "journal":
            continue  # Those need accounts that answer; the tests of papers run them.
        done = owner.run(*words, BASTION_CONFIG=str(owner.config))
        assert done.returncode == 0, done.stderr
        for key in KEY.findall(done.stdout):
            learn(key)
        made = re.search(r"Id (k\w+)", done.stderr)
        key_id = made.group(1) if made else key_id
        said[" ".join(words[:2])] = done.stdout + done.stderr
        if words[:2] == ["keys", "list"]:
            rows = done.stdout.splitlines()
            assert "only exit" in rows[0]
            assert "engine" in rows[0]
            assert "accounts main-binance,main-bybit" in rows[1]
            assert "cap 5000 USD" in rows[1]
            assert "expires" in rows[1]
            assert not KEY.search(done.stdout)
    assert "is refused from now on" in said["keys rotate"]
    rows = document(owner.run("keys", "list", "--json").stdout)["keys"]
    assert [row["state"] for row in rows] == ["active", "revoked", "revoked"]
    assert rows[2]["replaces"] == rows[1]["id"]
    assert rows[2]["accounts"] == rows[1]["accounts"] == ["main-binance", "main-bybit"]
    assert (rows[2]["notional_cap_usd"], rows[2]["tier"], rows[2]["uses"]) == (5000, "pro", 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create",), "--scope"),
        (("create", "--only", "exit", "--scope", "read"), "trade scope"),
        (("create", "--scope", "read", "--accounts", "main-binance,typo"), "no account 'typo'"),
        (("create", "--scope", "read", "--accounts", ","), "at least one"),
        (("create", "--scope", "read", "--cap-usd", "much"), "US dollars"),
        (("create", "--scope", "read", "--cap-usd", "-1"), "above 0"),
        (("create", "--scope", "read", "--tier", "gold"), "tier"),
        (("rotate", "knone"), "no key"),
    ],
)
def test_what_cannot_be_made_is_refused_and_stores_nothing(
    owner: Trader, words: tuple[str, ...], told: str
) -> None:
    done = owner.run("keys", *words, BASTION_CONFIG=str(owner.config))
    assert done.returncode == 2
    assert told in done.stderr
    assert document(owner.run("keys", "list", "--json").stdout)["keys"] == []
