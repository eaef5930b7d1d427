"""Runs the paper exchange: `python -m bastion.paper`."""

import sys

from bastion.paper.server.main import main

if __name__ == "__main__":
    sys.exit(main())
