"""The how-to page is true: its configuration is read, and its commands do what it says."""

import re
import shlex
from pathlib import Path

from tests.acceptance.margin_desk.conftest import Start
from tests.strike_rig import WALLET

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "refund-a-margin.md"


def blocks(language: str) -> list[str]:
    """Return the page's code blocks of a language, empty for those without one."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for found, text in fenced if found == language]


def test_the_commands_of_the_page_do_what_it_says(start: Start) -> None:
    trader = start()
    venue = trader.venue
    assert venue.open() == 1
    trader.folder.mkdir()
    [config] = blocks("toml")
    config = config.replace('venue = "strike"', f'venue = "strike"\nbase_url = "{venue.url}"')
    trader.config.write_text(config, encoding="utf-8")
    credential = f"api_key = {venue.service_key}\nwallet_address = {WALLET}\n"
    commands = [line for block in blocks("") for line in block.splitlines()]
    said = {}
    for command in commands:
        words, _, given = command.partition(" < ")
        assert given in {"", "credential.txt"}
        program, *arguments = shlex.split(words)
        assert program == "bastion"
        done = trader.run(*arguments, given=credential if given else "")
        assert done.returncode == 0, done.stderr
        said[words] = done.stdout
    assert len(commands) == 5
    assert "id 1" in said["bastion positions"]
    assert "Nothing was done." in said["bastion refund 1 --preview"]
    assert "closing was refused all morning" in said["bastion refund 1 --review"]
    assert venue.listed() == {"open": [], "closed": [], "settled": []}
    assert venue.balances()["withdrawable"] == "10000.00"
