"""Troubles: what is recorded of a call that failed; pure."""

from bastion.domain.records import Troubled
from bastion.errors import VenueError
from bastion.exits.progress import Leg
from bastion.exits.sentences import words_of

SURPRISE = "the adapter failed in a way that is not a venue's answer"


def trouble_of(leg: Leg, part: str, error: Exception) -> tuple[str, Troubled | None]:
    """Return what is told of an error, and its record where it is another than the one before it there.

    A countdown is one error, whatever number it has come to.
    """
    code = error.code if isinstance(error, VenueError) else type(error).__name__
    message = str(error) if isinstance(error, VenueError) else SURPRISE
    if isinstance(error, TimeoutError):
        message = "no answer came in time"
    told = [trouble for trouble in leg.troubles if trouble.part == part]
    if told and (told[-1].code, words_of(told[-1].message)) == (code, words_of(message)):
        return message, None
    record = Troubled(exit_id=leg.exit_id, account=leg.account.name, part=part, code=code, message=message)
    return message, record
