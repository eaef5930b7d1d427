"""Ports: all that the desk needs of the world, in one place."""

from bastion.ports.clock import Clock
from bastion.ports.offers import offers
from bastion.ports.placing import Announcing, Queueing, Singly, Warming
from bastion.ports.storage import Auditor, ExitLock, Journal, KeyStore, Notary, RepeatStore
from bastion.ports.venue import (
    Accounting,
    AccountStream,
    Attesting,
    Deferring,
    Funded,
    Gathering,
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
    "Announcing",
    "Attesting",
    "Auditor",
    "Clock",
    "Deferring",
    "ExitLock",
    "Funded",
    "Gathering",
    "Glancing",
    "Hastening",
    "Journal",
    "KeyStore",
    "Metered",
    "Notary",
    "Patient",
    "Picturing",
    "Protecting",
    "Queueing",
    "Quoting",
    "Refunding",
    "RepeatStore",
    "Rereading",
    "Singly",
    "Sizing",
    "Sparing",
    "Venue",
    "Warming",
    "offers",
]
