"""Fixtures for every folder: the paper exchange as a process, the watch for secrets, the run's order."""

from collections.abc import Iterator

import pytest

from tests.paper_process import PaperProcess, paper_exchange
from tests.run_order import pytest_collection as pytest_collection  # noqa: PLC0414 - pytest finds the hook here
from tests.run_order import (
    pytest_collection_modifyitems as pytest_collection_modifyitems,  # noqa: PLC0414 - as above
)
from tests.secret_watch import pytest_configure as pytest_configure  # noqa: PLC0414 - as above
from tests.secret_watch import (
    pytest_runtest_makereport as pytest_runtest_makereport,  # noqa: PLC0414 - as above
)


@pytest.fixture(scope="session")
def paper_process() -> Iterator[PaperProcess]:
    """One paper exchange process for the whole session, in whatever state the last test left it."""
    with paper_exchange() as process:
        yield process


@pytest.fixture
def paper(paper_process: PaperProcess) -> PaperProcess:
    """The session's paper exchange, fresh in the scenario `seed`, without faults and with an empty log."""
    paper_process.control.load_scenario("seed")
    paper_process.control.clear_requests()
    return paper_process
