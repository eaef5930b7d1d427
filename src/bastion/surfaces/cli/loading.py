"""Loading: a part of the command line, when it is asked for."""

import gc
import importlib
from typing import Any


def load(module: str) -> Any:  # noqa: ANN401 - a module
    """Return a module of the command line, with all that it imports.

    What is loaded stays: to look for garbage in it, while it is loaded and ever after, would be a tenth of a
    start.
    """
    gc.disable()
    try:
        return importlib.import_module(f"bastion.surfaces.cli.{module}")
    finally:
        gc.freeze()
        gc.enable()
