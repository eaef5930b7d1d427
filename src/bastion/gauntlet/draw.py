"""Draw: figures of a scenario from a seed, the same on every machine and in every order of asking."""

import hashlib

from bastion.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The figures of one scenario at one venue: what is drawn depends on the names alone."""

    seed: int
    scenario: str
    venue: str

    def whole(self, name: str, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`, both included."""
        text = f"{self.seed}/{self.scenario}/{self.venue}/{name}"
        drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return least + drawn % (most - least + 1)
