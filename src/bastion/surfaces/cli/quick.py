"""Quick: `exit`, `halt`, `status` and `positions` by way of the daemon where one answers, else without.

Nothing heavy is loaded before the request has left: the daemon's connections are warm and its prices fresh,
so the way to the first order is one message on a unix socket.
"""

import argparse
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from bastion.domain.verdict import HaltVerdict
from bastion.errors import Refused
from bastion.place import find_place
from bastion.surfaces.cli.loading import load
from bastion.surfaces.cli.local import ANOTHER_WORLD, Daemon, Silence, Told, find_daemon
from bastion.surfaces.cli.parsers import exit_parser, halt_parser, positions_parser, status_parser
from bastion.surfaces.cli.selecting import body_of

START_S = 2.0
"""How long the daemon may take to make an exit durable and say its id; then this process does it itself."""
READ_S = 12.0
HALT_S = 75.0
"""A halt is over at the configured deadline at the latest, which is 60 s unless the owner says otherwise."""
_TAKEN = (200, 202)
NEWEST = "newest"
"""In the place of an exit's id: the newest that has no verdict."""
_PARSERS = {
    "exit": exit_parser,
    "halt": halt_parser,
    "status": status_parser,
    "positions": positions_parser,
}


def run(arguments: Sequence[str]) -> int:
    """Run `exit ...`, `halt ...`, `status ...` or `positions ...` and return the exit code."""
    name, *rest = arguments
    parser = _PARSERS[name]()
    try:
        parsed = parser.parse_args(rest)
    except Refused:
        # The way without the daemon tells it, in its words.
        return _alone(arguments)
    if parsed.standalone:
        return _alone(arguments)
    place = find_place(config=parsed.config)
    daemon, why = find_daemon(place)
    if daemon is None:
        if why and place.config is None:
            # Going on would open an embedded exchange of our own, and say flat of that.
            return _refused(f"the daemon is not asked: {why}. {ANOTHER_WORLD}", json=parsed.json)
        if why:
            load("view").complain(f"bastion: the daemon is not asked: {why}. Going on without it.")
        return _alone(arguments)
    ways: dict[str, Callable[..., int]] = {"exit": _exit, "halt": _halt}
    way = _dry if getattr(parsed, "dry_run", False) else ways.get(name, _read)
    try:
        return way(daemon, name, parsed, arguments)
    finally:
        daemon.close()


