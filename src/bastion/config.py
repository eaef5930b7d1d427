"""Config: one TOML file that names the accounts and how to exit them; it never holds a secret."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bastion.auth.vault import NAME_FORM
from bastion.domain.account import Account
from bastion.domain.refund import RefundPolicy
from bastion.domain.venue import GENERIC_VENUES, HOSTS, KEY_SPACE_DEFAULT, KEY_SPACES, key_spaces
from bastion.engine.settings import EngineSettings, GuardLimits
from bastion.errors import ConfigInvalid
from bastion.exits.settings import IOC_BOUND_MOST, IOC_BOUNDS, IOC_BOUNDS_COUNT_MAX, LADDER, LadderLimits
from bastion.shape import dataclass

ACCOUNTS_MAX = 200
FILE_BYTES_MAX = 1_000_000
DEADLINE_S_DEFAULT, DEADLINE_S_MAX = Decimal(60), Decimal(3_600)
HOLD_S_DEFAULT, HOLD_S_MAX = Decimal(60), Decimal(86_400)
RECENT_S_DEFAULT, RECENT_S_MAX = Decimal(30), Decimal(60)
COMMIT_MS_DEFAULT, COMMIT_MS_MAX = 20, 10_000

# Where a position's original margin can be had back.
REFUND_VENUES = ("strike",)
REFUND_TRIES_DEFAULT = 3
REFUND_TRIES_MAX = 100
REFUND_S_DEFAULT = Decimal(10)
TRADING_A_MINUTE_MAX = 10_000

_TOP = ("account", "engine", "exit", "vault")
_ACCOUNT = (
    *("name", "venue", "host", "base_url", "ws_url", "credential", "key_space"),
    *("refund", "trading_a_minute", "prove"),
)
_EXIT = (
    "deadline_s",
    "hold_s",
    "intent_commit_budget_ms",
    "refund_after_tries",
    "refund_after_s",
    *("recent_look_s", "streams"),
    *LADDER,
    IOC_BOUNDS,
)
_VAULT = ("path",)
# The engine's own settings, each with its least and its most; guards' limits are percentages.
ENGINE_SECONDS = {"poll_s": (1, 3_600), "near_poll_s": (1, 3_600), "warm_up_s": (0, 3_600)}
ENGINE_WHOLE = {"advice_s": 86_400, "confirm_reads": 100, "acts_a_day_max": 1_000}
PCT_LEAST = Decimal("0.1")
ENGINE_PCT = (
    "drawdown_warn_pct",
    "drawdown_high_pct",
    "drawdown_exit_pct",
    "drawdown_fast_pct",
    "drawdown_clear_pct",
    "liquidation_warn_pct",
    "liquidation_exit_pct",
    "liquidation_clear_pct",
)
_ENGINE = (*ENGINE_SECONDS, *ENGINE_WHOLE, *ENGINE_PCT, "act_advice")
_SECRET_WORDS = ("secret", "apikey", "apisecret", "privatekey", "passphrase", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the file says. `path` is None where there is no file: the embedded paper exchange is then used.

    `deadline_s` is when an exit answers at the latest; `hold_s` how long a standing process keeps looking
    after FLAT, in seconds. The first orders wait at most `intent_commit_budget_ms` for the journal, and go by
    a look at most `recent_look_s` old (zero: an exit looks first); `streams` lets a standing process listen.
    A margin refund is the last rung only after `refund_after_tries` refused rounds and `refund_after_s`;
    `ladder` holds the time and the bound of the rungs before it, `engine` the engine's rhythm and limits.
    """

    path: Path | None
    accounts: tuple[Account, ...] = ()
    deadline_s: Decimal = DEADLINE_S_DEFAULT
    hold_s: Decimal = HOLD_S_DEFAULT
    recent_look_s: Decimal = RECENT_S_DEFAULT
    streams: bool = True
    intent_commit_budget_ms: int = COMMIT_MS_DEFAULT
    refund_after_tries: int = REFUND_TRIES_DEFAULT
    refund_after_s: Decimal = REFUND_S_DEFAULT
    ladder: LadderLimits = field(default_factory=LadderLimits)
    vault_path: Path | None = None
    engine: EngineSettings = field(default_factory=EngineSettings)

    @property
    def embedded(self) -> bool:
        """Whether no account is configured, so that the embedded paper exchange stands in."""
        return not self.accounts


