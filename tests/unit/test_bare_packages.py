"""Bare packages: of the MCP SDK nothing is loaded that nobody asks for, and what is asked for is there."""

import subprocess
import sys

PROGRAM = """
import sys
from bastion.surfaces.cli.bare import MCP, hold_back
hold_back(*MCP)
import mcp.server.lowlevel
heavy = {"cryptography", "mcp.client", "mcp.server.mcpserver"} & set(sys.modules)
assert not heavy, heavy
import bastion.surfaces.daemon.up
assert "fastapi" not in sys.modules
from mcp.server import MCPServer
assert MCPServer.__module__.startswith("mcp.server.mcpserver")
try:
    from mcp.server import nothing_of_this_name
except ImportError:
    print("as ever")
"""


def test_what_no_server_uses_is_loaded_only_when_it_is_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "as ever"), done.stderr
