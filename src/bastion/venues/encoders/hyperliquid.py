"""Hyperliquid (Hyperliquid docs, Info endpoint and Exchange endpoint); actions come signed already."""

from collections.abc import Mapping

from bastion.venues.encoders.signed import JSON_HEADERS, Parameters, Signed, document, rooted

_ROOT = "https://api.hyperliquid.xyz"
METHODS: Mapping[str, str] = {"publicPostInfo": "info", "privatePostExchange": "exchange"}


class HyperliquidEncoder:
    """Writes what is to be posted; nothing of it needs the credential."""

    def __init__(self, *, base_url: str | None) -> None:
        self._root = rooted(base_url, _ROOT)

    def encode(self, method: str, params: Parameters, *, stamp_ms: int) -> Signed | None:  # noqa: ARG002 - the nonce is in the action
        """Return the request of ccxt's raw method; None where it is left to ccxt."""
        path = METHODS.get(method)
        if path is None:
            return None
        return Signed(
            method="POST", url=f"{self._root}/{path}", headers=JSON_HEADERS, body=document(params).encode()
        )
