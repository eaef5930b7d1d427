"""Door: the one place where ccxt is imported, one exchange at a time.

Importing any ccxt exchange the plain way runs the two package files, which import every exchange twice
(about 2 s and 100 MiB). In a process that has not imported ccxt yet, bare package objects are placed first,
so that the submodules resolve alone.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from bastion.errors import ConfigInvalid

_PACKAGES = ("ccxt", "ccxt.async_support", "ccxt.pro")


def exchange_class(exchange_id: str) -> Any:  # noqa: ANN401 - ccxt ships no types
    """Return ccxt's asynchronous class of one exchange, importing no other exchange where that is possible.

    A process that has imported ccxt the plain way keeps its packages as they are.

    Raises:
        ConfigInvalid: the installed ccxt lacks this exchange, or ccxt is not installed.
    """
    if "ccxt" not in sys.modules:
        _place_bare_packages()
    try:
        module = importlib.import_module(f"ccxt.async_support.{exchange_id}")
    except ImportError as error:
        raise ConfigInvalid(
            f"The installed ccxt has no exchange {exchange_id!r}; install ccxt 4.5.90 or a later 4.5 release."
        ) from error
    return getattr(module, exchange_id)


def exchange_ids() -> tuple[str, ...]:
    """Return the ids of all exchanges of the installed ccxt, without importing one.

    Raises:
        ConfigInvalid: ccxt is not installed.
    """
    root = importlib.util.find_spec("ccxt")
    if root is None or not root.submodule_search_locations:
        raise ConfigInvalid("ccxt is not installed; install bastion with its dependencies.")
    places = [f"{place}/async_support" for place in root.submodule_search_locations]
    found = {module.name for module in pkgutil.iter_modules(places) if not module.ispkg}
    return tuple(sorted(found - {"base"}))


class Later:
    """An exchange class of ccxt that is imported when it is first needed; `__name__` is ccxt's id of it."""

    def __init__(self, name: str, load: Callable[[], Any]) -> None:
        self.__name__ = name
        self.load = load


def later(exchange_id: str) -> Later:
    """Return ccxt's asynchronous class of one exchange, not yet imported."""
    return Later(exchange_id, lambda: exchange_class(exchange_id))


def loaded(exchange: Any) -> Any:  # noqa: ANN401 - ccxt ships no types
    """Return the class itself, imported now where it was put off.

    Raises:
        ConfigInvalid: as `exchange_class`.
    """
    return exchange.load() if isinstance(exchange, Later) else exchange


def _place_bare_packages() -> None:
    root = importlib.util.find_spec("ccxt")
    if root is None or not root.submodule_search_locations:
        raise ConfigInvalid("ccxt is not installed; install bastion with its dependencies.")
    places = list(root.submodule_search_locations)
    for name in _PACKAGES:
        package = ModuleType(name)
        inner = name.partition(".")[2]
        package.__path__ = [f"{place}/{inner}" if inner else place for place in places]
        package.__package__ = name
        sys.modules[name] = package
    for name in _PACKAGES[1:]:
        setattr(sys.modules["ccxt"], name.partition(".")[2], sys.modules[name])
    errors = importlib.import_module("ccxt.base.errors")
    exchange = importlib.import_module("ccxt.base.exchange")
    names = {name: getattr(errors, name) for name in errors.__all__ if hasattr(errors, name)}
    names |= {"Exchange": exchange.Exchange, "__version__": exchange.__version__}
    # Code inside ccxt reaches for these on the package itself.
    for name, value in names.items():
        setattr(sys.modules["ccxt"], name, value)
