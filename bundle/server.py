"""Server: what a bundle's host starts; `bastion mcp` with what the user filled in."""

import os
import sys

from bastion.surfaces.cli import main

NAMES = ("BASTION_API_KEY", "BASTION_CONFIG", "BASTION_VAULT_KEY_FILE", "BASTION_HOME")


def forget_what_was_left_empty() -> None:
    """Unset the variables of fields that the user left empty: hosts pass them empty, or unfilled."""
    for name in NAMES:
        value = os.environ.get(name, "")
        if not value.strip() or value.startswith("${"):
            os.environ.pop(name, None)


if __name__ == "__main__":
    forget_what_was_left_empty()
    sys.argv = ["bastion", "mcp"]
    sys.exit(main())
