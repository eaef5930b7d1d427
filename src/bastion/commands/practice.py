"""Practice: what is read of the embedded paper exchange is called so wherever it is told."""

from bastion.commands.desk import Desk

PAPER_WORD = "PAPER. "


def said(desk: Desk, sentence: str) -> str:
    """Return a sentence about the accounts, which says first where they are not real."""
    return f"{PAPER_WORD}{sentence}" if desk.paper else sentence
