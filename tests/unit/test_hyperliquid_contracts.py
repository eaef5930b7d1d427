"""When Hyperliquid's contracts are asked for again, and whether any are known."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bastion.errors import Fault, VenueError, VenueRejected, VenueUnreachable
from bastion.venues.ccxt.hyperliquid_dexes import CONTRACTS, Contracts, Dexes
from bastion.venues.ccxt.hyperliquid_probes import SPARED
from bastion.venues.ccxt.shelf import Shelf
from bastion.venues.deadline import Deadline
from bastion.venues.raw import Answer
from tests.simulation.exits.virtual_time import VirtualClock, run

META = '[{"universe": [{"name": "BTC", "szDecimals": 3, "maxLeverage": 40}]}, [{"markPx": "60000"}]]'


class Account:
    """One account's contracts, of a venue that answers as the test says."""

    def __init__(self, clock: VirtualClock, shelf: Shelf) -> None:
        self.clock = clock
        self.error: VenueError | None = None
        self.asked = 0
        self.contracts = Contracts(Dexes(self._ask, clock, shelf), clock, shelf)

    async def _ask(self, asked: Mapping[str, object], _deadline: Deadline) -> Answer:
        assert asked == {"type": "metaAndAssetCtxs", "dex": ""}
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Answer(status=200, headers={}, text=META)

    async def find(self) -> float:
        """Ask for a contract; return after how many seconds that was over."""
        begun_s = self.clock.seconds
        try:
            await self.contracts.find("BTC", Deadline(self.clock, 60.0))
        except VenueError as error:
            if error is not self.error:
                raise
        return self.clock.seconds - begun_s


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (VenueUnreachable("no answer in time"), [0.0, 0.5, 1.0, 2.0]),
        (VenueRejected(SPARED, fault=Fault.RATE_LIMIT), [0.0, 0.0, 0.0, 0.0]),
    ],
    ids=["it was asked in vain", "it was not asked"],
)
def test_contracts_are_asked_for_later_each_time_that_they_were_asked_for_in_vain(
    error: VenueError, waits: list[float]
) -> None:
    clock = VirtualClock()
    account = Account(clock, Shelf(None, clock))

    async def play() -> list[float]:
        account.error = error
        return [await account.find() for _ in range(4)]

    assert [round(wait_s, 3) for wait_s in run(clock, play())] == waits


def test_contracts_are_known_once_they_were_read_here_or_beside_or_are_on_disk(tmp_path: Path) -> None:
    clock = VirtualClock()
    shelf = Shelf(tmp_path / "contracts.json", clock)
    one, beside = Account(clock, shelf), Account(clock, shelf)
    later = Account(clock, Shelf(tmp_path / "contracts.json", clock))
    every = (one, beside, later)
    known = [[account.contracts.any_known for account in every]]
    run(clock, one.find())
    known.append([account.contracts.any_known for account in every])
    shelf.save(shelf.learnt)
    known.append([account.contracts.any_known for account in every])
    assert known == [[False] * 3, [True, True, False], [True] * 3]
    assert shelf.patience(CONTRACTS).wait_s == 0
