"""Place: where this user's files are, found by the standard library alone: an emergency asks first."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bastion.shape import dataclass

CONFIG_NAME = "bastion.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where this user's files are; `home` holds the state, `config` None means the embedded exchange."""

    home: Path
    config: Path | None
    vault_key_file: Path


def find_place(*, config: Path | None, environment: Mapping[str, str] = os.environ) -> Place:
    """Return the places that the command line and the environment name.

    BASTION_HOME is the state directory (default: the platform's user data directory), BASTION_CONFIG the
    configuration (default: bastion.toml in the state directory, where there is one), BASTION_VAULT_KEY_FILE
    the vault's key file (default: vault.key in the state directory).
    """
    named_home = environment.get("BASTION_HOME")
    home = Path(named_home).expanduser() if named_home else _user_data_directory(environment)
    named_config = environment.get("BASTION_CONFIG")
    if config is None and named_config:
        config = Path(named_config).expanduser()
    if config is None and (home / CONFIG_NAME).is_file():
        config = home / CONFIG_NAME
    named_key = environment.get("BASTION_VAULT_KEY_FILE")
    return Place(
        home=home.absolute(),
        config=None if config is None else config.absolute(),
        vault_key_file=(Path(named_key).expanduser() if named_key else home / "vault.key").absolute(),
    )


def _user_data_directory(environment: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "bastion"
    named = environment.get("XDG_DATA_HOME")
    return (Path(named) if named else Path.home() / ".local" / "share") / "bastion"
