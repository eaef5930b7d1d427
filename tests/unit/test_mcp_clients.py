"""The printed block starts this very installation, with its key and files, in the form of each client."""

from pathlib import Path
from typing import get_args

import pytest

from bastion.surfaces.cli.tree import ClientName
from bastion.surfaces.mcp_server.clients import Client, advice, config_block, launch

KEY = "bst_" + "a" * 40


@pytest.mark.parametrize("client", list(Client))
def test_the_block_has_the_clients_form_and_a_program_that_exists(client: Client) -> None:
    block = config_block(client, key=KEY, environment={"BASTION_HOME": "state", "HOME": "/home/someone"})
    servers = block[{Client.VSCODE: "servers", Client.ZED: "context_servers"}.get(client, "mcpServers")]
    assert isinstance(servers, dict)
    entry = servers["bastion"]
    assert Path(entry["command"]).is_file()
    assert entry["args"][-1] == "mcp"
    assert entry["env"] == {"BASTION_API_KEY": KEY, "BASTION_HOME": str(Path("state").absolute())}


@pytest.mark.parametrize("client", list(Client))
def test_the_advice_names_the_key_by_its_id_only(client: Client) -> None:
    said = advice(client, key_id="kabc")
    assert KEY not in said
    assert "bastion keys revoke kabc" in said
    assert client.place in said


def test_the_program_is_named_by_its_absolute_path() -> None:
    program, arguments = launch()
    assert Path(program).is_absolute()
    assert arguments[-1] == "mcp"


def test_the_toolsets_that_were_chosen_stand_in_the_block() -> None:
    block = config_block(Client.CURSOR, key=KEY, environment={}, tools="exit,portfolio")
    assert block["mcpServers"]["bastion"]["args"][-3:] == ["mcp", "--tools", "exit,portfolio"]  # type: ignore[index]


def test_every_client_can_be_named_on_the_command_line() -> None:
    assert get_args(ClientName) == tuple(client.value for client in Client)