def read_config(path: Path) -> Config:
    """Return what the file says.

    Raises:
        ConfigInvalid: it cannot be read, or says something that bastion does not know; the text names the
            place in the file and what is allowed there.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ConfigInvalid(f"{path}: larger than {FILE_BYTES_MAX} bytes; this is no configuration.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigInvalid(f"{path}: cannot be read: {reason}.") from error
    return parse_config(text, path=path)


def parse_config(text: str, *, path: Path) -> Config:
    """Return what the text says; relative paths in it are taken from the folder of `path`.

    Raises:
        ConfigInvalid: as `read_config`.
    """
    try:
        # Floats are read as text, so that no binary rounding gets into a setting.
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(f"{path}: not valid TOML: {error}.") from None
    reader = _Reader(path)
    reader.known(document, allowed=_TOP, where="")
    entries = document.get("account", [])
    if not isinstance(entries, list):
        raise reader.wrong("account", "must be written as [[account]], once for each account")
    if not entries:
        raise reader.wrong(
            "account", "no [[account]] is configured; without accounts there is nothing to exit"
        )
    if len(entries) > ACCOUNTS_MAX:
        raise reader.wrong("account", f"at most {ACCOUNTS_MAX} accounts")
    accounts = tuple(reader.account(entry, where=f"account[{at}]") for at, entry in enumerate(entries))
    names = [account.name for account in accounts]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise reader.wrong(f"account[{at}].name", f"the name {name!r} is used twice")
    exit_table = reader.table(document, "exit", allowed=_EXIT)
    engine_table = reader.table(document, "engine", allowed=_ENGINE)
    vault_path = reader.text(reader.table(document, "vault", allowed=_VAULT), "path", where="vault")
    return Config(
        path=path,
        accounts=accounts,
        deadline_s=reader.seconds(
            exit_table, "deadline_s", least=Decimal(1), most=DEADLINE_S_MAX, default=DEADLINE_S_DEFAULT
        ),
        hold_s=reader.seconds(
            exit_table, "hold_s", least=Decimal(0), most=HOLD_S_MAX, default=HOLD_S_DEFAULT
        ),
        recent_look_s=reader.seconds(
            exit_table, "recent_look_s", least=Decimal(0), most=RECENT_S_MAX, default=RECENT_S_DEFAULT
        ),
        streams=reader.flag(exit_table, "streams", where="exit", default=True),
        intent_commit_budget_ms=reader.whole(
            exit_table, "intent_commit_budget_ms", where="exit", most=COMMIT_MS_MAX, default=COMMIT_MS_DEFAULT
        ),
        refund_after_tries=reader.whole(
            exit_table,
            "refund_after_tries",
            where="exit",
            most=REFUND_TRIES_MAX,
            default=REFUND_TRIES_DEFAULT,
        ),
        refund_after_s=reader.seconds(
            exit_table, "refund_after_s", least=Decimal(0), most=DEADLINE_S_MAX, default=REFUND_S_DEFAULT
        ),
        ladder=_ladder(reader, exit_table),
        engine=_engine(reader, engine_table),
        vault_path=None if vault_path is None else (path.parent / Path(vault_path).expanduser()).resolve(),
    )


def _ladder(reader: "_Reader", table: Mapping[str, object]) -> LadderLimits:
    given = LadderLimits()
    # `Any` stands for what each field's own check has found; the names are those of the class.
    values: dict[str, Any] = {
        name: reader.number(table, name, where="exit", least=least, most=most, default=getattr(given, name))
        for name, (least, most) in LADDER.items()
    }
    bounds = table.get(IOC_BOUNDS, list(given.ioc_bounds_pct))
    if not isinstance(bounds, list) or len(bounds) > IOC_BOUNDS_COUNT_MAX:
        raise reader.wrong(f"exit.{IOC_BOUNDS}", f"must be a list of at most {IOC_BOUNDS_COUNT_MAX} numbers")
    most = IOC_BOUND_MOST
    read = [
        reader.number({IOC_BOUNDS: one}, IOC_BOUNDS, where="exit", least=PCT_LEAST, most=most, default=most)
        for one in bounds
    ]
    if read != sorted(read):
        raise reader.wrong(f"exit.{IOC_BOUNDS}", "must widen from one to the next")
    values[IOC_BOUNDS] = tuple(read)
    return LadderLimits(**values)


def _engine(reader: "_Reader", table: Mapping[str, object]) -> EngineSettings:
    given, limits = EngineSettings(), GuardLimits()
    # `Any` stands for what each field's own check has found; the names are those of the two classes.
    pct: dict[str, Any] = {
        name: reader.number(
            table, name, where="engine", least=PCT_LEAST, most=Decimal(100), default=getattr(limits, name)
        )
        for name in ENGINE_PCT
    }
    values: dict[str, Any] = {
        name: reader.whole(table, name, where="engine", most=most, default=getattr(given, name))
        for name, most in ENGINE_WHOLE.items()
    }
    for name, (least, most) in ENGINE_SECONDS.items():
        default = Decimal(str(getattr(given, name)))
        values[name] = float(
            reader.number(
                table, name, where="engine", least=Decimal(least), most=Decimal(most), default=default
            )
        )
    act_advice = (
        reader.flag(table, "act_advice", where="engine") if "act_advice" in table else given.act_advice
    )
    limits = replace(limits, **pct)
    if limits.wrong():
        raise reader.wrong("engine", limits.wrong())
    return replace(given, limits=limits, act_advice=act_advice, **values)


def with_account(text: str, fields: Mapping[str, str | None], *, path: Path) -> tuple[str, Account]:
    """Return the text with one more account at its end, everything else untouched, and that account.

    `fields` are those of an `[[account]]`; None leaves one out.

    Raises:
        ConfigInvalid: as `read_config`, for the whole text.
    """
    # JSON's strings are basic strings of TOML.
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value is not None]
    block = "\n".join(["[[account]]", *lines, ""])
    # A blank line apart, also behind a file that ends without a line break.
    whole = f"{text.rstrip()}\n\n{block}" if text.strip() else block
    return whole, parse_config(whole, path=path).accounts[-1]


class _Reader:
    """Reads values out of the document; each complaint names the file, the place and what is allowed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def wrong(self, where: str, what: str) -> ConfigInvalid:
        return ConfigInvalid(f"{self._path}: {where}: {what}.")

    def known(self, table: Mapping[str, object], *, allowed: tuple[str, ...], where: str) -> None:
        for name in table:
            if name in allowed:
                continue
            place = f"{where}.{name}" if where else name
            plain = name.replace("_", "").replace("-", "").lower()
            if any(word in plain for word in _SECRET_WORDS):
                raise self.wrong(
                    place,
                    "a secret does not belong in the configuration. Store it with "
                    '`bastion vault put NAME --from-stdin`, write credential = "NAME" here, and, as this '
                    "file may have been read by others, replace the key at the venue",
                )
            raise self.wrong(place, f"unknown; allowed here: {', '.join(allowed)}")

    def table(
        self, document: Mapping[str, object], name: str, *, allowed: tuple[str, ...]
    ) -> Mapping[str, object]:
        value = document.get(name, {})
        if not isinstance(value, dict):
            raise self.wrong(name, f"must be a table, written as [{name}]")
        self.known(value, allowed=allowed, where=name)
        return value

    def text(self, table: Mapping[str, object], name: str, *, where: str) -> str | None:
        value = table.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{where}.{name}", "must be text that is not empty")
        return value.strip()

    def seconds(
        self, table: Mapping[str, object], name: str, *, least: Decimal, most: Decimal, default: Decimal
    ) -> Decimal:
        return self.number(
            table, name, where="exit", least=least, most=most, default=default, unit=" of seconds"
        )

    def number(
        self,
        table: Mapping[str, object],
        name: str,
        *,
        where: str,
        least: Decimal,
        most: Decimal,
        default: Decimal,
        unit: str = "",
    ) -> Decimal:
        value = table.get(name)
        if value is None:
            return default
        # TOML knows nan and inf; neither is a figure.
        if not isinstance(value, bool) and isinstance(value, int | Decimal):
            number = Decimal(value)
            if number.is_finite() and least <= number <= most:
                return number
        raise self.wrong(f"{where}.{name}", f"must be a number{unit} from {least} to {most}")

    def whole(self, table: Mapping[str, object], name: str, *, where: str, most: int, default: int) -> int:
        value = table.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise self.wrong(f"{where}.{name}", f"must be a whole number from 1 to {most}")
        return value

    def refund(self, entry: Mapping[str, object], venue: str, *, where: str) -> RefundPolicy:
        word = self.text(entry, "refund", where=where)
        if word is None:
            return RefundPolicy.LAST_RUNG if venue in REFUND_VENUES else RefundPolicy.NEVER
        if venue not in REFUND_VENUES:
            raise self.wrong(
                f"{where}.refund",
                f"{venue} does not give margins back; only {', '.join(REFUND_VENUES)} does. Remove this line",
            )
        return RefundPolicy(self.word(entry, "refund", where=where, allowed=tuple(RefundPolicy)))

    def trading(self, entry: Mapping[str, object], venue: str, *, where: str) -> int | None:
        if entry.get("trading_a_minute") is None:
            return None
        if venue not in REFUND_VENUES:
            raise self.wrong(f"{where}.trading_a_minute", f"{venue} is paced by its own published limits")
        return self.whole(entry, "trading_a_minute", where=where, most=TRADING_A_MINUTE_MAX, default=1)

    def flag(self, entry: Mapping[str, object], name: str, *, where: str, default: bool = False) -> bool:
        value = entry.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(f"{where}.{name}", "must be true or false")
        return value

    def word(self, entry: Mapping[str, object], name: str, *, where: str, allowed: tuple[str, ...]) -> str:
        word = self.text(entry, name, where=where) or allowed[0]
        if word not in allowed:
            raise self.wrong(f"{where}.{name}", f"must be one of: {', '.join(allowed)}")
        return word

    def account(self, entry: object, *, where: str) -> Account:
        if not isinstance(entry, dict):
            raise self.wrong(where, "must be a table, written as [[account]]")
        self.known(entry, allowed=_ACCOUNT, where=where)
        name = self.text(entry, "name", where=where)
        venue = self.text(entry, "venue", where=where)
        credential = self.text(entry, "credential", where=where)
        if name is None or venue is None or credential is None:
            missing = next(key for key in ("name", "venue", "credential") if entry.get(key) is None)
            raise self.wrong(f"{where}.{missing}", "missing; an account needs name, venue and credential")
        if NAME_FORM.fullmatch(name) is None:
            raise self.wrong(
                f"{where}.name", "a name is 1 to 64 letters, digits, dots, dashes and underscores"
            )
        venue = venue.lower()
        spaces = key_spaces(venue)
        if not spaces:
            known = ", ".join((*KEY_SPACES, *GENERIC_VENUES))
            raise self.wrong(f"{where}.venue", f"{venue[:40]!r} is not supported; supported: {known}")
        key_space = self.text(entry, "key_space", where=where) or KEY_SPACE_DEFAULT.get(venue, spaces[0])
        if key_space not in spaces:
            raise self.wrong(f"{where}.key_space", f"{venue} has: {', '.join(spaces)}")
        return Account(
            name=name,
            venue=venue,
            key_space=key_space,
            credential=credential,
            host=self.word(entry, "host", where=where, allowed=HOSTS),
            base_url=self._url(entry, "base_url", where=where, schemes=("https", "http")),
            ws_url=self._url(entry, "ws_url", where=where, schemes=("wss", "ws")),
            refund=self.refund(entry, venue, where=where),
            trading_a_minute=self.trading(entry, venue, where=where),
            prove=self.flag(entry, "prove", where=where),
        )

    def _url(
        self, entry: Mapping[str, object], name: str, *, where: str, schemes: tuple[str, str]
    ) -> str | None:
        text = self.text(entry, name, where=where)
        if text is None:
            return None
        form = f"must be {schemes[0]}:// or {schemes[1]}://, a host and an optional path prefix"
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise self.wrong(f"{where}.{name}", form) from None
        if parts.scheme not in schemes or not host or any(character.isspace() for character in text):
            raise self.wrong(f"{where}.{name}", form)
        if parts.username is not None or parts.query or parts.fragment:
            raise self.wrong(f"{where}.{name}", form + ", without user, query or fragment")
        return text.rstrip("/")
