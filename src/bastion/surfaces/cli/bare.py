"""Bare: modules of others whose file is run only when something asks for a name in it.

The MCP SDK's package file loads its client, its high-level server and a library of ciphers: some 12 MiB that
no server of ours uses. The HTTP server's loads its own command line. A module below such a package is loaded
as ever.
"""

import importlib
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

MCP = ("mcp", "mcp.server")
SERVER = ("uvicorn", "uvicorn.main")
# Names that are asked for all the same, and the modules where they come from.
_FROM = {"uvicorn": {"Config": "uvicorn.config"}, "uvicorn.main": {"Server": "uvicorn.server"}}


def hold_back(*names: str) -> None:
    """Place these modules without running their files; one that this process has loaded stays as it is.

    A package's parent comes before it.
    """
    for name in names:
        if name in sys.modules:
            continue
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return
        package = module_from_spec(spec)
        sys.modules[name] = package
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, package)
        vars(package)["__getattr__"] = _asked(package)


def _asked(package: ModuleType) -> Any:  # noqa: ANN401 - a module's own hook
    def ask(attribute: str) -> Any:  # noqa: ANN401 - whatever the package has
        name = package.__name__
        source = _FROM.get(name, {}).get(attribute)
        if source is not None:
            return getattr(importlib.import_module(source), attribute)
        # What is below it is loaded by whoever imports it; its own names come with its file.
        is_own = attribute.startswith("__")
        is_below = not is_own and hasattr(package, "__path__") and find_spec(f"{name}.{attribute}")
        if is_own or is_below or "__getattr__" not in vars(package):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        del vars(package)["__getattr__"]
        spec = package.__spec__
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module(package)
        return getattr(package, attribute)

    return ask
