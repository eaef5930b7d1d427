"""The command line: each command loads what it needs when it is asked for, and `exit` needs the least."""

import sys

from bastion.surfaces.cli.loading import load

FAST = {
    "exit": "quick",
    "halt": "quick",
    "status": "quick",
    "positions": "quick",
    "demo": "opening",
    "gauntlet": "gauntlet",
    "up": "staying",
    "mcp": "staying",
}


def main() -> int:
    """Run `bastion` with the process's arguments and return its exit code."""
    arguments = sys.argv[1:]
    # The full command tree costs a third of a second, which an emergency does not have, and 6 MiB.
    door = FAST.get(arguments[0], "tree") if arguments else "tree"
    return int(load(door).run(arguments))
