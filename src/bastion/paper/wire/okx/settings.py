"""Settings: what a scenario can say of the OKX wire beyond its instruments and accounts.

`demo`: the keys are demo keys. `limits`: requests in a limit's window by path, in place of the venue's own;
`limits = "off"` switches all of them off. `positions`: rows of GET / Positions that an account (field
`account`) holds beside its perpetuals. `algos`: pending algo orders of kinds that never trigger on paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bastion.paper.wire.okx.beside import ForeignAlgo, Row
from bastion.paper.wire.okx.limits import LIMITS, Limit

_NAMES = ("demo", "limits", "positions", "algos")
_POSITION_FIELDS = ("instType", "instId", "pos")
_ALGO_FIELDS = ("ordType", "instId", "side")
_ALGO_BASE = 431_375_349_041_000_000
_POSITION_DEFAULTS = {"mgnMode": "cross", "posSide": "net", "ccy": "USDT", "posId": "307173036050000000"}
_ALGO_DEFAULTS = {
    "instType": "SWAP",
    "posSide": "net",
    "tdMode": "cross",
    "sz": "1",
    "state": "live",
    "reduceOnly": "false",
    "closeFraction": "",
    "algoClOrdId": "",
    "ordId": "",
    "cTime": "1649119897778",
    "uTime": "1649119897778",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The wire's settings, checked."""

    demo: bool
    limits: Mapping[str, Limit]
    positions: tuple[tuple[str, Row], ...]
    algos: tuple[ForeignAlgo, ...]


def read_settings(values: Mapping[str, object]) -> Settings:
    """Return the settings of a scenario's table.

    Raises:
        ValueError: a setting is unknown or of the wrong kind.
    """
    unknown = set(values) - set(_NAMES)
    if unknown:
        raise ValueError(f"OKX's wire knows no setting {min(unknown)}; it has {', '.join(_NAMES)}.")
    demo = values.get("demo", False)
    if not isinstance(demo, bool):
        raise ValueError("The setting demo of OKX's wire must be true or false.")  # noqa: TRY004 - a scenario's value is wrong
    return Settings(
        demo=demo,
        limits=_limits(values.get("limits", {})),
        positions=tuple(
            (_owner(row), {**_POSITION_DEFAULTS, **_without_owner(row)})
            for row in _rows(values.get("positions", []), "positions", _POSITION_FIELDS)
        ),
        algos=tuple(
            ForeignAlgo(
                account=_owner(row),
                row={"algoId": str(_ALGO_BASE + number), **_ALGO_DEFAULTS, **_without_owner(row)},
            )
            for number, row in enumerate(_rows(values.get("algos", []), "algos", _ALGO_FIELDS))
        ),
    )


def _limits(value: object) -> Mapping[str, Limit]:
    if value == "off":
        return {}
    if not isinstance(value, Mapping):
        raise ValueError('The setting limits of OKX\'s wire must be "off", or a table of paths and numbers.')  # noqa: TRY004 - as above
    changed = {str(path): _changed(str(path), count) for path, count in value.items()}
    return {**LIMITS, **changed}


def _changed(path: str, count: object) -> Limit:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"The limit of {path} must be a whole number of at least 1, not {count!r}.")
    return replace(LIMITS.get(path, Limit(count)), count=count)


def _rows(value: object, name: str, fields: Sequence[str]) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise ValueError(f"The setting {name} of OKX's wire must be a list of tables.")
    for row in value:
        lacking = [field for field in fields if field not in row]
        if lacking:
            raise ValueError(f"A row of the setting {name} of OKX's wire lacks {lacking[0]}.")
    return value


def _owner(row: Mapping[str, object]) -> str:
    return str(row.get("account", "main"))


def _without_owner(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "account"}
