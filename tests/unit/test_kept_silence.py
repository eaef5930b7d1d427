"""What a process heard of a ban is kept by the next one, while it lasts and the machine is where it was."""

import asyncio
import json
from pathlib import Path

import pytest

from bastion.domain.account import Account
from bastion.embedded import paper_credential
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt import kept_silence
from bastion.venues.ccxt.binance import BinanceVenue
from bastion.venues.throttle import Throttle
from tests.stepped_clock import SteppedClock

HOST = "http://127.0.0.1:1"


def process(clock: SteppedClock, folder: Path, host: str = HOST) -> Throttle:
    """The limits of an account of one process; each process builds its own."""
    account = Account(name="a", venue="binance", key_space="usdm", credential="c", base_url=host)
    venue = Catalog(clock=clock, shelf_dir=folder).build(account, paper_credential("binance"))
    assert isinstance(venue, BinanceVenue)
    return venue._throttle


def notes(folder: Path) -> list[Path]:
    return list(folder.glob("*-silence.json"))


async def noted(folder: Path) -> Path:
    for _ in range(200):
        if found := notes(folder):
            return found[0]
        await asyncio.sleep(0.01)
    raise AssertionError("nothing was noted")


async def test_the_next_process_is_silent_for_what_is_left_of_a_ban(tmp_path: Path) -> None:
    clock = SteppedClock()
    process(clock, tmp_path).silence(120)
    await noted(tmp_path)
    await clock.advance(50)
    assert process(clock, tmp_path).silent_s == pytest.approx(70, abs=0.01)
    assert process(clock, tmp_path, "http://127.0.0.1:2").silent_s == 0
    await clock.advance(70)
    assert process(clock, tmp_path).silent_s == 0


async def test_a_long_ban_is_asked_about_once_ten_minutes_after_it_was_heard(tmp_path: Path) -> None:
    clock = SteppedClock()
    process(clock, tmp_path).silence(86_400)
    await noted(tmp_path)
    await clock.advance(100)
    assert process(clock, tmp_path).silent_s == pytest.approx(500, abs=0.01)
    await clock.advance(500)
    assert process(clock, tmp_path).silent_s == 0


async def test_what_a_process_was_told_by_the_file_is_not_noted_as_heard(tmp_path: Path) -> None:
    clock = SteppedClock()
    process(clock, tmp_path).silence(86_400)
    file = await noted(tmp_path)
    first = file.read_text()
    await clock.advance(100)
    process(clock, tmp_path).silence(400)
    await asyncio.sleep(0.1)
    assert file.read_text() == first


async def test_a_pause_of_a_moment_is_not_kept(tmp_path: Path) -> None:
    process(SteppedClock(), tmp_path).silence(4.9)
    await asyncio.sleep(0.1)
    assert notes(tmp_path) == []


async def test_a_machine_that_sends_from_another_address_remembers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SteppedClock()
    process(clock, tmp_path).silence(120)
    await noted(tmp_path)
    monkeypatch.setattr(kept_silence, "own_address", lambda: "198.51.100.7")
    assert process(clock, tmp_path).silent_s == 0


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"heard_ms": "x"}, {"until_ms": None}, {"from": 5}, {"heard_ms": 10**15}],
    ids=["version", "text", "nothing", "number", "of the future"],
)
async def test_an_odd_file_silences_nobody(tmp_path: Path, change: dict[str, object]) -> None:
    clock = SteppedClock()
    process(clock, tmp_path).silence(120)
    file = await noted(tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    assert process(clock, tmp_path).silent_s == 0
    file.write_text("[")
    assert process(clock, tmp_path).silent_s == 0
