"""Identity: from the credentials of one request to the wallet that acts, or the reason why nobody does.

Two schemes are live (interface, section 2): a Privy access token, whose user is mapped to wallets by an
identity token or the local table, and API keys, personal or of the operator's own services. When both are
sent, both must be valid and name the same wallet.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bastion.paper.strike.identity_keys import ApiKeys, KeyState
from bastion.paper.strike.identity_links import WalletLinks
from bastion.paper.strike.identity_tokens import TokenKind, TokenRefused, TokenVerifier

_WALLET: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([^ ]+)")


def wallet_address(text: str) -> str | None:
    """The lower-case form of an address (`0x` and 40 hexadecimal digits); None for other text."""
    return text.lower() if _WALLET.fullmatch(text) is not None else None


class Denial(Enum):
    """Why a request has no principal; the value is the message that the client sees."""

    NO_CREDENTIAL = "Authorization header missing"
    BAD_TOKEN = "Invalid or expired token"  # noqa: S105 - a message, not a credential
    NO_WALLET = "No wallet is linked to this user; send a privy-id-token header once"
    NO_KEY = "No API key provided"
    BAD_KEY_FORMAT = "Invalid API key format"
    BAD_KEY = "Invalid API key"
    NO_SERVICE_WALLET = "Service key requires wallet address"
    BAD_WALLET = "Invalid wallet address format"
    CONFLICT = "Credentials do not belong to the same wallet"


class Unauthenticated(Exception):  # noqa: N818 - a refusal is no defect
    """The request proves nobody; `denial` says why in words fit for the client."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.value)
        self.denial = denial


class Scheme(Enum):
    """How the principal proved itself."""

    PRIVY = "privy"
    PERSONAL = "personal"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The credential headers of one request, each as often as it was sent."""

    authorization: tuple[str, ...] = ()
    identity_token: tuple[str, ...] = ()
    api_key: tuple[str, ...] = ()
    wallet: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Credentials(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts: `wallet` trades and is limited; positions of any of `wallets` are the caller's own."""

    wallet: str
    wallets: frozenset[str]
    scheme: Scheme


class Authenticator:
    """Decides who is calling. Without a token verifier only API keys are accepted."""

    def __init__(self, *, keys: ApiKeys, links: WalletLinks, tokens: TokenVerifier | None = None) -> None:
        self._keys = keys
        self._links = links
        self._tokens = tokens

    async def principal(self, credentials: Credentials) -> Principal:
        """The caller, by every credential that was sent. Raises Unauthenticated."""
        by_key = self.by_key(credentials) if credentials.api_key else None
        if not credentials.authorization:
            if by_key is None:
                raise Unauthenticated(Denial.NO_CREDENTIAL)
            return by_key
        wallets = await self._wallets_by_token(credentials)
        if by_key is not None:
            if by_key.wallet not in wallets:
                raise Unauthenticated(Denial.CONFLICT)
            return by_key
        chosen = _one_wallet(credentials) or wallets[0]
        if chosen not in wallets:
            raise Unauthenticated(Denial.CONFLICT)
        return Principal(wallet=chosen, wallets=frozenset(wallets), scheme=Scheme.PRIVY)

    def by_key(self, credentials: Credentials) -> Principal:
        """The caller by the API key alone, as the key's own routes want it. Raises Unauthenticated."""
        if not credentials.api_key:
            raise Unauthenticated(Denial.NO_KEY)
        if len(credentials.api_key) > 1:
            raise Unauthenticated(Denial.BAD_KEY_FORMAT)
        checked = self._keys.check(credentials.api_key[0])
        if checked.state is KeyState.MALFORMED:
            raise Unauthenticated(Denial.BAD_KEY_FORMAT)
        if checked.state is KeyState.SERVICE:
            wallet = _one_wallet(credentials)
            if wallet is None:
                raise Unauthenticated(Denial.NO_SERVICE_WALLET)
            return Principal(wallet=wallet, wallets=frozenset((wallet,)), scheme=Scheme.SERVICE)
        if checked.record is None:
            raise Unauthenticated(Denial.BAD_KEY)
        wallet = checked.record.wallet
        if _one_wallet(credentials) not in (None, wallet):
            raise Unauthenticated(Denial.CONFLICT)
        return Principal(wallet=wallet, wallets=frozenset((wallet,)), scheme=Scheme.PERSONAL)

    async def _wallets_by_token(self, credentials: Credentials) -> tuple[str, ...]:
        bearer = _BEARER.fullmatch(credentials.authorization[0])
        if self._tokens is None or bearer is None or len(credentials.authorization) > 1:
            raise Unauthenticated(Denial.BAD_TOKEN)
        try:
            subject = (await self._tokens.verify(bearer.group(1), TokenKind.ACCESS)).subject
            for token in credentials.identity_token:
                claims = await self._tokens.verify(token, TokenKind.IDENTITY)
                if claims.subject != subject:
                    raise Unauthenticated(Denial.BAD_TOKEN)
                self._links.learn(subject=subject, wallets=claims.wallets, verified_at_s=claims.issued_at)
        except TokenRefused as refused:
            raise Unauthenticated(Denial.BAD_TOKEN) from refused
        wallets = self._links.wallets(subject)
        if not wallets:
            raise Unauthenticated(Denial.NO_WALLET)
        return wallets


def _one_wallet(credentials: Credentials) -> str | None:
    if not credentials.wallet:
        return None
    wallet = wallet_address(credentials.wallet[0])
    if wallet is None or len(credentials.wallet) > 1:
        raise Unauthenticated(Denial.BAD_WALLET)
    return wallet
