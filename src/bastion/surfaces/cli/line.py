"""Line: the command line as the commands without the full tree read it, with the standard library alone."""

import argparse
from typing import NoReturn

from bastion.errors import Refused


class LineParser(argparse.ArgumentParser):
    """An argument parser that raises instead of writing, since with --json the answer is a document."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong as a refusal."""
        raise Refused(f"{message}. `{self.prog} --help` shows what is understood.")
