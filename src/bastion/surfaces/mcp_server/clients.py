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
    WINDSURF = "windsurf"
    GEMINI_CLI = "gemini-cli"
    ZED = "zed"

    @property
    def place(self) -> str:
        """Where a person puts the block."""
        return {
            Client.CLAUDE_DESKTOP: "claude_desktop_config.json (Settings, Developer, Edit Config)",
            Client.CLAUDE_CODE: ".mcp.json in the project's folder",
            Client.CURSOR: "~/.cursor/mcp.json",
            Client.VSCODE: ".vscode/mcp.json in the project's folder",
            Client.WINDSURF: "~/.codeium/windsurf/mcp_config.json",
            Client.GEMINI_CLI: "~/.gemini/settings.json",
            Client.ZED: "the settings file (`zed: open settings file`)",
        }[self]

    @property
    def section(self) -> str:
        """The name under which the client keeps its servers."""
        return {Client.VSCODE: "servers", Client.ZED: "context_servers"}.get(self, "mcpServers")


def launch(*, tools: str | None = None) -> tuple[str, list[str]]:
    """Return the program and arguments that start this very installation over stdio, by absolute path.

    `tools` are the toolsets that it shall offer; None means all.
    """
    beside = Path(sys.executable).parent / "bastion"
    program = str(beside) if beside.is_file() else shutil.which("bastion")
    arguments = ["mcp"] if tools is None else ["mcp", "--tools", tools]
    if program is None:
        code = "from bastion.surfaces.cli import main; raise SystemExit(main())"
        return sys.executable, ["-c", code, *arguments]
    return program, arguments


def config_block(
    client: Client, *, key: str, environment: Mapping[str, str], tools: str | None = None
) -> Answer:
    """Return the JSON block for the client; it holds the key, so it is shown once and to its owner only."""
    program, arguments = launch(tools=tools)
    variables = {"BASTION_API_KEY": key} | {
        name: str(Path(environment[name]).expanduser().absolute())
        for name in CARRIED
        if environment.get(name)
    }
    entry: Answer = {"command": program, "args": arguments, "env": variables}
    if client is Client.VSCODE:
        entry = {"type": "stdio"} | entry
    return {client.section: {"bastion": entry}}


def advice(client: Client, *, key_id: str, tools: str | None = None) -> str:
    """Return what a person does with the block, for standard error."""
    program, arguments = launch(tools=tools)
    lines = [
        f"Put this into {client.place}; if the file has servers already, add `bastion` beside them.",
        f"It holds a new key (id {key_id}, scope trade), shown this once.",
        f"`bastion keys revoke {key_id}` takes it back.",
    ]
    if client is Client.CLAUDE_CODE:
        command = shlex.join([program, *arguments])
        lines.append(f"Or: claude mcp add bastion -e BASTION_API_KEY=KEY -- {command}")
    return "\n".join(lines) + "\n"
