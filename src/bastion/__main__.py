"""`python -m bastion` is the command `bastion`, also where the script is not on the PATH."""

import sys

from bastion.surfaces.cli import main

if __name__ == "__main__":
    sys.exit(main())
