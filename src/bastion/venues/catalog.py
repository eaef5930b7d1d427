"""Catalog: which venues are supported, and the adapter that each of them gets."""

import hashlib
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from bastion.domain.account import Account
from bastion.domain.venue import GENERIC_SPACE, GENERIC_VENUES, KEY_SPACES
from bastion.errors import ConfigInvalid, VaultUnusable
from bastion.http1.dial import Connect, tcp
from bastion.ports import AccountStream, Clock, Venue
from bastion.shape import dataclass
from bastion.venues.ccxt.door import exchange_class, later
from bastion.venues.ccxt.generic_profile import Profile, profiles
from bastion.venues.ccxt.shelf import Shelf
from bastion.venues.ccxt.wire import VenueKey
from bastion.venues.raw import Answer
from bastion.venues.throttle import Throttle

WALLET_FORM = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One venue. An adapter is named by its module and class, and loaded when an account first needs it."""

    exchange: str | None
    adapter: tuple[str, str]
    pace: str
    hosts: tuple[str, ...] = ()
    others: Mapping[str, tuple[str, tuple[str, str], str]] = field(default_factory=dict)
    needs_passphrase: bool = False
    signs_with_wallet: bool = False


_ENTRIES: Mapping[str, _Entry] = {
    "binance": _Entry(
        exchange="binanceusdm",
        adapter=("ccxt.binance", "BinanceVenue"),
        pace="ccxt.binance",
        others={
            "coinm": ("binancecoinm", ("ccxt.binance_coinm", "BinanceCoinVenue"), "ccxt.binance"),
            "papi": ("binanceusdm", ("ccxt.binance_papi", "BinancePortfolioVenue"), "ccxt.binance_papi"),
        },
        hosts=("demo",),
    ),
    "bybit": _Entry(
        exchange="bybit",
        adapter=("ccxt.bybit", "BybitVenue"),
        pace="ccxt.bybit_pace",
        hosts=("demo", "testnet"),
    ),
    # What signs by a wallet loads three libraries, which takes longer than all of an exit elsewhere.
    "hyperliquid": _Entry(
        exchange="hyperliquid",
        adapter=("ccxt.hyperliquid", "HyperliquidVenue"),
        pace="ccxt.hyperliquid_pace",
        hosts=("testnet",),
        signs_with_wallet=True,
    ),
    "okx": _Entry(
        exchange="okx",
        adapter=("ccxt.okx", "OkxVenue"),
        pace="ccxt.okx_pace",
        hosts=("demo",),
        needs_passphrase=True,
    ),
    # Spoken by its own client: the venue gets no ccxt exchange, and signs nothing.
    "strike": _Entry(exchange=None, adapter=("strike.venue", "StrikeVenue"), pace="strike.venue"),
}

SUPPORTED_VENUES: tuple[str, ...] = tuple(sorted(_ENTRIES))
"""The ids of the venues that an account can name."""

# ccxt's names of what has an adapter of its own here.
_OWN = {"binanceusdm": "binance", "binancecoinm": "binance", "bybit": "bybit", "okx": "okx"}
_OWN |= {"hyperliquid": "hyperliquid"}


def generic_venues() -> tuple[str, ...]:
    """Return ccxt's ids of the exchanges whose profiles let them be accounts by the generic path."""
    return tuple(
        sorted(name for name, profile in profiles().items() if not profile.refused and name not in _OWN)
    )


def refused_venues() -> Mapping[str, str]:
    """Return why ccxt's other exchanges with swaps cannot be accounts, by ccxt's id."""
    refused = {
        name: profile.refused
        for name, profile in profiles().items()
        if profile.refused and name not in _ENTRIES
    }
    own = {
        name: f"it has an adapter of its own: venue {venue}" for name, venue in _OWN.items() if name != venue
    }
    return {**refused, **own}


def exchange_of(account: Account) -> str:
    """Return ccxt's id of the exchange of an account.

    Raises:
        ConfigInvalid: ccxt does not speak to it.
    """
    if account.venue in GENERIC_VENUES:
        return account.venue
    entry = _entry(account.venue)
    exchange = entry.others.get(account.key_space, (entry.exchange, None))[0]
    if exchange is None:
        raise ConfigInvalid(f"Account {account.name!r}: ccxt does not speak to {account.venue}.")
    return exchange


def hosts_of(venue: str) -> tuple[str, ...]:
    """Return the hosts that an account of a supported venue can name.

    Raises:
        ConfigInvalid: the venue is not supported.
    """
    own = profiles()[venue].hosts if venue in GENERIC_VENUES else _entry(venue).hosts
    return ("live", *own)


def default_key_space(venue: str) -> str:
    """Return the key space that an account of this venue has where the configuration names none.

    Raises:
        ConfigInvalid: the venue is not supported.
    """
    if venue in GENERIC_VENUES:
        return GENERIC_SPACE
    _entry(venue)
    return KEY_SPACES[venue][0]


