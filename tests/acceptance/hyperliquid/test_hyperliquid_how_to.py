"""The how-to page of Hyperliquid is true: its configuration is read, and its commands do what it says."""

import re
import shlex
from decimal import Decimal
from pathlib import Path

from bastion.embedded import paper_credential
from tests.acceptance.cli.rig import Trader, paper_exchange

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-hyperliquid.md"
GIVEN = paper_credential("hyperliquid")


def blocks(language: str) -> list[str]:
    """Return the page's code blocks of a language, empty for those without one."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for found, text in fenced if found == language]


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    trader = Trader(tmp_path)
    with paper_exchange("hyperliquid") as paper:
        assert paper.positions("hyperliquid") == {
            "BTC": Decimal("0.5"),
            "ETH": Decimal(-3),
            "xyz:GOLD": Decimal(2),
        }
        [config] = blocks("toml")
        at = f'venue = "hyperliquid"\nbase_url = "{paper.wires["hyperliquid"]}"'
        trader.config.write_text(config.replace('venue = "hyperliquid"', at), encoding="utf-8")
        text = f"wallet_address = {GIVEN['walletAddress']}\nprivate_key = {GIVEN['privateKey']}\n"
        commands = [line for block in blocks("") for line in block.splitlines()]
        said = {}
        for command in commands:
            words, _, given = command.partition(" < ")
            program, *arguments = shlex.split(words)
            assert program == "bastion"
            more = ["--standalone", "--no-hold"] if arguments[0] == "exit" else []
            done = trader.run(
                *arguments, *more, given=text if given else "", BASTION_CONFIG=str(trader.config)
            )
            assert done.returncode == 0, done.stderr
            said[words] = done.stdout + done.stderr
        assert len(commands) == 4
        assert "XYZGOLDUSDC" in said["bastion positions"]
        assert "5 HYPE" in said["bastion positions"]
        assert "FLAT" in said["bastion exit --now"]
        assert paper.positions("hyperliquid") == {}
        assert paper.account("hyperliquid")["open_orders"] == []
        for output in trader.outputs:
            assert GIVEN["privateKey"].removeprefix("0x") not in output