def _exit(daemon: Daemon, _: str, parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    path, body = "/v1/exits", _wish(parsed)
    if parsed.resume is not None:
        # The daemon may be at work on that very exit, also after its verdict: two would act in its name.
        named = parsed.resume or NEWEST
        if not (named.isascii() and named.isalnum()):
            return _alone(arguments)
        path, body = f"/v1/exits/{named}/resume", {}
    if not (parsed.now or parsed.json or daemon.paper):
        # On a terminal a person has a second to abort.
        try:
            load("following").abort_window()
        except KeyboardInterrupt:
            load("view").complain("Aborted; nothing was sent.")
            return int(load("codes").Code.ABORTED)
    told: Told | None = None
    try:
        told = daemon.ask("POST", path, seconds=START_S, body=body, prefer="respond-async")
        exit_id = str(told.value["exit_id"]) if told.status in _TAKEN else ""
    except (Silence, KeyError, TypeError, ValueError):
        exit_id = ""
    except KeyboardInterrupt:
        load("view").complain(
            "Interrupted while the daemon was asked: the exit may have begun, and then goes on there. "
            "`bastion status` tells, and `bastion exit` joins it."
        )
        return int(load("codes").Code.DETACHED)
    if not exit_id:
        # Refused or silent: what was begun there, if anything, is found in the journal and joined.
        return _instead(daemon, told, parsed, arguments)
    try:
        return int(load("following").run(daemon, exit_id, parsed))
    except KeyboardInterrupt:
        # Before the following has begun; from then on it tells this itself.
        load("view").complain(_goes_on(daemon, exit_id))
        return int(load("codes").Code.DETACHED)


def _wish(parsed: argparse.Namespace) -> dict[str, object]:
    return {
        "reason": parsed.reason,
        "deadline_s": _text(parsed.deadline),
        "hold_s": "0" if parsed.no_hold else _text(parsed.hold),
        **body_of(parsed),
    }


def _dry(daemon: Daemon, name: str, parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    told: Told | None = None
    try:
        told = daemon.ask("POST", "/v1/preview", seconds=READ_S, body=body_of(parsed))
        planned = load("reviving").preview_of(told.text) if told.status in _TAKEN else None
    except (Silence, KeyError, TypeError, ValueError):
        planned = None
    if planned is None:
        return _instead(daemon, told, parsed, arguments)
    acting = load("acting")
    if name == "halt":
        return int(
            acting.tell_dry_halt(planned, stops_too=parsed.stops_too, paper=daemon.paper, json=parsed.json)
        )
    return int(acting.tell_dry_exit(planned, json=parsed.json))


def _goes_on(daemon: Daemon, exit_id: str) -> str:
    return f"The exit goes on in the daemon (process {daemon.pid}); `bastion watch {exit_id}` follows it."


def _halt(daemon: Daemon, _: str, parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    body = {"reason": parsed.reason, "stops_too": parsed.stops_too, **body_of(parsed)}
    told: Told | None = None
    try:
        told = daemon.ask("POST", "/v1/halts", seconds=HALT_S, body=body, prefer=f"wait={HALT_S:.0f}")
        verdict = told.value["verdict"] if told.status in _TAKEN else None
        verdict = None if verdict is None else HaltVerdict(verdict)
    except (Silence, KeyError, TypeError, ValueError):
        verdict = None
    if told is None or verdict is None:
        # Refused, silent or not over: this process joins what was begun there, or does it itself.
        return _instead(daemon, told, parsed, arguments)
    view = load("view")
    if parsed.json:
        view.emit(told.text)
    else:
        for line in load("reviving").lines("halt", told.text):
            view.emit(line)
    return int(load("codes").code_of_halt(verdict))


def _read(daemon: Daemon, name: str, parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    told: Told | None = None
    with contextlib.suppress(Silence, ValueError):
        told = daemon.ask("GET", f"/v1/{name}", seconds=READ_S)
    if told is None or told.status not in _TAKEN:
        return _instead(daemon, told, parsed, arguments)
    view = load("view")
    if parsed.json:
        view.emit(told.text)
    else:
        for line in load("reviving").lines(name, told.text):
            view.emit(line)
    return 0


def _text(value: Any) -> str | None:  # noqa: ANN401 - a Decimal or None out of argparse
    return None if value is None else format(value, "f")


def _instead(daemon: Daemon, told: Told | None, parsed: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Do without the daemon what it did not do, where that means the same accounts."""
    if not daemon.paper:
        return _alone(arguments)
    if told is None:
        text = f"the daemon (process {daemon.pid}) gave no answer. {ANOTHER_WORLD}"
        return _refused(text, json=parsed.json)
    try:
        detail, code = str(told.value["detail"]), str(told.value["code"])
    except (KeyError, TypeError, ValueError):
        detail, code = f"the daemon answered with status {told.status}. {ANOTHER_WORLD}", Refused.code
    return _refused(detail, code=code, json=parsed.json)


def _refused(text: str, *, code: str = Refused.code, json: bool) -> int:
    error = Refused(text + " With --standalone it is done all the same." * (ANOTHER_WORLD in text))
    error.code = code
    load("fast").refuse(error, json=json)
    return int(load("codes").Code.USAGE)


def _alone(arguments: Sequence[str]) -> int:
    door: Callable[[Sequence[str]], int] = load("fast" if arguments[0] != "positions" else "tree").run
    if arguments[0] != "positions":
        return int(door(arguments))
    # The full tree knows no --standalone here: without the daemon it is what happens anyway.
    return int(door([word for word in arguments if word != "--standalone"]))
