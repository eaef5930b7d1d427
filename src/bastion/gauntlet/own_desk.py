"""Own desk: a configuration and a vault for bastion itself, so that its own exit can be put to the test."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bastion.app import Place, open_vault
from bastion.auth.credential import Credential
from bastion.embedded import paper_credential
from bastion.place import CONFIG_NAME

DEADLINE_SHARE = 5 / 6
"""How much of a scenario's deadline the exit has until it answers with what it knows."""


def furnish(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """Write bastion.toml and the vault into the folder, and return the variables that lead bastion there."""
    lines = ["[exit]", f"deadline_s = {round(config['deadline_s'] * DEADLINE_SHARE)}"]
    for account in config["accounts"]:
        fields = {
            "name": account["name"],
            "venue": account["venue"],
            "base_url": account["base_url"],
            "credential": account["name"],
        }
        # JSON's strings are basic strings of TOML.
        lines += ["", "[[account]]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())]
    path = folder / CONFIG_NAME
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    vault = open_vault(Place(home=folder, config=path, vault_key_file=folder / "vault.key"))
    for account in config["accounts"]:
        vault.put(Credential(name=account["name"], fields=paper_credential(account["venue"])))
    return {
        "BASTION_HOME": str(folder),
        "BASTION_CONFIG": str(path),
        "BASTION_VAULT_KEY_FILE": str(folder / "vault.key"),
    }
