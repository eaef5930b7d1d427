"""Bare: packages of others whose own file is run only when something asks for a name in it.

The MCP SDK's package file loads its client, its high-level server and a library of ciphers: some 12 MiB that
no server of ours uses. A module below such a package is loaded as ever.
"""

import importlib.util
import sys
from types import ModuleType
from typing import Any

MCP = ("mcp", "mcp.server")


def hold_back(*names: str) -> None:
    """Place these packages without running their files; one that this process has loaded stays as it is.

    A package's parent comes before it.
    """
    for name in names:
        if name in sys.modules:
            continue
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, package)
        vars(package)["__getattr__"] = _asked(package)


def _asked(package: ModuleType) -> Any:  # noqa: ANN401 - a module's own hook
    def ask(attribute: str) -> Any:  # noqa: ANN401 - whatever the package has
        name = package.__name__
        # What is below it is loaded by whoever imports it; its own names come with its file.
        is_below = not attribute.startswith("__") and importlib.util.find_spec(f"{name}.{attribute}")
        if attribute.startswith("__") or is_below or "__getattr__" not in vars(package):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        del vars(package)["__getattr__"]
        spec = package.__spec__
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module(package)
        return getattr(package, attribute)

    return ask
