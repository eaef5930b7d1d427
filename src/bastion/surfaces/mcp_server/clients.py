"""Clients: the configuration block with which a usual MCP client starts `bastion mcp`, a fresh key in it."""

import shlex
import shutil
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from bastion.surfaces.mcp_server.answers import Answer

CARRIED = ("BASTION_CONFIG", "BASTION_VAULT_KEY_FILE", "BASTION_HOME")
"""Variables that name our files; the client starts us with few of its own, so they go into the block."""


class Client(StrEnum):
    """The clients whose form of configuration is known."""

    CLAUDE_DESKTOP = "claude-desktop"
    CLAUDE_CODE = "claude-code"
    CURSOR = "cursor"
    VSCODE = "vscode"

    @property
    def place(self) -> str:
        """Where a person puts the block."""
        return {
            Client.CLAUDE_DESKTOP: "claude_desktop_config.json (Settings, Developer, Edit Config)",
            Client.CLAUDE_CODE: ".mcp.json in the project's folder",
            Client.CURSOR: "~/.cursor/mcp.json",
            Client.VSCODE: ".vscode/mcp.json in the project's folder",
        }[self]


def launch() -> tuple[str, list[str]]:
    """Return the program and arguments that start this very installation over stdio, by absolute path."""
    beside = Path(sys.executable).parent / "bastion"
    program = str(beside) if beside.is_file() else shutil.which("bastion")
    if program is None:
        return sys.executable, ["-m", "bastion", "mcp"]
    return program, ["mcp"]


def config_block(client: Client, *, key: str, environment: Mapping[str, str]) -> Answer:
    """Return the JSON block for the client; it holds the key, so it is shown once and to its owner only."""
    program, arguments = launch()
    variables = {"BASTION_API_KEY": key} | {
        name: str(Path(environment[name]).expanduser().absolute())
        for name in CARRIED
        if environment.get(name)
    }
    entry: Answer = {"command": program, "args": arguments, "env": variables}
    if client is Client.VSCODE:
        return {"servers": {"bastion": {"type": "stdio"} | entry}}
    return {"mcpServers": {"bastion": entry}}


def advice(client: Client, *, key_id: str) -> str:
    """Return what a person does with the block, for standard error."""
    program, arguments = launch()
    lines = [
        f"Put this into {client.place}; if the file has servers already, add `bastion` beside them.",
        f"It holds a new key (id {key_id}, scope trade), shown this once.",
        f"`bastion keys revoke {key_id}` takes it back.",
    ]
    if client is Client.CLAUDE_CODE:
        command = shlex.join([program, *arguments])
        lines.append(f"Or: claude mcp add bastion -e BASTION_API_KEY=KEY -- {command}")
    return "\n".join(lines) + "\n"
