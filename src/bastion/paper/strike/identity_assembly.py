"""The identity layer put together: one value that a wire needs to know who calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bastion.paper.clock import Clock
from bastion.paper.strike.identity import Authenticator
from bastion.paper.strike.identity_issuer import TokenIssuer
from bastion.paper.strike.identity_jwks import Fetch, KeyCache, KeyCacheTimes, fetch_over_http
from bastion.paper.strike.identity_keys import ApiKeys
from bastion.paper.strike.identity_links import WalletLinks
from bastion.paper.strike.identity_store import IdentityStore
from bastion.paper.strike.identity_tokens import TokenVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivySettings:
    """A Privy application whose tokens are accepted, and where its verification keys are published."""

    application: str
    keys_url: str
    times: KeyCacheTimes = field(default_factory=KeyCacheTimes)
    leeway_s: int = 10

    @classmethod
    def hosted(cls, application: str) -> "PrivySettings":
        """The application as Privy itself publishes it."""
        url = f"https://auth.privy.io/api/v1/apps/{application}/jwks.json"
        return cls(application=application, keys_url=url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Keys, wallet links and the decision who calls; `close` writes what is still in memory."""

    keys: ApiKeys
    links: WalletLinks
    authenticator: Authenticator
    store: IdentityStore

    def close(self) -> None:
        """Write the use counts of keys and close the records."""
        self.keys.flush()
        self.store.close()


def open_identity(
    *,
    clock: Clock,
    path: str = ":memory:",
    service_keys: Sequence[str] = (),
    privy: PrivySettings | None = None,
    issuer: TokenIssuer | None = None,
) -> Identity:
    """The identity layer on the records at `path`.

    Tokens are accepted of the Privy application, or of our own issuer, or (with neither) of nobody.

    Raises:
        ValueError: A service key is too short, or both token sources are named.
    """
    if privy is not None and issuer is not None:
        raise ValueError("name a Privy application or an issuer of our own, not both")
    tokens: TokenVerifier | None = None
    if privy is not None:
        fetch = fetch_over_http(privy.keys_url, deadline_s=privy.times.deadline_s)
        keys = KeyCache(fetch=fetch, clock=clock, times=privy.times)
        tokens = TokenVerifier(application=privy.application, keys=keys, clock=clock, leeway_s=privy.leeway_s)
    elif issuer is not None:
        keys = KeyCache(fetch=_own_keys(issuer), clock=clock)
        tokens = TokenVerifier(application=issuer.application, keys=keys, clock=clock)
    store = IdentityStore(path)
    api_keys = ApiKeys(store=store, clock=clock, service_keys=service_keys)
    links = WalletLinks(store)
    authenticator = Authenticator(keys=api_keys, links=links, tokens=tokens)
    return Identity(keys=api_keys, links=links, authenticator=authenticator, store=store)


def _own_keys(issuer: TokenIssuer) -> Fetch:
    async def fetch() -> bytes:
        return issuer.key_document()

    return fetch