@runtime_checkable
class Keeping(Protocol):
    """An adapter that hands over every raw answer that holds no secret."""

    def keep_answers(self, keep: Callable[[Answer], None]) -> None:
        """Hand over each answer from now on."""
        ...


class Catalog:
    """Builds the adapters of one process; accounts behind one host share that host's limits for an address.

    `shelf_dir` is where contracts are kept between runs; None keeps them in memory only. `connect` is how the
    requests of what ccxt speaks reach a host. `keep` is handed every raw answer that holds no secret.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        shelf_dir: Path | None,
        connect: Connect = tcp,
        keep: Callable[[Answer], None] | None = None,
    ) -> None:
        self._keep = keep
        self._clock = clock
        self._connect = connect
        self._shelf_dir = shelf_dir
        self._addresses: dict[tuple[str, str], Throttle] = {}
        self._shelves: dict[tuple[str, str, str], Shelf] = {}

    def build(self, account: Account, fields: Mapping[str, str]) -> Venue:
        """Return the adapter of an account; `fields` is its credential in ccxt's names (apiKey, secret).

        Nothing is sent, and ccxt is not imported before something is asked that no encoder of ours writes.

        Raises:
            ConfigInvalid: the venue or the key space is not supported, or the credential lacks a field.
        """
        venue = self._built(account, fields)
        if self._keep is not None and isinstance(venue, Keeping):
            venue.keep_answers(self._keep)
        return venue

    def _built(self, account: Account, fields: Mapping[str, str]) -> Venue:
        if account.venue in GENERIC_VENUES:
            return self.generic(account, fields, exchange_id=account.venue)
        entry = _entry(account.venue)
        spaces = KEY_SPACES[account.venue]
        if account.key_space not in spaces:
            raise ConfigInvalid(
                f"Account {account.name!r}: {account.venue} has no key space {account.key_space!r} here; "
                f"supported: {', '.join(spaces)}."
            )
        _host_is_known(account, entry.hosts)
        if entry.exchange is None:
            venue: Venue = _loaded(*entry.adapter)(
                account=account,
                key=_strike_key(account, fields),
                clock=self._clock,
                address=self._address(account, entry),
            )
            return venue
        usual = (entry.exchange, entry.adapter, entry.pace)
        exchange, adapter, _ = entry.others.get(account.key_space, usual)
        signs_with_wallet = entry.signs_with_wallet
        built: Venue = _loaded(*adapter)(
            account=account,
            key=_wallet_key(account, fields) if signs_with_wallet else _venue_key(account, fields, entry),
            clock=self._clock,
            exchange=self._exchange(exchange),
            shelf=self._shelf(account),
            address=self._address(account, entry),
            connect=self._connect,
        )
        return built

    def stream(self, account: Account, fields: Mapping[str, str]) -> AccountStream | None:
        """Return the private stream of an account whose adapter was built; None where it has none here."""
        # Only a standing process listens; an exit that starts cold does not pay for the library.
        if account.venue not in _ENTRIES:
            return None
        address = self._address(account, _entry(account.venue))
        stream: AccountStream | None = _loaded("streams.client", "stream_of")(
            account, fields, clock=self._clock, address=address
        )
        return stream

    def generic(self, account: Account, fields: Mapping[str, str], *, exchange_id: str) -> Venue:
        """Return the adapter by ccxt's unified methods alone, for an exchange of that id of ccxt.

        Raises:
            ConfigInvalid: the exchange is refused, or the credential lacks a field that it needs.
        """
        profile = _profile(exchange_id)
        missing = [name for name in profile.credential if not fields.get(name)]
        if missing:
            raise VaultUnusable(
                f"Account {account.name!r}: {account.venue} needs {', '.join(profile.credential)}, and the "
                f"credential lacks {', '.join(missing)}; store it with "
                f"`bastion vault put {account.credential} --from-stdin`."
            )
        _host_is_known(account, profile.hosts)
        venue: Venue = _loaded("ccxt.generic", "GenericVenue")(
            account=account,
            profile=profile,
            fields={name: fields[name] for name in profile.credential},
            clock=self._clock,
            exchange=exchange_class(exchange_id),
            shelf_path=self._shelf_path(account),
            connect=self._connect,
        )
        return venue

    def _exchange(self, name: str) -> Any:  # noqa: ANN401 - ccxt ships no types
        return later(name)

    def _address(self, account: Account, entry: _Entry) -> Throttle:
        # A key space with endpoints of its own has limits of its own.
        other = entry.others.get(account.key_space)
        family, pace = ("", entry.pace) if other is None else (account.key_space, other[2])
        place = (f"{account.venue}{family}", _place(account))
        if place not in self._addresses:
            fresh = self._addresses[place] = Throttle(self._clock, _loaded(pace, "ADDRESS_LIMITS"))
            self._keep_count(account, pace, fresh)
            self._keep_silence(account, fresh)
        return self._addresses[place]

    def _keep_count(self, account: Account, pace: str, address: Throttle) -> None:
        names, path = getattr(_module(pace), "KEPT_COUNTS", ()), self._shelf_path(account)
        if not names or path is None:
            return
        used = path.with_name(f"{path.stem}-used{path.suffix}")
        count = _loaded("ccxt.kept_count", "KeptCount")(used, address, self._clock, names)
        count.load()
        address.saved_by(count.save)

    def _keep_silence(self, account: Account, address: Throttle) -> None:
        path = self._shelf_path(account)
        if path is not None:
            silent = path.with_name(f"{path.stem}-silence{path.suffix}")
            _loaded("ccxt.kept_silence", "KeptSilence")(silent, address, self._clock).load()

    def _shelf(self, account: Account) -> Shelf:
        place = (account.venue, account.key_space, _place(account))
        if place not in self._shelves:
            self._shelves[place] = Shelf(self._shelf_path(account), self._clock)
        return self._shelves[place]

    def _shelf_path(self, account: Account) -> Path | None:
        if self._shelf_dir is None:
            return None
        # Another host, such as a test network or a paper exchange, has contracts of its own.
        host = hashlib.sha256(_place(account).encode()).hexdigest()[:12]
        return self._shelf_dir / f"{account.venue}-{account.key_space}-{host}.json"


def _venue_key(account: Account, fields: Mapping[str, str], entry: _Entry) -> VenueKey:
    if not fields.get("apiKey") or not fields.get("secret"):
        raise VaultUnusable(
            f"Account {account.name!r}: {account.venue} needs api_key and secret; store them with "
            f"`bastion vault put {account.credential} --from-stdin`."
        )
    if entry.needs_passphrase and not fields.get("password"):
        raise VaultUnusable(
            f"Account {account.name!r}: {account.venue} needs a passphrase beside api_key and secret; "
            f"store them with `bastion vault put {account.credential} --from-stdin`."
        )
    return VenueKey(api_key=fields["apiKey"], secret=fields["secret"], password=fields.get("password", ""))


def _loaded(module: str, name: str) -> Any:  # noqa: ANN401 - of a module loaded late
    return getattr(_module(module), name)


def _module(name: str) -> Any:  # noqa: ANN401 - as above
    return importlib.import_module(f"bastion.venues.{name}")


def _wallet_key(account: Account, fields: Mapping[str, str]) -> Any:  # noqa: ANN401 - of a module loaded late
    wallet, private_key = fields.get("walletAddress", ""), fields.get("privateKey", "")
    if not WALLET_FORM.fullmatch(wallet) or not _loaded("ccxt.hyperliquid_signing", "is_private_key")(
        private_key
    ):
        raise VaultUnusable(
            f"Account {account.name!r}: {account.venue} needs wallet_address, the account's own address (0x "
            "and 40 hex digits), and private_key, that of an agent (64 hex digits); store them with "
            f"`bastion vault put {account.credential} --from-stdin`."
        )
    return _loaded("ccxt.hyperliquid_signing", "WalletKey")(wallet=wallet, private_key=private_key)


def _strike_key(account: Account, fields: Mapping[str, str]) -> Any:  # noqa: ANN401 - as above
    wallet = fields.get("walletAddress", "")
    if not WALLET_FORM.fullmatch(wallet) or not (fields.get("apiKey") or fields.get("accessToken")):
        raise VaultUnusable(
            f"Account {account.name!r}: strike needs wallet_address (0x and 40 hex digits) and api_key "
            f"or access_token; store them with `bastion vault put {account.credential} --from-stdin`."
        )
    return _loaded("strike.wire", "StrikeKey")(
        wallet=wallet.lower(),
        api_key=fields.get("apiKey", ""),
        access_token="" if fields.get("apiKey") else fields.get("accessToken", ""),
        identity_token=fields.get("identityToken", ""),
    )


def _place(account: Account) -> str:
    # The live host is the empty word, as it was before others could be named.
    return account.base_url or ("" if account.host == "live" else account.host)


def _host_is_known(account: Account, hosts: Sequence[str]) -> None:
    if account.host not in {"live", *hosts}:
        raise ConfigInvalid(
            f"Account {account.name!r}: {account.venue} has no host {account.host!r}; "
            f"it has: {', '.join(('live', *hosts))}."
        )


def _profile(exchange_id: str) -> Profile:
    profile = profiles().get(exchange_id)
    if profile is None or profile.refused:
        why = "ccxt has no swaps there" if profile is None else profile.refused
        raise ConfigInvalid(f"The venue {exchange_id[:40]!r} cannot be an account: {why}.")
    return profile


def _entry(venue: str) -> _Entry:
    entry = _ENTRIES.get(venue)
    if entry is None and venue in refused_venues():
        raise ConfigInvalid(f"The venue {venue!r} cannot be an account: {refused_venues()[venue]}.")
    if entry is None:
        raise ConfigInvalid(
            f"The venue {venue[:40]!r} is not supported; supported venues: {', '.join(SUPPORTED_VENUES)}."
        )
    return entry
