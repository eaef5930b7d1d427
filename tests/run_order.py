"""Run order: which files start first, and what the collecting of thousands of tests need not pay for.

Workers take whole files in this order. One that is mostly waiting for real deadlines must not be the last to
start, for then a single worker would wait for it alone; all others follow in the order of their folders.
"""

import gc
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
FIRST = (
    "acceptance/rest/test_rest_document.py",
    "acceptance/margin_desk/test_refund_is_paid_once.py",
    "acceptance/cli/test_cli_exit.py",
    "acceptance/gauntlet/test_fault_menu.py",
    "simulation/margin_venue/test_margin_machine.py",
    "acceptance/mcp/test_mcp_inspector.py",
    "simulation/exits/test_simulated_exits.py",
    "acceptance/mcp/test_mcp_bad_key_flood.py",
    "acceptance/margin_desk/test_direct_refund.py",
    "simulation/wires/test_simulated_wires.py",
    "acceptance/mcp/test_mcp_disconnect.py",
    "integration/kills/test_an_exit_survives_kill_9.py",
    "simulation/exits/test_simulated_acts.py",
    "integration/margin_venue/test_ledger_survives_kill.py",
    "acceptance/margin_desk/test_exit_at_the_margin_venue.py",
    "conformance/mcp_protocol/test_the_protocol_is_spoken.py",
    "acceptance/how_to/test_how_to_pages.py",
    "acceptance/mcp/test_mcp_other_clients.py",
)
"""The longest files, those that compute beside those that wait."""
_RANK = {HERE / name: rank for rank, name in enumerate(FIRST)}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the collector of garbage rest where little is made, and never look again through what stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the longest files to the front; within a file nothing changes its place."""
    items.sort(key=lambda item: _RANK.get(item.path, len(FIRST)))
