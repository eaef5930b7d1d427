"""Statements: the SQL of the ledger, read from its files once."""

from importlib.resources import files
from typing import Final

_ROOT: Final = files("bastion.paper.strike").joinpath("sql")


def statement(folder: str, name: str) -> str:
    """Read one statement; `folder` is a dialect or "both"."""
    return _ROOT.joinpath(folder, f"{name}.sql").read_text(encoding="utf-8").strip()
