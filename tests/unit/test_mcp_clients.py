"""The printed block starts this very installation, with its key and files, in the form of each client."""

from pathlib import Path

import pytest

from bastion.surfaces.mcp_server.clients import Client, advice, config_block, launch

KEY = "bst_" + "a" * 40


@pytest.mark.parametrize("client", list(Client))
def test_the_block_has_the_clients_form_and_a_program_that_exists(client: Client) -> None:
    block = config_block(client, key=KEY, environment={"BASTION_HOME": "state", "HOME": "/home/someone"})
    servers = block["servers" if client is Client.VSCODE else "mcpServers"]
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
