"""Fixtures: a house of its own for each test, or one for all tests of a file that change nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.mcp.house import House, Served, serving


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(folder=tmp_path, more={})


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(folder=tmp_path_factory.mktemp("house"), more={})


@pytest.fixture(scope="module")
def shared_server(shared_house: House) -> Iterator[Served]:
    with serving(shared_house) as served:
        yield served
