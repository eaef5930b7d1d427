"""Worked: an account that is worked on, as far as who talks to its venue must know it."""

from typing import Protocol

from bastion.domain.records import Record
from bastion.exits.pace import Pace
from bastion.exits.progress import Leg


class Worked(Protocol):
    """An account that is worked on, as far as the courier must know it."""

    @property
    def leg(self) -> Leg:
        """The leg on which is planned now."""
        ...

    @property
    def pace(self) -> Pace:
        """What was sent and answered, and what must wait."""
        ...

    @property
    def alone(self) -> bool:
        """Whether one exit alone is at work on it."""
        ...

    def note(self, *records: Record) -> None:
        """Take records in, and hand them to the journals."""
        ...

    async def commit(self, record: Record) -> None:
        """As `note`, and wait within the budget until it is durable."""
        ...
