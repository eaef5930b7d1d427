"""Steering: `bastion engine ...`, by way of the daemon where one answers, else on the records alone."""

import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from decimal import Decimal
from typing import Any

from bastion.app import Place, open_desk
from bastion.commands import Desk
from bastion.errors import Refused
from bastion.shape import dataclass
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.fast import drive, refuse
from bastion.surfaces.cli.local import ANOTHER_WORLD, Silence, find_daemon
from bastion.surfaces.cli.view import complain, emit
from bastion.surfaces.schemas import dumps, plain

ANSWER_S = 30.0
"""How long the daemon may take: arming reads every account first."""
GOOD = 200
FAILED = 500

Told = Mapping[str, Any]
Lines = Callable[[Told], Iterator[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """One command: how the daemon is asked, what is done without one, and how it is told to a person."""

    method: str
    path: str
    alone: Callable[[Desk], Coroutine[Any, Any, object]]
    lines: Lines
    body: Mapping[str, object] | None = None


def run(place: Place, steer: Steer, *, json: bool) -> int:
    """Do what the command says and return its exit code.

    Raises:
        BastionError: it was refused without the daemon; nothing was done.
    """
    daemon, why = find_daemon(place)
    if daemon is None:
        if why and place.config is None:
            raise Refused(f"the daemon is not asked: {why}. {ANOTHER_WORLD}")
        if why:
            complain(f"bastion: the daemon is not asked: {why}. Going on without it.")
        return drive(lambda: _alone(place, steer, json=json))
    try:
        told = daemon.ask(steer.method, steer.path, seconds=ANSWER_S, body=steer.body)
        value = _value(told.text)
    except (Silence, ValueError):
        if daemon.paper:
            raise Refused(f"the daemon (process {daemon.pid}) gave no answer. {ANOTHER_WORLD}") from None
        complain("bastion: the daemon gave no answer; whether it did what was asked is not known.")
        return drive(lambda: _alone(place, steer, json=json))
    finally:
        daemon.close()
    if told.status != GOOD:
        # The refusal of the process that runs the engine is the answer; without it, less is known.
        refusal = Refused(str(value.get("detail", "The daemon refused it. Nothing was done.")))
        refusal.code = str(value.get("code", Refused.code))
        refuse(refusal, json=json)
        return Code.USAGE if told.status < FAILED else Code.INTERNAL
    _tell(told.text, value, steer.lines, json=json)
    return Code.OK


async def _alone(place: Place, steer: Steer, *, json: bool) -> int:
    async with open_desk(place) as desk:
        report = await steer.alone(desk)
    _tell(dumps(report), plain(report), steer.lines, json=json)
    return Code.OK


def _value(text: str) -> Told:
    value = json.loads(text, parse_float=Decimal)
    return value if isinstance(value, dict) else {}


def _tell(text: str, value: Told, lines: Lines, *, json: bool) -> None:
    if json:
        emit(text)
        return
    for line in lines(value):
        emit(line)


def act_lines(told: Told) -> Iterator[str]:
    """Yield the warnings of starting, arming or disarming; the sentence stands last."""
    for warning in told["warnings"]:
        yield f"  ! {warning}"
    yield str(told["summary"])


def status_lines(told: Told) -> Iterator[str]:
    """Yield each guard with its distance, the settings and the warnings; the sentence stands last."""
    for guard in told["guards"]:
        what = " ".join(str(guard[name]) for name in ("account", "symbol", "direction") if guard[name])
        figure = "not evaluated" if guard["value"] is None else f"{guard['value']} of {guard['limit']}"
        yield (
            f"  {guard['state']:<13} {guard['guard']:<20} {what or 'the whole desk'}: {figure} "
            f"{guard['unit']}"
        )
    config = told["config"]
    yield (
        f"  settings      confidence from {config['confidence_threshold']}, daily loss limit "
        f"{config['daily_loss_limit_usd']} USD, furthest action {config['max_action'] or 'the whole exit'}"
    )
    for warning in told["warnings"]:
        yield f"  ! {warning}"
    yield str(told["summary"])


def history_lines(told: Told) -> Iterator[str]:
    """Yield what the engine advised and did, and what became of itself, oldest first; the sentence last."""
    rows = [
        *(
            (row["timestamp"], row["type"], row["action"], row["symbol"], row["reasoning"])
            for row in told["entries"]
        ),
        *((row["timestamp"], "event", row["event"], row["symbol"], row["message"]) for row in told["events"]),
    ]
    for at, kind, word, symbol, text in sorted(rows, key=lambda row: str(row[0])):
        yield f"  {at}  {kind:<10} {word:<12} {symbol or 'everything':<12} {text}"
    yield str(told["message"])
