"""Proof: what came of opening a smallest position at a venue's own host and exiting it."""

from decimal import Decimal

from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One run of `bastion venues prove`, at its beginning or its end.

    `at` is UTC as text with Z; `verdict` is empty where the run has not ended, or was broken off. `seen`
    says whether the venue showed the position before the exit. Only a run that saw it and ended FLAT proves
    anything. `elsewhere` says that the account named a host of its own (`base_url`) under that word.
    """

    at: str
    account: str
    venue: str
    key_space: str
    host: str
    symbol: str
    quantity: Decimal
    notional_usd: Decimal
    seen: bool = False
    verdict: str = ""
    exit_id: str = ""
    note: str = ""
    elsewhere: bool = False

    @property
    def good(self) -> bool:
        """Whether the position was seen and the exit of it ended FLAT."""
        return self.seen and self.verdict == "FLAT"
