"""The chain: what confirms that a deposit or withdrawal really happened."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A claimed transfer of USDC to or from the venue; `amount` is micro-USD."""

    wallet: str
    amount: int
    tx_hash: str


class ChainVerifier(Protocol):
    """Asks a chain about a transfer."""

    async def block_of(self, transfer: Transfer) -> int | None:
        """The number of the block that holds the transfer; None when the chain does not confirm it."""
        ...


class EmbeddedChain:
    """The embedded venue's own chain: play money, so every well-formed transfer is confirmed.

    The block number follows from the hash, so that a repeated request gets the same answer.
    """

    async def block_of(self, transfer: Transfer) -> int | None:
        """A block number between 0 and 2^32 - 1, always the same for one transaction hash."""
        return int(transfer.tx_hash[2:10], 16)
