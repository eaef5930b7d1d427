"""Fixtures: `bastion up` on a paper exchange of its own, and on the embedded one."""

from collections.abc import Iterator

import pytest

from tests.acceptance.mcp.house import House, serving
from tests.acceptance.rest.desk import RestDesk, desk_at


@pytest.fixture(scope="module")
def standing_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestDesk]:
    with desk_at(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def desk(standing_desk: RestDesk) -> RestDesk:
    """A desk whose exchange holds the four positions of the seed, and whose earlier exits are over."""
    standing_desk.begin_anew()
    return standing_desk


@pytest.fixture(scope="module")
def paper_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestDesk]:
    """A desk on the embedded exchange, for tests that change nothing."""
    house = House(folder=tmp_path_factory.mktemp("rest"), more={})
    with serving(house) as served:
        yield RestDesk(house=house, served=served, exchange=None)
