"""Stream: what a venue's private stream tells of an account: that something changed, never what is true."""

from enum import StrEnum


class Heard(StrEnum):
    """One thing that was heard on a private stream."""

    OPENED = "opened"
    """Everything is subscribed: what changes from now on is told."""
    ALIVE = "alive"
    """The venue answered, and told of no change."""
    CHANGED = "changed"
    """Something of the account changed: a position, an order, an execution, its money."""
