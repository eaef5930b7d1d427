"""Store: the port to the ledger's database."""

from typing import Protocol


class Store(Protocol):
    """A database that holds one venue."""
