"""Settings: the page docs/reference/config.md, with the defaults and bounds of the file's reader."""

from collections.abc import Iterator
from decimal import Decimal

from bastion import config
from bastion.domain import venue as names
from bastion.engine.settings import EngineSettings, GuardLimits
from bastion.exits import settings as ladder
from bastion.shape import dataclass

_HEAD = """\
# Configuration

<!-- Written by `make docs`; a test holds it to the code. -->

One TOML file of at most 1,000,000 bytes: `--config FILE`, else `BASTION_CONFIG`, else `bastion.toml` in the
state directory; without any, two embedded paper exchanges stand in. It never holds a secret: credentials live
in the vault. An unknown key, a secret, an empty list of accounts or a figure out of its bounds is refused,
with its place in the file, and nothing is done. `bastion connect` adds an account to it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key of the file: `least` and `most` bound a number, `words` are all that a text may be."""

    table: str
    name: str
    text: str
    default: str
    unit: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    whole: bool = False
    words: tuple[str, ...] = ()
    form: str = ""

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.least is not None:
            return f"{'whole number' if self.whole else 'number'}, {self.least} to {self.most}"
        return " or ".join(f"`{word}`" for word in self.words) or self.form


_SPACES = sorted({names.GENERIC_SPACE} | {space for spaces in names.KEY_SPACES.values() for space in spaces})
_ENGINE_TEXT = {
    "poll_s": ("between two readings of the accounts", "s"),
    "near_poll_s": ("the same, while a guard warns", "s"),
    "advice_s": ("between two rounds of advice", "s"),
    "warm_up_s": ("nothing is acted on within this of the start or the arming", "s"),
    "confirm_reads": ("complete readings in a row that must have tripped a guard", "readings"),
    "acts_a_day_max": ("how often guards act in one UTC day", "acts"),
    "drawdown_warn_pct": ("drawdown from the high-water mark: a medium alert", "%"),
    "drawdown_high_pct": ("a high alert", "%"),
    "drawdown_exit_pct": ("the exit, when the average over 5 minutes has reached it too", "%"),
    "drawdown_fast_pct": ("the exit at once", "%"),
    "drawdown_clear_pct": ("below it the episode is over", "%"),
    "liquidation_warn_pct": ("distance of the mark from liquidation: an alert", "%"),
    "liquidation_exit_pct": ("the exit of that position", "%"),
    "liquidation_clear_pct": ("above it the episode is over", "%"),
}


_LADDER_TEXT = {
    "market_rung_s": "how long a market order that the venue did not end may stand; market has no bound",
    "ioc_rung_s": "the same for an immediate-or-cancel limit",
    "resting_rung_s": "how long a limit order rests before it is replaced at the new mark",
    "guard_bound_pct": "how far from the mark the first orders of a guard's exit may go; 0: at market",
    "resting_bound_pct": "how far from the mark a resting limit may lie",
}


def settings() -> Iterator[Setting]:
    """Yield every key that the file may have."""
    yield from _account()
    yield from _exit()
    yield Setting(
        table="vault",
        name="path",
        text="the vault; relative to this file",
        default="`vault.age` in the state directory",
        form="a path",
    )
    yield from _engine()


def _account() -> Iterator[Setting]:
    def row(name: str, text: str, default: str, *, form: str = "", words: tuple[str, ...] = ()) -> Setting:
        return Setting(table="account", name=name, text=text, default=default, form=form, words=words)

    yield row(
        "name",
        "your name for it",
        "required",
        form="1 to 64 letters, digits, `.`, `-`, `_`; unique",
    )
    yield row("venue", "where it is", "required", words=(*names.KEY_SPACES, *names.GENERIC_VENUES))
    yield row("credential", "the name of its credential in the vault", "required", form="a name")
    yield row(
        "host",
        "which of the venue's own hosts; `bastion venues` says which it has",
        "`live`",
        words=names.HOSTS,
    )
    yield row(
        "base_url",
        "another host than the venue's public one",
        "the public host",
        form="`https://` or `http://`, host and prefix, without the API path",
    )
    yield row(
        "ws_url", "the same for its streams", "the public host", form="`wss://` or `ws://`, host and prefix"
    )
    spaces = ", ".join(f"`{space}` ({venue})" for venue, space in names.KEY_SPACE_DEFAULT.items())
    yield row("key_space", "the product family", spaces, words=tuple(_SPACES))
    yield row(
        "refund",
        f"when a margin is refunded instead ({', '.join(config.REFUND_VENUES)} only)",
        "`last_rung`",
        words=("last_rung", "never", "always"),
    )
    yield row(
        "prove",
        "whether `bastion venues prove` may open one smallest position there",
        "`false`",
        words=("true", "false"),
    )
    yield Setting(
        table="account",
        name="trading_a_minute",
        text=f"the venue's limit on trading requests ({', '.join(config.REFUND_VENUES)} only)",
        default="the venue's documented one",
        unit="requests a minute",
        least=Decimal(1),
        most=Decimal(config.TRADING_A_MINUTE_MAX),
        whole=True,
    )


