"""Shared parts of the margin venue's acceptance tests: one venue and one trader for each test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.strike_rig import MarginTrader, margin_venue

Start = Callable[..., MarginTrader]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a venue with options of its own; no output of the program holds its key."""
    with ExitStack() as stack:
        made: list[MarginTrader] = []

        def begin(*arguments: str) -> MarginTrader:
            venue = stack.enter_context(margin_venue(tmp_path / f"venue{len(made)}", *arguments))
            made.append(MarginTrader(tmp_path / f"trader{len(made)}", venue))
            return made[-1]

        yield begin
        for trader in made:
            for text in trader.outputs:
                assert trader.venue.service_key not in text
