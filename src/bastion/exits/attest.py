"""Attest: what a venue was asked since the last record of it, as the record of the exit at work."""

from bastion.domain.asked import VenueAsked
from bastion.exits.progress import Leg
from bastion.ports import Attesting


def asked_since(venue: Attesting | None, leg: Leg) -> tuple[VenueAsked, ...]:
    """Return one record of all requests since the last call, or nothing where there were none.

    What was asked before an exit began is none of its business: call it once at the beginning.
    """
    calls = venue.asked() if venue is not None else ()
    if not calls:
        return ()
    return (VenueAsked(exit_id=leg.exit_id, account=leg.account.name, run=leg.run, calls=calls),)