def _exit() -> Iterator[Setting]:
    given = config.Config(path=None)

    def row(name: str, text: str, unit: str, least: int, most: Decimal | int) -> Setting:
        default = getattr(given, name)
        return Setting(
            table="exit",
            name=name,
            text=text,
            unit=unit,
            default=f"`{default}`",
            least=Decimal(least),
            most=Decimal(most),
            whole=isinstance(default, int),
        )

    yield row("deadline_s", "when an exit answers at the latest", "s", 1, config.DEADLINE_S_MAX)
    yield row(
        "hold_s", "how long a standing process closes what reopens after FLAT", "s", 0, config.HOLD_S_MAX
    )
    yield row(
        "recent_look_s",
        "how old a look may be for the first orders to go by it; 0: an exit always looks first",
        "s",
        0,
        config.RECENT_S_MAX,
    )
    yield Setting(
        table="exit",
        name="streams",
        text="whether a standing process listens to the venues' private streams, to look when they ring",
        default="`true`",
        words=("true", "false"),
    )
    yield row(
        "intent_commit_budget_ms",
        "how long the first orders may wait for the journal",
        "ms",
        1,
        config.COMMIT_MS_MAX,
    )
    yield row(
        "refund_after_tries", "refused rounds before the last rung", "rounds", 1, config.REFUND_TRIES_MAX
    )
    yield row("refund_after_s", "refused for so long before the last rung", "s", 0, config.DEADLINE_S_MAX)
    yield from _ladder(given.ladder)


def _ladder(given: ladder.LadderLimits) -> Iterator[Setting]:
    for name, (least, most) in ladder.LADDER.items():
        yield Setting(
            table="exit",
            name=name,
            text=_LADDER_TEXT[name],
            unit="s" if name.endswith("_s") else "%",
            default=f"`{getattr(given, name)}`",
            least=least,
            most=most,
        )
    yield Setting(
        table="exit",
        name=ladder.IOC_BOUNDS,
        text="how far from the mark an immediate-or-cancel limit may go, one after the other",
        unit="%",
        default=f"`[{', '.join(str(bound) for bound in given.ioc_bounds_pct)}]`",
        form=f"a list of at most {ladder.IOC_BOUNDS_COUNT_MAX} numbers, {config.PCT_LEAST} to "
        f"{ladder.IOC_BOUND_MOST}, each at least the one before",
    )


def _engine() -> Iterator[Setting]:
    given, limits = EngineSettings(), GuardLimits()
    bounds: dict[str, tuple[Decimal, Decimal, bool]] = {
        name: (Decimal(least), Decimal(most), False) for name, (least, most) in config.ENGINE_SECONDS.items()
    }
    bounds |= {name: (Decimal(1), Decimal(most), True) for name, most in config.ENGINE_WHOLE.items()}
    bounds |= {name: (config.PCT_LEAST, Decimal(100), False) for name in config.ENGINE_PCT}
    for name, (least, most, whole) in bounds.items():
        text, unit = _ENGINE_TEXT[name]
        default = getattr(limits if name in config.ENGINE_PCT else given, name)
        yield Setting(
            table="engine",
            name=name,
            text=text,
            unit=unit,
            default=f"`{Decimal(str(default)).normalize():f}`",
            least=least,
            most=most,
            whole=whole,
        )
    yield Setting(
        table="engine",
        name="act_advice",
        text="whether an armed engine carries out advice, or its guards' trips alone",
        default=f"`{str(given.act_advice).lower()}`",
        words=("true", "false"),
    )


def page() -> str:
    """Return the page."""
    rows = list(settings())
    parts = [_HEAD]
    for table, title in (
        ("account", "`[[account]]`, once for each account, at most 200"),
        ("exit", "`[exit]`"),
        ("vault", "`[vault]`"),
        ("engine", "`[engine]`"),
    ):
        parts.append(f"## {title}\n")
        parts.append("| key | meaning | default | unit | allowed |\n|---|---|---|---|---|")
        parts += [
            f"| `{row.name}` | {row.text} | {row.default} | {row.unit} | {row.allowed} |"
            for row in rows
            if row.table == table
        ]
        parts.append("")
    parts.append("What the engine's figures do: [the engine](engine.md).\n")
    return "\n".join(parts)
