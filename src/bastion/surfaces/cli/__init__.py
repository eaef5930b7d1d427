"""The command line: `exit` and `status` by the fast path, everything else loaded when it is asked for."""

import importlib
import sys

from bastion.surfaces.cli import fast


def main() -> int:
    """Run `bastion` with the process's arguments and return its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] in (["exit"], ["status"]):
        return fast.run(arguments)
    # The full command tree costs a third of a second, which an emergency does not have.
    tree = importlib.import_module("bastion.surfaces.cli.tree")
    return int(tree.run(arguments))
