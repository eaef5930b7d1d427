"""Fast path: `exit` and `status`, parsed and run with nothing but the standard library in front."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path

from bastion.app import Place, find_place
from bastion.domain.money import decimal
from bastion.errors import BastionError
from bastion.surfaces.cli.codes import Code, code_of_error
from bastion.surfaces.cli.line import LineParser
from bastion.surfaces.cli.press import ExitOptions, run_exit, run_status
from bastion.surfaces.cli.view import complain, emit
from bastion.surfaces.schemas import dumps, error_document


def _seconds(text: str) -> Decimal:
    try:
        return decimal(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of seconds") from None


def _exit_parser() -> LineParser:
    parser = LineParser(
        prog="bastion exit",
        description="Close every open position and cancel every order on every configured account, at market "
        "and reduce-only, prove that nothing is left, and say what it cost. There is no undo.",
        epilog="Exit codes: 0 flat, 4 key or scope, 5 configuration, 6 aborted before anything was sent, "
        "10 NOT FLAT, 11 UNKNOWN (could not be verified), 130 the exit goes on in another process.",
        allow_abbrev=False,
    )
    parser.add_argument("--now", action="store_true", help="skip the second in which Ctrl-C aborts")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.add_argument("--standalone", action="store_true", help="carry the exit out in this process")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (BASTION_CONFIG)")
    parser.add_argument(
        "--resume", nargs="?", const="", metavar="ID", help="take up an exit that has no verdict (the newest)"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for the journal and the report")
    parser.add_argument("--deadline", type=_seconds, metavar="S", help="answer within S seconds (60)")
    holding = parser.add_mutually_exclusive_group()
    holding.add_argument("--hold", type=_seconds, metavar="S", help="keep looking for S seconds after FLAT")
    holding.add_argument("--no-hold", action="store_true", help="end at the verdict")
    return parser


def _status_parser() -> LineParser:
    parser = LineParser(
        prog="bastion status",
        description="Show how the desk stands: its word, its accounts, what their credentials may do, and "
        "the last exit. Changes nothing.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (BASTION_CONFIG)")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Run `exit ...` or `status ...` and return the exit code."""
    json = "--json" in arguments
    return guarded(lambda: _run(arguments), json=json)


def _run(arguments: Sequence[str]) -> int:
    if arguments[0] == "status":
        parsed = _status_parser().parse_args(arguments[1:])
        return drive(lambda: run_status(find_place(config=parsed.config), json=parsed.json))
    parsed = _exit_parser().parse_args(arguments[1:])
    options = ExitOptions(
        now=parsed.now,
        json=parsed.json,
        resume=parsed.resume,
        reason=parsed.reason,
        deadline_s=parsed.deadline,
        hold_s=Decimal(0) if parsed.no_hold else parsed.hold,
    )
    place: Place = find_place(config=parsed.config)
    return drive(lambda: run_exit(place, options))


def drive(command: Callable[[], Awaitable[int]]) -> int:
    """Run one asynchronous command to its end and return its exit code."""

    async def whole() -> int:
        return await command()

    return asyncio.run(whole())


def guarded(command: Callable[[], int], *, json: bool) -> int:
    """Run the command; an error becomes a sentence (or, with `json`, a document) and its exit code."""
    try:
        return command()
    except BastionError as error:
        refuse(error, json=json)
        return code_of_error(error)
    except ExceptionGroup as group:
        known = next((found for found in _leaves(group) if isinstance(found, BastionError)), None)
        if known is None:
            raise
        refuse(known, json=json)
        return code_of_error(known)
    except KeyboardInterrupt:
        complain("Aborted.")
        return Code.ABORTED


def refuse(error: BastionError, *, json: bool) -> None:
    """Tell the error: one JSON document on standard output, or one sentence on standard error."""
    if json:
        emit(dumps(error_document(error)))
    else:
        complain(f"bastion: {error}")


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
