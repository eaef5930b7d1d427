"""What one process used of Hyperliquid's minute is counted by the next, and by nobody after that minute."""

import json
from pathlib import Path

import pytest

from bastion.domain.account import Account
from bastion.embedded import paper_credential
from bastion.venues.catalog import Catalog
from bastion.venues.ccxt.hyperliquid import HyperliquidVenue
from bastion.venues.ccxt.hyperliquid_pace import READS, WEIGHT
from bastion.venues.throttle import Throttle
from tests.stepped_clock import SteppedClock

HOST = "http://127.0.0.1:1"


def process(clock: SteppedClock, folder: Path, count: int = 1) -> list[HyperliquidVenue]:
    """The adapters of one process; each process builds its own."""
    catalog = Catalog(clock=clock, shelf_dir=folder)
    built = []
    for number in range(count):
        account = Account(
            name=f"a{number}", venue="hyperliquid", key_space="perps", credential="c", base_url=HOST
        )
        venue = catalog.build(account, paper_credential("hyperliquid"))
        assert isinstance(venue, HyperliquidVenue)
        built.append(venue)
    return built


def counts(folder: Path) -> list[Path]:
    return list(folder.glob("*-used.json"))


def overwrite(folder: Path, text: str) -> None:
    (file,) = counts(folder)
    file.write_text(text, encoding="utf-8")


def throttle(venue: HyperliquidVenue) -> Throttle:
    return venue._throttle


def free(venue: HyperliquidVenue) -> int:
    return throttle(venue)[WEIGHT].free()


async def test_the_next_process_counts_what_was_used_until_its_minute_is_over(tmp_path: Path) -> None:
    clock = SteppedClock()
    first, second = process(clock, tmp_path, 2)
    throttle(first).charge({WEIGHT: 300, READS: 260})
    await clock.advance(20)
    throttle(second).charge({WEIGHT: 100, READS: 100})
    for venue in (first, second):
        await venue.close()
    (later,) = process(clock, tmp_path)
    assert free(later) == 800
    throttle(later).charge({WEIGHT: 50, READS: 50})
    await later.close()
    (third,) = process(clock, tmp_path)
    assert throttle(third)[READS].free() == 1080, "what was left to actions is there for its first reads"
    assert free(third) == 750, "each count stands there once, however often it was handed on"
    await clock.advance(42)
    assert free(third) == 1050
    await clock.advance(20)
    assert free(third) == 1200
    await third.close()
    assert free(process(clock, tmp_path)[0]) == 1200


async def test_processes_that_ran_beside_each_other_both_count(tmp_path: Path) -> None:
    clock = SteppedClock()
    (one,), (other,) = process(clock, tmp_path), process(clock, tmp_path)
    throttle(one).charge({WEIGHT: 60, READS: 60})
    throttle(other).charge({WEIGHT: 40, READS: 40})
    await one.close()
    await other.close()
    assert free(process(clock, tmp_path)[0]) == 1100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 2, "used": {}}',
        '{"version": 1, "used": [1]}',
        '{"version": 1, "used": {"x": {"weight": [[999000, 5000]], "reads": "no"}}}',
        '{"version": 1, "used": {"x": {"weight": [[2000000, 5]], "reads": [["a", 1]]}}}',
        json.dumps({"version": 1, "used": {str(n): {"weight": [[999_000, 5]]} for n in range(65)}}),
    ],
)
async def test_a_file_that_is_odd_counts_as_nothing(tmp_path: Path, text: str) -> None:
    clock = SteppedClock()
    (venue,) = process(clock, tmp_path)
    throttle(venue).charge({WEIGHT: 10, READS: 10})
    await venue.close()
    overwrite(tmp_path, text)
    assert free(process(clock, tmp_path)[0]) == 1200


async def test_what_was_never_used_is_not_noted_and_no_other_venue_keeps_such_a_file(tmp_path: Path) -> None:
    clock = SteppedClock()
    await process(clock, tmp_path)[0].close()
    account = Account(name="b", venue="binance", key_space="usdm", credential="c", base_url=HOST)
    binance = Catalog(clock=clock, shelf_dir=tmp_path).build(account, paper_credential("binance"))
    await binance.close()
    assert counts(tmp_path) == []
