"""Ports: all that the desk needs of the world, in one place."""

from bastion.ports.clock import Clock
from bastion.ports.offers import offers
from bastion.ports.storage import Auditor, ExitLock, Journal, KeyStore, Notary, RepeatStore
from bastion.ports.venue import (
    Accounting,
    AccountStream,
    Acknowledging,
    Attesting,
    Deferring,
    Funded,
    Glancing,
    Hastening,
    Metered,
    Patient,
    Picturing,
    Protecting,
    Quoting,
    Refunding,
    Rereading,
    Sizing,
    Sparing,
    Venue,
)

__all__ = [
    "AccountStream",
    "Accounting",
    "Acknowledging",
    "Attesting",
    "Auditor",
    "Clock",
    "Deferring",
    "ExitLock",
    "Funded",
    "Glancing",
    "Hastening",
    "Journal",
    "KeyStore",
    "Metered",
    "Notary",
    "Patient",
    "Picturing",
    "Protecting",
    "Quoting",
    "Refunding",
    "RepeatStore",
    "Rereading",
    "Sizing",
    "Sparing",
    "Venue",
    "offers",
]
