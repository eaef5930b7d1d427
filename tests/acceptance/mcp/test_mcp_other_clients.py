"""The clients that people have: the Python SDK of major version 1 and the TypeScript SDK, as published."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tests.clients.install as clients
from bastion.surfaces.mcp_server.prompts import PROMPTS
from bastion.surfaces.mcp_server.tools import TOOLS
from tests.acceptance.mcp.house import House, serving
from tests.acceptance.mcp.seed import assert_is_the_example

HERE = Path(clients.__file__).parent
RUN_S = 120

pytestmark = pytest.mark.timeout(600)


def command_of(client: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs the client's script, and its environment."""
    if client == "node":
        modules = clients.ensure_clients()
        assert (modules / "@modelcontextprotocol/sdk").is_dir()
        return [clients.node(), str(HERE / "node_client.mjs")], clients.environment()
    folder = clients.ensure_python_1()
    # The script's own SDK stands before everything that this environment has.
    return [sys.executable, str(HERE / "python_1_client.py")], os.environ | {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("client", ["python 1.x", "node"])
def test_an_unmodified_client_lists_looks_and_exits(house: House, client: str, transport: str) -> None:
    command, variables = command_of(client)
    key = house.key("trade")
    with serving(house) as served:
        address = served.sse if transport == "sse" else served.stream
        done = subprocess.run(
            [*command, transport, address, key],
            env=variables,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout)
    assert said["tools"] == [tool.name for tool in TOOLS]
    assert set(said["schemas"]) == {"object"}
    assert len(said["before"]["positions"]) == 4
    assert "came as the argument `api_key`" in said["before"]["warnings"][-1]
    assert said["refused"]["error"]["code"] == "INVALID_ARGUMENT"
    assert_is_the_example(said["answer"])
    assert said["fills"] == [1, 2, 3, 4]
    assert said["prompts"] == [prompt.name for prompt in PROMPTS]


def test_the_python_client_is_of_major_version_1() -> None:
    _, variables = command_of("python 1.x")
    code = "import importlib.metadata; print(importlib.metadata.version('mcp'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("1.")
